"""Stacks: the frames of a series sorted into volumes along the normal, by position and never by file name or number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydicom.dataset import Dataset

from app.studies.files import tags
from app.studies.series import phases, slices
from app.studies.series.frames import FrameFacts
from app.studies.study import Frame, SeriesKind, Stack

POSITION_TOLERANCE_MM = 0.01  # the same slice written twice differs by rounding of 16-character DS only
ORIENTATION_TOLERANCE = 1e-3  # direction cosines; 0.06 degrees
DERIVED_TYPES = frozenset(
    ("SUBTRACT", "SUB", "SUBTRACTION", "SUBTRACTED", "MIP", "MINIP", "MNIP", "MPR", "PROJECTION", "PROJECTION_IMAGE")
)


@dataclass(frozen=True)
class StackFacts:
    """A stack with the facts of its frames (blank places have none), as phases are found from them."""

    stack: Stack
    facts: tuple[FrameFacts, ...]

    @property
    def first(self) -> FrameFacts:
        """Facts of the first frame."""
        return self.facts[0]


def stacks_of(series_uid: str, kind: SeriesKind, facts: Sequence[FrameFacts]) -> tuple[StackFacts, ...]:
    """Return the stacks of one series.

    Parameters
    ----------
    series_uid
        Series Instance UID; stacks are named after it (``uid#2`` where there are several).
    kind
        Mammograms are one stack per image; MR is sorted into volumes.
    facts
        Frames of the series in any order.
    """
    ordered = sorted(facts, key=_stable_order)
    found: list[StackFacts] = []
    for group in _partition(ordered, lambda fact: _group_key(fact, kind)):
        for same_plane in _by_orientation(group):
            found.extend(_volumes(same_plane) if same_plane[0].frame.orientation else [_flat(same_plane)])
    found = _projections_together(found)
    orientations = {stack.stack.orientation for stack in found if stack.stack.orientation}
    if len(orientations) > 1:
        note = f"The series mixes {' and '.join(sorted(orientations))} slices; each orientation is a stack of its own."
        found = [_noted(stack, note) for stack in found]
    return _named(series_uid, found)


def _projections_together(found: list[StackFacts]) -> list[StackFacts]:
    """Return the images of a rotating projection, each of another direction, as one stack to leaf through."""
    turning = [stack for stack in found if len(stack.stack.frames) == 1 and is_derived(stack.first)]
    if len(turning) < 3 or len({stack.first.size for stack in turning}) > 1:
        return found
    facts = [replace(stack.first, frame=_unplaced(stack.first.frame)) for stack in turning]
    note = "Projections from several directions: they have no common place in the patient."
    facts.sort(key=_stable_order)
    together = _stack(facts, [fact.frame for fact in facts], None, (note,))
    return [*(stack for stack in found if not any(stack is one for one in turning)), together]


def _unplaced(frame: Frame) -> Frame:
    return replace(frame, position_mm=None, orientation=None)


def _stable_order(fact: FrameFacts) -> tuple[int, int, str, str]:
    number = fact.frame.instance_number
    return number if number is not None else 0, fact.frame.index, fact.frame.sop_instance_uid, str(fact.frame.path)


def _group_key(fact: FrameFacts, kind: SeriesKind) -> tuple[object, ...]:
    own_file = ""
    if kind in (SeriesKind.MAMMOGRAM, SeriesKind.TOMOSYNTHESIS) or _stands_alone(fact):
        own_file = f"{fact.frame.sop_instance_uid} {fact.frame.path}"
    spacing = tuple(round(value, 4) for value in fact.spacing_mm or ())
    calculated = (fact.image_type[:1], bool(DERIVED_TYPES & {part.replace(" ", "_") for part in fact.image_type}))
    place = fact.frame_of_reference_uid, fact.frame.orientation is None
    return own_file, fact.size, spacing, *place, fact.kind, calculated


def _stands_alone(fact: FrameFacts) -> bool:
    """Whether a file without geometry is an image of its own: projections, and loops of several frames."""
    if fact.frame.orientation is not None:
        return False
    frames = tags.integer(fact.header, "NumberOfFrames") or 1
    return frames > 1 or tags.text(fact.header, "Modality").upper() in ("CR", "DX", "RG", "MG", "DR")


def _partition(
    facts: Iterable[FrameFacts], key: Callable[[FrameFacts], tuple[object, ...]]
) -> Iterable[list[FrameFacts]]:
    groups: dict[tuple[object, ...], list[FrameFacts]] = {}
    for fact in facts:
        groups.setdefault(key(fact), []).append(fact)
    return groups.values()


def _by_orientation(facts: Sequence[FrameFacts]) -> list[list[FrameFacts]]:
    clusters: list[tuple[np.ndarray | None, list[FrameFacts]]] = []
    for fact in facts:
        cosines = None if fact.frame.orientation is None else np.asarray(fact.frame.orientation)
        for known, members in clusters:
            if _parallel(known, cosines):
                members.append(fact)
                break
        else:
            clusters.append((cosines, [fact]))
    return [members for _, members in clusters]


def _parallel(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.abs(one - other).max() < ORIENTATION_TOLERANCE)


def normal_of(orientation: Sequence[float]) -> np.ndarray:
    """Return the unit normal of a plane, row × column (PS3.3 C.7.6.2.1.1), in LPS."""
    row, column = np.asarray(orientation[:3], float), np.asarray(orientation[3:], float)
    normal = np.cross(row, column)
    return normal / np.linalg.norm(normal)


def plane_of(orientation: Sequence[float]) -> str:
    """Return ``"sagittal"``, ``"coronal"`` or ``"axial"``: the anatomical plane closest to the image plane."""
    return ("sagittal", "coronal", "axial")[int(np.abs(normal_of(orientation)).argmax())]


def _flat(facts: list[FrameFacts]) -> StackFacts:
    """Images without position: in the order they are numbered."""
    notes: tuple[str, ...] = ()
    if len({fact.frame.path for fact in facts}) > 1:
        notes = (
            "The files have no position: slices are in the order of Instance Number, distances across are unknown.",
        )
    elif len(facts) > 1:
        notes = ("The frames have no position: they are in stored order, distances across are unknown.",)
    return _stack(facts, [fact.frame for fact in facts], None, notes)


def _volumes(facts: list[FrameFacts]) -> list[StackFacts]:
    """Split frames of one orientation into slabs, and repeated positions into phases."""
    normal = normal_of(facts[0].frame.orientation or ())
    places = [float(np.dot(normal, fact.frame.position_mm or (0.0, 0.0, 0.0))) for fact in facts]
    order = sorted(range(len(facts)), key=lambda index: places[index])
    positions: list[tuple[float, list[FrameFacts]]] = []
    for index in order:
        if positions and places[index] - positions[-1][0] < POSITION_TOLERANCE_MM:
            positions[-1][1].append(facts[index])
        else:
            positions.append((places[index], [facts[index]]))
    if len(positions) == 1 and len(facts) > 1:
        note = (
            "All images have the same position: they are in the order of their numbers, distances across are unknown."
        )
        return [_stack(facts, [fact.frame for fact in facts], None, (note,))]
    found = slices.slabs(positions)
    return [
        _noted(stack, *slices.slab_note(number, len(found), normal))
        for number, slab in enumerate(found)
        for stack in _split_slab(slab)
    ]


def _split_slab(slab: list[tuple[float, list[FrameFacts]]]) -> list[StackFacts]:
    grid = [place for place, _ in slab]
    repeats = phases.split([members for _, members in slab])
    return [_on_grid(part, grid, repeats.notes) for part in repeats.parts]


def _on_grid(facts: list[FrameFacts], grid: list[float], notes: tuple[str, ...]) -> StackFacts:
    """Make a stack of one phase; a slice that others have and this one lacks keeps its place, blank."""
    normal = normal_of(facts[0].frame.orientation or ())
    by_place = {round(float(np.dot(normal, fact.frame.position_mm or ())), 2): fact for fact in facts}
    spacing, irregular = slices.slice_spacing(grid)
    places = grid if irregular or spacing is None else slices.completed(grid, spacing)
    frames: list[Frame] = []
    missing: list[int] = []
    for number, place in enumerate(places):
        fact = slices.nearest(by_place, place)
        if fact is None:
            missing.append(number)
            frames.append(slices.blank(facts[0], normal, place))
        else:
            frames.append(fact.frame)
    while frames and frames[-1].index < 0:  # nothing is known to lie beyond the ends
        frames.pop()
        missing.pop()
    while frames and frames[0].index < 0:
        frames.pop(0)
        missing = [number - 1 for number in missing[1:]]
    ordered = sorted(facts, key=lambda fact: float(np.dot(normal, fact.frame.position_mm or ())))
    return _stack(ordered, frames, spacing, (*notes, *irregular, *slices.missing_note(missing)))


def _stack(
    facts: Sequence[FrameFacts], frames: Sequence[Frame], slice_spacing: float | None, notes: tuple[str, ...]
) -> StackFacts:
    first = facts[0]
    header = first.header
    single = slice_spacing is None and first.frame.orientation is not None and len(frames) == 1
    across = _single_thickness(first) if single else slice_spacing
    spacing = None if first.spacing_mm is None else (across or 0.0, *first.spacing_mm)
    if "LOCALIZER" in first.image_type:
        notes = (*notes, "Localiser images.")
    if any(tag in fact.header for fact in facts for tag in tags.OVERLAY_ROWS):
        notes = (*notes, "The file carries an overlay (marks drawn by the device or a reader), which is not shown.")
    stack = Stack(
        uid="",
        series_uid=first.series_uid,
        frames=tuple(frames),
        rows=first.size[0],
        columns=first.size[1],
        frame_of_reference_uid=first.frame_of_reference_uid or first.frame.sop_instance_uid,
        title=tags.text(header, "SeriesDescription"),
        orientation=plane_of(first.frame.orientation) if first.frame.orientation else "",
        spacing_mm=spacing if spacing is None or spacing[0] > 0 else (1.0, *spacing[1:]),
        spacing_basis="patient" if spacing is not None and first.frame.orientation else "unknown",
        derived=is_derived(first),
        acquired_s=phases.earliest(fact.acquired_s for fact in facts),
        trigger_s=_least(fact.trigger_s for fact in facts),
        temporal_position=first.temporal_position,
        contrast_agent=_contrast_agent(header),
        transfer_syntax=_transfer_syntax(header),
        notes=notes,
    )
    return StackFacts(stack, tuple(facts))


def _single_thickness(fact: FrameFacts) -> float | None:
    """Slice Thickness of a lone slice, whose spacing no position can give."""
    groups = (*tags.functional_groups(fact.header, fact.frame.index, "PixelMeasuresSequence"), fact.header)
    found = (tags.number(group, "SliceThickness") for group in groups)
    return next((value for value in found if value is not None and value > 0), None)


def is_derived(fact: FrameFacts) -> bool:
    """Whether an MR or CT frame is calculated from others, by Image Type (0008,0008)."""
    if DERIVED_TYPES & {part.replace(" ", "_") for part in fact.image_type}:
        return True
    return fact.image_type[:1] == ("DERIVED",) and tags.text(fact.header, "Modality").upper() in ("MR", "CT", "PT")


def _contrast_agent(header: Dataset) -> str:
    agent = tags.text(header, "ContrastBolusAgent")
    if not agent:
        item = tags.first_item(header, "ContrastBolusAgentSequence")
        agent = tags.text(item, "CodeMeaning") if item is not None else ""
    return "" if agent.strip().upper() in ("NONE", "NO", "N", "N/A", "NA", "0") else agent


def _transfer_syntax(header: Dataset) -> str:
    meta = getattr(header, "file_meta", None)
    return tags.text(meta, "TransferSyntaxUID") if meta is not None else ""


def _least(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return min(known) if known else None


def _noted(stack: StackFacts, *notes: str) -> StackFacts:
    return replace(stack, stack=replace(stack.stack, notes=(*stack.stack.notes, *notes)))


def _named(series_uid: str, found: list[StackFacts]) -> tuple[StackFacts, ...]:
    if len(found) == 1:
        return (replace(found[0], stack=replace(found[0].stack, uid=series_uid, series_uid=series_uid)),)
    return tuple(
        replace(stack, stack=replace(stack.stack, uid=f"{series_uid}#{number}", series_uid=series_uid))
        for number, stack in enumerate(found, start=1)
    )
