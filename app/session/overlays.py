"""Overlays: how each map is drawn in the current study; what the user has not touched follows the settings."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal

from app.settings import Settings

THRESHOLD = 0.2  # share of a map's range below which it is not drawn, until the user moves it


class Overlays(QObject):
    """Visible, opacity, threshold and colour table of each map, by model and name; ``""`` holds the defaults."""

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.chosen: dict[str, dict[str, Any]] = {}
        self.take_settings(settings)

    def take_settings(self, settings: Settings) -> None:
        """Follow changed settings where the user has not chosen otherwise."""
        self.defaults = {
            "opacity": settings.heatmap_opacity,
            "threshold": THRESHOLD,
            "table": settings.heatmap_table,
        }
        self.changed.emit()

    def restore(self, chosen: dict[str, dict[str, Any]]) -> None:
        """Take up the choices of an earlier day."""
        self.chosen = chosen

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        """The choices with the defaults under ``""``."""
        return {**self.chosen, "": self.defaults}

    def set(self, uid: str, **values: Any) -> None:
        """Change how a map is drawn: visible, opacity, threshold, table."""
        self.chosen[uid] = {**self.chosen.get(uid, {}), **values}
        self.changed.emit()
