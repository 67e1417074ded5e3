"""Geometry: size and place of the window, kept from one day to the next."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter

from app import settings as app_settings

SIZE = (1600, 960)


def store() -> QSettings:
    """Return the file of what the window remembers of itself."""
    return QSettings(str(app_settings.home() / "window.ini"), QSettings.Format.IniFormat)


def save(window: QMainWindow, splitter: QSplitter) -> None:
    """Remember where the window is and how wide its columns are."""
    kept = store()
    kept.setValue("geometry", window.saveGeometry())
    kept.setValue("splitter", splitter.saveState())
    kept.sync()


def restore(window: QMainWindow, splitter: QSplitter) -> None:
    """Put the window where it was."""
    window.resize(*SIZE)
    kept = store()
    for key, back in (("geometry", window.restoreGeometry), ("splitter", splitter.restoreState)):
        value = kept.value(key)
        if isinstance(value, QByteArray):
            back(value)
