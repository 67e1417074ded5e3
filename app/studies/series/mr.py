"""DCE-MRI: the phases of a dynamic acquisition, found in one series or many, in time order, with the reason for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.studies.files import tags
from app.studies.series import phase_order, pre_contrast
from app.studies.series.frames import FrameFacts
from app.studies.series.stacking import DERIVED_TYPES, ORIENTATION_TOLERANCE, StackFacts
from app.studies.study import Dynamic, Phase, Stack

_LONG_PAUSE_S = 300.0
_SUBTRACTED = re.compile(
    r"\b(sub|subs|subtract\w*|mip|mips|minip|mpr|ser|pe\d|wash[ _-]?(in|out)|adc|mask|maps?)\b", re.IGNORECASE
)
_NOT_T1 = re.compile(r"(?<![a-z0-9])(t2\w*|stir|tirm|dwi|ep2d|diff\w*|adc|flair|haste|loc\w*|scout)", re.IGNORECASE)


def dynamics_of(stacks: Sequence[StackFacts]) -> tuple[Dynamic, ...]:
    """Return the dynamic acquisitions among the MR stacks of a study.

    Phases share frame of reference, grid, matrix and pulse sequence parameters and are T1-weighted. Subtractions and
    projections are never phases; images marked DERIVED are phases only of each other.
    """
    candidates = [stack for stack in stacks if _may_be_phase(stack)]
    groups: list[list[StackFacts]] = []
    for stack in candidates:
        for group in groups:
            if _same_acquisition(group[0], stack):
                group.append(stack)
                break
        else:
            groups.append([stack])
    return tuple(_dynamic(group) for group in groups if len(group) > 1)


def looks_calculated(description: str) -> bool:
    """Whether a series description names a subtraction, projection or parameter map; weak evidence."""
    return _SUBTRACTED.search(description.replace("_", " ")) is not None


def _may_be_phase(stack: StackFacts) -> bool:
    if len(stack.stack.frames) < 2 or not stack.first.frame.orientation or _is_calculated(stack):
        return False
    return "LOCALIZER" not in stack.first.image_type and _is_t1(stack)


def _is_calculated(stack: StackFacts) -> bool:
    kinds = {part.replace(" ", "_") for part in stack.first.image_type}
    return bool(kinds & DERIVED_TYPES) or looks_calculated(stack.stack.title)


def _sequence_value(fact: FrameFacts, group: str, keyword: str, classic: str) -> float | None:
    for item in tags.functional_groups(fact.header, fact.frame.index, group):
        if (value := tags.number(item, keyword)) is not None:
            return value
    return tags.number(fact.header, classic)


def timing_of(fact: FrameFacts) -> tuple[float | None, float | None, float | None]:
    """Return repetition time and echo time in ms, and flip angle in degrees."""
    group = "MRTimingAndRelatedParametersSequence"
    return (
        _sequence_value(fact, group, "RepetitionTime", "RepetitionTime"),
        _sequence_value(fact, "MREchoSequence", "EffectiveEchoTime", "EchoTime"),
        _sequence_value(fact, group, "FlipAngle", "FlipAngle"),
    )


def _is_t1(stack: StackFacts) -> bool:
    """T1 weighting by the pulse sequence: short repetition and echo time, no echo-planar read-out, no b-value."""
    header, (repetition, echo, _) = stack.first.header, timing_of(stack.first)
    if "EP" in tags.texts(header, "ScanningSequence") or (stack.first.kind[2:3] or (None,))[0]:
        return False
    if repetition is None or echo is None:
        return _NOT_T1.search(stack.stack.title.replace("_", " ")) is None
    return repetition < 1000.0 and echo < 20.0


def _same_acquisition(one: StackFacts, other: StackFacts) -> bool:
    return _same_grid(one.stack, other.stack) and _same_protocol(one.first, other.first)


def _same_grid(one: Stack, other: Stack) -> bool:
    """Whether two stacks have the same frame of reference, matrix, spacing, orientation and first and last position."""
    if one.derived != other.derived or (one.rows, one.columns) != (other.rows, other.columns):
        return False
    if one.frame_of_reference_uid != other.frame_of_reference_uid and _has_frame(one) and _has_frame(other):
        return False
    if one.spacing_mm is None or other.spacing_mm is None:
        return False
    step = max(one.spacing_mm[0], 0.1)
    apart = [_distance(one.frames[end], other.frames[end]) for end in (0, -1)]
    turned = np.abs(np.subtract(one.frames[0].orientation or (), other.frames[0].orientation or ())).max()
    return (
        bool(np.allclose(one.spacing_mm, other.spacing_mm, rtol=1e-2))
        and bool(turned < ORIENTATION_TOLERANCE)
        and max(apart) < 2.6 * step  # a phase may lack a slice or two at an end
        and _on_same_lattice(one, other)
    )


def _has_frame(stack: Stack) -> bool:
    """Whether the frame of reference comes from the file (else it is the image's own UID)."""
    return stack.frame_of_reference_uid not in {frame.sop_instance_uid for frame in stack.frames}


def _distance(one: object, other: object) -> float:
    first, second = getattr(one, "position_mm", None), getattr(other, "position_mm", None)
    return float(np.linalg.norm(np.subtract(first, second))) if first and second else float("inf")


def _on_same_lattice(one: Stack, other: Stack) -> bool:
    """Whether the first slice of one stack lies on a slice of the other, within a tenth of a slice."""
    spacing = (one.spacing_mm or (1.0,))[0] or 1.0
    distances = [_distance(one.frames[0], frame) for frame in other.frames]
    distances += [_distance(other.frames[0], frame) for frame in one.frames]
    return min(distances) < max(0.1 * spacing, 0.05)


def _same_protocol(one: FrameFacts, other: FrameFacts) -> bool:
    if (one.kind[0], one.kind[2:]) != (other.kind[0], other.kind[2:]):  # the echo time is compared below
        return False
    for value, compared in zip(timing_of(one), timing_of(other), strict=True):
        if value is not None and compared is not None and abs(value - compared) > 0.05 * max(value, compared):
            return False
    return _letters(one) == _letters(other)


def _letters(fact: FrameFacts) -> tuple[object, ...]:
    """Fat suppression, kind of sequence and correction: such a pair of one acquisition is not two phases."""
    sequence = {"SE", "IR", "GR", "EP"} & set(tags.texts(fact.header, "ScanningSequence"))
    corrections = {"NORM", "MOCO", "DIS2D", "DIS3D", "FIL"} & set(fact.image_type)
    return "FS" in tags.texts(fact.header, "ScanOptions"), sequence, corrections


def _dynamic(group: list[StackFacts]) -> Dynamic:
    ordered, key, notes = phase_order.in_time_order(group)
    seconds, time_notes = phase_order.seconds_of(ordered)
    pre_index, reason, pre_notes = pre_contrast.pre_contrast_of(ordered, key)
    labels = phase_labels(len(ordered), pre_index)
    return Dynamic(
        uid="dynamic:" + min(stack.stack.uid for stack in group),
        phases=tuple(
            Phase(stack.stack.uid, second, label) for stack, second, label in zip(ordered, seconds, labels, strict=True)
        ),
        pre_index=pre_index,
        key=key,
        pre_reason=reason,
        notes=(*notes, *time_notes, *pre_notes, *_pause_notes(seconds, labels), *_group_notes(ordered)),
    )


def phase_labels(count: int, pre_index: int | None) -> tuple[str, ...]:
    """Return ``"pre"``, ``"post 1"`` …, or ``"phase 1"`` … where no phase is known to be pre-contrast."""
    if pre_index is None:
        return tuple(f"phase {number}" for number in range(1, count + 1))
    before = [f"before {pre_index - number}" for number in range(pre_index)]
    return (*before, "pre", *(f"post {number}" for number in range(1, count - pre_index)))


def _pause_notes(seconds: Sequence[float | None], labels: Sequence[str]) -> tuple[str, ...]:
    known = [second for second in seconds if second is not None]
    if len(known) < len(seconds) or len(known) < 2:
        return ()
    steps = np.diff(known)
    usual = float(np.median(steps))
    return tuple(
        f"{_minutes(step)} between {labels[index]} and {labels[index + 1]}; the other steps are about {usual:.0f} s."
        for index, step in enumerate(steps)
        if step > _LONG_PAUSE_S and step > 2 * usual
    )


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes"


def _group_notes(ordered: Sequence[StackFacts]) -> tuple[str, ...]:
    notes: list[str] = []
    if ordered[0].stack.derived:
        notes.append("All phases are marked as derived images (Image Type): they may have been processed.")
    if len({len(stack.stack.frames) for stack in ordered}) > 1:
        notes.append("The phases do not all have the same number of slices.")
    if not all(_has_frame(stack.stack) for stack in ordered):
        notes.append("The files have no Frame of Reference: that the phases lie on each other is not certain.")
    return tuple(notes)


def with_brightness_check(dynamic: Dynamic, mean_values: Sequence[float]) -> Dynamic:
    """Return the dynamic with a warning where brightness contradicts the pre-contrast phase.

    Parameters
    ----------
    mean_values
        Mean modality value over the breast, one per phase in phase order; :func:`breast_brightness` gives it.
    """
    if dynamic.pre_index is None or len(mean_values) != len(dynamic.phases):
        return dynamic
    darkest = int(np.argmin(mean_values))
    if darkest == dynamic.pre_index or mean_values[dynamic.pre_index] <= 1.01 * mean_values[darkest]:
        return dynamic
    note = (
        f"Brightness disagrees: “{dynamic.phases[darkest].label}” is darker than the phase taken as pre-contrast; "
        "please check the order."
    )
    return dynamic if note in dynamic.notes else replace(dynamic, notes=(*dynamic.notes, note))


def breast_brightness(values: np.ndarray, threshold: float | None = None) -> float:
    """Return the mean over tissue: voxels above ``threshold``, by default a tenth of the 99th percentile."""
    sample = values[:: max(values.shape[0] // 16, 1), ::4, ::4].astype(np.float32)
    limit = 0.1 * float(np.percentile(sample, 99)) if threshold is None else threshold
    tissue = sample[sample > limit]
    return float(tissue.mean()) if tissue.size else float(sample.mean())
