"""Which of the 35 subsets an exam allows, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import highdicom as hd
import numpy as np
import pytest

from inference.errors import CardError, OutOfScopeError
from inference.prepare.contrast_choice import choose, offer, phases_by_time, subsets_of, why_not_better
from inference.prepare.contrast_settings import CONTRASTS, SUBSETS, ContrastPreprocessing, names

SETTINGS = ContrastPreprocessing()
RANKED = subsets_of({"subsets": [{"contrasts": c} for c in (["pre", "post3", "sub"], ["pre", "post1", "t2"])]})


def test_there_are_35_subsets_of_seven_contrasts() -> None:
    assert len(SUBSETS) == len(set(SUBSETS)) == 35
    assert {name for subset in SUBSETS for name in subset} == set(CONTRASTS)
    assert ("pre", "post3", "sub") in SUBSETS  # the paper's best
    assert names(("pre", "post3", "sub")) == "T1pre + T1post3 + Sub"


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ([0, 90, 180, 270], [0, 1, 2, 3]),  # the paper's series
        ([0, 65, 130, 195], [0, 1, 2, 3]),  # a quick one: all four, in their order
        ([0, 122, 244, 365], [0, 1, 2, 3]),  # duke-153
        ([0, 60, 120, 180, 240, 300], [0, 1, 3, 4]),  # 60 s: the nearest to 90, 180 and 270
        ([0, 30, 60, 90, 120, 150, 180, 210, 240, 270], [0, 3, 6, 9]),
        ([0, 200], [0, None, 1, None]),
        ([0, 300, 600], [0, None, None, 1]),
        ([0, 20, 40], [0, None, None, None]),
        ([0], [0, None, None, None]),
        ([], [None, None, None, None]),
    ],
)
def test_phases_stand_for_the_times_of_the_paper(since: list[float], expected: list[int | None]) -> None:
    found = phases_by_time([float(t) for t in since], SETTINGS)
    assert [found.get(f"post{n}") for n in (1, 2, 3, 4)] == expected


def test_the_best_that_is_there_is_taken_and_the_reason_said(make_exam: Callable) -> None:
    exam = make_exam()
    found = offer(exam, SETTINGS)
    assert found.missing == {}
    assert choose(RANKED, found, "Toy").rank == 1
    assert why_not_better(RANKED, RANKED[0], found) == ""
    short = offer(make_exam(posts=2), SETTINGS)
    chosen = choose(RANKED, short, "Toy")
    assert chosen.contrasts == ("pre", "post1", "t2")
    why = why_not_better(RANKED, chosen, short)
    assert "T1pre + T1post3 + Sub" in why
    assert "about 180 s after T1post1 (phases at 0, 90 s)" in why


def test_no_subset_at_all_is_out_of_scope(make_exam: Callable) -> None:
    found = offer(make_exam(posts=1, t2=False), SETTINGS)
    with pytest.raises(OutOfScopeError, match=r"T1post3: no phase about 180 s.*T2: the study has no T2-weighted"):
        choose(RANKED, found, "Toy")


def test_unknown_times_are_said(make_exam: Callable) -> None:
    found = offer(make_exam(seconds=(None,) * 5), SETTINGS)
    assert found.posts == {"post1": 0, "post2": 1, "post3": 2, "post4": 3}
    assert "times of the phases are not known" in found.notes[0]
    few = offer(make_exam(posts=2, seconds=(None,) * 3), SETTINGS)
    assert few.missing["post3"] == "the study has 2 phases after contrast"
    by_order = offer(make_exam(seconds=(0.0, 100, 110, 120, 130)), ContrastPreprocessing(phases="order"))
    assert len(by_order.posts) == 4
    assert by_order.notes == ()


def test_t2_of_another_positioning_is_not_used(make_exam: Callable) -> None:
    exam = make_exam()
    other = hd.Volume(exam.t2.array, exam.t2.affine, "PATIENT", frame_of_reference_uid="9.9")
    assert "another frame of reference" in offer(replace(exam, t2=other), SETTINGS).missing["t2"]


@pytest.mark.parametrize(
    "subsets",
    [
        None,
        [],
        ["pre"],
        [{"contrasts": ["pre", "post1"]}],
        [{"contrasts": ["pre", "post1", "post9"]}],
        [{"contrasts": ["pre", "pre", "sub"]}],
        [{"contrasts": ["pre", "post1", "sub"], "auc": "high"}],
        [{"contrasts": ["pre", "post1", "sub"], "interval_95": [0.5]}],
    ],
)
def test_a_card_with_other_subsets_is_refused(subsets: Any) -> None:
    with pytest.raises(CardError):
        subsets_of({"subsets": subsets})


@pytest.mark.parametrize(
    "keys", [{"preset": "loose"}, {"bias": "n3"}, {"patch": 50}, {"shrink": 0}, {"shrink": "four"}, {"phases": "any"}]
)
def test_unknown_preprocessing_is_refused(keys: dict) -> None:
    with pytest.raises(CardError):
        ContrastPreprocessing.from_card(keys)


def test_presets_and_keys() -> None:
    strict = ContrastPreprocessing.from_card({"preset": "strict", "shrink": 8})
    assert (strict.bias, strict.scale, strict.phases, strict.shrink) == ("each", "each", "order", 8)
    assert ContrastPreprocessing.from_card({"clip": [0, 2], "preset": "default"}).clip == (0, 2)
    assert np.isclose(SETTINGS.patch_px * SETTINGS.patch_mm, 30)
