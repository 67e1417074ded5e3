"""Records: every result as it came, whole on the disk or not there, known by what it was made from.

A run that was interrupted, even killed, loses the subject it was at and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.analysis import LesionSources, Subject
from app.cli.arguments import VERSION
from app.studies.study import Stack, Study
from app.workspace.files import write_atomically
from app.workspace.result_document import as_stored, document_of, pack, result_of
from inference.card import FILE_NAME

if TYPE_CHECKING:
    from inference.card import ModelCard
    from inference.result import Result

_TEMPORARY = re.compile(r"\..+-[a-z0-9_]{8}")  # names of app.workspace.files.write_atomically


def short_hash(*parts: object) -> str:
    """Return eight characters that are the same for the same parts."""
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def folder_name(study: Study) -> str:
    """Return the name of a study's folder: patient, date, and a few characters of its UID."""
    words = re.sub(r"[^A-Za-z0-9.-]+", "_", f"{study.patient_id or 'no-id'}-{study.date or 'no-date'}").strip("._-")
    return f"{words[:60]}-{short_hash(study.uid)}"


def fingerprint(card: ModelCard, subject: Subject, lesions: LesionSources, source: Path) -> str:
    """Return what a result is made from as one hash: images, model, lesions, program.

    Parameters
    ----------
    source
        The path that was given: files that are not below it were unpacked from it, and it stands for them.
    """
    card_file = card.folder / FILE_NAME
    made_from: dict[str, Any] = {
        "program": VERSION,
        "card": hashlib.sha256(card_file.read_bytes()).hexdigest() if card_file.is_file() else repr(card),
        "weights": card.weights_sha256,
        "place": [subject.stack_uid, subject.slice_index],
        "images": [_images(stack, source) for stack in _stacks(subject)],
    }
    if subject.is_whole:
        made_from["dynamic"] = asdict(subject.dynamic)
    if card.accepts.get("needs_lesions"):
        made_from["boxes"] = [box.as_dict() for box in lesions.boxes]
        made_from["point"] = lesions.point_mm
        made_from["results"] = [_identity(one) for one in lesions.results if one.provenance.model_id != card.id]
    return hashlib.sha256(json.dumps(made_from, sort_keys=True, default=str).encode()).hexdigest()


def _stacks(subject: Subject) -> list[Stack]:
    """Return the stacks a subject is made of: of a whole examination its phases and what may be its T2."""
    study = subject.study
    if not subject.is_whole:
        return [study.stack(subject.stack_uid)]
    phases = [study.stack(phase.stack_uid) for phase in subject.dynamic.phases]
    return phases + [stack for series in study.series for stack in series.stacks if stack.weighting == "T2"]


def _images(stack: Stack, source: Path) -> list[Any]:
    paths = {frame.path for frame in stack.frames if frame.index >= 0}
    files = sorted({path if path.is_relative_to(source) else source for path in paths})
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return [stack.uid, stack.spacing_mm, [frame.sop_instance_uid for frame in stack.frames], stats]


def _identity(result: Result) -> list[Any]:
    """Return what makes a result another one; not when and how fast it was made."""
    document = document_of(result)
    return [{key: value for key, value in document.items() if key != "provenance"}, result.provenance.weights_sha256]


class Records:
    """The records of one study.

    Parameters
    ----------
    folder
        The study's folder; files that a killed run left half-written in it are removed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for left in (*folder.glob(".*"), *folder.glob("records/*/.*")):
            if left.is_file() and _TEMPORARY.fullmatch(left.name):
                left.unlink(missing_ok=True)

    def read(self, card: ModelCard, subject: Subject, made_from: str) -> Result | None:
        """Return the result of a subject, None where there is none of just these images, model and lesions."""
        path = self._path(card, subject)
        try:
            record = json.loads(path.read_text("utf-8"))
            if record["fingerprint"] != made_from:
                return None
            content = path.with_suffix(".npz").read_bytes() if record["arrays_sha256"] else None
            if content is not None and hashlib.sha256(content).hexdigest() != record["arrays_sha256"]:
                return None
            return result_of(record["document"], content)
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not there, or not whole: it is read again

    def write(self, card: ModelCard, subject: Subject, made_from: str, result: Result) -> Result:
        """Store the result of a subject, arrays before the document that speaks of them; return it as stored.

        Raises
        ------
        WorkspaceError
            Where the disk is full or may not be written.
        """
        path, content = self._path(card, subject), pack(result)
        if content is not None:
            write_atomically(path.with_suffix(".npz"), content)
        record = {
            "fingerprint": made_from,
            "subject": subject.title,
            "arrays_sha256": hashlib.sha256(content).hexdigest() if content is not None else "",
            "document": document_of(result),
        }
        write_atomically(path, json.dumps(record).encode())
        return as_stored(result)

    def _path(self, card: ModelCard, subject: Subject) -> Path:
        part = "whole" if subject.is_whole else f"{subject.slice_index + 1:04d}"
        return self._folder / "records" / card.id / f"{short_hash(subject.stack_uid)}-{part}.json"


def write_json(path: Path, values: dict[str, Any] | Sequence[Any]) -> None:
    """Write JSON whole or not at all."""
    write_atomically(path, json.dumps(values, indent=2).encode())


__all__ = ["Records", "fingerprint", "folder_name", "short_hash", "write_json"]
