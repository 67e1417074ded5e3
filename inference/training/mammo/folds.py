"""Five folds of patients: no woman is on both sides of any split, and every kind of woman is in every fold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedKFold

from inference.training.mammo.dataset import CALCIFICATION, NODULE, Film

FOLDS = 5


def patient_kind(films: Sequence[Film]) -> str:
    """Return what a patient's worst film shows; folds are stratified by it."""
    if any(film.is_case(CALCIFICATION) for film in films):
        return "malignant calcification"
    if any(film.is_case(NODULE) for film in films):
        return "malignant nodule"
    return "none" if all(film.is_control for film in films) else "benign"


def fold_of_film(films: Sequence[Film], seed: int, folds: int = FOLDS) -> np.ndarray:
    """Return the fold, 0 to ``folds - 1``, in which each film is held out; the films of one patient share it."""
    patients = sorted({film.patient for film in films})
    kinds = [patient_kind([film for film in films if film.patient == patient]) for patient in patients]
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    fold_of = {
        patients[row]: number
        for number, (_, held_out) in enumerate(splitter.split(np.zeros(len(patients)), kinds))
        for row in held_out
    }
    return np.array([fold_of[film.patient] for film in films])


def patients_of_folds(films: Sequence[Film], seed: int) -> list[list[str]]:
    """Return for each fold the first 12 digits of the SHA-256 of its patients' ids, for the card."""
    folds = fold_of_film(films, seed)
    return [
        sorted(
            {
                hashlib.sha256(film.patient.encode()).hexdigest()[:12]
                for film, fold in zip(films, folds, strict=True)
                if fold == number
            }
        )
        for number in range(FOLDS)
    ]
