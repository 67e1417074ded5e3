"""Overlay of a result on its slice: the map sampled through its own affine, findings outlined, a colour bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from app.cli.arguments import RESEARCH_USE
from viewer.colours import map_colours
from viewer.planes import plane_of
from viewer.sampling import sample_map
from viewer.windowing import render_grey

if TYPE_CHECKING:
    from highdicom import Volume

    from app.studies.load import LoadedStack
    from inference.result import Finding, Heatmap, Result

OPACITY = 0.5
TABLE = "inferno"
SHORTEST_SIDE_PX = 512
INK = (215, 215, 215)


def overlay(loaded: LoadedStack, slice_index: int, result: Result) -> np.ndarray:
    """Return the slice with the result's first map and findings drawn at their place in millimetres.

    Returns
    -------
    numpy.ndarray
        RGB uint8 (rows, columns, 3), pixels square in millimetres, with a strip of text and colour bar below.
    """
    image = loaded.volume[slice_index : slice_index + 1]
    grey = render_grey(loaded.volume.array[slice_index], loaded.presentation)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB) if grey.ndim == 2 else grey.copy()
    if result.heatmaps:
        picture = _blend(picture, image, result.heatmaps[0])
    scale = _scale(image)
    picture = cv2.resize(picture, None, fx=scale[1], fy=scale[0], interpolation=cv2.INTER_LINEAR)
    for finding in result.findings:
        _outline(picture, image, finding, scale)
    return np.vstack([picture, _legend(picture.shape[1], result)])


def _scale(image: Volume) -> tuple[float, float]:
    """Return row and column magnification that make pixels square and the picture large enough to read."""
    _, rows, columns = image.spatial_shape[:3]
    _, row_mm, column_mm = image.spacing
    finest = min(row_mm, column_mm)
    grow = max(1.0, SHORTEST_SIDE_PX / min(rows * row_mm / finest, columns * column_mm / finest))
    return grow * row_mm / finest, grow * column_mm / finest


def _blend(picture: np.ndarray, image: Volume, heatmap: Heatmap) -> np.ndarray:
    """Lay a map over a picture with the panes' own sampling and colours; its opacity grows with its value."""
    values = sample_map(heatmap.volume, plane_of(image.spatial_shape, image.affine), 0)
    low, high = heatmap.value_range
    share = np.nan_to_num(np.clip((values - low) / (high - low), 0, 1))
    weight = (OPACITY * share)[..., None]
    return (picture * (1 - weight) + map_colours(values, heatmap.value_range, TABLE) * weight).astype(np.uint8)


def _outline(picture: np.ndarray, image: Volume, finding: Finding, scale: tuple[float, float]) -> None:
    corners = np.array([finding.corner_mm, finding.opposite_mm])
    index = image.map_reference_to_indices(corners)[:, 1:3]
    (top, left), (bottom, right) = np.sort((index + 0.5) * scale, axis=0).round().astype(int)
    cv2.rectangle(picture, (int(left), int(top)), (int(right), int(bottom)), (53, 196, 181), 2)


def _legend(width: int, result: Result) -> np.ndarray:
    """Return the strip below the picture: scores, model and its note, colour bar with its unit."""
    strip = np.full((96, width, 3), 16, np.uint8)
    scores = "   ".join(f"{score.name} {score.value:.2f}" for score in result.scores)
    source = result.provenance
    lines = (scores, f"{source.model_id} {source.model_version}", f"{source.model_note}. {RESEARCH_USE}")
    for number, line in enumerate(lines):
        (across, _), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
        size = 0.5 * min(1.0, (width - 20) / across)
        cv2.putText(strip, line, (10, 20 + 19 * number), cv2.FONT_HERSHEY_SIMPLEX, size, INK, 1, cv2.LINE_AA)
    if result.heatmaps:
        first = result.heatmaps[0]
        ramp = np.tile(np.linspace(0, 1, 160), (10, 1))
        strip[76:86, 44:204] = map_colours(ramp, (0.0, 1.0), TABLE)
        low, high = first.value_range
        for x, label in ((10, f"{low:g}"), (212, f"{high:g}  {first.title} ({first.unit})")):
            cv2.putText(strip, label, (x, 85), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return strip
