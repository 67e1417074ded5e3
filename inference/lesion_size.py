"""Size of a lesion from its mask: volume, longest diameters, principal extents, in millimetres of its own grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import EngineError

if TYPE_CHECKING:
    from highdicom import Volume

MM3_PER_ML = 1000.0
Point = tuple[float, float, float]
Segment = tuple[Point, Point]


@dataclass(frozen=True)
class LesionSize:
    """How large a lesion is.

    Attributes
    ----------
    voxels
        Number of voxels in the mask.
    volume_ml
        Their number times the volume of one.
    longest_mm, longest_ends
        Longest distance between two points of the outline in space, and its ends (LPS mm).
    plane_longest_mm, plane_longest_ends
        Longest diameter within one slice, over all slices: as RECIST 1.1 and the ACR breast MRI atlas measure.
    plane_perpendicular_mm
        Longest diameter perpendicular to it in the same slice.
    plane_name
        Which slices: ``"axial"``, ``"coronal"`` or ``"sagittal"``, the nearest to the array's slices chosen.
    slice_index
        Index along the array axis that these slices lie on.
    principal_mm
        Extents along the three principal axes, longest first.
    """

    voxels: int
    volume_ml: float
    longest_mm: float
    longest_ends: Segment
    plane_longest_mm: float
    plane_longest_ends: Segment
    plane_perpendicular_mm: float
    plane_name: str
    slice_index: int
    principal_mm: tuple[float, float, float]


def lesion_size(mask: Volume, axis: int | None = None) -> LesionSize:
    """Measure a mask.

    Parameters
    ----------
    mask
        Binary, array (slices, rows, columns), affine (k, j, i, 1) → LPS mm of voxel centres.
    axis
        Array axis across which "within one slice" is meant; None takes the one nearest to head–foot, so that the
        in-plane diameters are axial.

    Raises
    ------
    EngineError
        If the mask is empty.

    Notes
    -----
    Distances run between the points where the outline crosses the lines between neighbouring voxel centres, half way
    between a voxel inside and one outside: the vertices of the marching-cubes surface of the mask. A cuboid of n voxels
    of d mm is therefore n × d mm long, and convex hulls of these points hold every longest distance.
    """
    array = np.asarray(mask.array) != 0
    affine = np.asarray(mask.affine, float)
    inside = np.argwhere(array)
    if not len(inside):
        raise EngineError("There is nothing to measure: the mask is empty.", "Choose a lower threshold.")
    linear = affine[:3, :3]
    low = inside.min(axis=0)
    cropped = array[tuple(slice(a, b + 1) for a, b in zip(low, inside.max(axis=0), strict=True))]
    outline = outline_points(cropped) + low
    points = outline @ linear.T + affine[:3, 3]
    longest, first, last = longest_distance(points)
    axis = axial_axis(affine) if axis is None else axis
    plane = _in_plane(cropped, low, affine, axis)
    volume = len(inside) * abs(float(np.linalg.det(linear))) / MM3_PER_ML
    return LesionSize(
        voxels=len(inside),
        volume_ml=volume,
        longest_mm=longest,
        longest_ends=(_point(first), _point(last)),
        plane_longest_mm=plane[0],
        plane_longest_ends=(_point(plane[1]), _point(plane[2])),
        plane_perpendicular_mm=plane[3],
        plane_name=plane_name(affine, axis),
        slice_index=plane[4],
        principal_mm=principal_extents(inside @ linear.T, points),
    )


def outline_points(array: np.ndarray, axes: tuple[int, ...] = (0, 1, 2)) -> np.ndarray:
    """Return the index positions (n, 3) half way between voxels inside and their neighbours outside along some axes."""
    padded = np.pad(array, 1)
    found = []
    for axis in axes:
        differs = np.argwhere(np.diff(padded, axis=axis)).astype(float) - 1.0
        differs[:, axis] += 0.5
        found.append(differs)
    return np.concatenate(found)


def longest_distance(points: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the longest distance between two of (n, d) points, and the two, by way of their convex hull."""
    from scipy.spatial import ConvexHull
    from scipy.spatial.distance import pdist

    hull = points[ConvexHull(points).vertices]
    distances = pdist(hull)
    worst = int(np.argmax(distances))
    first, last = np.triu_indices(len(hull), 1)
    return float(distances[worst]), hull[first[worst]], hull[last[worst]]


