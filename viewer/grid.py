"""Grid: panes in rows and columns edge to edge, one of them active, linked in millimetres."""

from __future__ import annotations

from PySide6.QtCore import QRect, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from viewer.colours import SEPARATOR
from viewer.framing import facing
from viewer.layout import cells, edges
from viewer.link import Links
from viewer.pane import Pane
from viewer.readout import reading_of
from viewer.tools.catalogue import TOOLS

FIRST_PANES = 4
GAP = 1  # logical pixels between panes
OF_THE_PROGRAM = ("true_size", "same_size", "compare_swipe", "compare_blink", "compare_difference")


class ViewerGrid(QWidget):
    """Panes, of which the layout shows the first ones; hidden ones keep what they show.

    Panes are made when a layout first needs them: ``panes`` grows, and ``pane_added`` tells of each.
    """

    active_changed = Signal(int)
    box_drawn = Signal(int, object, str)
    box_edited = Signal(object, object)
    measurement_drawn = Signal(int, object, str)
    measurement_edited = Signal(object, object)
    box_selected = Signal(str)
    box_delete_requested = Signal(str)
    cursor_moved = Signal(object)
    presentation_changed = Signal(int, object)
    slice_changed = Signal(int, int)
    tool_changed = Signal(str)
    layout_changed = Signal(str)
    overlays_toggled = Signal(bool)
    pane_added = Signal(object)
    action_requested = Signal(str)  # "true_size", "same_size", "compare_swipe", "compare_blink", "compare_difference"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panes: tuple[Pane, ...] = ()
        self.layout_name = "1"
        self.active_index = 0
        self.tool = "navigate"
        self.overlays_visible = True
        self.linked = True
        self.maximised = False
        self.links = Links(self)
        self._grow(FIRST_PANES)
        self.setFocusProxy(self.active_pane)
        self._arrange()

    def _grow(self, count: int) -> None:
        """Make the panes that are missing; they take up tool and overlays of the others."""
        while len(self.panes) < count:
            pane = Pane(self)
            pane.set_tool(self.tool)
            pane.set_overlays_visible(self.overlays_visible)
            self.panes = (*self.panes, pane)
            self._connect(len(self.panes) - 1, pane)
            self.pane_added.emit(pane)

    def _connect(self, index: int, pane: Pane) -> None:
        pane.activated.connect(lambda: self.set_active(index))
        pane.box_drawn.connect(lambda box, method: self.box_drawn.emit(index, box, method))
        pane.box_edited.connect(self.box_edited)
        pane.measurement_drawn.connect(lambda shape, method: self.measurement_drawn.emit(index, shape, method))
        pane.measurement_edited.connect(self.measurement_edited)
        pane.box_selected.connect(lambda uid: self._selected(index, uid))
        pane.box_delete_requested.connect(self.box_delete_requested)
        pane.cursor_read.connect(lambda mm, voxel, value: self._read(index, mm, voxel, value))
        pane.cursor_set.connect(lambda mm: self.links.point(pane, mm))
        pane.presentation_changed.connect(lambda presentation: self.presentation_changed.emit(index, presentation))
        pane.slice_changed.connect(lambda number: self._scrolled(index, number))
        pane.camera_changed.connect(lambda: self.links.moved(pane))
        pane.slab_changed.connect(lambda _: self.links.mark(pane))
        pane.plane_changed.connect(lambda _: self.links.mark(pane))
        pane.framing_changed.connect(self._arrange)
        pane.home = lambda zoom: self.links.home(pane, zoom)
        pane.action_requested.connect(self._act)

    # --- layout --------------------------------------------------------------------------------------------------

    def set_layout(self, name: str) -> None:
        """Show rows × columns of panes, from ``"1x1"`` to ``"4x5"``; ``"1"`` is one pane."""
        rows, columns = cells(name)
        self._grow(rows * columns)
        self.layout_name, self.maximised = name, False
        if self.active_index >= rows * columns:
            self.set_active(0)
        self._arrange()
        self.layout_changed.emit(name)

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns on show."""
        return (1, 1) if self.maximised else cells(self.layout_name)

    @property
    def visible_panes(self) -> tuple[Pane, ...]:
        """The panes the layout shows."""
        if self.maximised:
            return (self.panes[self.active_index],)
        rows, columns = cells(self.layout_name)
        return self.panes[: rows * columns]

    def toggle_maximised(self) -> None:
        """Show the active pane alone, or all of the layout again."""
        self.maximised = not self.maximised and cells(self.layout_name) != (1, 1)
        self._arrange()

    def _arrange(self) -> None:
        shown = self.visible_panes
        for place, pane in enumerate(shown):
            pane.setGeometry(self._cell(place, shown))
        for pane in self.panes:
            pane.setVisible(pane in shown)
            pane.framed = len(shown) > 1 and pane is self.panes[self.active_index]
            pane.update()
        self.links.place_again()
        self.links.mark(self.active_pane)
        self.update()

    def _cell(self, place: int, shown: tuple[Pane, ...]) -> QRect:
        """Return the place of a pane; a line parts it from the next one, unless their chest walls meet there."""
        rows, columns = self.cells
        row, column = place // columns, place % columns
        left, right = edges(column, columns, self.width(), GAP)
        top, bottom = edges(row, rows, self.height(), GAP)
        if column + 1 < columns and facing(shown[place].framing, shown[place + 1].framing):
            right += GAP
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
        self.links.mark(self.active_pane)

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
        elif action == "same_size":
            self.same_size()
        if action in OF_THE_PROGRAM:
            self.action_requested.emit(action)

    # --- size and links ------------------------------------------------------------------------------------------

    def same_size(self) -> None:
        """Show all visible images at one scale, the largest at which every breast, or image, fits."""
        self.links.same_size()

    def true_size(self, screen_pixels_per_mm: float, *, calibrated: bool = True) -> None:
        """Show a mm of the images as a mm of the screen, which has so many device pixels for a mm."""
        self.links.true_size(screen_pixels_per_mm, calibrated=calibrated)

    def join(self, index: int) -> None:
        """Bring a pane that shows something new to the cursor of the panes it is linked with."""
        self.links.join(self.panes[index])

    def _scrolled(self, index: int, number: int) -> None:
        self.links.scrolled(self.panes[index])
        self.slice_changed.emit(index, number)

    def _selected(self, index: int, uid: str) -> None:
        for pane in self.panes:
            if pane is not self.panes[index]:
                pane.select_box(uid) if uid else pane.select_box("")
        self.box_selected.emit(uid)

    def _read(self, index: int, mm: object, voxel: object, value: object) -> None:
        frame_uid = self.panes[index].frame_of_reference_uid
        self.cursor_moved.emit(reading_of(index, frame_uid, mm, voxel, value) if mm is not None else None)
