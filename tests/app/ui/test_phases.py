"""Phases: a step in time moves the panes that follow time together, and never onto the pre-contrast image."""

from __future__ import annotations

from dataclasses import replace

from app.studies.derived import Derived, DerivedKind, parse
from app.studies.hanging import Slot, hang
from app.studies.study import Dynamic, Phase, Series, SeriesKind, Study
from app.ui.phases import in_time, preferred, toggled_subtraction, with_correction
from tests.app.ui.test_content import stack
from viewer.slab import Slab

UIDS = ("pre", "p1", "p2", "p3")


def study() -> Study:
    phases = tuple(Phase(uid, 90.0 * n, uid if not n else f"post {n}") for n, uid in enumerate(UIDS))
    series = tuple(Series(uid, "MR", SeriesKind.MR, None, uid, (stack(uid),)) for uid in (*UIDS, "t2"))
    return Study("1", "P", "", "", "F", "", "", "", "", series, (Dynamic("d", phases, 0, "time"),))


def subtraction(of: str, corrected: bool = False) -> str:
    return Derived(DerivedKind.SUBTRACTION, of, "pre", corrected).uid


SLOTS = (
    Slot("pre", "Pre"),
    Slot("p1", "Post 1", follows=True),
    Slot(subtraction("p1"), "Subtraction post 1", follows=True),
    Slot(subtraction("p1"), "Subtraction post 1 MIP", slab=Slab("max"), follows=True),
    Slot("t2", "T2"),
)


def test_a_derived_uid_is_read_back() -> None:
    for corrected in (False, True):
        derived = Derived(DerivedKind.SUBTRACTION, "1.2.3#1", "1.2.3#0", corrected)
        assert parse(derived.uid) == derived
    assert parse("1.2.840.1#2") is None
    assert parse("dynamic:1.2|3") is None


def test_panes_that_follow_time_go_together_and_the_others_stay() -> None:
    for active in range(4):
        later = in_time(study(), SLOTS, active, 1)
        assert [slot.uid for slot in later] == ["pre", "p2", subtraction("p2"), subtraction("p2"), "t2"]
        assert [slot.title for slot in later][1:4] == ["Post 2", "Subtraction post 2", "Subtraction post 2 MIP"]
        assert later[3].slab == Slab("max")
    assert in_time(study(), SLOTS, 4, 1) == SLOTS  # T2 has no time


def test_time_stops_at_both_ends_and_never_subtracts_the_pre_contrast_image_from_itself() -> None:
    assert in_time(study(), SLOTS, 1, -1) == SLOTS
    last = in_time(study(), in_time(study(), SLOTS, 1, 1), 1, 1)
    assert last[2].uid == subtraction("p3")
    assert in_time(study(), last, 1, 1) == last


def test_without_a_follower_the_active_pane_goes_through_all_phases() -> None:
    alone = (Slot("p1"), Slot("p2"))
    assert [slot.uid for slot in in_time(study(), alone, 0, -1)] == ["pre", "p2"]


def test_motion_correction_is_taken_up_and_left_again() -> None:
    on = with_correction(SLOTS, lambda of, reference: (of, reference) == ("p1", "pre"))
    assert [slot.uid for slot in on] == ["pre", "p1", subtraction("p1", True), subtraction("p1", True), "t2"]
    assert with_correction(on, lambda *_: False) == SLOTS
    assert preferred("p1", lambda *_: True) == "p1"


def test_the_subtraction_of_a_phase_is_one_key_away_and_back() -> None:
    on = toggled_subtraction(study(), SLOTS[1], lambda *_: False)
    assert on.uid == subtraction("p1")
    assert toggled_subtraction(study(), on, lambda *_: False).uid == "p1"
    assert toggled_subtraction(study(), SLOTS[0], lambda *_: False) == SLOTS[0]
    assert toggled_subtraction(study(), SLOTS[4], lambda *_: False) == SLOTS[4]


def test_where_the_pre_contrast_phase_is_unknown_every_phase_can_be_shown() -> None:
    one = study()
    unknown = replace(one, dynamics=(replace(one.dynamics[0], pre_index=None),))
    slots = tuple(replace(slot, follows=slot.uid == "p1") for slot in SLOTS[:2])
    assert in_time(unknown, slots, 1, -1)[1].uid == "pre"
    assert hang(unknown).slots
