"""Other shot: the place a shot looks at, in another volume of the same frame of reference. Qt-free."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from viewer.planes import Plane, plane_of
from viewer.reslice import oblique_plane, orthonormal
from viewer.shot import Shot


class _Own:
    """A plane that can be a key."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Own) and other.plane.key == self.plane.key

    def __hash__(self) -> int:
        return hash(self.plane.key)


@lru_cache(maxsize=16)
def _other_plane(shape: tuple[int, ...], affine: bytes, own_key: _Own) -> Plane:
    """Return the plane of another volume that runs like one's own: stored slices if they do, else resampled."""
    matrix, own = np.frombuffer(affine).reshape(4, 4), own_key.plane
    if own.name != "oblique":
        plane = plane_of(shape, matrix, own.name)
        if np.allclose(_directions(plane), _directions(own), atol=1e-4):
            return plane
    middle = own.to_mm((np.array(own.shape) - 1) / 2)
    return oblique_plane(shape, matrix, orthonormal(own.affine[:3, :3]), middle)


def _directions(plane: Plane) -> np.ndarray:
    return plane.affine[:3, :3] / np.linalg.norm(plane.affine[:3, :3], axis=0)


def shot_of_other(shot: Shot, shape: tuple[int, ...], affine: bytes) -> Shot | None:
    """Return the place a shot looks at in another volume of the same frame of reference.

    Parameters
    ----------
    shape, affine
        Array shape of the other volume, and the bytes of its 4×4 affine (float64).

    Returns
    -------
    Shot
        The other volume's nearest slice, its millimetres where those of ``shot`` lie on the screen; None beyond it.
    """
    plane, own = _other_plane(tuple(shape), affine, _Own(shot.plane)), shot.plane
    if plane.shape == own.shape and np.allclose(plane.affine, own.affine, atol=1e-3):
        return replace(shot, plane=plane)
    width, height = shot.camera.size
    index = plane.to_index(shot.mm_at(width / 2, height / 2))
    number = int(np.floor(index[0] + 0.5))
    if not 0 <= number < plane.shape[0]:
        return None
    _, row_mm, column_mm = plane.spacing_mm
    centre = ((float(index[2]) + 0.5) * column_mm, (float(index[1]) + 0.5) * row_mm)
    return replace(shot, plane=plane, slice_index=number, camera=replace(shot.camera, centre_mm=centre))
