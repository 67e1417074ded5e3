"""Patches of 30 mm around a lesion, one per slice, and the way back from the network's cells to the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from inference.prepare.grid import cell_affine, on_grid, resized_affine, to_canonical

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.prepare.lesion_on_grid import PlacedLesion


@dataclass(frozen=True)
class Window:
    """A square part of a slice.

    Attributes
    ----------
    k
        The slice.
    centre
        Row and column of its middle.
    size, mm
        Pixels along an edge and their spacing.
    """

    k: int
    centre: tuple[float, float]
    size: int = 50
    mm: float = 0.6

    def edges(self, spacing: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the last row and column (outer edges) on a grid of that row and column spacing."""
        half = self.size * self.mm / 2 / np.asarray(spacing, float)
        return np.array(self.centre) - half, np.array(self.centre) + half

    def affine(self, grid: Volume) -> np.ndarray:
        """Return (0, row, column) of its pixels to LPS mm."""
        steps = self.mm / np.array(grid.spacing[1:])
        corner = np.array(self.centre) - (self.size - 1) / 2 * steps
        step = np.eye(4)
        step[1, 1], step[2, 2] = steps
        step[:3, 3] = self.k, *corner
        return np.asarray(grid.affine, float) @ step


def sample(plane: np.ndarray, window: Window, spacing: Sequence[float]) -> np.ndarray:
    """Return the pixels of a window (size, size): linear, averaged where it shrinks, mirrored at the borders.

    Parameters
    ----------
    plane
        A slice, shape (rows, columns), finite.
    spacing
        Between its rows and columns, mm.
    """
    rows, columns = (_span(window.centre[axis], window, spacing[axis], plane.shape[axis]) for axis in (0, 1))
    part = plane[rows.start : rows.stop, columns.start : columns.stop]
    return rows.weights @ part @ columns.weights.T


@dataclass(frozen=True)
class _Span:
    """The source pixels ``start`` to ``stop`` along one axis and their weights (size, stop − start)."""

    start: int
    stop: int
    weights: np.ndarray


def _span(centre: float, window: Window, spacing: float, count: int) -> _Span:
    """Return what a window is sampled from: a triangle around each of its pixels, wider where it shrinks."""
    step = window.mm / spacing
    at = centre + (np.arange(window.size) - (window.size - 1) / 2) * step
    reach = max(1.0, step)  # as antialiased bilinear resizing does
    pixels = np.arange(int(np.floor(at[0] - reach)), int(np.ceil(at[-1] + reach)) + 1)
    triangle = np.maximum(0.0, 1 - np.abs(pixels[None] - at[:, None]) / reach)
    triangle /= triangle.sum(axis=1, keepdims=True)
    source = _mirrored(pixels, count)
    start, stop = int(source.min()), int(source.max()) + 1
    return _Span(start, stop, (triangle @ np.eye(stop - start)[source - start]).astype(np.float32))


def _mirrored(pixels: np.ndarray, count: int) -> np.ndarray:
    """Return pixels beyond a border mirrored at the outermost pixel's centre (numpy's and torch's ``reflect``)."""
    if count == 1:
        return np.zeros_like(pixels)
    period = 2 * (count - 1)
    folded = np.mod(pixels, period)
    return np.where(folded < count, folded, period - folded)


def turned(images: np.ndarray, affine: np.ndarray, like: Volume, plane: str) -> tuple[np.ndarray, np.ndarray]:
    """Return patches (contrasts, rows, columns) as a reader sees that plane, and the affine that stays true."""
    views = [to_canonical(on_grid(image[None], affine, like), plane) for image in images]
    return np.stack([view.array[0] for view in views]), np.asarray(views[0].affine, float)


def others_in(window: Window, spacing: Sequence[float], others: Sequence[PlacedLesion]) -> tuple[str, ...]:
    """Return the titles of other lesions of which a voxel lies in the window."""
    first, last = window.edges(spacing)
    found = []
    for other in others:
        at = other.on_slice(window.k)
        if ((at > first - 0.5) & (at < last + 0.5)).all(axis=1).any():
            found.append(other.lesion.title)
    return tuple(found)


def joined_map(cells: np.ndarray, affines: Sequence[np.ndarray], windows: Sequence[Window], grid: Volume) -> Volume:
    """Return the maps of a lesion's slices as one volume.

    Parameters
    ----------
    cells
        (n, rows, columns): one map per slice, cell (i, j) centred on network pixel (32 i, 32 j).
    affines
        Of the n patches, (0, row, column) to LPS mm, turned or not.
    windows
        Where they were taken, in the order of the slices.
    grid
        The exam's grid.

    Returns
    -------
    Volume
        float32, one slice for each of the exam's from the first to the last of the lesion, pixels of the patches'
        spacing. Linear between the centres of cells, the outermost cell's value beyond them. NaN outside a slice's
        window, since windows follow the lesion from slice to slice.
    """
    base = _frame(windows, grid)
    volume = np.full((windows[-1].k - windows[0].k + 1, *base.shape), np.nan, np.float32)
    pixels = np.stack(np.meshgrid(*(np.arange(n) for n in base.shape), indexing="ij"), axis=-1).reshape(-1, 2)
    for values, affine, window in zip(cells, affines, windows, strict=True):
        k = window.k - windows[0].k
        mm = np.column_stack([np.full(len(pixels), k), pixels, np.ones(len(pixels))]) @ base.affine.T
        of_patch = (mm @ np.linalg.inv(affine).T)[:, 1:3]
        of_cell = (mm @ np.linalg.inv(patch_cells(affine, window.size)).T)[:, 1:3]
        inside = ((of_patch > -0.5 - 1e-6) & (of_patch < window.size - 0.5 + 1e-6)).all(axis=1)
        drawn = ndimage.map_coordinates(values.astype(np.float64), of_cell.T, order=1, mode="nearest")
        volume[k] = np.where(inside, drawn, np.nan).reshape(base.shape)
    return on_grid(volume, base.affine, grid)


def patch_cells(affine: np.ndarray, size: int) -> np.ndarray:
    """Return the affine of the network's cells from that of a patch of ``size`` pixels, resized to 224."""
    from inference.nets.contrast_resnet import INPUT_SIZE, STRIDE

    net = resized_affine(affine, (size, size), (INPUT_SIZE, INPUT_SIZE))
    return cell_affine(net, (INPUT_SIZE, INPUT_SIZE), "receptive-field", STRIDE)


@dataclass(frozen=True)
class _Frame:
    affine: np.ndarray
    shape: tuple[int, int]


def _frame(windows: Sequence[Window], grid: Volume) -> _Frame:
    """Return a grid of the windows' pixels that holds all of them, beginning at their first slice."""
    centres = np.array([window.centre for window in windows])
    steps = windows[0].mm / np.array(grid.spacing[1:])
    more = np.ceil((centres.max(axis=0) - centres.min(axis=0)) / steps - 1e-6).astype(int)
    first = Window(windows[0].k, (centres[:, 0].min(), centres[:, 1].min()), windows[0].size, windows[0].mm)
    affine = first.affine(grid)
    return _Frame(affine, (first.size + int(more[0]), first.size + int(more[1])))
