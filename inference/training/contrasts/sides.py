"""Who is on which side: patients held out and folds of patients for system 002, and the leak check."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.errors import EngineError
from inference.progress import Progress
from inference.training.contrasts.patches import LesionSamples
from inference.training.leaks import Item, refuse_leaks
from inference.training.phantom_exams import is_held_out
from inference.training.split_sets import Split, Splits, patient_hash
from inference.training.splits import k_folds, with_validation

METHOD = "by examination: seed % 4 = 3 held out"
_INNER = 1 / 9  # of the training side: a tenth of all, as large as the test side of ten folds


def held_out(lesions: Sequence[LesionSamples]) -> Splits:
    """Return the split of the published model.

    Raises
    ------
    EngineError
        Where either side lacks a class.
    """
    for side in (False, True):
        if {bool(one.malignant) for one in lesions if one.is_held_out == side} != {False, True}:
            raise EngineError(
                "The phantom examinations are too few: both sides need benign and malignant lesions.",
                "Write more: python -m inference.training.phantom_exams FOLDER --count 40",
            )
    test = {one.seed for one in lesions if is_held_out(one.seed)}
    sides = ({one.seed for one in lesions} - test, test)
    train, tested = (tuple(sorted(patient_hash(str(seed)) for seed in side)) for side in sides)
    return Splits(METHOD, 0, (Split("held out", train, (), tested),))


def in_folds(lesions: Sequence[LesionSamples], folds: int, seed: int) -> Splits:
    """Return folds by patient with a ninth of each training side for validation (paper: exclusive patients in all)."""
    labels = {str(one.seed): "benign" for one in lesions}
    labels |= {str(one.seed): "malignant" for one in lesions if one.malignant}
    return with_validation(k_folds(labels, folds, seed, labels), labels, _INNER)


def check(lesions: Sequence[LesionSamples], splits: Splits, progress: Progress) -> None:
    """Refuse splits with a patient, or the same lesion (its middle slice), on two sides.

    Raises
    ------
    EngineError
        Where there is a leak.
    """
    for number, split in enumerate(splits.splits):
        sides = split.sides([str(one.seed) for one in lesions])
        items = [
            Item(
                str(one.seed),
                str(side),
                one.images[len(one.images) // 2].astype(np.float32),
                f"a lesion of examination {one.seed}",
            )
            for one, side in zip(lesions, sides, strict=True)
        ]
        refuse_leaks(items, progress.part(number / len(splits.splits), (number + 1) / len(splits.splits)))
