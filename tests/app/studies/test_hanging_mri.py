"""Hanging of MRI: pre, post, subtraction and projection; both breasts; T2 and diffusion; what is left over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.studies.derived import Derived, DerivedKind, parse
from app.studies.hanging import Hanging
from app.studies.hanging.mri import mri_steps
from app.studies.hanging.sides import breasts_of, side_note
from app.studies.scan import scan
from app.studies.series.mr import phase_labels
from app.studies.study import Dynamic, Frame, Phase, Series, SeriesKind, Stack, Study

Cosines = tuple[float, float, float, float, float, float]
AXIAL: Cosines = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL: Cosines = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL: Cosines = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
NAMES = {AXIAL: "axial", SAGITTAL: "sagittal", CORONAL: "coronal"}


def stack(
    uid: str, cosines: Cosines = AXIAL, first: Sequence[float] = (-170, -170, 0), slices: int = 5, **facts: Any
) -> Stack:
    """A volume of 340 × 340 mm slices, 10 mm apart along the normal."""
    step = {AXIAL: (0, 0, 10), SAGITTAL: (-10, 0, 0), CORONAL: (0, 10, 0)}[cosines]
    places = np.add(first, np.outer(np.arange(slices), step)).astype(float).tolist()
    frames = tuple(
        Frame(Path(f"{uid}.dcm"), k, f"{uid}.{k}", k, (x, y, z), cosines) for k, (x, y, z) in enumerate(places)
    )
    facts = {"rows": 35, "columns": 35, "frame_of_reference_uid": "frame", "orientation": NAMES[cosines]} | facts
    return Stack(uid, uid, frames, spacing_mm=(10.0, 10.0, 10.0), spacing_basis="patient", **facts)


def series(one: Stack, description: str = "", laterality: str = "") -> Series:
    return Series(one.uid, "MR", SeriesKind.MR, None, description or one.uid, (one,), laterality)


def dynamic(name: str, members: Sequence[Series], pre: int | None = 0) -> Dynamic:
    labels = phase_labels(len(members), pre)
    phases = tuple(Phase(one.uid, float(n), label) for n, (one, label) in enumerate(zip(members, labels, strict=True)))
    return Dynamic(name, phases, pre, "key")


def study(*members: Series, dynamics: tuple[Dynamic, ...] = ()) -> Study:
    return Study("1", "id", "name", "", "", "", "", "", "", members, dynamics)


def sub(of: str, reference: str) -> str:
    return Derived(DerivedKind.SUBTRACTION, of, reference).uid


def exam(count: int = 3, pre: int | None = 0, *others: Series, **facts: Any) -> Study:
    members = [series(stack(f"p{n}", **facts)) for n in range(count)]
    return study(*members, *others, dynamics=(dynamic("d", members, pre),))


def step(steps: Sequence[Hanging], name: str) -> Hanging:
    return next(one for one in steps if one.name == name)


def titles(hanging: Hanging) -> list[str]:
    return [slot.title for slot in hanging.slots]


def test_axial_bilateral_hangs_pre_post_subtraction_and_projection() -> None:
    overview = mri_steps(exam())[0]
    assert (overview.layout, overview.name) == ("2x2", "Overview")
    assert overview.stack_uids == ("p0", "p1", sub("p1", "p0"), sub("p1", "p0"))
    assert titles(overview) == ["Pre", "Post 1", "Subtraction post 1", "Subtraction MIP post 1"]
    assert [slot.follows for slot in overview.slots] == [False, True, True, True]
    slab = overview.slots[3].slab
    assert slab is not None
    assert (slab.mode, slab.thickness_mm) == ("max", math.inf)
    assert overview.active == 1
    assert overview.notes == ()


def test_every_layout_has_a_slot_for_every_pane() -> None:
    t2 = series(stack("t2", weighting="T2"))
    for count in (2, 3, 5, 7, 12, 20, 25):
        for hanging in mri_steps(exam(count, 0, t2)):
            rows, columns = (1, 1) if hanging.layout == "1" else (int(part) for part in hanging.layout.split("x"))
            assert len(hanging.slots) == rows * columns
            assert rows <= 4
            assert columns <= 5
            assert 0 <= hanging.active < len(hanging.slots)


def test_the_steps_show_all_phases_all_subtractions_and_three_planes() -> None:
    steps = mri_steps(exam(5))
    assert [one.name for one in steps] == ["Overview", "Time", "Subtractions", "MIP large", "Planes"]
    assert step(steps, "Time").stack_uids[:5] == ("p0", "p1", "p2", "p3", "p4")
    assert step(steps, "Subtractions").stack_uids == tuple(sub(f"p{n}", "p0") for n in range(1, 5))
    planes = step(steps, "Planes")
    assert [slot.plane for slot in planes.slots] == ["native", "sagittal", "coronal"]
    assert step(steps, "MIP large").layout == "1"


def test_phases_before_the_pre_contrast_one_are_not_subtracted() -> None:
    steps = mri_steps(exam(5, 2))
    assert steps[0].stack_uids[:3] == ("p2", "p3", sub("p3", "p2"))
    assert [uid for uid in step(steps, "Subtractions").stack_uids if uid] == [sub("p3", "p2"), sub("p4", "p2")]


def test_an_unknown_pre_contrast_phase_is_said() -> None:
    overview = mri_steps(exam(3, None))[0]
    assert overview.stack_uids[:3] == ("p0", "p1", sub("p1", "p0"))
    assert titles(overview)[:2] == ["Phase 1", "Phase 2"]
    assert "not known" in overview.notes[0]


def test_a_dynamic_without_a_phase_after_contrast_shows_its_phases_and_says_why() -> None:
    steps = mri_steps(exam(2, 1))
    assert steps[0].stack_uids[:2] == ("p0", "p1")
    assert not any(uid and parse(uid) for one in steps for uid in one.stack_uids)
    assert "nothing to subtract" in steps[0].notes[0]


def test_t2_and_diffusion_hang_beside() -> None:
    low = series(stack("low", weighting="DWI", b_value=50.0))
    high = series(stack("high", weighting="DWI", b_value=800.0))
    adc = series(stack("adc", weighting="ADC", derived=True))
    elsewhere = series(stack("t2 elsewhere", weighting="T2", frame_of_reference_uid="other", slices=40))
    t2 = series(stack("t2", weighting="T2"))
    steps = mri_steps(exam(3, 0, elsewhere, low, adc, high, t2))
    overview = steps[0]
    assert overview.layout == "2x3"
    assert titles(overview) == ["Pre", "Post 1", "T2", "Subtraction post 1", "Subtraction MIP post 1", "DWI b 800"]
    assert step(steps, "T2 and diffusion").stack_uids == ("t2", "high", "adc", "p1")
    assert [one.name for one in steps].index("T2 and diffusion") == 3
    assert step(steps, "Other series").stack_uids == ("t2 elsewhere", "low")


def test_with_t2_alone_the_last_phase_fills_the_row() -> None:
    overview = mri_steps(exam(4, 0, series(stack("t2", weighting="T2"))))[0]
    assert overview.stack_uids == ("p0", "p1", "t2", sub("p1", "p0"), sub("p1", "p0"), "p3")
    assert not overview.slots[5].follows


def test_both_breasts_of_one_sagittal_volume_hang_as_right_and_left() -> None:
    steps = mri_steps(exam(3, 0, cosines=SAGITTAL, first=(150, -100, 100), slices=31))
    overview = steps[0]
    assert overview.layout == "2x4"
    assert titles(overview)[:2] == ["R Pre", "R Post 1"]
    assert titles(overview)[4:6] == ["L Pre", "L Post 1"]
    assert overview.stack_uids[:4] == overview.stack_uids[4:]
    starts = [slot.start_mm for slot in overview.slots]
    assert all(start is not None and start[0] == -75.0 for start in starts[:4])  # right is negative in LPS
    assert all(start is not None and start[0] == 75.0 for start in starts[4:])
    assert [slot.link for slot in overview.slots] == ["R"] * 4 + ["L"] * 4
    slab = overview.slots[3].slab
    assert slab is not None
    assert slab.thickness_mm == 150.0  # one breast only: a projection of both would lay them over each other
    assert {"Time R", "Time L", "Planes R"} <= {one.name for one in steps}


def test_two_dynamic_series_of_one_breast_each_hang_right_over_left() -> None:
    left = [series(stack(f"l{n}", SAGITTAL, (150, -100, 100), 13)) for n in range(3)]
    right = [series(stack(f"r{n}", SAGITTAL, (-30, -100, 100), 13)) for n in range(3)]
    overview = mri_steps(study(*left, *right, dynamics=(dynamic("a", left), dynamic("b", right))))[0]
    assert overview.layout == "2x4"
    assert overview.stack_uids[:2] == ("r0", "r1")
    assert overview.stack_uids[4:6] == ("l0", "l1")
    assert titles(overview)[2] == "R Subtraction post 1"


def test_one_breast_is_labelled_by_its_place() -> None:
    overview = mri_steps(exam(3, 0, cosines=SAGITTAL, first=(-30, -100, 100), slices=13))[0]
    assert overview.layout == "2x2"
    assert titles(overview)[0] == "R Pre"


@pytest.mark.parametrize(
    ("cosines", "first", "columns", "stated", "sides"),
    [
        (AXIAL, (-170, -170, 0), 35, "", [""]),
        (CORONAL, (-170, -50, 100), 35, "", [""]),
        (AXIAL, (-200, -100, 0), 18, "", ["R"]),
        (CORONAL, (20, -50, 100), 18, "", ["L"]),
        (AXIAL, (20, -100, 0), 18, "R", ["R"]),  # what the file states, with a note
        (SAGITTAL, (10, -100, 100), 35, "", [""]),  # a few slices at the midline: no guess
    ],
)
def test_sides_come_from_the_place_in_the_patient(
    cosines: Cosines, first: Sequence[float], columns: int, stated: str, sides: list[str]
) -> None:
    one = stack("s", cosines, first, 5, columns=columns)
    assert [breast.side for breast in breasts_of(series(one, laterality=stated), one)] == sides


def test_a_side_that_contradicts_the_place_is_said() -> None:
    one = stack("s", AXIAL, (30, -100, 0), 5, columns=18)
    assert "check the side" in side_note(series(one, laterality="R"), one)
    assert side_note(series(one, laterality="L"), one) == ""


def test_without_a_place_the_description_is_the_last_resort() -> None:
    frames = tuple(Frame(Path("x"), k, f"x.{k}") for k in range(3))
    one = Stack("x", "x", frames, 8, 8, "x")
    assert breasts_of(series(one, "SAG T1 LT POST"), one)[0].side == "L"
    assert breasts_of(series(one, "T1 R/L BREASTS"), one)[0].side == ""


def test_the_dynamic_with_most_phases_hangs_first_and_others_later() -> None:
    short = [series(stack(f"s{n}", CORONAL, (-170, -50, 100))) for n in range(2)]
    calculated = [series(stack(f"c{n}", derived=True)) for n in range(9)]
    long = [series(stack(f"p{n}")) for n in range(4)]
    both = (dynamic("c", calculated), dynamic("s", short), dynamic("d", long))
    steps = mri_steps(study(*calculated, *short, *long, dynamics=both))
    assert steps[0].stack_uids[0] == "p0"
    assert step(steps, "Overview, dynamic 2").stack_uids[0] == "s0"
    assert step(steps, "Overview, dynamic 3").stack_uids[0] == "c0"
    assert len({one.name for one in steps}) == len(steps)


def test_an_exam_without_a_dynamic_series_shows_what_there_is_and_says_so() -> None:
    t1, t2 = series(stack("t1", weighting="T1")), series(stack("t2", weighting="T2"))
    scout = series(stack("scout", slices=1))
    steps = mri_steps(study(scout, t2, t1))
    assert steps[0].stack_uids == ("t1", "t2")
    assert "nothing to subtract" in steps[0].notes[0]
    assert steps[1].stack_uids == ("scout",)
    assert mri_steps(study(t1))[0].stack_uids == ("t1",)


def test_a_real_exam(shared_data: Path) -> None:
    found = scan(shared_data / "mri" / "duke-153").studies[0]
    steps = mri_steps(found)
    assert titles(steps[0]) == ["Pre", "Post 1", "Subtraction post 1", "Subtraction MIP post 1"]
    assert len([uid for uid in step(steps, "Time").stack_uids if uid]) == 5
    assert [one.name for one in steps][-1] == "Other series"
    assert [found.stack(uid).weighting for uid in steps[-1].stack_uids if uid] == ["T1"]
