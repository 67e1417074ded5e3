"""Splits by patient, stratified by what the patient has: both breasts of a woman are always on the same side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.training.leaks import Item, image_hash, refuse_leaks
from inference.training.mammo.dataset import CALCIFICATION, NODULE, Film
from inference.training.mammo.recipe import HOLD_OUT, Recipe
from inference.training.split_sets import Split, Splits, patient_hash
from inference.training.splits import hold_out, k_folds

FOLDS = 5
EVERYBODY = "all patients"


def patient_kind(films: Sequence[Film]) -> str:
    """Return what one patient's films are stratified by, the worst first: malignant lesions of a module, then any."""
    if any(film.is_case(CALCIFICATION) for film in films):
        return "malignant calcification"
    if any(film.is_case(NODULE) for film in films):
        return "malignant nodule"
    return "none" if all(film.is_control for film in films) else "benign"


def splits_of_films(films: Sequence[Film], recipe: Recipe, folds: int = 0) -> Splits:
    """Return the splits that a recipe names; ``folds`` is their number, 0 for 5."""
    kinds = patient_kinds(films)
    if recipe.split == HOLD_OUT:
        return hold_out(kinds, recipe.seed, recipe.share, kinds)
    return k_folds(kinds, folds or FOLDS, recipe.seed, kinds)


def everybody(films: Sequence[Film]) -> Split:
    """Return the split without a test side, for the tails that are bundled."""
    return Split(EVERYBODY, tuple(sorted({patient_hash(film.patient) for film in films})), (), ())


def patient_kinds(films: Sequence[Film]) -> dict[str, str]:
    """Return the kind of each patient."""
    own: dict[str, list[Film]] = {}
    for film in films:
        own.setdefault(film.patient, []).append(film)
    return {patient: patient_kind(found) for patient, found in own.items()}


def refuse_leaking(films: Sequence[Film], splits: Splits) -> None:
    """Pass where no patient and no image is on two sides of any of the splits.

    Images are read once: their hashes stand for them in the check of each split.

    Raises
    ------
    EngineError
        Otherwise, or where a film cannot be read.
    """
    digests = [np.frombuffer(bytes.fromhex(image_hash(film.path)), np.uint8) for film in films]
    for split in splits.splits:
        sides = split.sides([film.patient for film in films])
        refuse_leaks(
            Item(film.patient, str(side), digest, film.path.name)
            for film, side, digest in zip(films, sides, digests, strict=True)
        )
