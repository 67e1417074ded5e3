"""Content: the words and shapes of a pane, from plain values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.studies.study import Dynamic, Frame, Phase, Series, SeriesKind, Stack, Study
from app.ui.boxes_panel import box_text, group_keys_text, next_label
from app.ui.browse import browser_rows
from app.ui.phases_dialog import seconds_problem
from app.ui.places import box_size_mm, centre_mm, frame_index
from app.ui.status_line import cursor_text
from app.ui.wording import day, number, person_name, phase_title, spacing_text
from app.workspace import taxonomy
from app.workspace.box import Box
from viewer.readout import CursorReading


def stack(uid: str, count: int = 3) -> Stack:
    cosines = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    frames = tuple(Frame(Path("x.dcm"), n, f"{uid}.{n}", n, (0.0, 0.0, 2.0 * n), cosines) for n in range(count))
    return Stack(uid, uid, frames, 4, 5, "frame", spacing_mm=(2.0, 0.5, 0.25), spacing_basis="patient")


def study() -> Study:
    stacks = [stack("pre"), stack("post")]
    members = tuple(Series(s.uid, "MR", SeriesKind.MR, None, s.uid.upper(), (s,)) for s in (*stacks, stack("t2")))
    phases = (Phase("pre", 0.0, "pre"), Phase("post", 91.4, "post 1"))
    dynamic = Dynamic("dyn", phases, 0, "Trigger Time (0018,1060)", "no contrast agent")
    return Study("1", "P1", "Doe^Jane^^^", "", "F", "20240131", "", "Breast", "", members, (dynamic,))


def test_names_dates_and_numbers_are_read_as_people_write_them() -> None:
    assert person_name("Doe^Jane^^^=ドウ") == "Doe, Jane"
    assert day("20240131") == "2024-01-31"
    assert day("") == ""
    assert [number(v) for v in (349.4, 12.0, 0.12345)] == ["349", "12", "0.123"]


def test_a_phase_names_its_time_after_the_first_one_with_contrast_or_says_it_is_unknown() -> None:
    one = study()
    assert [phase_title(one, one.stack(uid)) for uid in ("pre", "post", "t2")] == ["pre", "post 1 · 0:00 min", ""]
    later = (Phase("pre", 0.0, "pre"), Phase("post", 1371.0, "post 1"), Phase("t2", 1493.4, "post 2"))
    assert phase_title(replace(one, dynamics=(replace(one.dynamics[0], phases=later),)), one.stack("t2")) == (
        "post 2 · 2:02 min"
    )
    unsure = replace(one.dynamics[0], pre_index=None)
    assert phase_title(replace(one, dynamics=(unsure,)), one.stack("post")) == "post 1 · 1:31 min"
    dynamic = replace(one.dynamics[0], phases=(Phase("pre", None, "pre"), Phase("post", None, "post 1")))
    assert phase_title(replace(one, dynamics=(dynamic,)), one.stack("post")) == "post 1 · time unknown"


def test_spacing_says_what_it_means() -> None:
    assert spacing_text(stack("a")) == "0.5 × 0.25 × 2 mm · patient"
    assert spacing_text(stack("a", 1)) == "0.5 × 0.25 mm · patient"
    assert spacing_text(replace(stack("a"), spacing_mm=None)) == ""


def test_a_box_is_measured_along_rows_and_columns() -> None:
    sagittal = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    box = Box("1", "pre", "pre.1", "f", (5.0, 10.0, 40.0), (5.0, 22.5, 33.0), sagittal)
    assert box_size_mm(box) == pytest.approx((12.5, 7.0))
    assert centre_mm(box) == pytest.approx((5.0, 16.25, 36.5))
    assert box_text(box, None, "slice 2", "mm") == "No label\nslice 2 · 12.5 × 7.0 mm"
    assert box_text(box, None, "slice 2", "px").endswith("12.5 × 7.0 px")


def test_a_box_finds_its_slice_also_among_frames_of_one_file() -> None:
    single = stack("a")
    assert frame_index(single, "a.2") == 2
    assert frame_index(single, "b") is None
    multi = replace(single, frames=tuple(replace(f, sop_instance_uid="same") for f in single.frames))
    assert frame_index(multi, "same", (7.0, 7.0, 2.1)) == 1


def test_browser_rows_show_phases_inside_their_acquisition_and_the_key() -> None:
    (patient,) = browser_rows((study(),))
    assert patient.title == "Doe, Jane"
    (shown,) = patient.children
    dynamic, t2 = shown.children
    assert (dynamic.kind, [row.title for row in dynamic.children]) == ("dynamic", ["pre", "post 1 · 0:00 min"])
    assert "Trigger Time" in dynamic.subtitle
    assert (t2.kind, t2.title, t2.subtitle) == ("stack", "T2", "3 slices · 5×4")


def test_group_keys_go_round_the_labels_of_a_group() -> None:
    terms = taxonomy.load("mri")
    groups = list(terms.groups)
    first = next_label(terms, 2, "")
    assert terms.term(first).group == groups[1]  # type: ignore[union-attr]
    codes = [term.code for term in terms.terms if term.group == groups[1]]
    seen, code = [], ""
    for _ in codes:
        code = next_label(terms, 2, code)
        seen.append(code)
    assert seen == codes
    assert next_label(terms, 2, code) == codes[0]
    assert next_label(terms, 9, "IDC") == "IDC"
    assert all(f"F{n + 2} {group}" in group_keys_text(terms) for n, group in enumerate(groups))


@pytest.mark.parametrize(
    ("texts", "problem"),
    [
        (["0", "90", "180"], ""),
        (["", "", ""], ""),
        (["0", "", "80,5"], ""),
        (["0", "x"], "not a number"),
        (["5", "5"], "grow"),
    ],
)
def test_times_must_grow_and_may_stay_unknown(texts: list[str], problem: str) -> None:
    found = seconds_problem(texts)
    assert (problem in found) if problem else found == ""


def test_the_cursor_line_has_millimetres_and_value() -> None:
    reading = CursorReading(0, "f", (1.26, -3.0, 4.04), (0, 1, 2), 411.0, "HU")
    assert cursor_text(reading) == "x 1.3  y -3.0  z 4.0 mm   411 HU"
    assert cursor_text(replace(reading, value=(1.0, 2.0, 3.0), unit="")).endswith("1/2/3")
    assert cursor_text(None) == ""
