"""From a map to places a reader can look at: rectangles in millimetres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from inference.result import Finding

if TYPE_CHECKING:
    from highdicom import Volume

_FINER = 8  # a cell is cut into 8 × 8 before the threshold, so that a rectangle can end between cell centres
Rectangle = tuple[float, float, float, float]  # top, left, bottom, right


def findings_from_map(
    attention: Volume, image: Volume, name: str, *, fraction: float = 0.5, smallest_peak: float = 0.0
) -> tuple[Finding, ...]:
    """Return one rectangle for each connected region of a map that exceeds a fraction of its maximum.

    Parameters
    ----------
    attention
        Map (1, rows, columns) from 0 to 1 on its own grid; interpolated linearly between cell centres.
    image
        The slice (1, rows, columns) the map belongs to; rectangles are cut to it and lie along its rows and columns.
    fraction
        Share of the map's maximum that bounds a region.
    smallest_peak
        Regions whose maximum is lower are left out.

    Returns
    -------
    tuple of Finding
        Highest maximum first; its score is that maximum, its corners are in LPS millimetres.
    """
    to_image = image.inverse_affine @ attention.affine
    fine = _finer(attention.array[0])
    fine = np.where(_inside(fine.shape, to_image, image), fine, 0.0)
    peak = float(fine.max())
    if peak <= 0.0:
        return ()
    regions = np.zeros(fine.shape, np.int32)
    ndimage.label(fine >= fraction * peak, output=regions)
    found: list[tuple[float, Rectangle]] = []
    for number, where in enumerate(ndimage.find_objects(regions), start=1):
        score = float(fine[where][regions[where] == number].max())
        if score >= smallest_peak:
            found.append((score, _on_image(where, to_image, image)))
    found.sort(key=lambda item: -item[0])
    return tuple(rectangle_finding(name, score, rectangle, image) for score, rectangle in found)


def _cell_index(fine_index: np.ndarray) -> np.ndarray:
    """Return positions in cells (0 at the centre of the first) of positions on the finer grid."""
    return (fine_index + 0.5) / _FINER - 0.5


def _finer(cells: np.ndarray) -> np.ndarray:
    """Return the map cut finer, its outer half cells included."""
    axes = [_cell_index(np.arange(count * _FINER)) for count in cells.shape]
    grid = np.meshgrid(*axes, indexing="ij")
    return ndimage.map_coordinates(cells.astype(np.float64), grid, order=1, mode="nearest")


def _image_index(rows: np.ndarray, columns: np.ndarray, to_image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return image rows and columns (pixel centres whole) of positions on the finer grid."""
    rows, columns = np.broadcast_arrays(_cell_index(rows), _cell_index(columns))
    homogeneous = np.stack([np.zeros(rows.shape), rows, columns, np.ones(rows.shape)])
    index = np.tensordot(to_image, homogeneous, axes=1)
    return index[1], index[2]


def _inside(shape: tuple[int, ...], to_image: np.ndarray, image: Volume) -> np.ndarray:
    rows, columns = _image_index(np.arange(shape[0])[:, None], np.arange(shape[1])[None], to_image)
    last_row, last_column = image.spatial_shape[1] - 0.5, image.spatial_shape[2] - 0.5
    return (rows >= -0.5) & (rows <= last_row) & (columns >= -0.5) & (columns <= last_column)


def _on_image(where: tuple[slice, ...], to_image: np.ndarray, image: Volume) -> Rectangle:
    """Return the outer edges of a region in image pixels, cut to the image."""
    down = np.array([where[0].start, where[0].stop]) - 0.5
    across = np.array([where[1].start, where[1].stop]) - 0.5
    rows, columns = _image_index(down, across, to_image)
    last_row, last_column = image.spatial_shape[1] - 0.5, image.spatial_shape[2] - 0.5
    top, bottom = np.clip(np.sort(rows), -0.5, last_row)
    left, right = np.clip(np.sort(columns), -0.5, last_column)
    return float(top), float(left), float(bottom), float(right)


def rectangle_finding(name: str, score: float, rectangle: Rectangle, image: Volume) -> Finding:
    """Return the finding of a rectangle given by its outer edges in pixels of a slice: pixel k ends at k ± ½."""
    top, left, bottom, right = rectangle
    corner, opposite = image.map_indices_to_reference(np.array([[0.0, top, left], [0.0, bottom, right]]))
    # (0020,0037): first the direction in which the column index grows, then the row index
    along_row, along_column = image.affine[:3, 2], image.affine[:3, 1]
    cosines = [*(along_row / np.linalg.norm(along_row)), *(along_column / np.linalg.norm(along_column))]
    return Finding(
        name=name,
        score=score,
        frame_of_reference_uid=image.frame_of_reference_uid or "",
        corner_mm=_triple(corner),
        opposite_mm=_triple(opposite),
        orientation=_six(cosines),
    )


def _triple(point: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in point)
    return x, y, z


def _six(cosines: list[float]) -> tuple[float, float, float, float, float, float]:
    a, b, c, d, e, f = (float(value) for value in cosines)
    return a, b, c, d, e, f
