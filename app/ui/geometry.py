"""Geometry: size and place of the window, kept from one day to the next."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter

from app import settings as app_settings

SIZE = (1600, 960)


def _store() -> QSettings:
    return QSettings(str(app_settings.home() / "window.ini"), QSettings.Format.IniFormat)


def save(window: QMainWindow, splitter: QSplitter) -> None:
    """Remember where the window is and how wide its columns are."""
    store = _store()
    store.setValue("geometry", window.saveGeometry())
    store.setValue("splitter", splitter.saveState())
    store.sync()


def restore(window: QMainWindow, splitter: QSplitter) -> None:
    """Put the window where it was."""
    window.resize(*SIZE)
    store = _store()
    for key, back in (("geometry", window.restoreGeometry), ("splitter", splitter.restoreState)):
        value = store.value(key)
        if isinstance(value, QByteArray):
            back(value)
