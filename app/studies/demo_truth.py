"""The truth of phantoms, written beside their DICOM files: ``truth.json``, and lesion masks in ``masks.npz``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.mammo import MammoPhantom
from inference.phantoms.mri import DcePhantom, LesionTruth

JSON_FILE, MASKS_FILE = "truth.json", "masks.npz"


def dce_truth(phantom: DcePhantom) -> dict[str, Any]:
    """Return what is known about a dynamic examination, for JSON.

    Lesions carry their box as ``[first, stop)`` of slices, rows and columns of the volume (None where they lie outside
    it), their centre in LPS mm, and the noiseless type of their curve. A breast is malignant when a malignant lesion of
    it lies in the volume.
    """
    lesions = [_dce_lesion(number, lesion) for number, lesion in enumerate(phantom.lesions, start=1)]
    seen = [lesion for lesion in phantom.lesions if lesion.mask.any()]
    sides = phantom.laterality or "RL"
    return {
        "kind": "dce",
        "generator_version": phantom.generator_version,
        "seed": phantom.seed,
        "plane": phantom.plane,
        "seconds": [0.0, *phantom.seconds],
        "pre_index": 0,
        "contrast_arrival_s": phantom.arrival_s,
        "affine_lps": np.asarray(phantom.pre.affine).tolist(),
        "shape": list(phantom.pre.spatial_shape),
        "malignant": {side: any(one.malignant and one.laterality == side for one in seen) for side in sides},
        "lesions": lesions,
    }


def _dce_lesion(number: int, lesion: LesionTruth) -> dict[str, Any]:
    box = lesion.box
    return {
        "number": number,
        "mask": mask_name(number),
        "kind": lesion.kind,
        "histology": lesion.histology,
        "malignant": lesion.malignant,
        "laterality": lesion.laterality,
        "centre_lps_mm": [round(float(v), 3) for v in lesion.centre_mm],
        "radius_mm": round(lesion.radius_mm, 3),
        "voxels": int(lesion.mask.sum()),
        "box": None if box is None else [[part.start, part.stop] for part in box],
        "curve": lesion.curve,
        "ktrans_per_min": round(lesion.ktrans_per_min, 4),
        "kep_per_min": round(lesion.kep_per_min, 4),
    }


def mask_name(number: int) -> str:
    """Return the name of a lesion's array in ``masks.npz``."""
    return f"lesion_{number}"


def mammogram_truth(phantoms: Sequence[MammoPhantom], *, mirrored: bool = False) -> dict[str, Any]:
    """Return what is known about the views of one woman, for JSON; rows and columns are those of the stored pixels.

    ``number`` counts the lesions of a breast: the same lesion has the same number in both views.
    """
    return {
        "kind": "mammogram",
        "generator_version": GENERATOR_VERSION,
        "seed": phantoms[0].seed,
        "density": phantoms[0].density,
        "views": [_view(phantom, mirrored) for phantom in phantoms],
    }


def _view(phantom: MammoPhantom, mirrored: bool) -> dict[str, Any]:
    columns = phantom.image.spatial_shape[2]
    lesions = []
    for number, lesion in enumerate(phantom.lesions, start=1):
        outline, centre = lesion.outline.copy(), list(lesion.centre)
        if mirrored:
            outline[:, 1], centre[1] = columns - 1 - outline[:, 1], columns - 1 - centre[1]
        low, high = outline.min(axis=0), outline.max(axis=0)
        lesions.append(
            {
                "number": number,
                "kind": lesion.kind,
                "malignant": lesion.malignant,
                "centre": [round(float(v), 2) for v in centre],
                "radius_mm": round(lesion.radius_mm, 3),
                "box": [round(float(v), 2) for v in (*low, *high)],
                "outline": np.round(outline, 2).tolist(),
            }
        )
    return {
        "laterality": phantom.laterality,
        "view": phantom.view,
        "shape": list(phantom.image.spatial_shape[1:]),
        "pixel_mm": phantom.pixel_mm,
        "malignant": any(lesion.malignant for lesion in phantom.lesions),
        "lesions": lesions,
    }


def write_truth(folder: Path, truth: dict[str, Any], lesions: Sequence[LesionTruth] = ()) -> Path:
    """Write the truth, and the masks of the lesions as bool arrays on the grid of the volume; returns the JSON file."""
    folder.mkdir(parents=True, exist_ok=True)
    if lesions:
        masks: dict[str, Any] = {mask_name(number): one.mask for number, one in enumerate(lesions, start=1)}
        np.savez_compressed(folder / MASKS_FILE, **masks)
    path = folder / JSON_FILE
    path.write_text(json.dumps(truth, indent=1), encoding="utf-8")
    return path
