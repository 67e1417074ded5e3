"""Thumbnails: the middle slice of a stack, small, with the grey values the file asks for."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from app.studies.hanging.sides import breasts_of
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
    loaded = load_stack(_telling_slice(study, stack_uid), stack_uid, background=True)
    values = np.asarray(loaded.volume.array)[0]
    if values.ndim == 3:
        return _shrunk(_eight_bit(values), loaded.stack.spacing_mm, size)
    # Few values are windowed when the image is shrunk by whole steps first; the rest is done by area.
    step = max(1, min(values.shape) // (4 * size))
    grey = render_grey(np.ascontiguousarray(values[::step, ::step]), loaded.presentation)
    return _shrunk(grey, loaded.stack.spacing_mm, size)


def _telling_slice(study: Study, stack_uid: str) -> Study:
    """Return the study with one slice of a stack: the middle one, of a sagittal volume of both breasts through one.

    The middle of such a volume is the breast bone.
    """
    series, stack = study.series_of(stack_uid)
    start = breasts_of(series, stack)[0].start_mm
    placed = [frame for frame in stack.frames if frame.index >= 0 and frame.position_mm is not None]
    if start is None or not placed:
        return middle_slice(study, stack_uid)
    x_mm = start[0]
    nearest = min(placed, key=lambda frame: abs((frame.position_mm or (0.0,))[0] - x_mm))
    alone = replace(stack, frames=(nearest,), notes=())
    return replace(study, series=(replace(series, stacks=(alone,)),), dynamics=())


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
