"""Corrections: stored motion corrections of a study, one file each beside the database, listed in a file per study."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.workspace.errors import WorkspaceError
from app.workspace.files import write_atomically

if TYPE_CHECKING:
    from inference.prepare.correction import Correction

FORMAT = 1
LIST = "corrections.json"
FOLDER = "corrections"
Pair = tuple[str, str]


@dataclass(frozen=True)
class StoredCorrections:
    """What is stored of a study.

    Attributes
    ----------
    found
        By the uids of the phase that moved and of its reference.
    unused
        Uids of the dynamic series whose corrections the user has put out of use.
    problems
        A sentence for each file that is missing, altered or not readable.
    """

    found: dict[Pair, Correction]
    unused: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Corrections:
    """The corrections of every study. Whoever calls writes from one thread only.

    Parameters
    ----------
    workspace
        Folder of the workspace; a folder of ours is made in it when first needed.
    """

    def __init__(self, workspace: Path) -> None:
        self._folder = workspace / FOLDER

    def save(self, study_uid: str, pair: Pair, correction: Correction) -> None:
        """Store a correction in place of an older one; its file is whole on the disk before the list names it.

        Raises
        ------
        WorkspaceError
            Where the disk is full or may not be written; what was stored before is untouched.
        """
        from inference.prepare.correction_file import pack

        content = pack(correction)
        digest = hashlib.sha256(content).hexdigest()
        file = f"{_name('|'.join(pair))}-{digest[:12]}.npz"
        write_atomically(self._of(study_uid) / file, content)
        listed = self._list(study_uid)
        older = [entry for entry in listed["corrections"] if (entry["of"], entry["reference"]) == pair]
        kept = [entry for entry in listed["corrections"] if entry not in older]
        new = {"of": pair[0], "reference": pair[1], "file": file, "sha256": digest}
        self._write(study_uid, {**listed, "corrections": [*kept, new]})
        for entry in older:
            if entry["file"] != file:
                (self._of(study_uid) / entry["file"]).unlink(missing_ok=True)

    def of_study(self, study_uid: str) -> StoredCorrections:
        """Return what is stored of a study; what cannot be read is left out and told."""
        from inference.errors import EngineError
        from inference.prepare.correction_file import unpack

        found: dict[Pair, Correction] = {}
        problems = []
        try:
            listed = self._list(study_uid)
        except WorkspaceError as error:
            return StoredCorrections({}, (), (f"{error} {error.hint}",))
        for entry in listed["corrections"]:
            path = self._of(study_uid) / entry["file"]
            try:
                content = path.read_bytes()
                if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                    problems.append(
                        f"The motion correction {path} was altered after it was saved, so it is not used. "
                        "Correct the motion again (Ctrl+M)."
                    )
                    continue
                found[entry["of"], entry["reference"]] = unpack(content)
            except OSError as error:
                problems.append(
                    f"The motion correction {path} cannot be read ({error.strerror or error}). "
                    "Correct the motion again (Ctrl+M)."
                )
            except EngineError as error:
                problems.append(f"{error} {error.hint}")
        return StoredCorrections(found, tuple(listed["unused"]), tuple(problems))

    def set_unused(self, study_uid: str, unused: tuple[str, ...]) -> None:
        """Note the dynamic series whose corrections the user has put out of use."""
        self._write(study_uid, {**self._list(study_uid), "unused": sorted(unused)})

    def delete(self, study_uid: str, pairs: tuple[Pair, ...]) -> None:
        """Delete corrections; nothing happens where there are none."""
        listed = self._list(study_uid)
        gone = [entry for entry in listed["corrections"] if (entry["of"], entry["reference"]) in pairs]
        kept = [entry for entry in listed["corrections"] if entry not in gone]
        if not kept and not listed["unused"]:
            shutil.rmtree(self._of(study_uid), ignore_errors=True)
            return
        self._write(study_uid, {**listed, "corrections": kept})
        for entry in gone:
            (self._of(study_uid) / entry["file"]).unlink(missing_ok=True)

    def _of(self, study_uid: str) -> Path:
        return self._folder / _name(study_uid)

    def _write(self, study_uid: str, values: dict[str, Any]) -> None:
        write_atomically(self._of(study_uid) / LIST, json.dumps(values, indent=1).encode())

    def _list(self, study_uid: str) -> dict[str, Any]:
        path = self._of(study_uid) / LIST
        try:
            values = json.loads(path.read_bytes())
            entries = [{name: str(entry[name]) for name in _ENTRY} for entry in values["corrections"]]
            entries = [entry for entry in entries if Path(entry["file"]).name == entry["file"]]  # never outside
            unused = [str(uid) for uid in values["unused"]]
        except FileNotFoundError:
            return {"format": FORMAT, "study": study_uid, "unused": [], "corrections": []}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(
                f"The list of motion corrections {path} cannot be read ({error}).",
                "Delete this file, then correct the motion again (Ctrl+M).",
            ) from error
        return {"format": FORMAT, "study": study_uid, "unused": unused, "corrections": entries}


_ENTRY = ("of", "reference", "file", "sha256")


def _name(uid: str) -> str:
    """Return a file name for a uid, which may hold anything."""
    return hashlib.sha256(uid.encode()).hexdigest()[:24]
