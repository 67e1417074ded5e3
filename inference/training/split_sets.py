"""What a split is: hashes of the patients on each side, written to JSON and read back; nobody is on two sides."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.errors import EngineError
from inference.training.json_files import read_json, write_json

TRAIN, VALIDATION, TEST = SIDES = ("train", "validation", "test")
_HASH = re.compile(r"[0-9a-f]{12}")
_AGAIN = "Make the splits again from the patients' ids."


def patient_hash(patient: str) -> str:
    """Return the first 12 hexadecimal digits of the SHA-256 of a patient's id, as cards name patients.

    A pseudonym and not an anonymisation: who can guess an id can check the guess.
    """
    return hashlib.sha256(patient.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Split:
    """Hashes of the patients on each side, sorted; a patient on two sides is refused.

    Attributes
    ----------
    name
        Such as ``"fold 2 of 5"``.
    train, validation, test
        Patients to learn from, to choose a checkpoint or threshold with (may be empty), and to measure with.
    """

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        everybody = (*self.train, *self.validation, *self.test)
        if not all(isinstance(patient, str) and _HASH.fullmatch(patient) for patient in everybody):
            raise EngineError(f"The split {self.name!r} names patients by something else than their hashes.", _AGAIN)
        twice = len(everybody) - len(set(everybody))
        if twice:
            raise EngineError(f"The split {self.name!r} has {twice} patients on more than one side.", _AGAIN)

    def sides(self, patients: Sequence[str]) -> np.ndarray:
        """Return the side of each item, shape (items,), from the ids of the items' patients.

        Raises
        ------
        EngineError
            Where a patient is in no side of this split.
        """
        side_of = {patient: side for side in SIDES for patient in getattr(self, side)}
        missing = {patient for patient in patients if patient_hash(patient) not in side_of}
        if missing:
            raise EngineError(
                f"{len(missing)} of {len(set(patients))} patients are not in the split {self.name!r}.",
                "The data have changed since it was made: make the splits again.",
            )
        return np.array([side_of[patient_hash(patient)] for patient in patients], dtype="<U10")


@dataclass(frozen=True)
class Splits:
    """Splits of one data set and how they were made.

    Attributes
    ----------
    method
        A few words, such as ``"5 folds by patient"``.
    """

    method: str
    seed: int
    splits: tuple[Split, ...]

    def write(self, path: Path) -> None:
        """Write them as JSON; hashes only."""
        write_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Splits:
        """Return what :meth:`write` wrote; raises EngineError where the file holds something else."""
        try:
            return cls._from_json(read_json(path))
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError(f"{path} holds no splits: {error!r}.", _AGAIN) from error

    @classmethod
    def _from_json(cls, value: dict[str, Any]) -> Splits:
        splits = (Split(str(one["name"]), *(tuple(one[side]) for side in SIDES)) for one in value["splits"])
        return cls(str(value["method"]), int(value["seed"]), tuple(splits))

    def numbers(self, fold: int = 0) -> tuple[int, ...]:
        """Return the numbers, from 1, of the splits that are asked for: one, or all for 0.

        Raises
        ------
        EngineError
            Where there is no such split.
        """
        count = len(self.splits)
        if not 0 <= fold <= count:
            raise EngineError(f"There is no fold {fold} of {count}.", f"Give --fold a number from 1 to {count}.")
        return (fold,) if fold else tuple(range(1, count + 1))

    def held_out_in(self, patients: Sequence[str]) -> np.ndarray:
        """Return for each item the number of the split in which its patient is tested; for folds, which test each once.

        Raises
        ------
        EngineError
            Where a patient is tested in no split or in several.
        """
        tested = [(patient, number) for number, split in enumerate(self.splits) for patient in split.test]
        fold_of = dict(tested)
        hashes = [patient_hash(patient) for patient in patients]
        if len(fold_of) < len(tested) or not fold_of.keys() >= set(hashes):
            raise EngineError(f"Not every patient is tested exactly once in {self.method}.", _AGAIN)
        return np.array([fold_of[patient] for patient in hashes], dtype=int)
