"""Overlay of a result on its slice: the map through its own affine, masks and findings outlined, a colour scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from app.cli.arguments import RESEARCH_USE
from viewer.colours import map_colours
from viewer.planes import plane_of
from viewer.sampling import sample_map, sample_mask
from viewer.windowing import render_grey

if TYPE_CHECKING:
    from highdicom import Volume

    from app.studies.load import LoadedStack
    from inference.result import Finding, Heatmap, Result, Score, Segmentation

OPACITY = 0.5
TABLE = "inferno"
SHORTEST_SIDE_PX, LONGEST_SIDE_PX = 512, 1600
INK = (215, 215, 215)
BOX, MASK = (53, 196, 181), (120, 220, 255)
MOST_SCORES = 6
LONGEST_LINE = 1.4  # of the picture's width; what is longer is cut off, what is shorter drawn smaller
_ASCII = str.maketrans({"·": "-", "−": "-", "–": "-", "≥": ">=", "×": "x", "…": "..."})  # cv2's letters


def overlay(loaded: LoadedStack, slice_index: int, result: Result) -> np.ndarray:
    """Return a slice with the result's first map, masks and findings drawn at their place in millimetres.

    Parameters
    ----------
    slice_index
        Of a volume, what lies on this slice is drawn.

    Returns
    -------
    numpy.ndarray
        RGB uint8 (rows, columns, 3), pixels square in millimetres, with a strip of text and colour bar below.
    """
    image = loaded.volume[slice_index : slice_index + 1]
    grey = render_grey(loaded.volume.array[slice_index], loaded.presentation)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB) if grey.ndim == 2 else grey.copy()
    scale = _scale(image)
    how = cv2.INTER_AREA if min(scale) < 1 else cv2.INTER_LINEAR
    if result.heatmaps:
        picture = _blend(picture, image, result.heatmaps[0])
    picture = np.ascontiguousarray(cv2.resize(picture, None, fx=scale[1], fy=scale[0], interpolation=how))
    for mask in result.masks[:1]:
        _contour(picture, image, mask, scale)
    for finding in result.findings:
        _outline(picture, image, finding, scale)
    return np.vstack([picture, _legend(picture.shape[1], result, slice_index)])


def _scale(image: Volume) -> tuple[float, float]:
    """Return row and column magnification that make pixels square and the picture a size to read and to keep."""
    _, rows, columns = image.spatial_shape[:3]
    _, row_mm, column_mm = image.spacing
    finest = min(row_mm, column_mm)
    sides = rows * row_mm / finest, columns * column_mm / finest
    grow = max(1.0, SHORTEST_SIDE_PX / min(sides))
    grow = min(grow, max(LONGEST_SIDE_PX / max(sides), SHORTEST_SIDE_PX / max(sides)))
    return grow * row_mm / finest, grow * column_mm / finest


def _blend(picture: np.ndarray, image: Volume, heatmap: Heatmap) -> np.ndarray:
    """Lay a map over a picture with the panes' own sampling and colours; its opacity grows with its value."""
    values = sample_map(heatmap.volume, plane_of(image.spatial_shape, image.affine), 0)
    low, high = heatmap.value_range
    share = np.nan_to_num(np.clip((values - low) / (high - low), 0, 1))
    weight = (OPACITY * share)[..., None]
    return (picture * (1 - weight) + map_colours(values, heatmap.value_range, TABLE) * weight).astype(np.uint8)


def _contour(picture: np.ndarray, image: Volume, mask: Segmentation, scale: tuple[float, float]) -> None:
    inside = sample_mask(mask.volume, plane_of(image.spatial_shape, image.affine), 0).astype(np.uint8)
    large = cv2.resize(inside, None, fx=scale[1], fy=scale[0], interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, MASK, 1)


def _outline(picture: np.ndarray, image: Volume, finding: Finding, scale: tuple[float, float]) -> None:
    corners = np.array([finding.corner_mm, finding.opposite_mm])
    index = np.asarray(image.map_reference_to_indices(corners))
    if index[:, 0].min() > 0.5 or index[:, 0].max() < -0.5:
        return  # on another slice
    (top, left), (bottom, right) = np.sort((index[:, 1:3] + 0.5) * scale, axis=0).round().astype(int)
    cv2.rectangle(picture, (int(left), int(top)), (int(right), int(bottom)), BOX, 2)
    words = f"{finding.title} {finding.score:.2f}".strip().translate(_ASCII)
    place = (int(left), int(top) - 5 if top > 18 else int(bottom) + 15)
    for colour, width in (((0, 0, 0), 3), (BOX, 1)):  # a dark rim, to be read on bright tissue
        cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, width, cv2.LINE_AA)


def _legend(width: int, result: Result, slice_index: int) -> np.ndarray:
    """Return the strip below the picture: scores, model and its note, colour bar with its unit."""
    strip = np.full((96, width, 3), 16, np.uint8)
    scores = "   ".join(_said(score) for score in result.scores[:MOST_SCORES])
    source = result.provenance
    made = f"{source.model_id} {source.model_version}, slice {slice_index + 1}: {result.status}"
    for number, line in enumerate((scores, made, f"{source.model_note}. {RESEARCH_USE}")):
        line = line.translate(_ASCII)
        (across, _), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
        if across > LONGEST_LINE * (width - 20):
            line = line[: int(len(line) * LONGEST_LINE * (width - 20) / across) - 4] + " ..."
            (across, _), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
        size = 0.5 * min(1.0, (width - 20) / max(across, 1))
        cv2.putText(strip, line, (10, 20 + 19 * number), cv2.FONT_HERSHEY_SIMPLEX, size, INK, 1, cv2.LINE_AA)
    if result.heatmaps:
        first = result.heatmaps[0]
        ramp = np.tile(np.linspace(0, 1, 160), (10, 1))
        strip[76:86, 44:204] = map_colours(ramp, (0.0, 1.0), TABLE)
        low, high = first.value_range
        for x, label in ((10, f"{low:g}"), (212, f"{high:g}  {first.title} ({first.unit})".translate(_ASCII))):
            cv2.putText(strip, label, (x, 85), cv2.FONT_HERSHEY_SIMPLEX, 0.42, INK, 1, cv2.LINE_AA)
    return strip


def _said(score: Score) -> str:
    """Return a score's name, what it speaks of where that is not the whole, and its value."""
    return f"{score.name}{f' ({score.subject})' if score.subject else ''} {score.value:.2f}"
