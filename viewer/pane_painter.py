"""Painting a pane: the image, what lies over it, and the furniture around it, in device pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from viewer.colours import ACTIVE, BACKGROUND, CROSSHAIR
from viewer.furniture.corners import (
    Sheet,
    draw_banner,
    draw_corners,
    draw_empty,
    draw_letters,
    draw_scale_bar,
    letters_shown,
)
from viewer.furniture.place_mark import draw_place_marks
from viewer.furniture.reference import draw_reference
from viewer.layers.types import ClassMapLayer, HeatmapLayer, MaskLayer
from viewer.map_keys import draw_map_keys
from viewer.presentation import VoiLut
from viewer.shot import Shot

if TYPE_CHECKING:
    from viewer.pane import Pane

EDGE = 0.5 + 1e-6  # a slice reaches half a slice beyond its centre
GAP, ARM = 10.0, 26.0  # logical pixels: the crosshair's open middle, and its arm on a single image
RASTERS = (HeatmapLayer, ClassMapLayer, MaskLayer)
NO_SPACING = "Pixel spacing unknown: no millimetres"


def paint(painter: QPainter, pane: Pane, *, furniture: bool = True) -> None:
    """Paint a pane; without furniture only the image and, where visible, its layers."""
    width, height = pane.camera.size
    painter.fillRect(0, 0, width, height, QColor(BACKGROUND))
    sheet = Sheet(painter, width, height, pane.ratio)
    shot, visual = pane.shot, pane.image_visual
    if shot is None or visual is None:
        if furniture:
            draw_empty(sheet, pane.empty_text)
            _frame(painter, pane)
        return
    visual.draw(painter, shot)
    over = pane.layer_visuals if pane.overlays_visible else []
    for layer in over:
        if isinstance(layer.layer, RASTERS):
            layer.draw(painter, shot)
    pane.comparing.draw(painter, shot)
    for layer in over:  # marks are places in the body: they hold on both sides of a comparison
        if not isinstance(layer.layer, RASTERS):
            layer.draw(painter, shot)
    if furniture:
        _furniture(sheet, pane, shot)


def _furniture(sheet: Sheet, pane: Pane, shot: Shot) -> None:
    content = pane.content
    assert content is not None
    if pane.overlays_visible:
        if pane.reference is not None:
            draw_reference(sheet, shot, pane.reference.shot)
        draw_place_marks(sheet, shot, pane.place_marks)
        _crosshair(sheet, pane, shot)
    pane.tool.draw(pane, sheet.painter)
    known = content.image.spacing_known
    draw_corners(sheet, content, own_lines(pane, shot), "" if known else NO_SPACING, _outer(pane))
    draw_letters(sheet, letters_shown(content, shot), _outer(pane))
    if known:
        draw_scale_bar(sheet, shot.camera.zoom, _outer(pane))
    draw_map_keys(sheet, pane, shot, _outer(pane))
    pane.comparing.draw_titles(sheet)
    if banner := pane.refusal or content.banner or pane.comparing.problem:
        draw_banner(sheet, banner)
    _frame(sheet.painter, pane)


def _outer(pane: Pane) -> str:
    """Return the side away from the chest wall, where texts do not lie on the breast; "" for any other image."""
    framing = pane.framing
    return {"left": "right", "right": "left"}.get(framing.chest_wall, "") if framing is not None else ""


def own_lines(pane: Pane, shot: Shot) -> list[str]:
    """Return the lines the pane itself writes: slice, window, zoom."""
    lines = []
    if pane.slice_count > 1:
        plane = "" if shot.plane.name == "native" else f"{shot.plane.name}  "
        first, last = shot.span
        number = f"{first + 1}–{last + 1}" if shot.projects else f"{shot.slice_index + 1}"
        lines.append(f"{plane}{number} / {pane.slice_count}")
    lines += [_slab_text(pane, shot)]
    lines.append(window_text(pane))
    column_mm = shot.plane.spacing_mm[2]
    lines.append(f"{shot.camera.zoom * column_mm * 100:.0f} %")
    lines.append(pane.size_text)
    return [line for line in lines if line]


def _slab_text(pane: Pane, shot: Shot) -> str:
    """Return how the slab is put together and how thick it is: in slices where there are no millimetres."""
    if shot.slab is None or pane.content is None:
        return ""
    if pane.content.image.spacing_known:
        return shot.slab.title
    first, last = shot.span
    return f"{shot.slab.title.split(' ')[0]}  {last - first + 1} slices"


def window_text(pane: Pane) -> str:
    """Return the VOI in force in words, e.g. ``W 4096  L 2047  SIGMOID  normal``."""
    presentation, visual = pane.presentation, pane.image_visual
    if presentation is None or visual is None:
        return ""
    voi = presentation.voi
    if visual.colour and voi.origin not in ("user", "preset"):
        return "Colour"
    inverted = "  inverted" if pane.inverted_by_user else ""
    if isinstance(voi, VoiLut):
        return f"VOI LUT  {voi.explanation}".rstrip() + inverted
    words = [f"W {voi.width:.5g}  L {voi.center:.5g}"]
    words += [voi.function.value] if voi.function.value == "SIGMOID" else []
    words += [voi.explanation] if voi.explanation else []
    return "  ".join(words) + inverted


def _crosshair(sheet: Sheet, pane: Pane, shot: Shot) -> None:
    if pane.cursor_mm is None:
        return
    index = shot.plane.to_index(pane.cursor_mm)
    first, last = shot.span
    if not first - EDGE <= index[0] <= last + EDGE or not shot.plane.contains(index):
        return
    x, y = shot.screen_of(float(index[1]), float(index[2]))
    gap = GAP * sheet.ratio
    arm = ARM * sheet.ratio if pane.slice_count == 1 else max(sheet.width, sheet.height)
    colour = QColor(CROSSHAIR)
    colour.setAlpha(190)
    for pen in (QPen(QColor(0, 0, 0, 110), 2.4 * sheet.ratio), QPen(colour, sheet.ratio)):
        sheet.painter.setPen(pen)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            sheet.painter.drawLine(QPointF(x + dx * gap, y + dy * gap), QPointF(x + dx * arm, y + dy * arm))


def _frame(painter: QPainter, pane: Pane) -> None:
    if pane.framed:
        width, height = pane.camera.size
        painter.setPen(QPen(QColor(ACTIVE), pane.ratio))
        painter.setBrush(QColor(0, 0, 0, 0))
        half = pane.ratio / 2
        painter.drawRect(QRectF(half, half, width - pane.ratio, height - pane.ratio))
