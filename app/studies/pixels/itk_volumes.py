"""NRRD and MetaImage volumes, read by SimpleITK once their header was checked."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from app.studies.errors import StudyError
from app.studies.pixels.research_image import ResearchImage, from_xyz
from app.studies.pixels.shared_array import require_memory
from app.studies.pixels.volume_header import read_volume_header


def describe(path: Path) -> ResearchImage:
    """Read the header of an NRRD or MetaImage volume."""
    import SimpleITK

    header = read_volume_header(path)
    reader = _reader(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise StudyError(f"The header of the image is damaged: {_reason(error)}.") from error
    components = reader.GetNumberOfComponents()
    size = reader.GetSize()
    while len(size) > 3 and size[-1] == 1:
        size = size[:-1]
    if len(size) not in (2, 3) or components not in (1, 3):
        raise StudyError(f"The image has {len(size)} dimensions and {components} values per voxel; it cannot be shown.")
    dtype = _dtype(SimpleITK.GetPixelIDValueAsString(reader.GetPixelID()).lower())
    columns, rows, slices = (*size, 1)[:3]
    if slices * rows * columns * components * dtype.itemsize != header.voxel_bytes:
        raise StudyError("The header of the image is ambiguous about its size.")
    spacing = (*reader.GetSpacing(), 1.0)[:3] if header.has_spacing else None
    return ResearchImage(
        path,
        (slices, rows, columns, 3) if components == 3 else (slices, rows, columns),
        dtype,
        None if spacing is None else (spacing[2], spacing[1], spacing[0]),
        _affine(reader) if len(size) == len(reader.GetSize()) == 3 and header.has_place else None,
        components == 3,
    )


def read(path: Path, image: ResearchImage) -> np.ndarray:
    """Read the voxels: (slices, rows, columns[, 3])."""
    import SimpleITK

    require_memory(2 * int(np.prod(image.shape, dtype=object)) * image.dtype.itemsize)
    try:
        values = SimpleITK.GetArrayFromImage(_reader(path).Execute())
    except RuntimeError as error:
        raise StudyError(f"The voxels cannot be read: {_reason(error)}.", "The file may be truncated.") from error
    return values.reshape(image.shape)


def _reader(path: Path) -> Any:
    import SimpleITK

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO("NrrdImageIO" if path.suffix.lower() in (".nrrd", ".nhdr") else "MetaImageIO")
    reader.SetFileName(os.fspath(path))
    return reader


def _reason(error: RuntimeError) -> str:
    return str(error).strip().splitlines()[-1].split("Error:")[-1].strip().rstrip(".")[:200]


def _dtype(pixel: str) -> np.dtype[Any]:
    match = re.search(r"(?:(\d+)-bit )?(unsigned integer|signed integer|float)", pixel)
    if match is None or "complex" in pixel:
        raise StudyError(f"Voxels of type {pixel} cannot be shown.")
    kind = {"unsigned integer": "u", "signed integer": "i", "float": "f"}[match[2]]
    return np.dtype(f"{kind}{int(match[1] or 32) // 8}")


def _affine(reader: Any) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = np.array(reader.GetDirection()).reshape(3, 3) * np.array(reader.GetSpacing())
    affine[:3, 3] = reader.GetOrigin()
    return from_xyz(affine)
