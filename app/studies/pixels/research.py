"""Research images: NIfTI, NRRD, MetaImage, PNG, PNM, JPEG, JPEG 2000 and TIFF, read within bounds."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from app.studies.errors import UnsafeFileError
from app.studies.files.safety import MIB, open_regular
from app.studies.pixels import itk_volumes, nifti, pictures
from app.studies.pixels.decode_pool import POOL
from app.studies.pixels.research_image import ResearchImage
from app.studies.pixels.shared_array import SharedArray
from inference.progress import Progress

#: Decoded bytes of one research image.
MAX_IMAGE_BYTES = 4096 * MIB
_NIFTI = (".nii", ".nii.gz")
_ITK = (".nrrd", ".nhdr", ".mha", ".mhd")
_PICTURES = (".png", ".pgm", ".ppm", ".pnm", ".jpg", ".jpeg", ".tif", ".tiff", ".jp2", ".j2k")


def is_research_file(path: Path) -> bool:
    """Whether the name says that this is a research image; nothing is opened."""
    return str(path).lower().endswith(_NIFTI + _ITK + _PICTURES)


def describe(path: Path) -> ResearchImage:
    """Read the header of a research image.

    Raises
    ------
    StudyError
        Where it is not what its name says, damaged, or of a kind that cannot be shown.
    UnsafeFileError
        Where it declares more than the bounds allow.
    """
    path = Path(path)
    name = path.name.lower()
    if name.endswith(_NIFTI):
        image = nifti.describe(path)
    elif name.endswith(_ITK):
        image = itk_volumes.describe(path)
    else:
        image = _describe_picture(path)[0]
    if math.prod(image.shape) * image.dtype.itemsize > MAX_IMAGE_BYTES or min(image.shape) < 1:
        raise UnsafeFileError(
            f"The file declares an image of {' × '.join(map(str, image.shape))}, beyond what is accepted."
        )
    return image


def read(path: Path, progress: Progress | None = None, *, background: bool = False) -> np.ndarray:
    """Read the values of a research image: (slices, rows, columns) or (slices, rows, columns, 3).

    NIfTI values are scaled by slope and intercept where these are not 1 and 0; everything else is as stored.

    Raises
    ------
    StudyError
        As :func:`describe`, and where the pixels are damaged or truncated.
    """
    path = Path(path)
    image = describe(path)
    name = path.name.lower()
    if name.endswith(_NIFTI):
        return nifti.read(path, image, progress or Progress())
    if name.endswith(_ITK):
        return itk_volumes.read(path, image)
    return _read_picture(path, image, progress or Progress(), background)


def _describe_picture(path: Path) -> tuple[ResearchImage, pictures.Picture]:
    with open_regular(path) as file:
        picture = pictures.inspect_picture(file)
    shape = (picture.pages, picture.rows, picture.columns)
    dtype = np.dtype(picture.dtype)
    return ResearchImage(path, (*shape, 3) if picture.colour else shape, dtype, colour=picture.colour), picture


def _read_picture(path: Path, image: ResearchImage, progress: Progress, background: bool) -> np.ndarray:
    """Decode the pages of a picture in a decoder process."""
    _image, picture = _describe_picture(path)
    memory = SharedArray(image.shape, image.dtype)
    frame_bytes = memory.array[0].nbytes
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            for page in range(picture.pages):
                frame = {"fragments": [(0, size)], "target": page * frame_bytes, "page": page}
                request = {
                    "picture": picture.as_dict(),
                    "dtype": image.dtype.str,
                    "threads": max(1, POOL.size),
                    "frame_bytes": frame_bytes + size,
                    "frames": [frame],
                }
                POOL.run(request, (file.fileno(), memory.descriptor), progress, background=background)
                progress.report((page + 1) / picture.pages, f"Reading image {page + 1} of {picture.pages}")
    finally:
        memory.close()
    return memory.array
