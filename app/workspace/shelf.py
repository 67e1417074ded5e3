"""Shelf: what is remembered of a study besides boxes and results: its place, its view, corrections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from app.workspace import tables
from app.workspace.annotations import ensure_study
from app.workspace.box import now
from app.workspace.database import Database
from app.workspace.history import RecentStudy

if TYPE_CHECKING:
    from app.studies.study import Study


def title_of(study: Study) -> str:
    """Return what a user reads in the list of recent studies: name, description, date."""
    name = " ".join(study.patient_name.replace("^", " ").split())
    date = study.date
    if len(date) == 8 and date.isdigit():
        date = f"{date[:4]}-{date[4:6]}-{date[6:]}"
    return " · ".join(part for part in (name or study.patient_id, study.description, date) if part)


class Shelf:
    """Facts about studies, one row each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remember(self, study: Study, path: Path) -> None:
        """Note that a study was opened just now from a folder or file."""
        self._write(study.uid, path=str(Path(path).absolute()), title=title_of(study), opened=now())

    def recent(self, limit: int) -> tuple[RecentStudy, ...]:
        """Return the studies opened last, newest first."""
        table = tables.studies
        query = select(table).where(table.c.opened.is_not(None)).order_by(table.c.opened.desc()).limit(limit)
        with self._database.reading() as connection:
            return tuple(RecentStudy(Path(r.path), r.uid, r.title, r.opened) for r in connection.execute(query))

    def save(self, study_uid: str, kind: str, values: dict[str, Any]) -> None:
        """Store JSON values of a kind: `view_state` or `override`."""
        self._write(study_uid, **{kind: values})

    def read(self, study_uid: str, kind: str) -> dict[str, Any]:
        """Return what :meth:`save` stored; empty where nothing was."""
        query = select(tables.studies.c[kind]).where(tables.studies.c.uid == study_uid)
        with self._database.reading() as connection:
            return connection.execute(query).scalar() or {}

    def _write(self, study_uid: str, **values: Any) -> None:
        with self._database.writing() as connection:
            ensure_study(connection, study_uid)
            connection.execute(update(tables.studies).where(tables.studies.c.uid == study_uid).values(**values))
