"""Maps: the heat maps of a result, each with its eye and a way to its maximum."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

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
            eye = QCheckBox(entry.heatmap.title)
            eye.setToolTip("Show or hide this map in the images (O hides all); its colours are in the tab “Layers”")
            eye.toggled.connect(lambda on, k=entry.key: overlays.set(k, visible=on))
            jump = button("Maximum", lambda e=entry: self._jump(e, places), tip="Go to the map's maximum  (Shift+J)")
            jump.setProperty("compact", True)
            jump.setAccessibleName(f"Go to the maximum of {entry.heatmap.title}")
            row = QHBoxLayout()
            row.setSpacing(theme.SPACE)
            row.addWidget(eye, 1)
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
