"""Breast mask: the tissue in front of the chest wall in an MRI of a patient lying prone, right and left breast apart.

Body by threshold; the chest wall by a line per slice that needs nothing but the skin. No learning, no randomness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.prepare.tissue_mask import body_mask
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

RIGHT, LEFT = 1, 2
COARSE_MM = 3.0  # the chest wall is looked for on voxels of about this size; finer ones tell no more about it
BOTH_MM = 230.0  # a body seen wider than this holds both breasts; one breast with its axilla is narrower
SKIN_TO_WALL_MM = 10.0  # skin, fat and fascia over the sternum: measured 9 to 20 mm, the lower end leaves muscle out
CURVE = 2.5  # exponent of the superellipse of a chest in cross-section; 2 is an ellipse, more is boxier
DEEP = 0.65  # half depth of a chest over its half width (anthropometry: 0.6 to 0.75)
HALF_WIDTH_MM = (110.0, 165.0)
DROP_MM = 35.0  # further back than this from the sternum line lies axilla and flank, not breast
LEAST_MM = 15.0  # what stands out of the wall by less is the layer of fat over the chest
SIDE_ML = (40.0, 3500.0)  # plausible volume of one breast
STANDS_OUT_MM = 12.0  # skin of a breast lies further in front of the sternum's; a chest without a breast falls back
MOST_OF_BODY = 0.9


@dataclass(frozen=True)
class BreastMask:
    """Where the breasts are.

    Attributes
    ----------
    volume
        uint8 on the grid of the image: 0 elsewhere, 1 right breast, 2 left breast (the patient's).
    problem
        Why the mask is not to be trusted, a sentence; "" where it is plausible.
    """

    volume: Volume
    problem: str

    def ml(self, side: int) -> float:
        """Return the volume of a breast, ml."""
        voxel = abs(float(np.linalg.det(np.asarray(self.volume.affine, float)[:3, :3]))) / 1000
        return int(np.count_nonzero(self.volume.array == side)) * voxel


def breast_mask(image: Volume, progress: Progress | None = None) -> BreastMask:
    """Return the breasts of an MRI, prone, of axial, sagittal or coronal slices.

    Parameters
    ----------
    image
        T1-weighted, fat-suppressed or not, array (slice k, row j, column i); the pre-contrast phase of a dynamic one.
    progress
        Reports and cancels between the steps.

    Notes
    -----
    Body: Otsu's threshold on the logarithm, filled. Both sides in view: the midline is where the skin lies furthest
    back between the breasts, or the middle of the body where only one side has a breast; the other side stays empty
    then. The chest wall runs 10 mm behind the skin of the midline, slice by slice, and falls back to the sides as a
    superellipse as wide as 0.85 of the body, 35 mm at most. One breast in view: the wall is the straight line between
    the skin above and below the breast, 10 mm deeper. Columns that stand out of the wall by less than 15 mm are left
    out. Pectoral muscle at the sides and the tail towards the axilla are only roughly right.
    """
    progress = progress or Progress()
    axes, signs = _axes(np.asarray(image.affine, float))
    spacing = np.asarray(image.spacing, float)[list(axes)]
    full = np.asarray(image.array).transpose(axes)[tuple(slice(None, None, s) for s in signs)]
    coarse, steps = _coarse(full, spacing)
    cell = spacing * full.shape / coarse.shape
    progress.check()
    body = body_mask(coarse, cell)
    progress.report(0.5, "Breasts")
    labels = _labels(body, cell, _first_x(image, axes, signs))
    progress.check()
    fine = _fine(labels, steps, full.shape, progress)
    stored = fine[tuple(slice(None, None, s) for s in signs)].transpose(np.argsort(axes))
    mask = BreastMask(image.with_array(np.ascontiguousarray(stored)), "")
    return BreastMask(mask.volume, _problem(mask, body, labels))


def _axes(affine: np.ndarray) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return the array axes nearest to head, back and left, and 1 where they run that way, else −1."""
    from scipy.optimize import linear_sum_assignment

    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    patient, array = linear_sum_assignment(-np.abs(directions))
    axis = dict(zip(patient.tolist(), array.tolist(), strict=True))
    found = (axis[2], axis[1], axis[0])
    signs = tuple(1 if directions[p, a] > 0 else -1 for p, a in zip((2, 1, 0), found, strict=True))
    return found, (signs[0], signs[1], signs[2])


def _first_x(image: Volume, axes: tuple[int, int, int], signs: tuple[int, int, int]) -> float:
    """Return the LPS x of the first voxel along the axis to the left, mm."""
    index = (np.asarray(image.spatial_shape, float) - 1) / 2
    index[axes[2]] = 0 if signs[2] > 0 else image.spatial_shape[axes[2]] - 1
    affine = np.asarray(image.affine, float)
    return float(affine[0, :3] @ index + affine[0, 3])


def _coarse(full: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return means over blocks of about 3 mm, and how many voxels a block takes along each axis."""
    steps = np.maximum(1, np.rint(COARSE_MM / spacing)).astype(int)
    shape = np.maximum(1, np.array(full.shape) // steps)
    part = full[: shape[0] * steps[0], : shape[1] * steps[1], : shape[2] * steps[2]]
    blocks = part.reshape(shape[0], steps[0], shape[1], steps[1], shape[2], steps[2])
    return np.nan_to_num(blocks.mean(axis=(1, 3, 5), dtype=np.float32)), steps


def _labels(body: np.ndarray, cell: np.ndarray, first_x: float) -> np.ndarray:
    """Return the breasts on the coarse grid (head, back, left)."""
    labels = np.zeros(body.shape, np.uint8)
    there = body.any(axis=1)
    if not there.any():
        return labels
    skin = np.where(there, np.argmax(body, axis=1) * cell[1], np.nan)
    columns = np.flatnonzero(there.any(axis=0))
    if np.ptp(columns) * cell[2] >= BOTH_MM:
        middle, standing = _midline(body, skin, cell, columns)
        wall = _wall_of_both(skin, cell, middle, float(np.ptp(columns) * cell[2]))
        both = ((RIGHT, 0, middle), (LEFT, middle, body.shape[2]))
        sides = tuple(side for side in both if side[0] in standing)
    else:
        wall = _wall_of_one(skin, cell)
        centre = first_x + float(columns.mean()) * cell[2]
        sides = ((RIGHT if centre < 0 else LEFT, 0, body.shape[2]),)
    depth = np.arange(body.shape[1])[None, :, None] * cell[1]
    behind_skin = depth >= np.nan_to_num(skin, nan=np.inf)[:, None, :]  # dark fat within a breast belongs to it
    inside = behind_skin & (depth < np.nan_to_num(wall, nan=-1.0)[:, None, :])
    for side, low, high in sides:
        labels[:, :, low:high] = side * _one_piece(inside[:, :, low:high], cell)
    return labels


def _midline(body: np.ndarray, skin: np.ndarray, cell: np.ndarray, columns: np.ndarray) -> tuple[int, tuple[int, ...]]:
    """Return the column of the midline and the sides where a breast is looked for.

    Notes
    -----
    Where only one side stands out (the other breast was taken off), the skin lies furthest back on the flank of the
    flat side, not on the sternum; the middle of the body behind the breasts is the midline then.
    """
    centre = round(float(columns.mean()))
    central = _central(skin)
    middle = _middle_of_body(_central(body), central, cell, centre)
    standing = _standing(central, cell, middle)
    if len(standing) == 1:
        return middle, standing
    return _furthest_back(central, cell, centre), (RIGHT, LEFT)


def _central(slices: np.ndarray) -> np.ndarray:
    """Leave out the lowest and the highest fifth: abdomen, neck, and what the coil hardly sees."""
    return slices[len(slices) // 5 : max(len(slices) // 5 + 1, 4 * len(slices) // 5)]


def _middle_of_body(body: np.ndarray, skin: np.ndarray, cell: np.ndarray, centre: int) -> int:
    """Return the mean of the lateral edges of the body 20 to 80 mm behind the skin at its centre."""
    front = np.nan_to_num(_row_quantile(skin[:, max(0, centre - 2) : centre + 3], 0.5), nan=np.inf)
    depth = np.arange(body.shape[1]) * cell[1]
    behind = (depth >= front[:, None] + 20) & (depth <= front[:, None] + 80)
    lines = (body & behind[:, :, None])[(body & behind[:, :, None]).any(axis=2)]
    if not len(lines):
        return centre
    edges = np.argmax(lines, axis=1) + lines.shape[1] - 1 - np.argmax(lines[:, ::-1], axis=1)
    return round(float(np.median(edges)) / 2)


def _standing(skin: np.ndarray, cell: np.ndarray, middle: int) -> tuple[int, ...]:
    """Return the sides whose skin stands out in front of that of the sternum, in a fifth of the slices at least."""
    half = max(1, int(25 / cell[2]))  # between two breasts the skin lies furthest back, not always in the very middle
    sternum = _row_quantile(skin[:, max(0, middle - half) : middle + half + 1], 1.0)
    out = np.nan_to_num(sternum[:, None] - skin, nan=-np.inf)
    out = np.quantile(out, 0.8, axis=0, method="lower")
    sides = ((RIGHT, out[:middle]), (LEFT, out[middle:]))
    return tuple(side for side, part in sides if part.max(initial=-np.inf) > STANDS_OUT_MM)


def _furthest_back(skin: np.ndarray, cell: np.ndarray, centre: int) -> int:
    """Return the column where the skin lies furthest back between the breasts, near the middle of the body."""
    reach = max(1, int(50 / cell[2]))
    near = skin[:, centre - reach : centre + reach + 1]
    known = np.isfinite(near).any(axis=0)
    if not known.any():
        return centre
    profile = np.full(near.shape[1], -np.inf)
    profile[known] = np.nanmedian(near[:, known], axis=0)
    return centre - reach + round(float(np.flatnonzero(profile >= profile.max() - 4.0).mean()))


def _wall_of_both(skin: np.ndarray, cell: np.ndarray, middle: int, width_mm: float) -> np.ndarray:
    """Return how far back the chest wall lies, mm (head, left)."""
    half = max(1, int(12 / cell[2]))
    near = skin[:, max(0, middle - half) : middle + half + 1]
    sternum = _smooth(_row_quantile(near, 0.75), 12.0 / cell[0])
    a = float(np.clip(0.85 * width_mm / 2, *HALF_WIDTH_MM))
    aside = np.minimum(np.abs(np.arange(skin.shape[1]) - middle) * cell[2] / a, 1.0)
    drop = np.minimum(DEEP * a * (1 - (1 - aside**CURVE) ** (1 / CURVE)), DROP_MM)
    wall = sternum[:, None] + SKIN_TO_WALL_MM + drop
    wall[:, np.abs(np.arange(skin.shape[1]) - middle) * cell[2] > a + 15] = np.nan
    return wall


def _wall_of_one(skin: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return the chest wall behind a single breast: the line between the skin above and below it, slice by slice."""
    third = max(1, len(skin) // 3)
    rows = np.arange(len(skin))
    wall = np.full(skin.shape, np.nan)
    for column in np.flatnonzero(np.isfinite(skin).sum(axis=0) >= 3):
        profile = np.where(np.isfinite(skin[:, column]), skin[:, column], -np.inf)
        below, above = int(np.argmax(profile[:third])), len(skin) - third + int(np.argmax(profile[-third:]))
        if np.isfinite(profile[[below, above]]).all():
            wall[:, column] = np.interp(rows, (below, above), profile[[below, above]]) + SKIN_TO_WALL_MM
    return np.stack([_smooth(row, 6.0 / cell[2]) for row in wall])


def _row_quantile(values: np.ndarray, share: float) -> np.ndarray:
    found = np.full(len(values), np.nan)
    known = np.isfinite(values).any(axis=1)
    found[known] = np.nanquantile(values[known], share, axis=1)
    return found


def _smooth(values: np.ndarray, sigma: float) -> np.ndarray:
    """Return a smoothed line; NaN stays NaN and lends nothing to its neighbours."""
    from scipy import ndimage

    known = np.isfinite(values)
    weight = np.asarray(ndimage.gaussian_filter1d(known.astype(float), sigma))
    total = np.asarray(ndimage.gaussian_filter1d(np.where(known, values, 0.0), sigma))
    return np.where(known, total / np.maximum(weight, 1e-9), np.nan)


def _one_piece(inside: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return the largest piece of the columns that stand out of the chest wall, seen from the front."""
    from scipy import ndimage

    out = inside.sum(axis=1) * cell[1] >= LEAST_MM
    out = np.asarray(ndimage.binary_opening(out, iterations=2))
    pieces = np.zeros(out.shape, np.int32)
    ndimage.label(out, output=pieces)
    if not out.any():
        return np.zeros(inside.shape, bool)
    return inside & (pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])))[:, None, :]


def _fine(labels: np.ndarray, steps: np.ndarray, shape: tuple[int, ...], progress: Progress) -> np.ndarray:
    """Return the labels on the image's own grid; edges lie where linear interpolation passes one half."""
    import cv2

    fine = np.zeros(shape, np.uint8)
    size = (int(labels.shape[2] * steps[2]), int(labels.shape[1] * steps[1]))
    height, width = min(size[1], shape[1]), min(size[0], shape[2])
    for side in (RIGHT, LEFT):
        grown = (labels == side).astype(np.float32)
        for k in range(shape[0]):
            progress.check()
            place = float(np.clip((k + 0.5) / steps[0] - 0.5, 0, len(labels) - 1))
            low, share = int(place), place - int(place)
            plane = grown[low] * (1 - share) + grown[min(low + 1, len(labels) - 1)] * share
            if plane.any():
                smooth = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)[:height, :width]
                fine[k, :height, :width][smooth > 0.5] = side
    return fine


def _problem(mask: BreastMask, body: np.ndarray, labels: np.ndarray) -> str:
    found = [side for side in (RIGHT, LEFT) if (mask.volume.array == side).any()]
    if not found:
        return "No breast was found in front of a chest wall."
    for side in found:
        volume = mask.ml(side)
        if not SIDE_ML[0] <= volume <= SIDE_ML[1]:
            return (
                f"The {'right' if side == RIGHT else 'left'} breast found has {volume:.0f} ml, which is not plausible."
            )
    if np.count_nonzero(labels) > MOST_OF_BODY * max(1, np.count_nonzero(body)):
        return "No chest wall was found behind the breasts."
    return ""
