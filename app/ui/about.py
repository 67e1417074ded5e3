"""About: versions of what the program stands on, and what it must not be used for."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QWidget

from app.ui import theme
from app.ui.parts import Dialog, button

STATEMENT = (
    "BreastLens is for research and teaching only. It is not a medical device and must not be used for diagnosis or "
    "treatment. Scores and maps come from research models; a model trained on phantoms says so beside its scores."
)
PACKAGES = ("PySide6-Essentials", "numpy", "pydicom", "highdicom", "SimpleITK", "torch", "SQLAlchemy")


class AboutDialog(Dialog):
    """Name, version, statement, versions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(f"BreastLens {installed('breastlens')}", STATEMENT, parent)
        self.setFixedWidth(520)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        for row, (name, text) in enumerate(versions()):
            grid.addWidget(theme.label(name, "quiet"), row, 0)
            grid.addWidget(theme.label(text), row, 1)
        grid.setColumnStretch(1, 1)
        self.body.addLayout(grid)
        text = "\n".join(f"{name} {number}" for name, number in versions())
        self.foot.insertWidget(
            0, button("Copy versions", lambda: QGuiApplication.clipboard().setText(text), icon="copy")
        )
        self.add_buttons("Close", cancel="")


def installed(package: str) -> str:
    """Return the installed version of a package, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def versions() -> list[tuple[str, str]]:
    """Return name and version of the program, Python, system and libraries."""
    own = [
        ("BreastLens", installed("breastlens")),
        ("Python", platform.python_version()),
        ("System", platform.platform(terse=True)),
    ]
    return own + [(name, installed(name)) for name in PACKAGES]
