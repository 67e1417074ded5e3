"""Drops: a series dragged from the browser lands in the pane under the cursor."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QWidget

from viewer.grid import ViewerGrid

STACK_MIME = "application/x-breastlens-stack"


class StackDrops(QObject):
    """Watches the grid for dragged stacks; files are left to the window."""

    def __init__(self, grid: ViewerGrid, on_drop: Callable[[str, int], None]) -> None:
        super().__init__(grid)
        self._grid, self._on_drop = grid, on_drop
        for child in grid.findChildren(QWidget):
            child.setAcceptDrops(False)
        grid.setAcceptDrops(True)
        grid.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take what carries a stack."""
        if watched is not self._grid or not isinstance(event, QDragMoveEvent | QDropEvent):
            return super().eventFilter(watched, event)
        if not event.mimeData().hasFormat(STACK_MIME):
            return False
        event.acceptProposedAction()
        if event.type() is QEvent.Type.Drop:
            self._drop(event)
        return True

    def _drop(self, event: QDropEvent) -> None:
        uid = bytes(event.mimeData().data(STACK_MIME).data()).decode()
        position = event.position().toPoint()
        for n, pane in enumerate(self._grid.panes):
            if pane.isVisibleTo(self._grid) and pane.geometry().contains(position):
                self._grid.set_active(n)
                self._on_drop(uid, n)
