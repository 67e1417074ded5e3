"""Bootstrap: the QApplication with names, theme, icon and the last door for exceptions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication

import resources
from app.garbage import QtThreadCollector
from app.notices import Notices, install_excepthook
from app.settings import Settings


def application(settings: Settings) -> QApplication:
    """Return the one QApplication, themed; an existing one is reused."""
    from app.ui import theme

    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        made = existing
    else:
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        made = QApplication(["breastlens"])
        QtThreadCollector(made)
    made.setApplicationName("BreastLens")
    made.setApplicationDisplayName("BreastLens")
    made.setDesktopFileName("breastlens")
    made.setWindowIcon(QIcon(str(resources.folder("icons") / "breastlens.svg")))
    theme.apply(made, settings.theme)
    return made


def catch_everything(notices: Notices) -> None:
    """Bring every uncaught exception to the user."""
    install_excepthook(notices)
