"""Hanging: side by side and view over view, whatever the order and description of the series."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from app.studies.hanging import hang, side_and_view
from app.studies.study import Dynamic, Frame, Phase, Series, SeriesKind, Stack, Study


def series(uid: str, kind: SeriesKind, frames: int = 1, name: str = "", **facts: str) -> Series:
    images = tuple(Frame(Path(name or f"{uid}.dcm"), n, f"{uid}.{n}") for n in range(frames))
    stack = Stack(uid, uid, images, 8, 8, uid, derived=bool(facts.pop("derived", "")))
    return Series(uid, "MG", kind, None, facts.pop("description", ""), (stack,), **facts)  # type: ignore[arg-type]


def study(*members: Series, dynamics: tuple[Dynamic, ...] = ()) -> Study:
    return Study("1", "id", "name", "", "", "", "", "", "", members, dynamics)


def mammogram(side: str, view: str) -> Series:
    # the description lies on purpose: it must not be read
    return series(f"{side}{view}", SeriesKind.MAMMOGRAM, laterality=side, view=view, description="L MLO")


VIEWS = [mammogram(side, view) for side in "LR" for view in ("CC", "MLO")]


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_four_views_hang_right_beside_left_and_cc_over_mlo(order: tuple[int, ...]) -> None:
    hanging = hang(study(*(VIEWS[n] for n in order)))
    assert hanging.layout == "2x2"
    assert hanging.stack_uids == ("RCC", "LCC", "RMLO", "LMLO")


def test_the_standard_processed_view_is_hung_first() -> None:
    spot = series("spot", SeriesKind.MAMMOGRAM, laterality="R", view="CC", view_modifiers=("S",))  # type: ignore[arg-type]
    tomosynthesis = series("tomo", SeriesKind.TOMOSYNTHESIS, 5, laterality="R", view="CC")
    plain = mammogram("R", "CC")
    raw = replace(plain, uid="raw", stacks=(replace(plain.stacks[0], uid="raw", raw=True),))
    hung = hang(study(raw, tomosynthesis, spot, plain, mammogram("L", "CC"))).stack_uids
    assert hung[:2] == ("RCC", "LCC")
    assert "raw" not in hung
    assert hang(study(raw)).stack_uids == ("raw",)


def test_a_missing_view_leaves_its_pane_empty() -> None:
    assert hang(study(*VIEWS[:3])).stack_uids == ("RCC", "LCC", None, "LMLO")


def test_a_pair_hangs_side_by_side() -> None:
    hanging = hang(study(mammogram("L", "MLO"), mammogram("R", "MLO")))
    assert (hanging.layout, hanging.stack_uids) == ("1x2", ("RMLO", "LMLO"))


@pytest.mark.parametrize("one", [mammogram("R", "MLO"), mammogram("", ""), series("x", SeriesKind.OTHER)])
def test_a_single_image_gets_one_pane(one: Series) -> None:
    hanging = hang(study(one))
    assert (hanging.layout, hanging.stack_uids) == ("1", (one.uid,))


def test_a_dynamic_study_hangs_pre_beside_first_post() -> None:
    phases = [series(name, SeriesKind.MR, 20) for name in ("t2", "pre", "p1", "p2")]
    dynamic = Dynamic("d", tuple(Phase(uid, None, uid) for uid in ("pre", "p1", "p2")), 0, "key")
    hanging = hang(study(*phases, dynamics=(dynamic,)))
    assert (hanging.layout, hanging.stack_uids) == ("1x2", ("pre", "p1"))


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
