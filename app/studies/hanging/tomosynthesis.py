"""Hanging of tomosynthesis: each volume beside the 2D image of its view, and where a point of one lies on the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from app.studies.hanging.exam import FOUR_VIEWS, STANDARD_VIEWS, Exam, Image, exam_of
from app.studies.hanging.types import Hanging, Slot

if TYPE_CHECKING:
    from app.studies.study import Study
    from viewer.layers.types import Framing

_WALL: dict[str, Literal["left", "right"]] = {"R": "right", "L": "left"}
#: Depths of the two breasts that differ by more than this are not the same compression: no scale is taken from them.
_MOST_SCALE = 1.25
#: How far a mark on the other image may be off, in mm, in a view of the same compression (see ``on_other_image``).
ACCURACY_MM = 10.0


def tomosynthesis_steps(exam: Exam) -> tuple[Hanging, ...]:
    """Return volume pairs (R | L), then each volume beside its 2D image and its synthetic one, where there are any."""
    steps = []
    for view in STANDARD_VIEWS:
        pair = [exam.volumes.get((side, view)) for side in "RL"]
        if all(pair):
            slots = tuple(_slot(image, f"{view} tomo") for image in pair if image is not None)
            steps.append(Hanging(f"{view} tomo pair", "1x2", slots))
    for key in FOUR_VIEWS:
        volume, flat = exam.volumes.get(key), exam.views.get(key)
        if volume is None:
            continue
        images = [volume, *(one for one in (flat, exam.synthetic.get(key)) if one is not None and one is not volume)]
        name = " ".join(key)
        slots = tuple(_slot(image, f"{name} tomo") for image in images)
        step = f"{name} tomo | 2D" if len(images) > 1 else f"{name} tomo"
        steps.append(Hanging(step, f"1x{len(images)}" if len(images) > 1 else "1", slots))
    return tuple(steps)


def _slot(image: Image, group: str) -> Slot:
    plain_2d = not image.is_volume and not image.stack.technique
    title = f"{image.title} 2D" if plain_2d else image.title
    return Slot(image.stack.uid, title, chest_wall=_WALL[image.key[0]], group=group)


def partners_of(study: Study, uid: str) -> tuple[str, ...]:
    """Return the images on which the cursor of another may be marked: a volume's 2D images, a 2D image's volume.

    Same side and standard view, without view modifiers. Empty for any other image.
    """
    exam = exam_of(study)
    for key, volume in exam.volumes.items():
        candidates = (exam.views.get(key), exam.synthetic.get(key))
        flat = [one.stack.uid for one in candidates if one is not None and one is not volume]
        if uid == volume.stack.uid:
            return tuple(flat)
        if uid in flat:
            return (volume.stack.uid,)
    return ()


def on_other_image(point_mm: tuple[float, float], source: Framing, target: Framing) -> tuple[float, float] | None:
    """Return about where a point of one image lies on another of the same side and view.

    The two are laid on each other at the chest wall and at nipple level, whichever way round each is stored, and scaled
    to the same depth from chest wall to nipple (the detector magnifies what the volume shows at its own height; a depth
    that differs by more than a quarter is no magnification, and is not used).

    It is an aid for the eye, not a measurement. The slice's height moves the true place by parallax (nothing under the
    focus at the chest wall; at 100 mm from it, with the focus 650 mm above the detector, 15 % of the height), and two
    compressions move tissue by several mm: take it as right to about ``ACCURACY_MM``.

    Parameters
    ----------
    point_mm
        x, y in mm of the stored plane of the source (x right, y down, from the outer corner of its first pixel).
    source, target
        Framing of both images, from ``framing_of``.

    Returns
    -------
    (float, float) or None
        In mm of the stored plane of the target; None where one of them has no chest wall, or the place lies off it.
    """
    if not source.chest_wall or source.chest_wall != target.chest_wall:
        return None
    there = np.array(source.turn, float) @ (np.array(point_mm) - source.anchor_mm) * _scale(source, target)
    x, y = np.array(target.turn, float).T @ there + target.anchor_mm
    left, top, right, bottom = target.region_mm
    inside = left - ACCURACY_MM <= x <= right + ACCURACY_MM and top - ACCURACY_MM <= y <= bottom + ACCURACY_MM
    return (float(x), float(y)) if inside else None


def _scale(source: Framing, target: Framing) -> float:
    depths = [_depth(source), _depth(target)]
    scale = depths[1] / depths[0] if min(depths) > 0 else 1.0
    return scale if 1 / _MOST_SCALE <= scale <= _MOST_SCALE else 1.0


def _depth(framing: Framing) -> float:
    """Return mm from the chest wall to the far edge of the breast's region."""
    left, top, right, bottom = framing.region_mm
    across, down = np.abs(np.array(framing.turn)) @ (right - left, bottom - top)
    return float(across) if framing.chest_wall else float(down)
