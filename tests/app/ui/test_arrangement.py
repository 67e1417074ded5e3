"""Arrangement: there and back, and hanging by kind where what was kept does not fit."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from app.studies.derived import Derived, DerivedKind
from app.studies.hanging import Slot, hang
from app.studies.study import Series, SeriesKind
from app.ui.arrangement import Arrangement, arrangement_of, as_values
from tests.app.ui.test_content import stack, study
from viewer.slab import Slab

SUBTRACTION = Derived(DerivedKind.SUBTRACTION, "post", "pre").uid


def kept(shown: Arrangement) -> dict:
    return json.loads(json.dumps(as_values(shown)))


def test_an_arrangement_comes_back_as_it_was() -> None:
    slots = (
        Slot("post", "Post 1", follows=True),
        Slot(SUBTRACTION, "MIP", slab=Slab("max"), follows=True),
        Slot(SUBTRACTION, plane="sagittal", slab=Slab("mean", 5.0), zoom="upper left"),
        Slot(None, "R CC", chest_wall="right", group="views"),
    )
    shown = Arrangement(
        "2x2", slots, 1, {0: {"slice": 4}, 1: {}, 2: {}}, {"m/map": {"opacity": 0.3}}, "Overview", "2.5"
    )
    assert arrangement_of(kept(shown), study()) == shown


def test_a_pane_may_show_a_prior_exam_while_it_is_open() -> None:
    before = replace(study(), uid="2", series=(Series("old", "MR", SeriesKind.MR, None, "old", (stack("old"),)),))
    shown = Arrangement("1x2", (Slot("post"), Slot("old")), 0, {0: {}, 1: {}})
    assert arrangement_of(kept(shown), study(), [before]) == shown
    assert arrangement_of(kept(shown), study()).slots == hang(study()).slots


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"layout": "1", "panes": [{"stack": None, "state": {}}] * 4},
        {"layout": "1", "panes": [{"stack": "of another study", "state": {}}] * 4},
        {"layout": "9x9", "panes": [{"stack": "pre", "state": {}}] * 4},
        {"layout": "2x2", "panes": [{"stack": "pre", "state": {}}]},
        {"layout": "1", "panes": [{"stack": "subtraction:post|gone", "state": {}}]},
    ],
)
def test_what_does_not_fit_is_hung_by_kind(values: dict[str, object]) -> None:
    found, usual = arrangement_of(values, study()), hang(study())
    assert (found.layout, found.slots, found.active) == (usual.layout, usual.slots, usual.active)


def test_an_arrangement_of_an_earlier_version_is_still_understood() -> None:
    old = {"layout": "1x2", "active": 1, "panes": [{"stack": "post", "state": {}}, {"stack": "pre", "state": {}}]}
    found = arrangement_of(old, study())
    assert [slot.uid for slot in found.slots] == ["post", "pre"]
