"""Splits by patient: whole patients, even shares, the same from every order, and nothing but hashes on disk."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.errors import EngineError
from inference.training.split_sets import SIDES, TEST, TRAIN, VALIDATION, Split, Splits, patient_hash
from inference.training.splits import hold_out, k_folds, shuffled_folds, with_validation

PATIENTS = [f"P{number:03}" for number in range(67)]
LABELS = {patient: ("case" if number % 5 == 0 else "control") for number, patient in enumerate(PATIENTS)}
HASHES = {patient_hash(patient) for patient in PATIENTS}
BY_HASH = {patient_hash(patient): label for patient, label in LABELS.items()}


def counts(patients: tuple[str, ...]) -> Counter[str]:
    return Counter(BY_HASH[patient] for patient in patients)


def whole(split: Split) -> bool:
    sides = [set(getattr(split, side)) for side in SIDES]
    return sum(map(len, sides)) == len(set.union(*sides)) and set.union(*sides) == HASHES


def test_a_patient_is_named_as_in_the_cards() -> None:
    assert patient_hash("P001") == hashlib.sha256(b"P001").hexdigest()[:12]
    assert len(patient_hash("Müller^Änne")) == 12


@given(st.integers(2, 10), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_folds_test_every_patient_once_and_are_even_to_one_patient(folds: int, seed: int) -> None:
    made = k_folds(PATIENTS, folds, seed, LABELS).splits
    assert all(whole(split) for split in made)
    assert Counter(patient for split in made for patient in split.test) == Counter(HASHES)
    for figures in ([len(split.test) for split in made], *([counts(s.test)[c] for s in made] for c in LABELS.values())):
        assert max(figures) - min(figures) <= 1


def test_folds_depend_on_patients_labels_and_seed_alone() -> None:
    shuffled = random.Random(1).sample(PATIENTS, len(PATIENTS)) * 2
    assert k_folds(shuffled, 5, 1, LABELS) == k_folds(PATIENTS, 5, 1, dict(reversed(LABELS.items())))
    assert k_folds(PATIENTS, 5, 1, LABELS) != k_folds(PATIENTS, 5, 2, LABELS)
    # What cards say must hold in every version: these are written down, not computed.
    first = k_folds([f"P{number}" for number in range(6)], 3, 7)
    assert [split.test for split in first.splits] == [
        ("1c5e95f69bb2", "fbeae7c18667"), ("2842de9d43a9", "9f9853b3f134"), ("acbbb742c752", "e05184c1f580"),
    ]  # fmt: skip


def test_three_shuffles_of_three_folds() -> None:
    made = shuffled_folds(PATIENTS, 3, labels=LABELS)
    assert len(made.splits) == 9
    assert all(whole(split) for split in made.splits)
    assert made.splits[4].name == "shuffle 2 of 3, fold 2 of 3"
    thirds = [split.test for split in made.splits]
    assert len(set(thirds)) == 9
    for shuffle in (thirds[:3], thirds[3:6], thirds[6:]):
        assert set().union(*shuffle) == HASHES
    assert all(counts(third)["case"] in (4, 5) for third in thirds)


@pytest.mark.parametrize("share", [0.1, 0.2, 1 / 3, 0.5])
def test_a_share_is_held_out_of_each_label(share: float) -> None:
    (split,) = hold_out(PATIENTS, 5, share, LABELS).splits
    assert whole(split)
    assert len(split.test) == round(share * len(PATIENTS))
    assert abs(counts(split.test)["case"] - share * 14) <= 1
    assert hold_out(PATIENTS, 6, share, LABELS) != hold_out(PATIENTS, 5, share, LABELS)


def test_the_inner_validation_side_comes_out_of_the_training_side_only() -> None:
    outer = k_folds(PATIENTS, 5, 1, LABELS)
    inner = with_validation(outer, LABELS)
    for before, after in zip(outer.splits, inner.splits, strict=True):
        assert whole(after)
        assert after.test == before.test
        assert set(after.validation) < set(before.train)
        assert len(after.validation) == round(0.2 * len(before.train))
        assert counts(after.validation)["case"] in (2, 3)
    assert with_validation(inner, LABELS).splits == inner.splits


def test_sides_and_folds_of_items() -> None:
    folds = with_validation(k_folds(PATIENTS, 3, 1))
    items = [patient for patient in PATIENTS for _ in range(3)]
    number = folds.held_out_in(items)
    for fold, split in enumerate(folds.splits):
        sides = split.sides(items)
        assert np.array_equal(sides == TEST, number == fold)
        assert {side: int((sides == side).sum()) for side in SIDES} == {
            TRAIN: 3 * len(split.train), VALIDATION: 3 * len(split.validation), TEST: 3 * len(split.test),
        }  # fmt: skip
    with pytest.raises(EngineError, match="1 of 2 patients are not in the split"):
        folds.splits[0].sides(["P001", "somebody"])
    with pytest.raises(EngineError, match="exactly once"):
        folds.held_out_in(["somebody"])
    with pytest.raises(EngineError, match="exactly once"):
        shuffled_folds(PATIENTS, 1).held_out_in(items)


def test_splits_are_read_back_and_hold_hashes_only(tmp_path: Path) -> None:
    made = with_validation(shuffled_folds(PATIENTS, 3))
    path = tmp_path / "runs" / "splits.json"
    made.write(path)
    assert Splits.read(path) == made
    assert not any(patient in path.read_text() for patient in PATIENTS)


def test_a_file_that_is_no_splits_is_told(tmp_path: Path) -> None:
    path = tmp_path / "splits.json"
    k_folds(PATIENTS, 3, 1).write(path)
    good = json.loads(path.read_text())
    first = good["splits"][0]
    leaking = {**first, "train": [*first["train"], first["test"][0]]}
    named = {**first, "train": ["P001"]}
    for damaged in ([], {}, {**good, "splits": [{}]}, {**good, "splits": [leaking]}, {**good, "splits": [named]}):
        path.write_text(json.dumps(damaged))
        with pytest.raises(EngineError) as caught:
            Splits.read(path)
        assert caught.value.hint
    path.unlink()
    with pytest.raises(EngineError, match=r"splits\.json cannot be read"):
        Splits.read(path)


def test_what_cannot_be_split_is_told() -> None:
    with pytest.raises(EngineError, match="2 patients cannot be split into 3 parts"):
        k_folds(["a", "b", "b"], 3, 1)
    with pytest.raises(EngineError, match="two parts"):
        k_folds(PATIENTS, 1, 1)
    with pytest.raises(EngineError, match="1 of 2 patients have no label"):
        k_folds(["a", "b"], 2, 1, {"a": "case"})
    with pytest.raises(EngineError, match="leaves one side empty"):
        hold_out(["a", "b", "c"], 1, 0.1)
