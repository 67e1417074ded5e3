"""Results: what a model said, as a JSON document in the database and its maps and masks in an array file beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, insert, select

from app.workspace import tables
from app.workspace.annotations import ensure_study
from app.workspace.box import new_uid, now
from app.workspace.database import Database
from app.workspace.files import write_atomically
from app.workspace.history import StoredResult
from app.workspace.result_document import as_stored, document_of, pack, result_of

if TYPE_CHECKING:
    from inference.result import Result


class Results:
    """The results of every study.

    Parameters
    ----------
    folder
        Where the array files lie; made when first needed.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def save(self, place: tuple[str, str, str, int], result: Result) -> StoredResult:
        """Store a result; the array file is whole on the disk before the database speaks of it.

        Parameters
        ----------
        place
            Study uid, stack uid, SOP instance uid and native slice index (from 0; −1 for a whole examination).

        Returns
        -------
        StoredResult
            With the result as it will come back: large maps in half precision.
        """
        study_uid, stack_uid, sop_instance_uid, slice_index = place
        uid, content = new_uid(), pack(result)
        kept = as_stored(result)
        stored = StoredResult(uid, study_uid, stack_uid, sop_instance_uid, slice_index, now(), kept)
        file, digest = None, None
        if content is not None:
            file, digest = f"{stored.uid}.npz", hashlib.sha256(content).hexdigest()
            write_atomically(self._folder / file, content)
        with self._database.writing() as connection:
            ensure_study(connection, study_uid)
            connection.execute(
                insert(tables.results).values(
                    uid=stored.uid,
                    study_uid=study_uid,
                    stack_uid=stack_uid,
                    sop_instance_uid=sop_instance_uid,
                    slice_index=int(slice_index),
                    saved=stored.saved,
                    document=document_of(result),
                    arrays_file=file,
                    arrays_sha256=digest,
                )
            )
        return stored

    def of_study(self, study_uid: str, newest: bool = False) -> tuple[tuple[StoredResult, ...], tuple[str, ...]]:
        """Return the results of a study, newest last, and a sentence for each that this program cannot read.

        Parameters
        ----------
        newest
            Of several of one image and model only the newest.
        """
        query = select(tables.results).where(tables.results.c.study_uid == study_uid).order_by(tables.results.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        stored, unread = [], []
        for row in _newest(rows) if newest else rows:
            try:
                stored.append(self._stored(row))
            except (KeyError, TypeError, ValueError) as error:
                unread.append(
                    f"A result saved on {row.saved} cannot be read by this version of BreastLens "
                    f"({type(error).__name__}: {error}); it is kept in the workspace. Run the model again to see it."
                )
        return tuple(stored), tuple(unread)

    def delete(self, uid: str) -> None:
        """Delete a result and its array file; nothing happens where there is none."""
        table = tables.results
        with self._database.writing() as connection:
            file = connection.execute(select(table.c.arrays_file).where(table.c.uid == uid)).scalar()
            connection.execute(delete(table).where(table.c.uid == uid))
        if file is not None:
            (self._folder / file).unlink(missing_ok=True)

    def problems(self) -> tuple[str, ...]:
        """Return a sentence for each array file that is missing or altered."""
        table = tables.results
        with self._database.reading() as connection:
            rows = connection.execute(select(table).where(table.c.arrays_file.is_not(None))).all()
        sentences = (self._content(row)[1] for row in rows)
        return tuple(sentence for sentence in sentences if sentence)

    def _stored(self, row: Row[Any]) -> StoredResult:
        content, problem = self._content(row) if row.arrays_file is not None else (None, "")
        result = result_of(row.document, content)
        if problem:
            result = replace(result, warnings=(*result.warnings, problem))
        return StoredResult(
            row.uid, row.study_uid, row.stack_uid, row.sop_instance_uid, row.slice_index, row.saved, result
        )

    def _content(self, row: Row[Any]) -> tuple[bytes | None, str]:
        path = self._folder / row.arrays_file
        again = "The scores are as they were saved; run the model again to see its map."
        try:
            content = path.read_bytes()
        except OSError as error:
            return None, f"The heat map file {path} cannot be read ({error.strerror or error}). {again}"
        if hashlib.sha256(content).hexdigest() != row.arrays_sha256:
            return None, f"The heat map file {path} was altered after it was saved, so it is not shown. {again}"
        return content, ""


def _newest(rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Return the newest result of each image and model; one that names no model stays."""
    last: dict[tuple[str, int, object], Row[Any]] = {}
    for row in rows:
        made = row.document.get("provenance") if isinstance(row.document, dict) else None
        model = made.get("model_id") if isinstance(made, dict) else f"unknown {row.id}"
        last[row.stack_uid, row.slice_index, model] = row
    return sorted(last.values(), key=lambda row: row.id)
