"""Phases: which images the panes show after a step in time, or when motion correction is put in use. Qt-free."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from app.studies.derived import Derived, DerivedKind, base_uid, parse
from app.studies.hanging.types import Slot
from app.studies.study import Dynamic, Study

Corrected = Callable[[str, str], bool]


def in_time(study: Study, slots: Sequence[Slot], active: int, step: int) -> tuple[Slot, ...]:
    """Return the slots one step earlier or later.

    Panes that follow time (post-contrast, subtraction, projection) go together and never onto the pre-contrast phase;
    where none follows, the active pane goes through all phases.
    """
    uid = slots[active].uid if 0 <= active < len(slots) else None
    place = study.phase_of(uid) if uid is not None else None
    if place is None:
        return tuple(slots)
    dynamic = place[0]
    moving = [n for n, slot in enumerate(slots) if slot.follows and _phase(study, dynamic, slot.uid) is not None]
    if slots[active].follows or moving:
        moving = moving or [active]
        leader = active if active in moving else moving[0]
        target = _posts_step(dynamic, _phase(study, dynamic, slots[leader].uid), step)
    else:
        moving, target = [active], place[1] + step
    if target is None or not 0 <= target < len(dynamic.phases):
        return tuple(slots)
    return tuple(at_phase(slot, dynamic, target) if n in moving else slot for n, slot in enumerate(slots))


def _phase(study: Study, dynamic: Dynamic, uid: str | None) -> int | None:
    """Return the place of an image in a dynamic series, None where it belongs to another or to none."""
    place = study.phase_of(uid) if uid is not None else None
    return place[1] if place is not None and place[0].uid == dynamic.uid else None


def _posts_step(dynamic: Dynamic, index: int | None, step: int) -> int | None:
    posts = [n for n in range(len(dynamic.phases)) if n != dynamic.pre_index]
    if index not in posts:
        return posts[0] if posts else None
    place = posts.index(index) + step
    return posts[place] if 0 <= place < len(posts) else None


def at_phase(slot: Slot, dynamic: Dynamic, index: int) -> Slot:
    """Return what a pane shows at another phase: the phase, or the image derived from it in the same way."""
    if slot.uid is None:
        return slot
    old = next((phase.label for phase in dynamic.phases if phase.stack_uid == base_uid(slot.uid)), "")
    phase, derived = dynamic.phases[index], parse(slot.uid)
    uid = phase.stack_uid if derived is None else replace(derived, of=phase.stack_uid).uid
    title = slot.title.replace(old, phase.label).replace(old.capitalize(), phase.label.capitalize()) if old else ""
    return replace(slot, uid=uid, title=title)


def with_correction(slots: Sequence[Slot], corrected: Corrected) -> tuple[Slot, ...]:
    """Return the slots with subtractions of motion-corrected phases where a correction is in use, plain ones else."""
    return tuple(replace(slot, uid=preferred(slot.uid, corrected)) if slot.uid else slot for slot in slots)


def preferred(uid: str, corrected: Corrected) -> str:
    """Return the uid of a subtraction with or without motion correction, as is in use; other uids as they are."""
    derived = parse(uid)
    if derived is None or derived.kind is not DerivedKind.SUBTRACTION:
        return uid
    return replace(derived, motion_corrected=corrected(derived.of, derived.reference)).uid


def toggled_subtraction(study: Study, slot: Slot, corrected: Corrected) -> Slot:
    """Return the subtraction of the phase a pane shows, or the phase again where the subtraction is on show."""
    place = study.phase_of(slot.uid) if slot.uid is not None else None
    if place is None or slot.uid is None:
        return slot
    dynamic, index = place
    if parse(slot.uid) is not None:
        return replace(slot, uid=base_uid(slot.uid), title=dynamic.phases[index].label.capitalize(), slab=None)
    pre = dynamic.pre_index if dynamic.pre_index is not None else 0
    if index == pre:
        return slot
    uid = Derived(DerivedKind.SUBTRACTION, slot.uid, dynamic.phases[pre].stack_uid).uid
    return replace(slot, uid=preferred(uid, corrected), title=f"Subtraction {dynamic.phases[index].label}")
