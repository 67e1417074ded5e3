"""Comparing: what an image can be compared with, and what the pane then shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from highdicom import Volume

from app.studies.derived import Derived, DerivedKind
from app.ui.comparing import Candidate, candidates, with_image, with_map
from tests.app.ui.test_phases import study, subtraction
from viewer.layers.types import HeatmapLayer, ImageLayer, PaneContent
from viewer.presentation import Presentation, Window


def volume() -> Volume:
    return Volume(np.zeros((2, 3, 4), np.float32), np.eye(4), coordinate_system="PATIENT", frame_of_reference_uid="1.2")


def heatmap(title: str, number: int = 0, visible: bool = True) -> HeatmapLayer:
    return HeatmapLayer(f"{title}/{number}", title, volume(), "", (0.0, 1.0), visible=visible)


def content(*maps: HeatmapLayer) -> PaneContent:
    return PaneContent(ImageLayer("p1", volume(), Presentation((Window(1, 2),))), heatmaps=maps)


def no(_of: str, _reference: str) -> bool:
    return False


def test_a_phase_is_compared_with_every_other_phase() -> None:
    assert [one.key for one in candidates(study(), "p1", (), no)] == ["p2", "p3", "pre"]
    assert candidates(study(), "t2", (), no) == ()


def test_a_subtraction_is_compared_with_other_times_and_with_its_correction() -> None:
    found = candidates(study(), subtraction("p1"), (), lambda *_: True)
    assert [one.key for one in found] == [subtraction("p2"), subtraction("p3"), subtraction("p1", True)]
    corrected = Derived(DerivedKind.SUBTRACTION, "p1", "pre", True).uid
    assert candidates(study(), corrected, (), no)[-1] == Candidate(subtraction("p1"), "Not motion-corrected")


def test_maps_of_two_models_come_first_and_once_for_all_slices() -> None:
    maps = [heatmap("A", 0), heatmap("B", 0), heatmap("A", 1), heatmap("B", 1)]
    found = candidates(study(), "p1", maps, no)
    assert found[0] == Candidate("B", "B", is_map=True)
    assert [one.is_map for one in found] == [True, False, False, False]


def test_each_side_of_a_swipe_shows_its_own_map_on_every_slice() -> None:
    shown = content(heatmap("A", 0), heatmap("B", 0, visible=False), heatmap("A", 1), heatmap("B", 1, visible=False))
    swiped = with_map(shown, Candidate("B", "B", True), "swipe", lambda *_: None)
    assert [layer.uid for layer in swiped.heatmaps] == ["A/0", "A/1"]
    assert swiped.compare is not None
    assert [layer.uid for layer in swiped.compare.heatmaps] == ["B/0", "B/1"]
    assert all(layer.visible for layer in (*swiped.heatmaps, *swiped.compare.heatmaps))
    assert (swiped.compare.title, swiped.compare.other_title, swiped.compare.image) == ("A", "B", None)


def test_a_difference_takes_the_place_of_both_maps() -> None:
    shown = content(heatmap("A", 0), heatmap("B", 0))
    made = replace(heatmap("A minus B"), value_range=(-1.0, 1.0))
    found = with_map(shown, Candidate("B", "B", True), "difference", lambda one, other: made)
    assert found.heatmaps == (made,)
    assert found.compare is None


def test_another_image_lies_beyond_the_line_with_its_own_window() -> None:
    other = ImageLayer("p2", volume(), Presentation((Window(5, 6),)))
    found = with_image(content(), "Post 1", other, Candidate("p2", "Post 2"), "blink")
    assert found.compare is not None
    assert (found.compare.image, found.compare.mode, found.compare.other_title) == (other, "blink", "Post 2")
    assert with_image(content(), "Post 1", other, Candidate("p2", "Post 2"), "difference").compare is None
