"""Theme: colours, style sheet and icons of the window; one icon family, one type scale."""

from __future__ import annotations

import functools
import json
import string
import weakref
from pathlib import Path

import shiboken6
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QApplication, QLabel, QWidget

import resources

THEMES = ("dark", "light")
SPACE = 8
_current: dict[str, str] = {}
_name = [""]
_dressed: weakref.WeakKeyDictionary[QAbstractButton, tuple[str, str]] = weakref.WeakKeyDictionary()


class _News(QObject):
    """Tells that another theme is in force, to those who draw with its colours themselves."""

    changed = Signal()


news = _News()


def colours(name: str) -> dict[str, str]:
    """Return the named colours of a theme."""
    return json.loads((resources.folder("theme") / f"{name}.json").read_text(encoding="utf-8"))


def name() -> str:
    """Return the theme in force; "" before the first."""
    return _name[0]


def colour(name: str) -> str:
    """Return one colour of the theme in force."""
    return (_current or colours("dark"))[name]


def style_sheet(name: str) -> str:
    """Return the style sheet of a theme with its colours filled in."""
    icons = resources.folder("icons")
    files = {"chevron": _url(icons / f"chevron-{name}.svg"), "check": _url(icons / f"check-{name}.svg")}
    text = (resources.folder("theme") / "window.qss").read_text(encoding="utf-8")
    return string.Template(text).substitute(colours(name) | files)


def apply(application: QApplication, name: str) -> None:
    """Put a theme in force for every window."""
    name = name if name in THEMES else "dark"
    _current.clear()
    _current.update(colours(name))
    _name[0] = name
    icon.cache_clear()
    application.setStyle("Fusion")
    application.setPalette(_palette())
    application.setStyleSheet(style_sheet(name))
    for button, (picture, tone) in list(_dressed.items()):
        if shiboken6.isValid(button):
            button.setIcon(icon(picture, tone))
    news.changed.emit()


def _palette() -> QPalette:
    roles = QPalette.ColorRole
    palette = QPalette()
    for role, name in (
        (roles.Window, "window"),
        (roles.Base, "panel"),
        (roles.AlternateBase, "panel"),
        (roles.Button, "raised"),
        (roles.ToolTipBase, "raised"),
        (roles.Text, "text"),
        (roles.WindowText, "text"),
        (roles.ButtonText, "text"),
        (roles.ToolTipText, "text"),
        (roles.PlaceholderText, "text_faint"),
        (roles.Highlight, "selection"),
        (roles.HighlightedText, "text"),
        (roles.Link, "accent"),
    ):
        palette.setColor(role, QColor(colour(name)))
    return palette


def _url(path: Path) -> str:
    return path.as_posix()


@functools.cache
def icon(name: str, tone: str = "text_quiet") -> QIcon:
    """Return an icon of the Phosphor family (``"folder-open"``) in a colour of the theme."""
    import qtawesome  # loads its fonts on first use

    return qtawesome.icon(f"ph.{name}", color=colour(tone), color_disabled=colour("line_strong"))


def dress(button: QAbstractButton, picture: str, tone: str = "text_quiet") -> None:
    """Give a button an icon that follows the theme."""
    _dressed[button] = (picture, tone)
    button.setIcon(icon(picture, tone))


def label(text: str = "", role: str = "", *, wrap: bool = False) -> QLabel:
    """Return a label in one of the roles of the type scale: title, heading, section, quiet, small, empty."""
    made = QLabel(text)
    if role:
        made.setProperty("role", role)
    made.setWordWrap(wrap)
    return made


def inset(spin: QAbstractSpinBox) -> None:
    """Set the text of a number as far in as that of other fields; Qt ignores the style sheet's padding there."""
    spin.lineEdit().setTextMargins(6, 0, 6, 0)


def retone(widget: QWidget, tone: str) -> None:
    """Give a widget another tone: quiet, busy, good, warn, alert."""
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
