"""Lesions: what a model that classifies lesions is asked about, from boxes, masks, findings and a clicked point."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.analysis.lesion_masks import box_mask, overlaps, parts_of
from app.workspace.box import Box
from inference.errors import EngineError
from inference.exam import DceExam, LesionInput
from inference.progress import Progress
from inference.result import Result

if TYPE_CHECKING:
    from highdicom import Volume

Point = tuple[float, float, float]
MOST = 12  # lesions of one question: more are no lesions, and each costs a network pass per slice
AT_THE_CROSS = "Lesion at the cross"


@dataclass(frozen=True)
class LesionSources:
    """Where lesions come from.

    Attributes
    ----------
    boxes
        All boxes of the study in the order in which they were drawn: their number is their name.
    results
        Results of whole examinations whose masks and findings are taken as lesions.
    point_mm
        A point the user clicked, LPS mm.
    """

    boxes: tuple[Box, ...] = ()
    results: tuple[Result, ...] = ()
    point_mm: Point | None = None

    def __bool__(self) -> bool:
        """Whether there is anything a lesion may be made of."""
        found = any(one.masks or one.findings for one in self.results)
        return bool(self.boxes) or found or self.point_mm is not None

    def without(self, model_id: str) -> LesionSources:
        """Return the sources without what a model said itself."""
        return replace(self, results=tuple(one for one in self.results if one.provenance.model_id != model_id))


def lesions_from(exam: DceExam, sources: LesionSources, progress: Progress | None = None) -> tuple[LesionInput, ...]:
    """Return the lesions of an exam; see :func:`found_lesions`."""
    return found_lesions(exam, sources, progress)[0]


def found_lesions(
    exam: DceExam, sources: LesionSources, progress: Progress | None = None
) -> tuple[tuple[LesionInput, ...], tuple[str, ...]]:
    """Return the lesions of an exam, and sentences on what could not be made one or was left out.

    A box is a cuboid one slice thick; the point is the region grown around it by half of the lesion's own enhancement;
    each connected part of a model's mask is one lesion, and where a model draws no mask its findings are. What a model
    found and a reader marked is one lesion: the reader's; what one model outlined and another only pointed at is the
    outline. At most twelve.

    Raises
    ------
    EngineError
        Where nothing enhances at the point.
    """
    progress = progress or Progress()
    notes: list[str] = []
    found = list(_from_boxes(exam, sources.boxes, notes))
    if sources.point_mm is not None:
        found.append(_at_point(exam, sources.point_mm, notes, progress))
    for result in sorted(sources.results, key=lambda one: not one.masks):  # an outline says more than a region
        progress.check()
        for lesion in _from_result(exam, result):
            if not any(overlaps(lesion.mask, known.mask) for known in found):
                found.append(lesion)
    if len(found) > MOST:
        more = len(found) - MOST
        were = "lesion was" if more == 1 else "lesions were"
        notes.append(f"{more} more {were} left out: at most {MOST} are read at once.")
    return tuple(found[:MOST]), tuple(notes)


def _from_boxes(exam: DceExam, boxes: tuple[Box, ...], notes: list[str]) -> Iterator[LesionInput]:
    for number, box in enumerate(boxes, 1):
        title = f"Box {number}"
        if box.frame_of_reference_uid != exam.image.frame_of_reference_uid:
            continue  # of another examination, or a mammogram's
        mask = box_mask(exam.image, box.corner_mm, box.opposite_mm, box.orientation)
        if mask is None:
            notes.append(f"{title} lies outside the dynamic series and was not read.")
        else:
            yield LesionInput(box.uid, title, "box", mask)


def _from_result(exam: DceExam, result: Result) -> Iterator[LesionInput]:
    """Yield the parts of a result's masks, largest first, or its findings where it has no mask."""
    model, frame = result.provenance.model_id, exam.image.frame_of_reference_uid
    masks = [one for one in result.masks if one.volume.frame_of_reference_uid == frame]
    if masks:
        for number, part in enumerate(parts_of(masks[0].volume, MOST + 1), 1):
            yield LesionInput(f"{model}:mask:{number}", f"{masks[0].title} {number} ({model})", "mask", part)
        return
    for number, finding in enumerate(result.findings, 1):
        if finding.frame_of_reference_uid != frame:
            continue
        mask = box_mask(exam.image, finding.corner_mm, finding.opposite_mm, finding.orientation)
        if mask is not None:
            title = f"{finding.title or f'Finding {number}'} ({model})"
            yield LesionInput(f"{model}:finding:{number}", title, f"finding of {model}", mask)


def _at_point(exam: DceExam, point_mm: Point, notes: list[str], progress: Progress) -> LesionInput:
    """Return the region grown around a clicked point."""
    from inference.kinetics.lesion import REACH_MM, STRAND_MM
    from inference.lesion_region import around, enhancement_per_cent, grow, half_enhancement

    pre, post = exam.pre, exam.posts[0] if exam.posts else None
    if pre is None or post is None:
        raise EngineError(
            "A clicked lesion needs a phase before and one after contrast; the study does not tell which they are.",
            "Choose the pre-contrast phase in the phases dialog, or draw a box.",
        )
    part: Volume = around(post, point_mm, REACH_MM + 5)
    before = around(pre, point_mm, REACH_MM + 5)
    difference = part.with_array(np.asarray(part.array, np.float32) - np.asarray(before.array, np.float32))
    enhancement = enhancement_per_cent(difference, pre)
    least, own = half_enhancement(enhancement, point_mm)
    grown = grow(enhancement, point_mm, least, REACH_MM, STRAND_MM, progress)
    if grown.cut_off:
        notes.append(
            f"The lesion at the cross was cut off {REACH_MM:.0f} mm from it: vessels or skin may belong to it."
        )
    notes.append(f"The lesion at the cross: enhancement of {least:.0f} % or more, half of its own ({own:.0f} %).")
    return LesionInput("point", AT_THE_CROSS, "point", grown.mask)
