"""Pointing game and energy of attention maps on real slices with masks, next to the brightest blurred point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from inference.prepare.grid import cell_affine, resized_affine
from inference.prepare.mri_slice import SlicePreprocessing
from inference.training.attention.slices import PHANTOM, Sample
from inference.training.statistics.bootstrap import interval_over_patients

BLUR_PX, TOLERANCE_PX = 3.0, 15.0  # of slices of 512 × 512 (issue 5)
_FULL = 512
PLANE_OF = {"breastdm": "axial", "ispy1": "sagittal"}


@dataclass(frozen=True)
class Pointed:
    """Where a map points on one slice, in pixels of the slice scaled to 512 columns.

    Attributes
    ----------
    distance
        From the centre of the highest cell to the mask; 0 inside.
    floor_distance
        From the brightest blurred point to the mask.
    energy
        Share of the map, linear between cells, that lies on the mask.
    uniform
        Share of the slice the mask fills: the energy of a map that says nothing.
    plausible
        Whether the mask lies on bright tissue.
    """

    name: str
    patient: str
    source: str
    distance: float
    floor_distance: float
    energy: float
    uniform: float
    plausible: bool

    @property
    def hit(self) -> bool:
        """Whether the map points at the mask, give or take 15 whole pixels."""
        return round(self.distance) <= TOLERANCE_PX

    @property
    def floor_hit(self) -> bool:
        """Whether the brightest blurred point does."""
        return round(self.floor_distance) <= TOLERANCE_PX


def point(sample: Sample, cells: np.ndarray, keys: SlicePreprocessing, *, plausible: bool) -> Pointed | None:
    """Return where a map points; None for a slice without a lesion.

    Parameters
    ----------
    cells
        Attention p, shape (rows, columns) of cells.
    """
    if not sample.mask.any():
        return None
    shape = (sample.mask.shape[0], sample.mask.shape[1])
    scale = _FULL / shape[1]
    away = cv2.distanceTransform((~sample.mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) * scale
    to_cell = _to_cells(shape, keys)
    row, column = np.unravel_index(int(np.argmax(cells)), cells.shape)
    centre = (np.linalg.inv(to_cell) @ np.array((row, column, 1.0)))[:2]
    top = np.clip(np.rint(centre).astype(int), 0, np.array(shape) - 1)
    blurred = cv2.GaussianBlur(sample.image, (0, 0), BLUR_PX / scale)
    brightest = np.unravel_index(int(np.argmax(blurred)), shape)
    fine = _fine(cells, shape, to_cell)
    return Pointed(
        sample.name,
        sample.patient,
        sample.source,
        float(away[top[0], top[1]]),
        float(away[brightest]),
        float(fine[sample.mask].sum() / max(fine.sum(), 1e-9)),
        float(sample.mask.mean()),
        plausible,
    )


def _to_cells(shape: tuple[int, int], keys: SlicePreprocessing) -> np.ndarray:
    """Return the 3 × 3 matrix from (row, column, 1) of a slice to positions among the cells."""
    network = resized_affine(np.eye(4), shape, keys.size)  # network pixel to slice pixel
    cell = cell_affine(network, keys.size, keys.target_grid)
    return np.linalg.inv(cell[1:, 1:])


def _fine(cells: np.ndarray, shape: tuple[int, int], to_cell: np.ndarray) -> np.ndarray:
    """Return a map on the slice's pixels, linear between the centres of its cells and level beyond them."""
    rows = (to_cell[0, 0] * np.arange(shape[0]) + to_cell[0, 2]).astype(np.float32)
    columns = (to_cell[1, 1] * np.arange(shape[1]) + to_cell[1, 2]).astype(np.float32)
    x, y = np.meshgrid(columns, rows)
    return cv2.remap(cells.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def pointed_rows(found: Sequence[Pointed]) -> dict[str, dict[str, Any]]:
    """Return for each plane, and for the sagittal slices with a plausible mask, what a card holds."""
    groups = {PLANE_OF.get(one.source, one.source): [o for o in found if o.source == one.source] for one in found}
    bright = [one for one in groups.get("sagittal", []) if one.plausible]
    if bright:
        groups["sagittal, mask on bright tissue"] = bright
    return {name: _row(group) for name, group in sorted(groups.items()) if name != PHANTOM}


def _row(group: Sequence[Pointed]) -> dict[str, Any]:
    patient = np.array([one.patient for one in group])
    hits = np.array([one.hit for one in group], float)
    floor = np.array([one.floor_hit for one in group], float)
    return {
        "hit_rate": round(float(hits.mean()), 3),
        "interval_95": [round(v, 3) for v in interval_over_patients(hits, patient, lambda drawn: float(drawn.mean()))],
        "floor": round(float(floor.mean()), 3),
        "energy": round(float(np.mean([one.energy for one in group])), 3),
        "uniform": round(float(np.mean([one.uniform for one in group])), 3),
        "hits": int(hits.sum()),
        "slices": len(group),
        "patients": len(np.unique(patient)),
    }
