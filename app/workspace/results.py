"""Results: what a model said, as a JSON document in the database and its heat maps in an array file beside it."""

from __future__ import annotations

import hashlib
import io
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, insert, select

from app.workspace import tables
from app.workspace.annotations import ensure_study
from app.workspace.box import new_uid, now
from app.workspace.database import Database
from app.workspace.errors import WorkspaceError
from app.workspace.files import write_atomically
from app.workspace.history import StoredResult

if TYPE_CHECKING:
    from inference.result import Heatmap, Result

FORMAT = 1


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
            Study uid, stack uid, SOP instance uid and native slice index (from 0).
        """
        study_uid, stack_uid, sop_instance_uid, slice_index = place
        stored = StoredResult(new_uid(), study_uid, stack_uid, sop_instance_uid, slice_index, now(), result)
        file, digest = None, None
        if result.heatmaps:
            content = _pack(result.heatmaps)
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
                    document=_document(result),
                    arrays_file=file,
                    arrays_sha256=digest,
                )
            )
        return stored

    def of_study(self, study_uid: str) -> tuple[tuple[StoredResult, ...], tuple[str, ...]]:
        """Return the results of a study, newest last, and a sentence for each that this program cannot read."""
        query = select(tables.results).where(tables.results.c.study_uid == study_uid).order_by(tables.results.c.id)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        stored, unread = [], []
        for row in rows:
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
        result = _result(row.document)
        if row.arrays_file is not None:
            content, problem = self._content(row)
            if content is None:
                result = replace(result, warnings=(*result.warnings, problem))
            else:
                result = replace(result, heatmaps=_unpack(row.document["heatmaps"], content))
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


def _document(result: Result) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "status": str(result.status),
        "scores": [asdict(score) for score in result.scores],
        "findings": [asdict(finding) for finding in result.findings],
        "warnings": list(result.warnings),
        "provenance": asdict(result.provenance),
        "heatmaps": [
            {
                "name": heatmap.name,
                "title": heatmap.title,
                "unit": heatmap.unit,
                "value_range": list(heatmap.value_range),
                "coordinate_system": str(heatmap.volume.coordinate_system.value),
                "frame_of_reference_uid": heatmap.volume.frame_of_reference_uid,
            }
            for heatmap in result.heatmaps
        ],
    }


def _result(document: dict[str, Any]) -> Result:
    from inference.result import Finding, Provenance, Result, Score, Status

    if document["format"] > FORMAT:
        raise ValueError(f"its format {document['format']} is newer than {FORMAT}")
    return Result(
        status=Status(document["status"]),
        scores=tuple(Score(**values) for values in document["scores"]),
        heatmaps=(),
        findings=tuple(
            Finding(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
            for values in document["findings"]
        ),
        warnings=tuple(document["warnings"]),
        provenance=Provenance(**document["provenance"]),
    )


def _pack(heatmaps: tuple[Heatmap, ...]) -> bytes:
    import numpy as np

    arrays = {}
    for index, heatmap in enumerate(heatmaps):
        if heatmap.volume.number_of_channel_dimensions:
            raise WorkspaceError(f"The map {heatmap.name!r} has channels; a map is stored as (slices, rows, columns).")
        arrays[f"array{index}"] = heatmap.volume.array
        arrays[f"affine{index}"] = heatmap.volume.affine
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _unpack(described: list[dict[str, Any]], content: bytes) -> tuple[Heatmap, ...]:
    import numpy as np
    from highdicom import Volume

    from inference.result import Heatmap

    heatmaps = []
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        for index, values in enumerate(described):
            volume = Volume(
                arrays[f"array{index}"],
                arrays[f"affine{index}"],
                coordinate_system=values["coordinate_system"],
                frame_of_reference_uid=values["frame_of_reference_uid"],
            )
            low, high = values["value_range"]
            heatmaps.append(Heatmap(values["name"], values["title"], volume, values["unit"], (low, high)))
    return tuple(heatmaps)
