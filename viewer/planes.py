"""Planes: how a volume's array is turned into displayed slices, and which way the patient lies on them. Qt-free.

A standard plane of a volume that lies straight in the patient shows stored voxels, exactly. Where the acquisition is
turned by more than :data:`ALIGNED`, "axial" along the array would be a wrong word: :mod:`viewer.reslice` then resamples
true patient planes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

PLANES = ("native", "axial", "sagittal", "coronal", "oblique")
# slice, row and column axis of each plane in LPS, as (patient axis, sign of its increase on the screen); rows run
# downwards. Axial: anterior up, patient right on screen left. Coronal and sagittal: head up; sagittal: anterior left.
STANDARD = {
    "axial": ((2, 1), (1, 1), (0, 1)),
    "coronal": ((1, 1), (2, -1), (0, 1)),
    "sagittal": ((0, 1), (2, -1), (1, 1)),
}
LETTERS = (("L", "R"), ("P", "A"), ("H", "F"))
ALIGNED = 0.999  # cosine between an array axis and its patient axis: 2.6 degrees, 6 mm at the edge of a 260 mm field
TILT = 0.3  # a direction cosine above this earns its letter: 17 degrees off the main axis


@dataclass(frozen=True)
class Plane:
    """One way to slice a volume.

    Attributes
    ----------
    axes
        Array axes that become slice, row and column.
    flips
        Whether slice, row and column run against the array.
    shape
        Number of slices, rows and columns as displayed.
    affine
        4×4: displayed (slice, row, column, 1) of a voxel centre to LPS mm.
    """

    name: str
    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]
    shape: tuple[int, int, int]
    affine: np.ndarray

    @cached_property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Slice, row and column spacing."""
        slice_mm, row_mm, column_mm = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(slice_mm), float(row_mm), float(column_mm)

    @cached_property
    def key(self) -> tuple[object, ...]:
        """Identity for caches: two planes with the same key show the same slices of a volume."""
        return self.name, self.shape, self.affine.tobytes()

    @cached_property
    def step_mm(self) -> float:
        """Distance between slices along the normal; less than their spacing where the array is sheared."""
        return abs(float(self.normal @ self.affine[:3, 0]))

    @cached_property
    def row_cosine(self) -> np.ndarray:
        """Unit LPS vector along a displayed row, to the right."""
        return _fixed(self.affine[:3, 2] / np.linalg.norm(self.affine[:3, 2]))

    @cached_property
    def column_cosine(self) -> np.ndarray:
        """Unit LPS vector down a displayed column."""
        return _fixed(self.affine[:3, 1] / np.linalg.norm(self.affine[:3, 1]))

    @cached_property
    def normal(self) -> np.ndarray:
        """Unit LPS vector through the plane, row × column."""
        normal = np.cross(self.row_cosine, self.column_cosine)
        return _fixed(normal / np.linalg.norm(normal))

    def slice_of(self, array: np.ndarray, index: int) -> np.ndarray:
        """Return displayed slice ``index`` of a volume array (slices, rows, columns[, 3]) as a view."""
        turned = np.moveaxis(array, self.axes, (0, 1, 2))
        part = turned[self.shape[0] - 1 - index if self.flips[0] else index]
        return part[:: -1 if self.flips[1] else 1, :: -1 if self.flips[2] else 1]

    def to_mm(self, index: tuple[float, float, float] | np.ndarray) -> np.ndarray:
        """Return LPS mm of displayed (slice, row, column), voxel centres at whole numbers."""
        return self.affine[:3, :3] @ np.asarray(index, dtype=float) + self.affine[:3, 3]

    def to_index(self, point_mm: tuple[float, float, float] | np.ndarray) -> np.ndarray:
        """Return displayed (slice, row, column) of a point in LPS mm."""
        return np.linalg.solve(self.affine[:3, :3], np.asarray(point_mm, dtype=float) - self.affine[:3, 3])

    def contains(self, index: np.ndarray) -> bool:
        """Whether displayed (slice, row, column) lies within the voxels."""
        return all(-0.5 <= value <= size - 0.5 for value, size in zip(index, self.shape, strict=True))

    def array_index(self, index: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the stored (k, j, i) of displayed whole (slice, row, column)."""
        stored = [0, 0, 0]
        for value, axis, flip, size in zip(index, self.axes, self.flips, self.shape, strict=True):
            stored[axis] = size - 1 - value if flip else value
        return stored[0], stored[1], stored[2]


def _fixed(values: np.ndarray) -> np.ndarray:
    """Return an array that is kept and handed out again, so that nobody changes it."""
    values.setflags(write=False)
    return values


def plane_of(shape: tuple[int, ...], affine: np.ndarray, name: str = "native") -> Plane:
    """Return a plane of a volume.

    Parameters
    ----------
    shape
        Slices, rows, columns of the array.
    affine
        4×4: (k, j, i, 1) of a voxel centre to LPS mm.
    name
        ``"native"`` shows the array as stored. ``"axial"``, ``"sagittal"`` and ``"coronal"`` are seen in the standard
        orientation: array slices where the array lies within :data:`ALIGNED` of the patient's axes, else resampled.
        ``"oblique"`` starts as the native plane; see :func:`viewer.reslice.oblique_plane` for tilted ones.
    """
    if name not in PLANES:
        raise ValueError(f"plane {name!r} is not one of {', '.join(PLANES)}")
    affine = np.asarray(affine, dtype=float)
    if name == "oblique":
        from viewer.reslice import oblique_plane

        return oblique_plane(shape, affine)
    if name != "native" and not is_aligned(affine):
        from viewer.reslice import patient_plane

        return patient_plane(shape, affine, name)
    if name == "native":
        axes, flips = (0, 1, 2), (False, False, False)
    else:
        axes, flips = _standard(affine, name)
    sizes = (shape[axes[0]], shape[axes[1]], shape[axes[2]])
    return Plane(name, axes, flips, sizes, _display_affine(affine, axes, flips, sizes))


def is_aligned(affine: np.ndarray) -> bool:
    """Whether each array axis runs along a patient axis, within :data:`ALIGNED`."""
    cosines = np.abs(affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))
    return bool((cosines.max(axis=0) >= ALIGNED).all())


def _standard(affine: np.ndarray, name: str) -> tuple[tuple[int, int, int], tuple[bool, bool, bool]]:
    cosines = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    wanted = STANDARD[name]
    axes = max(permutations(range(3)), key=lambda p: sum(abs(cosines[w[0], a]) for w, a in zip(wanted, p, strict=True)))
    flips = [bool(cosines[w[0], a] * w[1] < 0) for w, a in zip(wanted, axes, strict=True)]
    if axes[0] == 0:
        flips[0] = False  # the stored stack keeps its slice numbers
    return (axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2])


def _display_affine(
    affine: np.ndarray, axes: tuple[int, int, int], flips: tuple[bool, bool, bool], sizes: tuple[int, int, int]
) -> np.ndarray:
    shown = np.eye(4)
    shown[:3, 3] = affine[:3, 3]
    for place, (axis, flip, size) in enumerate(zip(axes, flips, sizes, strict=True)):
        step = affine[:3, axis]
        shown[:3, place] = -step if flip else step
        if flip:
            shown[:3, 3] += step * (size - 1)
    return shown


def letters_of(direction: np.ndarray) -> str:
    """Return the patient letters of an LPS direction, strongest first, e.g. ``"L"`` or ``"LA"`` (PS3.3 C.7.6.1.1.1).

    Head and foot are written H and F as in Patient Orientation (0020,0020).
    """
    order = sorted(range(3), key=lambda axis: -abs(direction[axis]))
    return "".join(LETTERS[axis][0 if direction[axis] > 0 else 1] for axis in order if abs(direction[axis]) > TILT)
