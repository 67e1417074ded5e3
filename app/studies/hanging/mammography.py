"""Hanging of mammograms: by ViewCodeSequence and laterality, R | L back to back, CC over MLO.

A pane whose view is not in the exam stays, empty and named: after a mastectomy the one breast keeps its place on the
screen, and a reader sees at once what was not taken. A row of which neither side was taken gives its room to the other,
with a note; a study of one image is that image alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import Literal, get_args

from app.studies.hanging.exam import (
    FOUR_VIEWS,
    REPEATED,
    STANDARD_VIEWS,
    Exam,
    Image,
    Key,
    category,
    exam_of,
    mammograms_of,
)
from app.studies.hanging.tomosynthesis import tomosynthesis_steps
from app.studies.hanging.types import Hanging, Slot, Zoom
from app.studies.series.views import side_and_view, view_label_of
from app.studies.study import Study

__all__ = ["WALL", "mammograms_of", "mammography_steps", "side_and_view", "view_label_of"]

WALL: dict[str, Literal["left", "right"]] = {"R": "right", "L": "left"}
GROUP = "views"
PAGE = 8  # panes of a step of further images
_QUADRANTS = tuple(zoom for zoom in get_args(Zoom) if zoom not in ("fit", "one_to_one"))


def mammography_steps(study: Study, prior: Study | None = None) -> tuple[Hanging, ...]:
    """Return the steps of a mammogram exam, with a prior exam below where one is given.

    Overview, CC pair, MLO pair, each view with its prior, tomosynthesis beside 2D, further images, each view one to
    one, quadrants, For Processing. A step that would be empty is left out.
    """
    exam = exam_of(study)
    before = exam_of(prior) if prior is not None else None
    when = f"Prior {_day(prior.date)}".strip() if prior is not None else ""
    overview = _overview(exam) if before is None else _overview_with(exam, before, when)
    steps = [
        overview,
        *_pairs(exam, before, when),
        *_with_prior(exam, before, when),
        *tomosynthesis_steps(exam),
        *pages("Further images", exam.further),
        *(pages("Prior further images", before.further, when) if before is not None else ()),
        *_alone(exam),
        *pages("For Processing", exam.raw),
    ]
    return tuple(_begun(step) for step in (overview, *(step for step in steps[1:] if step.slots != overview.slots)))


def _begun(step: Hanging) -> Hanging:
    """Return the step with the keyboard at its first image: after a mastectomy the first pane is empty."""
    return replace(step, active=next((n for n, slot in enumerate(step.slots) if slot.uid is not None), 0))


def _day(date: str) -> str:
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 and date.isdigit() else date


# --- slots -------------------------------------------------------------------------------------------------------


def slot_of(image: Image, group: str = "", when: str = "") -> Slot:
    """Return the slot of an image: chest wall to its own side's edge; ``when`` names a prior exam."""
    wall: Literal["", "left", "right"] = WALL.get(image.key[0], "")  # type: ignore[assignment]
    return Slot(image.stack.uid, f"{when} {image.title}".strip(), chest_wall=wall, group=group)


def _view_slot(exam: Exam, key: Key, when: str = "") -> Slot:
    """Return the slot of a standard view, empty where the exam has none."""
    if key in exam.views:
        return slot_of(exam.views[key], GROUP, when)
    return Slot(None, f"{when} {' '.join(key)}".strip(), chest_wall=WALL[key[0]], group=GROUP)


def pages(name: str, images: Sequence[Image], when: str = "") -> tuple[Hanging, ...]:
    """Return images that have no place of their own, up to eight in a step; of both breasts, right beside left."""
    placed = _paired(images)
    parts = [placed[start : start + PAGE] for start in range(0, len(placed), PAGE)]
    return tuple(
        sheet(
            name if len(parts) == 1 else f"{name} {number}",
            [slot_of(image, when=when) if image is not None else Slot() for image in part],
        )
        for number, part in enumerate(parts, start=1)
    )


def _paired(images: Sequence[Image]) -> list[Image | None]:
    """Return images of both breasts in turn, right, left, right …, with None where one side has fewer."""
    right, left = ([image for image in images if image.key[0] == side] for side in "RL")
    if not right or not left or len(right) + len(left) < len(images):
        return list(images)
    pairs: list[Image | None] = [image for pair in zip_longest(right, left) for image in pair]
    # Three pairs would not lie in two rows of pairs.
    return pairs + [None] * 2 if len(pairs) % PAGE == PAGE - 2 else pairs


