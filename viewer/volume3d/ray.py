"""Ray: what lies under a point of the volume view, worked out along the ray through the volume's own affine.

Nothing here asks the renderer, so that a click is exact whatever the resolution of the picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from viewer.volume3d.scene import SceneImage
    from viewer.volume3d.surface import Mesh

STEP = 0.25  # voxels, along the axis on which the ray advances fastest
HALF_OPAQUE = 0.5  # what has become half opaque is what the eye takes for the surface


def span(shape: tuple[int, ...], start: np.ndarray, direction: np.ndarray) -> tuple[float, float] | None:
    """Return where a line start + t × direction in voxel indices enters and leaves the voxels, None where it misses."""
    low, high = np.full(3, -0.5), np.asarray(shape[:3], float) - 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (low - start) / direction, (high - start) / direction
    flat = np.abs(direction) < 1e-12
    if np.any(flat & ((start < low) | (start > high))):
        return None
    first = float(np.max(np.where(flat, -np.inf, np.minimum(one, other))))
    last = float(np.min(np.where(flat, np.inf, np.maximum(one, other))))
    return (first, last) if last > first else None


def samples(image: SceneImage, origin: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return points in LPS mm (n, 3), front to back, and the values there (linear); None where the ray misses.

    What is cut away at the back (:attr:`SceneImage.posterior_mm`) is left out.

    Parameters
    ----------
    origin, direction
        Any point of the ray and its unit direction, LPS mm.
    """
    from scipy.ndimage import map_coordinates

    affine, array = np.asarray(image.volume.affine, float), image.volume.array
    inverse = np.linalg.inv(affine)
    start, step = inverse[:3, :3] @ origin + inverse[:3, 3], inverse[:3, :3] @ direction
    found = span(array.shape, start, step)
    if found is None:
        return None
    first, last = found
    count = int(np.ceil((last - first) * float(np.max(np.abs(step))) / STEP)) + 1
    places = np.linspace(first, last, max(count, 2))
    index = start[:, None] + step[:, None] * places
    points = origin + places[:, None] * direction
    if image.posterior_mm is not None:
        kept = points[:, 1] <= image.posterior_mm
        points, index = points[kept], index[:, kept]
    if len(points) < 2:
        return None
    return points, map_coordinates(array, index, np.float64, order=1, mode="nearest")


def pick(image: SceneImage, origin: np.ndarray, direction: np.ndarray) -> np.ndarray | None:
    """Return the LPS point that the picture shows under a ray: None where there is nothing to see.

    MIP: where the value along the ray is the greatest. Shaded: where the tissue in front has become half opaque.
    """
    found = samples(image, origin, direction)
    if found is None:
        return None
    points, values = found
    values = np.nan_to_num(values, nan=-np.inf)
    if image.mode == "shaded":
        return _first_opaque(image, points, values)
    return points[int(np.argmax(values))]


def seen(image: SceneImage, meshes: Iterable[Mesh], origin: np.ndarray, direction: np.ndarray) -> np.ndarray | None:
    """Return the LPS point under a ray: on the nearest surface where there is one, else in the tissue."""
    hits = [hit_mesh(mesh.vertices, mesh.triangles, origin, direction) for mesh in meshes]
    nearest = min((hit for hit in hits if hit is not None), default=None)
    return origin + nearest * direction if nearest is not None else pick(image, origin, direction)


def _first_opaque(image: SceneImage, points: np.ndarray, values: np.ndarray) -> np.ndarray | None:
    opacity = shaded_opacity(values, image)
    unit = unit_mm(np.asarray(image.volume.affine, float))
    step_mm = float(np.linalg.norm(points[1] - points[0]))
    passed = np.cumprod((1 - opacity) ** (step_mm / unit))
    behind = np.flatnonzero(1 - passed >= HALF_OPAQUE)
    if behind.size:
        return points[behind[0]]
    return points[int(np.argmax(opacity))] if opacity.max() > 0 else None


def shaded_opacity(values: np.ndarray, image: SceneImage) -> np.ndarray:
    """Return the opacity of tissue one voxel deep (:func:`unit_mm`): 0 up to the threshold, then rising to the top."""
    top = max(image.high, image.threshold + 1e-6)
    ramp = (np.asarray(values, float) - image.threshold) / (top - image.threshold)
    return np.clip(ramp, 0.0, 1.0) * min(image.opacity, 0.999)


def unit_mm(affine: np.ndarray) -> float:
    """Return the depth that opacity is given for: the smallest voxel side."""
    return float(np.linalg.norm(affine[:3, :3], axis=0).min())


def hit_mesh(vertices: np.ndarray, triangles: np.ndarray, origin: np.ndarray, direction: np.ndarray) -> float | None:
    """Return the mm along a ray to the nearest triangle that it meets, None where it meets none.

    Parameters
    ----------
    vertices
        (n, 3) LPS mm.
    triangles
        (m, 3) indices of vertices.

    Notes
    -----
    Möller and Trumbore, "Fast, minimum storage ray/triangle intersection", J. Graphics Tools 1997, for all triangles.
    """
    if not len(triangles):
        return None
    a, b, c = (vertices[triangles[:, n]] for n in range(3))
    one, other = b - a, c - a
    p = np.cross(direction, other)
    determinant = np.einsum("ij,ij->i", one, p)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1 / determinant
        t = origin - a
        u = np.einsum("ij,ij->i", t, p) * inverse
        q = np.cross(t, one)
        v = (q @ direction) * inverse
        far = np.einsum("ij,ij->i", other, q) * inverse
    inside = (np.abs(determinant) > 1e-12) & (u >= 0) & (v >= 0) & (u + v <= 1)
    return float(far[inside].min()) if inside.any() else None
