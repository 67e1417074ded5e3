"""Splits by patient: folds, shuffled folds, hold-out and an inner validation side.

A split is a pure function of the patients' hashes, their labels and a seed: neither the order in which patients are
given nor any library's random generator has a say in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from inference.errors import EngineError
from inference.training.split_sets import Split, Splits, patient_hash

SHARE = 0.2  # held out: 80/20 by patient (SYSTEMS.md §1.2, Split)


def k_folds(patients: Iterable[str], folds: int, seed: int, labels: Mapping[str, str] | None = None) -> Splits:
    """Return folds by patient: each patient is tested once; sizes differ by one at most.

    Parameters
    ----------
    patients
        Ids; may repeat.
    labels
        For each patient what to stratify by, such as case or control; every fold has its share of each label, exact to
        one patient. None does not stratify.

    Raises
    ------
    EngineError
        Where there are fewer patients than folds, or a patient has no label.
    """
    hashes = _hashes(patients, folds)
    return Splits(f"{folds} folds by patient", seed, _folds(hashes, folds, str(seed), _labels_by_hash(labels)))


def shuffled_folds(
    patients: Iterable[str], seed: int, shuffles: int = 3, folds: int = 3, labels: Mapping[str, str] | None = None
) -> Splits:
    """Return several shuffles of folds by patient; 3 × 3 is the validation of system 000 (SYSTEMS.md §1.1)."""
    hashes, grouped = _hashes(patients, folds), _labels_by_hash(labels)
    splits = [
        replace(split, name=f"shuffle {number} of {shuffles}, {split.name}")
        for number in range(1, shuffles + 1)
        for split in _folds(hashes, folds, f"{seed} shuffle {number}", grouped)
    ]
    return Splits(f"{shuffles} shuffles of {folds} folds by patient", seed, tuple(splits))


def hold_out(
    patients: Iterable[str], seed: int, share: float = SHARE, labels: Mapping[str, str] | None = None
) -> Splits:
    """Return one split with a share of the patients, and of each label, as test side."""
    hashes = _hashes(patients, 2)
    test = _drawn(_ordered(hashes, _labels_by_hash(labels), f"{seed} hold-out"), share)
    split = Split(f"{share:.0%} held out", _without(hashes, test), (), test)
    return Splits(f"{share:.0%} of the patients held out", seed, (split,))


def with_validation(splits: Splits, labels: Mapping[str, str] | None = None, share: float = SHARE) -> Splits:
    """Return the same test sides with a share of each training side as validation side (the inner split).

    A checkpoint chosen on it has not seen the test side: the unbiased variant of system 000 (SYSTEMS.md §1.1). What was
    on the validation side before goes back to the training side first.
    """
    grouped = _labels_by_hash(labels)
    made = []
    for split in splits.splits:
        learned = sorted((*split.train, *split.validation))
        inner = _drawn(_ordered(learned, grouped, f"{splits.seed} {split.name} inner"), share)
        made.append(replace(split, train=_without(learned, inner), validation=inner))
    return replace(splits, method=f"{splits.method}, {share:.0%} of the others for validation", splits=tuple(made))


def _hashes(patients: Iterable[str], least: int) -> list[str]:
    hashes = sorted({patient_hash(patient) for patient in patients})
    if least < 2:
        raise EngineError("A split needs two parts at least.", "Ask for two folds or more.")
    if len(hashes) < least:
        raise EngineError(f"{len(hashes)} patients cannot be split into {least} parts.", "Add patients.")
    return hashes


def _labels_by_hash(labels: Mapping[str, str] | None) -> dict[str, str] | None:
    return None if labels is None else {patient_hash(patient): label for patient, label in labels.items()}


def _ordered(hashes: Sequence[str], labels: Mapping[str, str] | None, key: str) -> list[str]:
    """Return the patients label by label, in an order within each label that depends on the key alone."""
    without = 0 if labels is None else sum(patient not in labels for patient in hashes)
    if without:
        raise EngineError(f"{without} of {len(hashes)} patients have no label to stratify by.", "Label every patient.")
    drawn = {patient: hashlib.sha256(f"{key} {patient}".encode()).hexdigest() for patient in hashes}
    return sorted(hashes, key=lambda patient: ("" if labels is None else labels[patient], drawn[patient]))


def _folds(hashes: Sequence[str], folds: int, key: str, labels: Mapping[str, str] | None) -> tuple[Split, ...]:
    """Deal the patients out like cards, label after label, so that labels and sizes are even to one patient."""
    ordered = _ordered(hashes, labels, key)
    tests = [tuple(sorted(ordered[number::folds])) for number in range(folds)]
    return tuple(
        Split(f"fold {number} of {folds}", _without(hashes, test), (), test) for number, test in enumerate(tests, 1)
    )


def _drawn(ordered: Sequence[str], share: float) -> tuple[str, ...]:
    """Return an evenly spaced share of the ordered patients, so that every label is drawn from in proportion."""
    count = round(share * len(ordered))
    if not 0 < count < len(ordered):
        raise EngineError(
            f"A share of {share:.0%} of {len(ordered)} patients leaves one side empty.", "Choose another share."
        )
    return tuple(sorted(ordered[(2 * number + 1) * len(ordered) // (2 * count)] for number in range(count)))


def _without(patients: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    gone = set(others)
    return tuple(sorted(patient for patient in patients if patient not in gone))
