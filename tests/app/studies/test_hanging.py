"""Hanging: side by side and view over view, whatever the order and description of the series."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from app.studies.hanging import Hanging, hang, modality_of, steps
from app.studies.series.views import side_and_view, view_label_of
from app.studies.study import Dynamic, Frame, Phase, Series, SeriesKind, Stack, Study


def series(uid: str, kind: SeriesKind, frames: int = 1, name: str = "", **facts: Any) -> Series:
    images = tuple(Frame(Path(name or f"{uid}.dcm"), n, f"{uid}.{n}") for n in range(frames))
    own = {key: facts.pop(key) for key in ("raw", "technique", "acquired_s", "derived") if key in facts}
    stack = Stack(uid, uid, images, 8, 8, uid, **own)  # type: ignore[arg-type]
    return Series(uid, "MG", kind, None, str(facts.pop("description", "")), (stack,), **facts)  # type: ignore[arg-type]


def study(*members: Series, dynamics: tuple[Dynamic, ...] = (), date: str = "") -> Study:
    return Study(f"study{date}", "id", "name", "", "", date, "", "", "", members, dynamics)


def mammogram(side: str, view: str, uid: str = "", **facts: Any) -> Series:
    # the description lies on purpose: it must not be read
    kind = SeriesKind.MAMMOGRAM
    return series(uid or f"{side}{view}", kind, laterality=side, view=view, description="L MLO", **facts)


def tomo(side: str, view: str, uid: str = "", **facts: Any) -> Series:
    return series(uid or f"t{side}{view}", SeriesKind.TOMOSYNTHESIS, 5, laterality=side, view=view, **facts)


VIEWS = [mammogram(side, view) for side in "LR" for view in ("CC", "MLO")]
FOUR = ("RCC", "LCC", "RMLO", "LMLO")


def by_name(found: tuple[Hanging, ...]) -> dict[str, Hanging]:
    assert len({one.name for one in found}) == len(found)
    for one in found:
        rows, columns = (int(part) for part in one.layout.split("x")) if "x" in one.layout else (1, 1)
        assert rows <= 4
        assert columns <= 5
        assert len(one.slots) == rows * columns
    return {one.name: one for one in found}


def titles(hanging: Hanging) -> list[str]:
    return [slot.title for slot in hanging.slots]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_four_views_hang_right_beside_left_and_cc_over_mlo(order: tuple[int, ...]) -> None:
    hanging = hang(study(*(VIEWS[n] for n in order)))
    assert hanging.layout == "2x2"
    assert hanging.stack_uids == FOUR
    assert [slot.chest_wall for slot in hanging.slots] == ["right", "left"] * 2
    assert len({slot.group for slot in hanging.slots} - {""}) == 1
    assert hanging.notes == ()


def test_the_steps_of_a_screening_exam() -> None:
    found = by_name(steps(study(*VIEWS)))
    assert list(found)[:7] == ["Overview", "CC pair", "MLO pair", "R CC 1:1", "L CC 1:1", "R MLO 1:1", "L MLO 1:1"]
    assert (found["MLO pair"].layout, found["MLO pair"].stack_uids) == ("1x2", ("RMLO", "LMLO"))
    assert found["L CC 1:1"].slots[0].zoom == "one_to_one"
    quadrants = [
        found[f"R MLO {place}"].slots[0] for place in ("upper left", "upper right", "lower left", "lower right")
    ]
    assert [slot.zoom for slot in quadrants] == ["upper left", "upper right", "lower left", "lower right"]
    assert {slot.uid for slot in quadrants} == {"RMLO"}
    assert len(found) == 3 + 4 + 16


def test_a_missing_view_leaves_its_pane_empty_and_named() -> None:
    hanging = hang(study(*VIEWS[:3]))
    assert hanging.stack_uids == ("RCC", "LCC", None, "LMLO")
    assert titles(hanging)[2] == "R MLO"


def test_after_a_mastectomy_the_other_side_keeps_its_place() -> None:
    found = by_name(steps(study(mammogram("L", "CC"), mammogram("L", "MLO"))))
    assert found["Overview"].stack_uids == (None, "LCC", None, "LMLO")
    assert titles(found["Overview"]) == ["R CC", "L CC", "R MLO", "L MLO"]
    assert [slot.chest_wall for slot in found["Overview"].slots] == ["right", "left"] * 2
    assert "CC pair" not in found
    assert "L CC 1:1" in found


def test_a_pair_hangs_side_by_side_and_the_other_row_is_told() -> None:
    hanging = hang(study(mammogram("L", "MLO"), mammogram("R", "MLO")))
    assert (hanging.layout, hanging.stack_uids) == ("1x2", ("RMLO", "LMLO"))
    assert hanging.notes == ("No CC view in this exam.",)


@pytest.mark.parametrize("one", [mammogram("R", "MLO"), mammogram("", "", "x"), series("x", SeriesKind.OTHER)])
def test_a_single_image_gets_one_pane(one: Series) -> None:
    hanging = hang(study(one))
    assert (hanging.layout, hanging.stack_uids) == ("1", (one.uid,))
    assert len({step.slots for step in steps(study(one))}) == len(steps(study(one)))


def test_processed_is_preferred_to_raw_which_has_its_own_step() -> None:
    raw = mammogram("R", "CC", "raw", raw=True, acquired_s=99.0)
    found = by_name(steps(study(raw, *VIEWS)))
    assert found["Overview"].stack_uids == FOUR
    assert titles(found["For Processing"]) == ["R CC For Processing"]
    assert hang(study(raw)).stack_uids == ("raw",)
    assert hang(study(raw, mammogram("L", "CC"))).stack_uids == ("raw", "LCC")


def test_of_repeats_the_last_acquired_hangs_and_the_others_are_reached() -> None:
    early, late = mammogram("R", "CC", "early", acquired_s=10.0), mammogram("R", "CC", "late", acquired_s=20.0)
    others = [one for one in VIEWS if one.uid != "RCC"]
    found = by_name(steps(study(late, early, *others)))
    assert found["Overview"].stack_uids == ("late", "LCC", "RMLO", "LMLO")
    assert found["Further images"].stack_uids == ("early",)
    assert found["Overview"].notes == ("1 further image is in the step “Further images”.",)


def test_views_from_the_side_and_modified_views_have_one_row_of_their_own() -> None:
    spot = mammogram("L", "CC", "spot", view_modifiers=("S", "M"))
    displaced = mammogram("R", "MLO", "id", view_modifiers=("ID",))
    found = by_name(steps(study(mammogram("R", "ML"), spot, displaced, *VIEWS)))
    assert found["Overview"].layout == "3x2"
    assert found["Overview"].stack_uids == (*FOUR, "RML", "spot")
    assert titles(found["Overview"])[4:] == ["R ML", "L CC S M"]
    assert [slot.group for slot in found["Overview"].slots[4:]] == [""] * 2
    assert found["Overview"].notes == ("1 further image is in the step “Further images”.",)
    assert set(found["Further images"].stack_uids) >= {"RML", "spot", "id"}


def test_a_standard_pane_is_never_filled_with_a_spot_view() -> None:
    spot = mammogram("R", "CC", "spot", view_modifiers=("S",))
    hanging = hang(study(spot, mammogram("L", "CC")))
    assert hanging.stack_uids == (None, "LCC", "spot", None)


def test_a_work_up_without_standard_views_shows_what_there_is() -> None:
    spots = [mammogram("R", "CC", f"spot{n}", view_modifiers=("M",)) for n in range(3)]
    hanging = hang(study(*spots))
    assert (hanging.layout, hanging.stack_uids) == ("2x2", ("spot0", "spot1", "spot2", None))


def test_more_than_eight_further_images_take_several_steps() -> None:
    spots = [mammogram("R", "CC", f"spot{n:02}", view_modifiers=("M",)) for n in range(10)]
    found = by_name(steps(study(*spots, *VIEWS)))
    assert found["Further images 1"].layout == "2x4"
    assert found["Further images 2"].stack_uids == ("spot08", "spot09")


def test_an_image_without_side_or_view_is_shown_apart_and_never_guessed() -> None:
    found = by_name(steps(study(mammogram("", "", "nobody"), mammogram("R", "", "half"), *VIEWS)))
    overview = found["Overview"]
    assert overview.stack_uids == (*FOUR, "half", "nobody")
    assert titles(overview)[4:] == ["R View not stated", "View not stated"]
    assert overview.slots[5].chest_wall == ""
    assert "2 images do not say which breast and view it is" in overview.notes[0]


def test_contrast_and_stereotactic_images_are_no_repeats_of_the_plain_view() -> None:
    special = [
        mammogram("R", "CC", kind, technique=kind, acquired_s=500.0)
        for kind in ("recombined", "stereotactic", "high energy", "projections")
    ]
    found = by_name(steps(study(*special, *VIEWS)))
    assert found["Overview"].stack_uids == FOUR
    assert set(found["Further images"].stack_uids) == {one.uid for one in special}


def test_tomosynthesis_hangs_beside_its_2d_view() -> None:
    found = by_name(steps(study(tomo("R", "CC"), tomo("L", "CC"), *VIEWS)))
    assert found["Overview"].stack_uids == FOUR
    assert found["CC tomo pair"].stack_uids == ("tRCC", "tLCC")
    beside = found["R CC tomo | 2D"]
    assert beside.stack_uids == ("tRCC", "RCC")
    assert titles(beside) == ["R CC tomo", "R CC 2D"]
    assert {slot.plane for slot in beside.slots} == {"native"}
    assert len({slot.group for slot in beside.slots}) == 1
    assert "MLO tomo pair" not in found


def test_a_synthetic_image_stands_for_its_view_only_where_no_other_does() -> None:
    synthetic = mammogram("R", "CC", "syn", technique="synthetic 2D", acquired_s=900.0)
    with_2d = by_name(steps(study(synthetic, tomo("R", "CC"), *VIEWS)))
    assert with_2d["Overview"].stack_uids == FOUR
    assert with_2d["R CC tomo | 2D"].stack_uids == ("tRCC", "RCC", "syn")
    without = by_name(steps(study(synthetic, tomo("R", "CC"))))
    assert without["Overview"].stack_uids == ("syn", None)
    assert titles(without["Overview"]) == ["R CC synthetic 2D", "L CC"]
    assert without["R CC tomo | 2D"].stack_uids == ("tRCC", "syn")


def test_volumes_alone_hang_in_the_panes_of_their_views() -> None:
    hanging = hang(study(tomo("L", "MLO"), tomo("R", "CC")))
    assert hanging.stack_uids == ("tRCC", None, None, "tLMLO")
    assert titles(hanging) == ["R CC tomo", "L CC", "R MLO", "L MLO tomo"]


def test_the_prior_hangs_below_view_by_view() -> None:
    before = study(
        mammogram("R", "CC", "pRCC"), mammogram("R", "MLO", "pRMLO"), mammogram("L", "MLO", "pLMLO"), date="20240301"
    )
    found = by_name(steps(study(*VIEWS, date="20250301"), before))
    overview = found["Overview"]
    assert overview.layout == "2x4"
    assert overview.stack_uids == (*FOUR, "pRCC", None, "pRMLO", "pLMLO")
    assert titles(overview)[4:6] == ["Prior 2024-03-01 R CC", "Prior 2024-03-01 L CC"]
    assert found["CC pair"].layout == "2x2"
    assert found["CC pair"].stack_uids == ("RCC", "LCC", "pRCC", None)
    assert found["R MLO and prior"].stack_uids == ("RMLO", "pRMLO")
    assert "L CC and prior" not in found
    assert {slot.group for slot in overview.slots} == {"views"}


def test_every_step_without_prior_is_there_with_one() -> None:
    exam = study(*VIEWS, date="20250301")
    before = replace(exam, uid="p", date="20240301")
    assert {one.name for one in steps(exam)} <= {one.name for one in steps(exam, before)}


def test_a_dynamic_study_is_not_a_mammogram_exam() -> None:
    phases = [series(name, SeriesKind.MR, 20) for name in ("t2", "pre", "p1", "p2")]
    dynamic = Dynamic("d", tuple(Phase(uid, None, uid) for uid in ("pre", "p1", "p2")), 0, "key")
    assert modality_of(study(*phases, dynamics=(dynamic,))) == "mri"
    assert modality_of(study(*VIEWS)) == "mammography"


def test_a_volume_is_shown_rather_than_a_localiser() -> None:
    hanging = hang(study(series("scout", SeriesKind.MR, 1), series("t2", SeriesKind.MR, 40)))
    assert hanging.stack_uids == ("t2",)


def test_a_study_without_images_hangs_nothing() -> None:
    assert hang(study()).stack_uids == ()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("L-CC.png", ("L", "CC")),
        ("p7_right_mlo.tif", ("R", "MLO")),
        ("RMLO.png", ("R", "MLO")),
        ("controlcc.png", ("", "")),
        ("L-CC.dcm", ("", "")),
    ],
)
def test_side_and_view_of_a_picture_come_from_the_users_own_file_name(name: str, found: tuple[str, str]) -> None:
    assert side_and_view(series("x", SeriesKind.OTHER, name=name)) == found


@pytest.mark.parametrize(
    ("one", "label"),
    [
        (mammogram("R", "CC"), "R CC"),
        (mammogram("R", "CC", view_modifiers=("M",)), "R CC M"),
        (mammogram("L", "MLO", raw=True), "L MLO For Processing"),
        (mammogram("L", "CC", technique="synthetic 2D"), "L CC synthetic 2D"),
        (mammogram("L", ""), "L View not stated"),
        (mammogram("", "MLO"), "MLO Side not stated"),
        (mammogram("", ""), "Side and view not stated"),
        (series("x", SeriesKind.MR, 5), ""),
    ],
)
def test_the_label_of_a_pane(one: Series, label: str) -> None:
    assert view_label_of(one) == label


def test_further_images_of_both_breasts_hang_right_beside_left() -> None:
    more = [mammogram("L", "ML", "LML"), mammogram("L", "CC", "LS", view_modifiers=("S",)), mammogram("R", "ML", "RML")]
    found = by_name(steps(study(*VIEWS, *more, mammogram("L", "MLO", "LS2", view_modifiers=("S",)))))
    assert found["Further images"].layout == "2x4"
    assert found["Further images"].stack_uids == ("RML", "LML", None, "LS", None, "LS2", None, None)
