"""NIfTI-1 and NIfTI-2 volumes, plain or gzipped: nibabel reads the header, numpy the voxels, within bounds."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files.safety import MIB, kind_of, open_regular
from app.studies.pixels.research_image import ResearchImage, from_xyz
from app.studies.pixels.shared_array import require_memory
from inference.progress import Progress

#: RAS to LPS.
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
#: A gzip stream inflates to at most 1032 times its length (RFC 1951: 258 bytes from 2 bits).
_MOST_INFLATED = 1040
_PIECE_BYTES = 16 * MIB


def describe(path: Path) -> ResearchImage:
    """Read the header of a NIfTI volume."""
    return _described(path)[0]


def _described(path: Path) -> tuple[ResearchImage, Any]:
    """Return the description and nibabel's header; the voxels are read without nibabel, by the header's size."""
    import nibabel

    with open_regular(path) as file:
        start = _first_bytes(file, 544, compressed=path.name.lower().endswith(".gz"))
    kinds = ((348, nibabel.Nifti1Header), (540, nibabel.Nifti2Header))
    for length, kind in kinds:  # noqa: B007 - both are used after the loop
        if length in (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")) and len(start) >= length:
            break
    else:
        raise StudyError(f"This is not a NIfTI image: it is {kind_of(start)}.")
    try:
        header = kind(start[:length])
        shape = tuple(int(size) for size in header.get_data_shape())
        dtype = header.get_data_dtype()
        coded = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0  # type: ignore[arg-type]
        affine = header.get_best_affine() if coded else None
        zooms = tuple(float(zoom) for zoom in header.get_zooms())
        slope, intercept = header.get_slope_inter()
    except (
        nibabel.spatialimages.HeaderDataError,
        nibabel.filebasedimages.ImageFileError,
        ValueError,
        KeyError,
    ) as error:
        raise StudyError(f"The NIfTI header is damaged: {error}.") from error
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) not in (2, 3):
        raise StudyError(
            f"The NIfTI image has {len(shape)} dimensions; one volume of 2 or 3 can be shown.", "Split it by time."
        )
    columns, rows, slices = (*shape, 1)[:3]
    colour = dtype.names == ("R", "G", "B")
    scaled = slope not in (None, 0.0, 1.0) or intercept not in (None, 0.0)
    delivered = np.dtype(np.uint8) if colour else np.dtype(np.float32) if scaled else dtype.newbyteorder("=")
    if delivered.kind not in "iuf":
        raise StudyError(f"NIfTI voxels of type {dtype} cannot be shown.")
    spacing = (*(abs(zoom) for zoom in zooms), 1.0, 1.0)[:3]
    image = ResearchImage(
        path,
        (slices, rows, columns, 3) if colour else (slices, rows, columns),
        delivered,
        (spacing[2], spacing[1], spacing[0]) if min(spacing) > 0 and all(map(math.isfinite, spacing)) else None,
        None if affine is None or not np.isfinite(affine).all() else from_xyz(_LPS @ affine),
        colour,
    )
    return image, header


def _first_bytes(file: FileIO, length: int, *, compressed: bool) -> bytes:
    """Return bytes from the start of a file; a gzip stream is inflated no further than asked."""
    return bytes(_voxel_bytes(file, 0, length, compressed, Progress()))


def _voxel_bytes(file: FileIO, offset: int, needed: int, packed: bool, progress: Progress) -> bytearray:
    """Read from an offset, inflating where the file is packed, with a look at cancellation at each piece."""
    content = bytearray()
    try:
        stream = gzip.GzipFile(fileobj=file) if packed else file  # type: ignore[arg-type]
        stream.seek(offset)
        while len(content) < needed:
            progress.check()
            piece = stream.read(min(_PIECE_BYTES, needed - len(content)))
            if not piece:
                break
            content += piece
    except (OSError, EOFError, zlib.error) as error:
        raise StudyError(f"The file is not a gzip archive, or a damaged one: {error}.") from error
    return content


def read(path: Path, image: ResearchImage, progress: Progress) -> np.ndarray:
    """Read the voxels of a NIfTI volume: (slices, rows, columns[, 3])."""
    _image, header = _described(path)
    stored = header.get_data_dtype()
    offset, needed = int(header.get_data_offset()), math.prod(image.shape[:3]) * stored.itemsize
    if not 0 <= offset <= 64 * MIB:
        raise UnsafeFileError(f"The NIfTI header puts the voxels at byte {offset:,}, which is refused as unsafe.")
    with open_regular(path) as file:
        packed = path.name.lower().endswith(".gz")
        there = os.fstat(file.fileno()).st_size * (_MOST_INFLATED if packed else 1)
        if there < offset + needed:
            raise StudyError(f"The NIfTI image is truncated: its voxels need {needed:,} bytes.", "Copy the file again.")
        require_memory(2 * (offset + needed))
        raw = _voxel_bytes(file, offset, needed, packed, progress)
    if len(raw) < needed:
        raise StudyError(
            f"The NIfTI image is truncated: it holds {len(raw):,} of {needed:,} bytes.", "Copy the file again."
        )
    values = np.frombuffer(raw, stored)
    if image.colour:
        return np.stack([values[name] for name in "RGB"], axis=-1).reshape(image.shape)
    slope, intercept = header.get_slope_inter()
    if image.dtype == np.float32 and (slope not in (None, 1.0) or intercept not in (None, 0.0)):
        return (values.astype(np.float32) * np.float32(slope or 1.0) + np.float32(intercept or 0.0)).reshape(
            image.shape
        )
    return values.astype(image.dtype, copy=True).reshape(image.shape)
