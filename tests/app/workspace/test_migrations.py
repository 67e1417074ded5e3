"""The migrations make exactly the tables the program works with, and an upgrade keeps every box."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.workspace import schema, tables
from app.workspace.box import Box, Edit
from app.workspace.database import Database
from app.workspace.errors import WorkspaceError
from app.workspace.store import Workspace

STUDY = "1.2.840.1"
SECOND = '''"""A later migration, as a future version would bring it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("boxes", sa.Column("depth_mm", sa.Float()))
    {then}
'''


def test_migrated_database_and_tables_agree(folder: Path) -> None:
    Workspace.open(folder).close()
    database = Database(folder / "workspace.sqlite")
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
        assert schema.revision_of(connection) == schema.HEAD
    database.close()


def test_head_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(schema.configuration()).get_heads() == [schema.HEAD]


def test_down_and_up_again(folder: Path) -> None:
    folder.mkdir()
    database = Database(folder / "workspace.sqlite")
    with database.writing() as connection:
        schema.upgrade(connection)
        command.downgrade(schema.configuration(connection), "base")
    with database.writing() as connection:
        schema.upgrade(connection)
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    database.close()


def test_the_migrations_are_shipped() -> None:
    assert isinstance(schema.configuration(), Config)
    assert {"env.py", "script.py.mako"} <= {path.name for path in schema.MIGRATIONS.iterdir()}


@pytest.fixture
def future(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make this program one migration newer."""

    def bring(then: str) -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(schema.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "0003_depth.py").write_text(SECOND.format(then=then))
        monkeypatch.setattr(schema, "MIGRATIONS", folder)
        monkeypatch.setattr(schema, "HEAD", "0003")

    return bring


def test_an_upgrade_keeps_the_boxes_and_a_backup_of_before(
    folder: Path, drawn: tuple[Box, ...], future: Callable[[str], None], make_box: Callable[..., Box]
) -> None:
    before = set((folder / "backups").iterdir())
    future("pass")
    with Workspace.open(folder) as workspace:
        (backup,) = set((folder / "backups").iterdir()) - before
        assert workspace.boxes(STUDY) == drawn
        workspace.apply(Edit(None, make_box()))
        assert workspace.undo(STUDY) is not None
        assert workspace.check() == ()
    old = Database(backup)
    with old.reading() as connection:
        assert schema.revision_of(connection) == "0002"
    old.close()


def test_an_upgrade_that_fails_leaves_the_old_database(
    folder: Path, drawn: tuple[Box, ...], future: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS)
        future("op.drop_table('no such table')")
        with pytest.raises(WorkspaceError):
            Workspace.open(folder)
    monkeypatch.undo()
    with Workspace.open(folder) as workspace:
        assert workspace.notices == ()
        assert workspace.boxes(STUDY) == drawn


def test_a_rescue_upgrades_an_old_backup(folder: Path, drawn: tuple[Box, ...], future: Callable[[str], None]) -> None:
    (folder / "workspace.sqlite").write_bytes(b"broken")
    future("pass")
    with Workspace.open(folder) as workspace:
        assert len(workspace.notices) == 1
        assert workspace.boxes(STUDY) == drawn
