"""Numbers of a measurement in words, never with more digits than the pixel size supports. Qt-free.

The rule: a value is known to about its uncertainty, and its last digit is the power of ten nearest to that. A length is
as uncertain as one pixel (the larger side), but is never written coarser than in whole units; an angle as one pixel
seen from the far end of its shorter arm, at best a tenth of a degree; a mean as its standard error (SD / √n), and its
SD is written with the same last digit. An area is uncertain by half a pixel all along its outline, and ends with the
power of ten below that.
"""

from __future__ import annotations

import math

from viewer.layers.types import MeasurementShape
from viewer.measuring import Statistics, angle_degrees, area_mm2, diameters_mm, length_mm, perimeter_mm

FINEST_DEGREES = 0.1


def last_digit(uncertainty: float, coarsest: float = math.inf) -> int:
    """Return the decimal places that an uncertainty supports; negative for tens and hundreds."""
    step = min(max(uncertainty, 1e-12), coarsest)
    return -round(math.log10(step))


def number(value: float, places: int) -> str:
    """Return a number rounded to decimal places, which may be negative."""
    return f"{round(value, places) + 0.0:.{max(0, places)}f}"


def length_places(pixel: float) -> int:
    """Return the decimal places of a length measured on pixels of a size."""
    return last_digit(pixel, 1.0)


def angle_places(shape: MeasurementShape, pixel: float) -> int:
    """Return the decimal places of an angle."""
    arms = [length_mm((shape.points_mm[1], shape.points_mm[n])) for n in (0, 2)]
    uncertainty = math.degrees(math.atan2(pixel, max(min(arms), 1e-9)))
    return last_digit(max(uncertainty, FINEST_DEGREES), 1.0)


def area_places(shape: MeasurementShape, pixel: float) -> int:
    """Return the decimal places of an area."""
    return -math.floor(math.log10(max(perimeter_mm(shape) * pixel / 2, 1e-12)))


def mean_places(sd: float, pixels: int) -> int:
    """Return the decimal places of a mean and its SD; three significant digits are left to a single value."""
    if not math.isfinite(sd) or sd <= 0 or pixels < 2:
        return 2
    return last_digit(sd / math.sqrt(pixels))


def size_text(shape: MeasurementShape, pixel: float, unit: str = "mm") -> str:
    """Return what a shape measures in its plane: ``"12.3 mm"``, ``"23 × 14 mm"``, ``"87°"`` or ``"157 mm²"``."""
    if shape.kind == "length":
        return f"{number(length_mm(shape.points_mm), length_places(pixel))} {unit}"
    if shape.kind == "bidimensional":
        places = length_places(pixel)
        return " × ".join(number(size, places) for size in diameters_mm(shape.points_mm)) + f" {unit}"
    if shape.kind == "angle":
        return f"{number(angle_degrees(shape.points_mm), angle_places(shape, pixel))}°"
    return f"{number(area_mm2(shape), area_places(shape, pixel))} {unit}²"


def mean_text(found: Statistics | None) -> str:
    """Return mean and SD of pixel values: ``"mean 812 ± 95 SD"``; "" without pixels."""
    if found is None:
        return ""
    places = mean_places(found.sd, found.pixels)
    spread = f" ± {number(found.sd, places)} SD" if math.isfinite(found.sd) else ""
    return f"mean {number(found.mean, places)}{spread}"
