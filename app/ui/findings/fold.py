"""Fold: a heading that shows or hides what is under it; a button, so that the keyboard reaches it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui import theme

OPEN, SHUT = "caret-down", "caret-right"


class Fold(QWidget):
    """A heading and its body; the body is made when it is first opened.

    Parameters
    ----------
    make
        Makes the body.
    on_change
        Told whether it is open now, whenever the user opens or shuts it.
    """

    def __init__(
        self,
        title: str,
        make: Callable[[], QWidget],
        *,
        is_open: bool = False,
        tip: str = "",
        on_change: Callable[[bool], object] | None = None,
    ) -> None:
        super().__init__()
        self.setObjectName("page")
        self._make, self._on_change = make, on_change
        self.body: QWidget | None = None
        self.head = QPushButton(title)
        self.head.setProperty("fold", True)
        self.head.setCheckable(True)
        self.head.setChecked(is_open)
        self.head.setToolTip(tip)
        self.head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._layout.addWidget(self.head)
        self.head.toggled.connect(self._turn)
        self._show(is_open)

    @property
    def is_open(self) -> bool:
        """Whether the body is shown."""
        return self.head.isChecked()

    def _turn(self, on: bool) -> None:
        self._show(on)
        if self._on_change is not None:
            self._on_change(on)

    def _show(self, on: bool) -> None:
        theme.dress(self.head, OPEN if on else SHUT)
        if on and self.body is None:
            self.body = self._make()
            self._layout.addWidget(self.body)
        if self.body is not None:
            self.body.setVisible(on)
