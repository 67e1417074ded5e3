"""Exams as scanners and archives write them: each kind from its files to the panes, with equal windows."""

from __future__ import annotations

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from app.studies.derived import Derived, DerivedKind
from app.studies.dynamic_windows import DynamicWindows
from app.studies.hanging import steps
from app.studies.hanging.sides import side_shown
from app.studies.load import load_stack
from app.studies.recipe import make
from app.studies.scan import scan
from app.studies.study import Study
from viewer.presentation import Window

FOUR = ["Pre", "Post 1", "Subtraction post 1", "Subtraction MIP post 1"]
BOTH = [f"{side} {title}" for side in "RL" for title in FOUR]


@functools.cache
def source(mri_exams: ModuleType) -> Any:
    return mri_exams.phantom()


def opened(mri_exams: ModuleType, folder: Path, kind: str) -> Study:
    (study,) = scan(mri_exams.write(kind, source(mri_exams), folder)).studies
    return study


@pytest.mark.parametrize(
    ("kind", "titles", "phases"),
    [
        ("axial", FOUR, [5]),
        ("sagittal_both", BOTH, [5]),
        ("sagittal_sides", BOTH, [5, 5]),
        ("sagittal_slabs", BOTH, [5, 5]),
        ("sagittal_one", [f"L {title}" for title in FOUR], [3]),
        ("one_series", FOUR, [5]),
        ("trigger_only", [f"L {title}" for title in FOUR], [5]),
        ("companions", [*FOUR[:2], "T2", *FOUR[2:], "DWI b 800"], [5]),
        ("vendor_subtractions", FOUR, [5]),
        ("two_phases", FOUR, [2]),
        ("coronal", FOUR, [5]),
        ("lacking_slice", FOUR, [5]),
        ("clutter", FOUR, [5]),
        ("enhanced", FOUR, [5]),
    ],
)
def test_each_kind_of_exam_hangs_its_dynamic_series(mri_exams, tmp_path, kind, titles, phases) -> None:
    study = opened(mri_exams, tmp_path, kind)
    assert [len(dynamic.phases) for dynamic in study.dynamics] == phases
    assert all(dynamic.pre_index == 0 for dynamic in study.dynamics)
    overview = steps(study)[0]
    assert [slot.title for slot in overview.slots] == titles
    for slot in overview.slots:  # right images in right panes: the row says the side that the slice lies on
        if slot.link and slot.start_mm is not None:
            assert (slot.start_mm[0] < 0) == (slot.title[0] == "R")
        elif slot.link:
            assert side_shown(*study.series_of(slot.uid or ""), 0, "native") == slot.title[0]


@pytest.mark.parametrize("kind", ["without_pre", "mixed_matrix"])
def test_a_missing_pre_contrast_phase_is_said_and_never_invented(mri_exams, tmp_path, kind) -> None:
    study = opened(mri_exams, tmp_path, kind)
    assert [dynamic.pre_index for dynamic in study.dynamics] == [None]
    overview = steps(study)[0]
    assert "Every phase is named as post-contrast" in overview.notes[0]
    assert [slot.title for slot in overview.slots][:2] == ["Phase 1", "Phase 2"]


def test_without_times_the_order_of_series_is_taken_and_said(mri_exams, tmp_path) -> None:
    study = opened(mri_exams, tmp_path, "no_times")
    assert [phase.seconds for phase in study.dynamics[0].phases] == [None] * 5
    assert "Which phase is before contrast is not known" in steps(study)[0].notes[0]


def test_a_volume_of_both_breasts_is_labelled_by_the_slice_on_show(mri_exams, tmp_path) -> None:
    study = opened(mri_exams, tmp_path, "sagittal_both")
    series, stack = study.series_of(study.dynamics[0].phases[0].stack_uid)
    last = len(stack.frames) - 1
    places = [frame.position_mm for frame in stack.frames]
    ends = {number: "R" if (places[number] or (0,))[0] < 0 else "L" for number in (0, last)}
    assert set(ends.values()) == {"R", "L"}
    for number, side in ends.items():
        assert side_shown(series, stack, number, "native") == side
        assert side_shown(series, stack, number, "axial") == ""  # shows both
        assert side_shown(series, stack, number, "native", 1000.0) == ""  # so does a projection of everything


@pytest.mark.parametrize("kind", ["axial", "sagittal_slabs", "lacking_slice", "enhanced"])
def test_all_phases_and_all_subtractions_open_with_one_window(mri_exams, tmp_path, kind) -> None:
    study = opened(mri_exams, tmp_path, kind)
    shared, phases, subtractions = DynamicWindows(), set(), set()
    for dynamic in study.dynamics:
        own = [load_stack(study, phase.stack_uid) for phase in dynamic.phases]
        for loaded in own:
            shown = shared.applied(study, loaded)
            phases.add(levels(shown.presentation.voi))
            assert loaded.presentation.vois[0] in shown.presentation.vois  # what the file says can still be chosen
        for post in reversed(own[1:]):
            uid = Derived(DerivedKind.SUBTRACTION, post.stack.uid, own[0].stack.uid).uid
            subtractions.add(levels(make(study, uid, (post, own[0]), None, shared).presentation.voi))
    assert len(phases) == 1
    assert len(subtractions) == 1


def levels(voi: object) -> tuple[float, float]:
    assert isinstance(voi, Window)
    return voi.center, voi.width


def test_the_windows_are_the_same_whichever_image_comes_first(mri_exams, tmp_path) -> None:
    study = opened(mri_exams, tmp_path, "axial")
    phases = [load_stack(study, phase.stack_uid) for phase in study.dynamics[0].phases]
    uids = [Derived(DerivedKind.SUBTRACTION, one.stack.uid, phases[0].stack.uid).uid for one in phases[1:]]
    first, later = DynamicWindows(), DynamicWindows()
    assert first.of_subtraction(study, uids[0], (phases[1], phases[0])) == later.of_subtraction(study, uids[3])
    alone = DynamicWindows().applied(study, phases[1])
    assert first.applied(study, phases[1]).presentation.voi == alone.presentation.voi
    assert levels(first.applied(study, phases[0]).presentation.voi) == levels(
        later.applied(study, phases[4]).presentation.voi
    )


def test_the_window_of_the_first_post_contrast_phase_is_taken_from_its_file(mri_exams, tmp_path) -> None:
    writer, onto = mri_exams.Writer(tmp_path, "file"), mri_exams.grid("axial", (0, 0, 0), (30, 30, 30), (10, 10, 10))
    for n, at in enumerate((0.0, 90.0, 180.0)):
        values = np.full(onto.shape, 100 * (n + 1), np.uint16)
        writer.series(values, onto, "dyn", n + 1, at_s=at, WindowCenter=100 + n, WindowWidth=300 + n)
    (study,) = scan(tmp_path).studies
    shown = [DynamicWindows().applied(study, load_stack(study, p.stack_uid)) for p in study.dynamics[0].phases]
    assert [levels(one.presentation.voi) for one in shown] == [(101.0, 301.0)] * 3
    assert [[levels(voi) for voi in one.presentation.vois] for one in shown] == [
        [(101.0, 301.0), (100.0, 300.0)], [(101.0, 301.0)], [(101.0, 301.0), (102.0, 302.0)],
    ]  # fmt: skip
    assert shown[0].presentation.vois[0].explanation == "As post 1"
