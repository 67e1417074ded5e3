"""Who is on which side: patients held out and folds of patients for system 003, and the leak check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from inference.errors import EngineError
from inference.progress import Progress
from inference.training.curriculum.breasts import Breast, Images
from inference.training.leaks import Item, refuse_leaks
from inference.training.phantom_exams import is_held_out
from inference.training.split_sets import Split, Splits, patient_hash
from inference.training.splits import k_folds, with_validation

METHOD = "by examination: seed % 4 = 3 held out, seed % 8 = 2 for validation"


def held_out(breasts: Sequence[Breast]) -> Splits:
    """Return the split of the published model.

    Raises
    ------
    EngineError
        Where the training side lacks a class, or nothing is held out.
    """
    seeds = {breast.seed for breast in breasts}
    test = {seed for seed in seeds if is_held_out(seed)}
    validation = {seed for seed in seeds if seed % 8 == 2}
    sides = (seeds - test - validation, validation, test)
    split = Split("held out", *(tuple(sorted(patient_hash(str(seed)) for seed in side)) for side in sides))
    known = {breast.label for breast in on_side(breasts, split, "train")}
    if not test or known != {0, 1}:
        raise EngineError(
            f"{len(seeds)} phantom examinations are too few to train on some and measure on others.",
            "Write more: python -m inference.training.phantom_exams FOLDER --count 40",
        )
    return Splits(METHOD, 0, (split,))


def in_folds(breasts: Sequence[Breast], folds: int, seed: int) -> Splits:
    """Return folds by patient with a fifth of each training side for validation (paper: 261, 65 and 82 patients)."""
    labels = {str(breast.seed): "benign" for breast in breasts}
    labels |= {str(breast.seed): "malignant" for breast in breasts if breast.label}
    return with_validation(k_folds(labels, folds, seed, labels), labels)


def on_side(breasts: Sequence[Breast], split: Split, side: str) -> list[Breast]:
    """Return the breasts of the patients on one side of a split."""
    wanted = set(getattr(split, side))
    return [breast for breast in breasts if patient_hash(str(breast.seed)) in wanted]


def check(breasts: Sequence[Breast], images: Images, splits: Splits, progress: Progress) -> None:
    """Refuse splits with a patient, or the same picture (middle slice, first after contrast), on two sides.

    Raises
    ------
    EngineError
        Where there is a leak.
    """
    for number, split in enumerate(splits.splits):
        part = progress.part(number / len(splits.splits), (number + 1) / len(splits.splits))
        refuse_leaks(_items(breasts, images, split), part)


def _items(breasts: Sequence[Breast], images: Images, split: Split) -> Iterator[Item]:
    sides = split.sides([str(breast.seed) for breast in breasts])
    for breast, side in zip(breasts, sides, strict=True):
        image = images[breast]
        middle = np.asarray(image[1, image.shape[1] // 2], np.float32)
        yield Item(str(breast.seed), str(side), middle, f"examination {breast.seed}, {breast.side}")
