"""Maps: the heat maps of a result, each with its eye and a way to its maximum."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.session.overlays import Overlays
from app.ui import theme
from app.ui.findings.places import Places, maximum_mm
from app.ui.layers import MapEntry, overlay_values
from app.ui.parts import button


class Maps(QWidget):
    """One row for each map; opacity, threshold and colours are in the tab “Layers”."""

    def __init__(self, entries: Sequence[MapEntry], overlays: Overlays, places: Places) -> None:
        super().__init__()
        self.setObjectName("page")
        self._overlays = overlays
        self._rows: list[tuple[MapEntry, QCheckBox]] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for entry in entries:
            eye = QCheckBox()
            eye.setAccessibleName(entry.heatmap.title)
            title = _Title(entry.heatmap.title, eye)
            for part in (eye, title):
                part.setToolTip("Show or hide this map in the images (O hides all); colours are in the tab “Layers”")
            eye.toggled.connect(lambda on, k=entry.key: overlays.set(k, visible=on))
            jump = button("Maximum", lambda e=entry: self._jump(e, places), tip="Go to the map's maximum  (Shift+J)")
            jump.setProperty("compact", True)
            jump.setAccessibleName(f"Go to the maximum of {entry.heatmap.title}")
            row = QHBoxLayout()
            row.setSpacing(theme.SPACE)
            row.addWidget(eye)
            row.addWidget(title, 1)
            row.addWidget(jump)
            layout.addLayout(row)
            self._rows.append((entry, eye))
        overlays.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show which maps are on."""
        for entry, eye in self._rows:
            with QSignalBlocker(eye):
                eye.setChecked(overlay_values(entry.key, entry.position, self._overlays.values)["visible"])

    def _jump(self, entry: MapEntry, places: Places) -> None:
        point = maximum_mm(entry.heatmap)
        if point is not None:
            places.go_to(point)


class _Title(QLabel):
    """Name of a map on as many lines as it needs, which a check box's own text cannot have; a click toggles the box."""

    def __init__(self, text: str, box: QCheckBox) -> None:
        super().__init__(text)
        self.setWordWrap(True)
        self._box = box

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Toggle the box."""
        self._box.toggle()
        event.accept()
