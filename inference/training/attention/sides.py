"""Who is trained on and who is not: the patients held out of the bundled model, and the folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from inference.errors import EngineError
from inference.training.attention.recipe import Amounts
from inference.training.attention.slices import PHANTOM, Sample
from inference.training.leaks import Item
from inference.training.split_sets import Split, Splits, patient_hash
from inference.training.splits import shuffled_folds, with_validation

SHUFFLES, FOLDS = 3, 3  # paper 000
FOLD, INNER = "fold", "inner"  # what chooses the checkpoints
# Of BreastDM's six groups two malignant ones of four slices: with another, or with the only benign one, too little of
# the largest real source would be left to learn from.
_BREASTDM_HELD_OUT = ("breastdm-4223", "breastdm-4289")
_ISPY1_HELD_OUT = 5  # of 20 patients


def held_out_patients(patients: Sequence[str], seed: int) -> frozenset[str]:
    """Return the real patients no weight is trained on: two of BreastDM, and five of I-SPY 1 drawn by the seed."""
    axial = {patient for patient in patients if patient in _BREASTDM_HELD_OUT}
    ispy1 = sorted({patient for patient in patients if patient.startswith("ispy1-")})
    drawn = np.random.default_rng(seed).permutation(ispy1)[:_ISPY1_HELD_OUT]
    return frozenset((*axial, *drawn.tolist()))


def hold_out(real: Sequence[Sample], phantoms: Sequence[Sample], amounts: Amounts, seed: int) -> Splits:
    """Return the one split of the model that is published.

    Raises
    ------
    EngineError
        Where nobody is left to train on or to measure with.
    """
    everybody = {sample.patient for sample in (*real, *phantoms)}
    away = held_out_patients([sample.patient for sample in real], seed)
    away |= {sample.patient for sample in phantoms[amounts.phantoms :]}
    if not away or away == everybody:
        raise EngineError("Nobody is left to train on or to measure with.", "Add patients or phantoms.")
    test, train = (tuple(sorted(map(patient_hash, side))) for side in (away, everybody - away))
    return Splits(
        "two BreastDM groups, five I-SPY 1 patients and the last phantoms", seed, (Split("held out", train, (), test),)
    )


def folds(samples: Sequence[Sample], seed: int, count: int, select: str) -> list[tuple[str, Splits]]:
    """Return the shuffled folds once for each way to choose the checkpoints: the fold itself, an inner split.

    Parameters
    ----------
    count
        Folds of each of the three shuffles.
    select
        ``"fold"``, ``"inner"`` or ``"both"``.
    """
    kinds = {sample.patient: _kind(sample) for sample in samples}
    plain = shuffled_folds(kinds, seed, SHUFFLES, count, kinds)
    made = {FOLD: plain, INNER: with_validation(plain, kinds)}
    return [(name, splits) for name, splits in made.items() if select in (name, "both")]


def _kind(sample: Sample) -> str:
    """Return what folds are stratified by: the source, and of phantoms the type."""
    return f"{sample.source} {sample.targets}" if sample.source == PHANTOM else sample.source


def items(samples: Sequence[Sample], split: Split) -> Iterator[Item]:
    """Yield what the leak check looks at."""
    for sample, side in zip(samples, split.sides([sample.patient for sample in samples]), strict=True):
        yield Item(sample.patient, str(side), sample.image, sample.name)