def perpendicular_diameter(points: np.ndarray, along: np.ndarray) -> float:
    """Return the longest chord of the convex hull of (n, 2) points that is perpendicular to a unit direction."""
    from scipy.spatial import ConvexHull

    hull = points[ConvexHull(points).vertices]
    t, w = hull @ along, hull @ np.array([-along[1], along[0]])
    first, last = int(np.argmin(t)), int(np.argmax(t))
    n = len(hull)
    one = [(first + k) % n for k in range((last - first) % n + 1)]  # the two chains between the extreme vertices
    other = [(last + k) % n for k in range((first - last) % n + 1)][::-1]
    widths = np.abs(np.interp(t, t[one], w[one]) - np.interp(t, t[other], w[other]))
    return float(widths.max())


def principal_extents(inside_mm: np.ndarray, outline_mm: np.ndarray) -> tuple[float, float, float]:
    """Return the extents of the outline along the principal axes of the voxels inside, longest first."""
    if len(inside_mm) > 1:
        centred = inside_mm - inside_mm.mean(axis=0)
        _, axes = np.linalg.eigh(centred.T @ centred)
    else:
        axes = np.eye(3)
    extents = sorted((float(np.ptp(outline_mm @ axes[:, n])) for n in range(3)), reverse=True)
    return extents[0], extents[1], extents[2]


def axial_axis(affine: np.ndarray) -> int:
    """Return the array axis along which the patient's height changes most."""
    return int(np.argmax(np.abs(affine[2, :3]) / np.linalg.norm(affine[:3, :3], axis=0)))


def plane_name(affine: np.ndarray, axis: int) -> str:
    """Return the name of the plane whose slices are counted along an array axis."""
    others = [affine[:3, n] for n in range(3) if n != axis]
    return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(np.cross(*others))))]


def _in_plane(
    array: np.ndarray, low: np.ndarray, affine: np.ndarray, axis: int
) -> tuple[float, np.ndarray, np.ndarray, float, int]:
    """Return longest diameter, its ends, the perpendicular one and the slice, of the slice with the longest."""
    across = [n for n in range(3) if n != axis]
    outline = outline_points(array, tuple(across))
    frame = _plane_frame(affine, across)
    best: tuple[float, np.ndarray, np.ndarray, float, int] | None = None
    for place in range(array.shape[axis]):
        index = outline[outline[:, axis] == place] + low
        if not len(index):
            continue
        points = index @ affine[:3, :3].T + affine[:3, 3]
        flat = points @ frame.T
        longest, first, last = longest_distance(flat)
        if best is None or longest > best[0] + 1e-9:
            normal_part = points[0] - frame.T @ flat[0]
            short = perpendicular_diameter(flat, (last - first) / longest)
            best = (longest, frame.T @ first + normal_part, frame.T @ last + normal_part, short, place + int(low[axis]))
    assert best is not None  # the mask is not empty
    return best


def _plane_frame(affine: np.ndarray, across: list[int]) -> np.ndarray:
    """Return two orthonormal LPS vectors (2, 3) that span the slices."""
    first = affine[:3, across[1]] / np.linalg.norm(affine[:3, across[1]])
    second = affine[:3, across[0]] - first * (first @ affine[:3, across[0]])
    return np.stack((first, second / np.linalg.norm(second)))


def _point(values: np.ndarray) -> Point:
    x, y, z = (float(v) for v in values)
    return x, y, z
