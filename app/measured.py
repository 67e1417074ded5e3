"""Measured: what a shape drawn on an image measures, on which basis, and in what words. Qt-free.

When the user corrects a pixel spacing, measurements stay on their pixels: :func:`respaced` brings points and sizes of a
stored one to the spacing in force, and says so by its basis. The record is rewritten only by the reader's next edit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.workspace.measurement import Measurement, Quantity
from viewer.layers.types import MeasurementShape
from viewer.measuring import (
    Statistics,
    angle_degrees,
    area_mm2,
    axes_of,
    diameters_mm,
    ellipse_axes_mm,
    length_mm,
    region_values,
    statistics,
)
from viewer.measuring_text import mean_text, size_text

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from app.studies.study import Study

UNKNOWN = "unknown"
REGIONS = ("ellipse", "freehand")
SAME = 1e-6  # relative: two spacings are the same one
# What a millimetre means, as it is written beside a value.
BASES = {
    "patient": "volume",
    "detector plane": "detector plane",
    "magnification-corrected": "ERMF-corrected",
    "calibrated": "calibrated",
    "given by the user": "spacing given by the user",
    UNKNOWN: "pixel spacing unknown",
}


def basis_text(basis: str) -> str:
    """Return what a millimetre means: ``"detector plane"``, ``"ERMF-corrected"``, ``"volume"`` and so on."""
    return BASES.get(basis, basis)


def unit_of(basis: str) -> str:
    """Return ``"mm"``, or ``"px"`` where nobody knows how large a pixel is."""
    return "px" if basis == UNKNOWN else "mm"


def affine_of(affine: np.ndarray) -> tuple[float, ...]:
    """Return the first three rows of a 4×4 affine, row by row, as a measurement keeps them."""
    return tuple(float(value) for value in np.asarray(affine, float)[:3].ravel())


def shape_of(one: Measurement, lines: tuple[str, ...] = ()) -> MeasurementShape:
    """Return a measurement as the glass draws it."""
    return MeasurementShape(
        uid=one.uid,
        frame_of_reference_uid=one.frame_of_reference_uid,
        kind=one.kind,  # type: ignore[arg-type]
        points_mm=one.points_mm,
        orientation=one.orientation,
        lines=lines,
    )


# --- values ----------------------------------------------------------------------------------------------------------


def sizes(shape: MeasurementShape, basis: str) -> tuple[Quantity, ...]:
    """Return what a shape measures in its plane, unrounded, in mm (or pixels), degrees and mm² (or pixels²)."""
    unit, points = unit_of(basis), shape.points_mm
    if shape.kind == "length":
        return (Quantity("length", length_mm(points), unit),)
    if shape.kind == "bidimensional":
        longest, shortest = diameters_mm(points)
        return Quantity("longest diameter", longest, unit), Quantity("perpendicular diameter", shortest, unit)
    if shape.kind == "angle":
        return (Quantity("angle", angle_degrees(points), "°"),)
    area = Quantity("area", area_mm2(shape), f"{unit}²")
    if shape.kind == "freehand":
        return (area,)
    first, second = sorted(ellipse_axes_mm(points), reverse=True)
    return area, Quantity("long axis", first, unit), Quantity("short axis", second, unit)


def pixel_values(shape: MeasurementShape, loaded: LoadedStack | None) -> tuple[Quantity, ...]:
    """Return statistics of the slice's pixels whose centres lie in a region; none where it cuts across slices.

    Padding and values that are not numbers are left out; the SD is the sample's (n - 1).
    """
    if loaded is None or shape.kind not in REGIONS:
        return ()
    values = region_values(shape, loaded.volume.array, np.asarray(loaded.volume.affine, float))
    found = statistics(values, loaded.presentation.padding) if values is not None else None
    if found is None:
        return ()
    quantities = [Quantity("pixels", found.pixels, ""), Quantity("mean", found.mean, "")]
    quantities += [Quantity("SD", found.sd, "")] if math.isfinite(found.sd) else []
    return (*quantities, Quantity("minimum", found.minimum, ""), Quantity("maximum", found.maximum, ""))


def statistics_of(one: Measurement) -> Statistics | None:
    """Return the pixel statistics a measurement keeps, None where it has none."""
    mean, pixels = one.value("mean"), one.value("pixels")
    if mean is None or pixels is None:
        return None
    sd, low, high = one.value("SD"), one.value("minimum"), one.value("maximum")
    return Statistics(
        int(pixels), mean, math.nan if sd is None else sd, mean if low is None else low, mean if high is None else high
    )


# --- spacing that was corrected later --------------------------------------------------------------------------------


def respaced(one: Measurement, spacing_mm: Sequence[float] | None, basis: str) -> Measurement:
    """Return a measurement on the same pixels with the spacing its stack has now; itself where nothing changed.

    Directions and the first voxel's centre do not depend on the spacing (PS3.3 C.7.6.2.1.1), so no pixels are needed.

    Parameters
    ----------
    spacing_mm
        Slice, row and column spacing; None where unknown, so that a unit is a pixel.
    basis
        The stack's ``spacing_basis``.
    """
    then = np.array(one.spacing_mm)
    now = np.array(spacing_mm or (1.0, 1.0, 1.0))
    matrix = np.reshape(one.affine, (3, 4)).copy()
    index = np.linalg.solve(matrix[:, :3], (np.array(one.points_mm) - matrix[:, 3]).T)
    if np.all(np.abs(index[0]) < 0.5):
        now[0] = then[0]  # on the first or only image the step to the next one does not matter
    if one.basis == basis and np.allclose(now, then, rtol=SAME, atol=0):
        return one
    matrix[:, :3] *= now / then
    points = (matrix[:, :3] @ index).T + matrix[:, 3]
    moved = replace(
        one,
        points_mm=tuple((float(x), float(y), float(z)) for x, y, z in points),
        affine=tuple(float(value) for value in matrix.ravel()),
        basis=basis,
    )
    named = {quantity.name: quantity for quantity in sizes(shape_of(moved), moved.basis)}
    return replace(moved, values=tuple(named.get(quantity.name, quantity) for quantity in one.values))


# --- words -----------------------------------------------------------------------------------------------------------


def pixel_size(one: Measurement) -> float:
    """Return the larger side of a pixel in the plane of a measurement, in mm (1 where the spacing is unknown)."""
    normal = np.cross(*axes_of(one.orientation))
    steps = np.reshape(one.affine, (3, 4))[:, :3].T
    lengths = [float(np.linalg.norm(step)) for step in steps]
    return max(size for size, step in zip(lengths, steps, strict=True) if abs(float(step @ normal)) < 0.8 * size)


def value_text(one: Measurement) -> str:
    """Return what was measured in the plane: ``"23 × 14 mm"``."""
    return size_text(shape_of(one), pixel_size(one), unit_of(one.basis))


def statistics_text(one: Measurement) -> str:
    """Return mean and SD of a region: ``"mean 812 ± 95 SD"``; "" where there is none."""
    return mean_text(statistics_of(one))


def details(one: Measurement) -> tuple[str, ...]:
    """Return every value in words, with the basis; for a list's tool tip."""
    lines = [f"{one.title}: {value_text(one)} ({basis_text(one.basis)})"]
    if (found := statistics_of(one)) is not None:
        lines.append(f"{mean_text(found)}, range {found.minimum:.5g} to {found.maximum:.5g}, {found.pixels} pixels")
        lines.append("Modality values of the slice; SD of the sample (n - 1); padding left out")
    elif one.kind in REGIONS:
        lines.append("No pixel statistics: it cuts across stored slices, or its image was not loaded")
    return tuple(lines)


def in_study(one: Measurement, study: Study) -> Measurement:
    """Return a measurement with the spacing in force in a study; as it was drawn where its stack is not at hand."""
    try:
        stack = study.stack(one.stack_uid)
    except KeyError:
        return one
    return respaced(one, stack.spacing_mm, stack.spacing_basis)
