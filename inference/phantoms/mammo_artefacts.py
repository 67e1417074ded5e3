"""What is in a mammogram that is not breast: the marker of side and view, and dust."""

from __future__ import annotations

import cv2
import numpy as np

from inference.phantoms.mammo_breast import Detector

_LETTER_MM = 6.0
_FROM_EDGE_MM = 8.0


def add_artefacts(values: np.ndarray, detector: Detector, laterality: str, view: str, tone: int) -> None:
    """Draw the marker and the dust that the detector is to have.

    Parameters
    ----------
    values
        The image as stored, shape (rows, columns), changed in place: left breasts have the chest wall at the left.
    tone
        Value of lead and dust.
    """
    drawn = np.zeros(values.shape, np.uint8)
    if detector.marker:
        _write(drawn, f"{laterality} {view}", detector.pixel_mm, at_right=laterality == "L")
    if detector.dust:
        rng = np.random.default_rng((detector.dust, ord(laterality), len(view)))
        for row, column in rng.integers((0, 0), values.shape, (detector.dust, 2)):
            radius = max(0, round(rng.uniform(0.05, 0.25) / detector.pixel_mm))
            cv2.circle(drawn, (int(column), int(row)), radius, 255, -1)
    values[drawn > 0] = tone


def _write(drawn: np.ndarray, text: str, pixel_mm: float, *, at_right: bool) -> None:
    """Write into the upper corner away from the chest wall: lateral in CC, axillary in MLO."""
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(0.8 / pixel_mm))
    scale = cv2.getFontScaleFromHeight(font, max(6, round(_LETTER_MM / pixel_mm)), thickness)
    width = cv2.getTextSize(text, font, scale, thickness)[0][0]
    edge = round(_FROM_EDGE_MM / pixel_mm)
    column = drawn.shape[1] - edge - width if at_right else edge
    cv2.putText(drawn, text, (column, edge + round(_LETTER_MM / pixel_mm)), font, scale, 255, thickness, cv2.LINE_8)
