"""Volume export: a region as a NIfTI mask, on the grid of the image it was outlined on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.session.regions import Lesion
from app.studies.nifti_out import write_nifti
from app.ui.volume_scene import size_text
from inference.errors import EngineError
from inference.lesion_region import on_grid_of

if TYPE_CHECKING:
    from highdicom import Volume

ENDINGS = (".nii", ".nii.gz")


def save(lesion: Lesion, image: Volume | None, path: Path) -> Path:
    """Write a region as uint8 NIfTI-1, 1 inside; how it was made goes into the header.

    Parameters
    ----------
    image
        The image whose whole grid the file shall have, so that other programs lay one over the other; None, or one
        of another grid, leaves the mask cropped, in its right place all the same.

    Returns
    -------
    Path
        The file, with an ending where there was none.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = path if path.name.lower().endswith(ENDINGS) else path.with_name(path.name + ".nii.gz")
    notes = (f"{lesion.title}: {size_text(lesion.size)}", *lesion.provenance)
    write_nifti(path, _placed(lesion.mask.volume, image), notes)
    return path


def _placed(mask: Volume, image: Volume | None) -> Volume:
    if image is not None and image.frame_of_reference_uid == mask.frame_of_reference_uid:
        try:
            return image.with_array(on_grid_of(mask, image).astype(np.uint8))
        except EngineError:  # outlined on an image of another grid
            pass
    return mask.with_array(np.asarray(mask.array, np.uint8))