def sheet(name: str, slots: Sequence[Slot]) -> Hanging:
    """Return up to eight panes in one or two rows."""
    rows = 1 if len(slots) <= 2 else 2
    columns = max(1, -(-len(slots) // rows))
    blank = (Slot(),) * (rows * columns - len(slots))
    return Hanging(name, f"{rows}x{columns}" if rows * columns > 1 else "1", (*slots, *blank))


# --- overview ----------------------------------------------------------------------------------------------------


def _rows(*exams: Exam | None) -> list[str]:
    """Return the standard views that any of the exams has."""
    return [view for view in STANDARD_VIEWS if any(exam and _has(exam, view) for exam in exams)]


def _has(exam: Exam, view: str) -> bool:
    return any((side, view) in exam.views for side in "RL")


def _overview(exam: Exam) -> Hanging:
    images = exam.images
    if len(images) == 1:
        return Hanging("Overview", "1", (slot_of(images[0], GROUP),), notes=_notes(exam, 0))
    rows = [[_view_slot(exam, (side, view)) for side in "RL"] for view in _rows(exam)]
    if not rows:
        first = next(iter(pages("Overview", exam.further)), Hanging("Overview", "1", ()))
        return replace(first, name="Overview", notes=_notes(exam, max(0, len(exam.further) - PAGE)))
    own = _own_row(exam.further)
    rows += [own] if own else []
    slots = tuple(slot for row in rows for slot in row)
    hidden = len(exam.further) - sum(slot.uid is not None for slot in own)
    return Hanging("Overview", f"{len(rows)}x2", slots, notes=_notes(exam, hidden))


def _own_row(images: Sequence[Image]) -> list[Slot]:
    """Return the one row of other and modified views: the first of the right breast and of the left one.

    One row, so that the standard views keep a size at which they can be read; the others, and repeats of a view that is
    on show, are left to the step of further images. Views from the side come first, then spot, magnification and
    implant-displaced views, then images without a view.
    """
    members = [image for image in images if category(image) != REPEATED]
    return [slot_of(image) if image is not None else Slot() for image in _row(members)] if members else []


def _row(members: Sequence[Image]) -> list[Image | None]:
    """Return the first image of the right breast and of the left one; images without a side fill what is free."""
    unsided = [image for image in members if image.key[0] not in WALL]
    row = [next((image for image in members if image.key[0] == side), None) for side in "RL"]
    return [image if image is not None else unsided.pop(0) if unsided else None for image in row]


def _notes(exam: Exam, hidden: int) -> tuple[str, ...]:
    notes = []
    missing = [view for view in STANDARD_VIEWS if exam.views and not _has(exam, view)]
    if missing:
        notes.append(f"No {missing[0]} view in this exam.")
    unstated = sum(not image.is_stated for image in exam.further)
    if unstated:
        images = "1 image does" if unstated == 1 else f"{unstated} images do"
        notes.append(f"{images} not say which breast and view it is: shown apart, nothing is guessed.")
    if hidden > 0:
        images = "1 further image is" if hidden == 1 else f"{hidden} further images are"
        notes.append(f"{images} in the step “Further images”.")
    return tuple(notes)


def _overview_with(exam: Exam, before: Exam, when: str) -> Hanging:
    """Return the current exam over the prior one, each view over the same view."""
    keys = [key for key in FOUR_VIEWS if key[1] in _rows(exam, before)]
    if not keys:
        slots = [slot_of(image) for image in exam.further] + [slot_of(image, when=when) for image in before.further]
        return sheet("Overview", slots[:PAGE])
    slots = [_view_slot(exam, key) for key in keys] + [_view_slot(before, key, when) for key in keys]
    return Hanging("Overview", f"2x{len(keys)}", tuple(slots), notes=_notes(exam, len(exam.further)))


# --- steps -------------------------------------------------------------------------------------------------------


def _pairs(exam: Exam, before: Exam | None, when: str) -> list[Hanging]:
    found = []
    for view in _rows(exam):
        slots = [_view_slot(exam, (side, view)) for side in "RL"]
        if before is not None:
            slots += [_view_slot(before, (side, view), when) for side in "RL"]
        if sum(slot.uid is not None for slot in slots) > 1:
            found.append(Hanging(f"{view} pair", f"{len(slots) // 2}x2", tuple(slots)))
    return found


def _with_prior(exam: Exam, before: Exam | None, when: str) -> list[Hanging]:
    """Return each view beside the same view of the prior exam."""
    if before is None:
        return []
    return [
        Hanging(f"{' '.join(key)} and prior", "1x2", (_view_slot(exam, key), _view_slot(before, key, when)))
        for key in FOUR_VIEWS
        if key in exam.views and key in before.views
    ]


def _alone(exam: Exam) -> list[Hanging]:
    """Return each view one to one, then each view's quadrants."""
    single = {key: _view_slot(exam, key) for key in FOUR_VIEWS if key in exam.views}
    steps = [Hanging(f"{' '.join(key)} 1:1", "1", (replace(slot, zoom="one_to_one"),)) for key, slot in single.items()]
    for key, slot in single.items():
        steps += [
            Hanging(f"{' '.join(key)} {quadrant}", "1", (replace(slot, zoom=quadrant),)) for quadrant in _QUADRANTS
        ]
    return steps
