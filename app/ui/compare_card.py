"""Compare card: what the active pane is compared with and how; at the top of the tab “Layers”."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QButtonGroup, QComboBox, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.display import Display

MODES = (
    ("", "Off", "The pane's own image alone"),
    ("swipe", "Swipe", "Own image left of a line that can be dragged, the other right of it  (Shift+C)"),
    ("blink", "Blink", "Own image and the other in turn, once a second  (Shift+B)"),
    ("difference", "Difference", "Map minus the other map, on the grid of the first"),
)


class CompareCard(QFrame):
    """Picks the other image or map, and the way of comparing."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.display, self.comparison = display, display.comparison
        self._soon = QTimer(self, singleShot=True, interval=0, timeout=self.refresh)
        self.other = QComboBox()
        self.other.setAccessibleName("Compare with")
        self.other.setToolTip(
            "Another phase, the image without motion correction, or the map of another model  (Ctrl+J)"
        )
        self.other.activated.connect(lambda _: self._choose())
        self._buttons: dict[str, QPushButton] = {}
        modes = QHBoxLayout()
        modes.setSpacing(4)
        group = QButtonGroup(self)
        for mode, title, tip in MODES:
            made = QPushButton(title)
            made.setProperty("compact", True)
            made.setCheckable(True)
            made.setToolTip(tip)
            made.clicked.connect(lambda _=False, m=mode: self._set(m))
            group.addButton(made)
            modes.addWidget(made)
            self._buttons[mode] = made
        self.beside = QPushButton("Side by side")
        self.beside.setProperty("compact", True)
        self.beside.setToolTip("Both in two linked panes  (Ctrl+Shift+J)")
        self.beside.clicked.connect(self._show_beside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(theme.label("Compare with", "quiet"))
        layout.addWidget(self.other)
        layout.addLayout(modes)
        layout.addWidget(self.beside)
        display.focus_changed.connect(self.refresh)
        self.comparison.changed.connect(self.refresh)
        session = display.session
        for signal in (
            session.readings.changed,
            session.overlays.changed,
            session.kinetics.changed,
            session.correction_changed,
            session.images.changed,
        ):
            signal.connect(lambda *_: self._soon.start())
        self.refresh()

    def refresh(self) -> None:
        """Show what can be compared with the active pane."""
        found = self.comparison.candidates
        rows = [(one.title, one.key) for one in found]
        if rows != [(self.other.itemText(n), self.other.itemData(n)) for n in range(self.other.count())]:
            self.other.clear()
            for title, key in rows:
                self.other.addItem(title, key)
        on = self.comparison.compares_active
        choice = self.comparison.choice if on or not self.comparison.mode else None
        if choice is not None:
            self.other.setCurrentIndex(self.other.findData(choice.key))
        self.setVisible(bool(found))
        maps = any(one.is_map for one in found)
        for mode, made in self._buttons.items():
            made.setChecked(mode == (self.comparison.mode if on else ""))
            made.setVisible(mode != "difference" or maps)
        self.beside.setVisible(bool(found))

    def _choose(self) -> None:
        self.comparison.start(self.comparison.mode or "swipe", self.other.currentData())

    def _show_beside(self) -> None:
        self.comparison.beside(self.other.currentData() or "")

    def _set(self, mode: str) -> None:
        if not mode:
            self.comparison.stop()
        elif mode != self.comparison.mode or not self.comparison.compares_active:
            self.comparison.start(mode, self.other.currentData() or "")  # type: ignore[arg-type]
        self.refresh()
