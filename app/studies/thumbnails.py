"""Thumbnails: the middle slice of a stack, small, with the grey values the file asks for."""

from __future__ import annotations

import cv2
import numpy as np

from app.studies.load import load_stack, middle_slice
from app.studies.study import Study
from viewer.windowing import render_grey


def thumbnail(study: Study, stack_uid: str, size: int = 96) -> np.ndarray:
    """Return the middle slice of a stack as grey or RGB bytes.

    Parameters
    ----------
    size
        Longest side in pixels.

    Returns
    -------
    numpy.ndarray
        uint8, (h, w), or (h, w, 3) for colour, in true proportions where the pixel spacing is known.

    Raises
    ------
    StudyError
        If the slice cannot be read.
    """
    loaded = load_stack(middle_slice(study, stack_uid), stack_uid, background=True)
    values = np.asarray(loaded.volume.array)[0]
    if values.ndim == 3:
        return _shrunk(_eight_bit(values), loaded.stack.spacing_mm, size)
    # Few values are windowed when the image is shrunk by whole steps first; the rest is done by area.
    step = max(1, min(values.shape) // (4 * size))
    grey = render_grey(np.ascontiguousarray(values[::step, ::step]), loaded.presentation)
    return _shrunk(grey, loaded.stack.spacing_mm, size)


def _eight_bit(colour: np.ndarray) -> np.ndarray:
    if colour.dtype == np.uint8:
        return colour
    return (colour / float(np.iinfo(colour.dtype).max) * 255).astype(np.uint8)


def _shrunk(image: np.ndarray, spacing_mm: tuple[float, float, float] | None, size: int) -> np.ndarray:
    height, width = float(image.shape[0]), float(image.shape[1])
    if spacing_mm is not None:
        height, width = height * spacing_mm[1], width * spacing_mm[2]
    scale = size / max(height, width)
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, shape, interpolation=cv2.INTER_AREA)
