"""Measurement layers: the readers' measurements of a frame of reference as what a pane draws. Qt-free."""

from __future__ import annotations

from collections.abc import Iterable

from app.measured import REGIONS, basis_text, in_study, shape_of, statistics_text, value_text
from app.studies.derived import DerivedKind, base_uid, parse
from app.studies.study import Study
from app.workspace.measurement import Measurement
from viewer.layers.types import MeasurementShape


def measurement_shapes(
    measurements: Iterable[Measurement], frame_uid: str, study: Study
) -> tuple[MeasurementShape, ...]:
    """Return the measurements of a frame of reference with the spacing in force, each with its values and basis."""
    found = (in_study(one, study) for one in measurements if one.frame_of_reference_uid == frame_uid)
    return tuple(shape_of(one, lines_of(one, study)) for one in found)


def lines_of(one: Measurement, study: Study) -> tuple[str, ...]:
    """Return what is written beside a measurement: value; mean and SD with the image they are of; basis."""
    lines = [value_text(one)]
    if one.kind in REGIONS:
        pixels = statistics_text(one)
        image = image_title(one, study)
        lines.append(" · ".join(part for part in (pixels, image) if part) if pixels else "no pixel statistics here")
    if one.kind != "angle" or one.basis == "unknown":
        lines.append(basis_text(one.basis))
    return tuple(lines)


def image_title(one: Measurement, study: Study) -> str:
    """Return which phase or derived image a measurement is of, "" where its place says it all."""
    place = study.phase_of(one.stack_uid)
    phase = place[0].phases[place[1]].label if place is not None else ""
    derived = parse(one.image)
    if derived is None or one.image == base_uid(one.image):
        return phase
    corrected = derived.kind is DerivedKind.CORRECTED or derived.motion_corrected
    name = "subtraction" if derived.kind is DerivedKind.SUBTRACTION else ""
    return " ".join(part for part in (name, phase, "(motion-corrected)" if corrected else "") if part)
