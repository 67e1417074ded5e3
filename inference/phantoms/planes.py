"""Fields of view of the MRI phantom's examinations: axial of both breasts, or sagittal of one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from inference.phantoms.anatomy import Anatomy
from inference.phantoms.plane import Plane

PLANES = ("axial", "sagittal R", "sagittal L")
_ABOVE_NIPPLES_MM = 6.0  # the middle of the volume
_AIR = 0.06  # share of the field of view in front of the breasts


def examination_planes(
    anatomy: Anatomy, size: tuple[int, int, int], spacing_mm: tuple[float, float, float], name: str = "axial"
) -> tuple[Plane, ...]:
    """Return the slices of a volume: axial from feet to head, or sagittal of one breast from left to right.

    Parameters
    ----------
    size, spacing_mm
        Slices, rows, columns.
    name
        One of ``PLANES``.

    Raises
    ------
    ValueError
        When pixels are not square, or for another plane.
    """
    slices, rows, columns = size
    thickness, row_mm, pixel = spacing_mm
    if abs(row_mm - pixel) > 1e-6:
        raise ValueError("the phantom has square pixels: row and column spacing must agree")
    if name not in PLANES:
        raise ValueError(f"plane is one of {', '.join(PLANES)}, not {name!r}")
    deep = columns if name != "axial" else rows
    y = -max(breast.projection_mm for breast in anatomy.breasts) - _AIR * deep * pixel + np.arange(deep) * pixel
    if name == "axial":
        x = _centred(columns) * pixel
        z = _centred(slices) * thickness + _ABOVE_NIPPLES_MM
        return tuple(Plane(x, y, np.array([place]), "axial", pixel, thickness) for place in z)
    breast = anatomy.breasts["RL".index(name[-1])]
    x = breast.centre_x_mm - _centred(slices) * thickness
    z = -_centred(rows) * pixel + _ABOVE_NIPPLES_MM
    return tuple(Plane(np.array([place]), y, z, "sagittal", pixel, thickness) for place in x)


def t2_planes(planes: Sequence[Plane]) -> tuple[Plane, ...]:
    """Return the slices of the T2 volume: two thirds of the matrix, thicker slices, the field of view a little off."""
    first, last = planes[0], planes[-1]
    pixel, thickness = first.pixel_mm * 1.5, first.thickness_mm * 1.35
    y = first.y_mm[0] + 3 + np.arange(int(first.y_mm.size * 2 / 3)) * pixel
    if first.name == "axial":
        x = first.x_mm[0] + 4 + np.arange(int(first.x_mm.size * 2 / 3)) * pixel
        z = np.arange(first.z_mm[0], last.z_mm[0], thickness)
        return tuple(Plane(x, y, np.array([place]), "axial", pixel, thickness) for place in z)
    z = first.z_mm[0] - 4 - np.arange(int(first.z_mm.size * 2 / 3)) * pixel
    x = np.arange(first.x_mm[0], last.x_mm[0], -thickness)
    return tuple(Plane(np.array([place]), y, z, "sagittal", pixel, thickness) for place in x)


def volume_affine(planes: Sequence[Plane]) -> np.ndarray:
    """Return the affine from (slice, row, column) of a stack of planes to LPS millimetres."""
    first = planes[0]
    affine = np.zeros((4, 4))
    affine[:, 3] = first.x_mm[0], first.y_mm[0], first.z_mm[0], 1
    if first.name == "axial":
        affine[2, 0], affine[1, 1], affine[0, 2] = first.thickness_mm, first.pixel_mm, first.pixel_mm
    else:
        affine[0, 0], affine[2, 1], affine[1, 2] = -first.thickness_mm, -first.pixel_mm, first.pixel_mm
    return affine


def height_range_mm(planes: Sequence[Plane]) -> tuple[float, float]:
    """Return the lowest and the highest z of a volume."""
    heights = np.concatenate([plane.z_mm for plane in planes])
    return float(heights.min()), float(heights.max())


def _centred(count: int) -> np.ndarray:
    return np.arange(count) - (count - 1) / 2
