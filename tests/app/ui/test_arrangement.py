"""Arrangement: there and back, and hanging by kind where what was kept does not fit."""

from __future__ import annotations

import json

import pytest

from app.studies.hanging import hang
from app.ui.arrangement import Arrangement, arrangement_of, as_values
from tests.app.ui.test_content import study


def test_an_arrangement_comes_back_as_it_was() -> None:
    shown = Arrangement("1x2", ("post", "pre", None, None), 1, {0: {"slice": 4}, 1: {}}, {"m/map": {"opacity": 0.3}})
    assert arrangement_of(json.loads(json.dumps(as_values(shown))), study()) == shown


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"layout": "1", "panes": [{"stack": None, "state": {}}] * 4},
        {"layout": "1", "panes": [{"stack": "of another study", "state": {}}] * 4},
        {"layout": "3x3", "panes": [{"stack": "pre", "state": {}}] * 4},
        {"layout": "1", "panes": [{"stack": "pre", "state": {}}]},
    ],
)
def test_what_does_not_fit_is_hung_by_kind(values: dict[str, object]) -> None:
    found, usual = arrangement_of(values, study()), hang(study())
    assert (found.layout, found.stack_uids, found.active) == (usual.layout, tuple(usual.stack_uids), 0)
