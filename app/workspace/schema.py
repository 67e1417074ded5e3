"""Schema: brings a workspace database to the shape this program knows, or refuses a newer one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from app.workspace.errors import WorkspaceError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")

# Revision of the newest migration. Alembic takes half a second to import, so it is only loaded when a file differs.
HEAD = "0002"


def revision_of(connection: Connection) -> str | None:
    """Return the revision a database is at; None for one without our tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for the bundled migrations, working on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def known_revisions() -> frozenset[str]:
    """Return the revisions this program can start from."""
    from alembic.script import ScriptDirectory

    return frozenset(script.revision for script in ScriptDirectory.from_config(configuration()).walk_revisions())


def refuse_newer(revision: str | None) -> None:
    """Raise WorkspaceError for a database of a program newer than this one; touches nothing."""
    if revision in (None, HEAD) or revision in known_revisions():
        return
    raise WorkspaceError(
        f"This workspace was made by a newer version of BreastLens (its tables are at {revision!r}, "
        f"this program knows up to {HEAD!r}).",
        "Update BreastLens, or choose another workspace folder in the preferences. Nothing was changed.",
    )


def upgrade(connection: Connection) -> None:
    """Run every migration that is missing, inside the caller's transaction."""
    from alembic import command

    command.upgrade(configuration(connection), "head")
