"""NIfTI written for other programs: the array with axes (column, row, slice) and its place in RAS millimetres."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from highdicom import Volume

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


COMMENT = 6  # code of a header extension that holds plain text


def write_nifti(path: Path, volume: Volume, notes: Iterable[str] = ()) -> None:
    """Write a volume as NIfTI-1; folders are made where they are missing.

    Parameters
    ----------
    volume
        Array (slice k, row j, column i), affine (k, j, i, 1) to LPS mm.
    notes
        Sentences kept in the header as a comment: how the volume was made.
    """
    import nibabel

    affine = LPS_TO_RAS @ np.asarray(volume.affine, float)[:, [2, 1, 0, 3]]
    array = np.asarray(volume.array)
    image = nibabel.Nifti1Image(array.transpose(2, 1, 0), affine, dtype=array.dtype)
    image.header.set_xyzt_units("mm")
    if text := "\n".join(notes):
        image.header["descrip"] = b"BreastLens, research use only"
        image.header.extensions.append(nibabel.nifti1.Nifti1Extension(COMMENT, text.encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)
