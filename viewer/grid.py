"""Grid: up to four panes edge to edge, one of them active, linked in millimetres."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from viewer.colours import SEPARATOR
from viewer.link import follow_camera, follow_slice, linkable
from viewer.pane import Pane
from viewer.readout import CursorReading
from viewer.tools.catalogue import TOOLS

LAYOUTS = {"1": (1, 1), "1x2": (1, 2), "2x1": (2, 1), "2x2": (2, 2)}  # rows, columns
GAP = 1  # logical pixels between panes


class ViewerGrid(QWidget):
    """Four panes, of which the layout shows one, two or all; hidden ones keep what they show."""

    active_changed = Signal(int)
    box_drawn = Signal(int, object, str)
    box_edited = Signal(object, object)
    box_selected = Signal(str)
    box_delete_requested = Signal(str)
    cursor_moved = Signal(object)
    presentation_changed = Signal(int, object)
    slice_changed = Signal(int, int)
    tool_changed = Signal(str)
    layout_changed = Signal(str)
    overlays_toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panes: tuple[Pane, ...] = tuple(Pane(self) for _ in range(4))
        self.layout_name = "1"
        self.active_index = 0
        self.tool = "navigate"
        self.overlays_visible = True
        self.linked = True
        self.maximised = False
        self._following = False
        for index, pane in enumerate(self.panes):
            self._connect(index, pane)
        self.setFocusProxy(self.panes[0])
        self._arrange()

    def _connect(self, index: int, pane: Pane) -> None:
        pane.activated.connect(lambda: self.set_active(index))
        pane.box_drawn.connect(lambda box, method: self.box_drawn.emit(index, box, method))
        pane.box_edited.connect(self.box_edited)
        pane.box_selected.connect(lambda uid: self._selected(index, uid))
        pane.box_delete_requested.connect(self.box_delete_requested)
        pane.cursor_read.connect(lambda mm, voxel, value: self._read(index, mm, voxel, value))
        pane.cursor_set.connect(lambda mm: self._point(index, mm))
        pane.presentation_changed.connect(lambda presentation: self.presentation_changed.emit(index, presentation))
        pane.slice_changed.connect(lambda number: self._scrolled(index, number))
        pane.camera_changed.connect(lambda: self._moved(index))
        pane.action_requested.connect(self._act)

    # --- layout --------------------------------------------------------------------------------------------------

    def set_layout(self, name: str) -> None:
        """Show one, two or four panes: ``"1"``, ``"1x2"``, ``"2x1"`` or ``"2x2"`` (rows × columns)."""
        if name not in LAYOUTS:
            raise ValueError(f"layout {name!r} is not one of {', '.join(LAYOUTS)}")
        self.layout_name, self.maximised = name, False
        rows, columns = LAYOUTS[name]
        if self.active_index >= rows * columns:
            self.set_active(0)
        self._arrange()
        self.layout_changed.emit(name)

    @property
    def visible_panes(self) -> tuple[Pane, ...]:
        """The panes the layout shows."""
        if self.maximised:
            return (self.panes[self.active_index],)
        rows, columns = LAYOUTS[self.layout_name]
        return self.panes[: rows * columns]

    def toggle_maximised(self) -> None:
        """Show the active pane alone, or all of the layout again."""
        self.maximised = not self.maximised and LAYOUTS[self.layout_name] != (1, 1)
        self._arrange()

    def _arrange(self) -> None:
        shown = self.visible_panes
        rows, columns = (1, 1) if self.maximised else LAYOUTS[self.layout_name]
        for place, pane in enumerate(shown):
            pane.setGeometry(self._cell(place // columns, place % columns, rows, columns))
        for pane in self.panes:
            pane.setVisible(pane in shown)
            pane.framed = len(shown) > 1 and pane is self.panes[self.active_index]
            pane.update()
        self.update()

    def _cell(self, row: int, column: int, rows: int, columns: int) -> QRect:
        def edges(place: int, parts: int, room: int) -> tuple[int, int]:
            room += GAP
            return place * room // parts, (place + 1) * room // parts - GAP

        left, right = edges(column, columns, self.width())
        top, bottom = edges(row, rows, self.height())
        return QRect(left, top, right - left, bottom - top)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the panes their share."""
        self._arrange()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Fill the gaps."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(SEPARATOR))
        painter.end()

    # --- active pane and tool ------------------------------------------------------------------------------------

    @property
    def active_pane(self) -> Pane:
        """The pane that keys and commands act on."""
        return self.panes[self.active_index]

    def set_active(self, index: int) -> None:
        """Make a pane the active one."""
        if not 0 <= index < len(self.panes):
            raise ValueError(f"there is no pane {index}")
        if index == self.active_index:
            return
        self.active_index = index
        self.setFocusProxy(self.panes[index])
        self._arrange()
        self.active_changed.emit(index)

    def set_tool(self, name: str) -> None:
        """Give every pane a tool; it stays armed."""
        if name not in TOOLS:
            raise ValueError(f"tool {name!r} is not one of {', '.join(TOOLS)}")
        changed, self.tool = name != self.tool, name
        for pane in self.panes:
            pane.set_tool(name)
        if changed:
            self.tool_changed.emit(name)

    def set_overlays_visible(self, visible: bool) -> None:
        """Show or hide heat maps, masks, boxes and cursors of all panes."""
        changed, self.overlays_visible = visible != self.overlays_visible, visible
        for pane in self.panes:
            pane.set_overlays_visible(visible)
        if changed:
            self.overlays_toggled.emit(visible)

    def set_linked(self, linked: bool) -> None:
        """Let panes of the same frame of reference follow each other's cursor, slice, pan and zoom."""
        self.linked = linked

    def _act(self, action: str) -> None:
        if action.startswith("tool:"):
            self.set_tool(action.removeprefix("tool:"))
        elif action == "overlays":
            self.set_overlays_visible(not self.overlays_visible)
        elif action == "maximise":
            self.toggle_maximised()
        elif action == "next_pane":
            shown = [self.panes.index(pane) for pane in self.visible_panes]
            following = shown[(shown.index(self.active_index) + 1) % len(shown)]
            self.set_active(following)
            self.panes[following].setFocus()

    def join(self, index: int) -> None:
        """Bring a pane that shows something new to the cursor of the panes it is linked with."""
        pane = self.panes[index]
        pointed = next((other for other in self._others(index) if other.cursor_mm is not None), None)
        if pointed is not None and pointed.cursor_mm is not None:
            pane.go_to(pointed.cursor_mm)

    # --- panes that follow each other ----------------------------------------------------------------------------

    def _others(self, index: int) -> list[Pane]:
        """Return the visible panes that may follow a pane; none while one is already following."""
        if self._following or not self.linked:
            return []
        return [pane for pane in self.visible_panes if linkable(self.panes[index], pane)]

    def _point(self, index: int, point_mm: tuple[float, float, float]) -> None:
        others = self._others(index)
        self._following = True
        for pane in others:
            pane.go_to(point_mm)
        self._following = False

    def _scrolled(self, index: int, number: int) -> None:
        others = self._others(index)
        self._following = True
        for pane in others:
            follow_slice(self.panes[index], pane)
        self._following = False
        self.slice_changed.emit(index, number)

    def _moved(self, index: int) -> None:
        others = self._others(index)
        self._following = True
        for pane in others:
            follow_camera(self.panes[index], pane)
        self._following = False

    def _selected(self, index: int, uid: str) -> None:
        for pane in self.panes:
            if pane is not self.panes[index]:
                pane.select_box(uid) if uid else pane.select_box("")
        self.box_selected.emit(uid)

    def _read(self, index: int, mm: object, voxel: object, value: object) -> None:
        if mm is None:
            self.cursor_moved.emit(None)
            return
        point, stored = np.asarray(mm, dtype=float), np.asarray(voxel, dtype=int)
        reading = CursorReading(
            index,
            self.panes[index].frame_of_reference_uid,
            (float(point[0]), float(point[1]), float(point[2])),
            (int(stored[0]), int(stored[1]), int(stored[2])),
            value,  # type: ignore[arg-type]
        )
        self.cursor_moved.emit(reading)
