"""Map check: two tests of the maps on show, against the reader's boxes and by shuffled weights."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui import theme
from app.ui.display import Display
from app.ui.findings.fold import Fold
from app.ui.findings.map_quality import MapQualityList
from app.ui.findings.weight_check import WeightCheck


class MapCheck(Fold):
    """The part “Check the maps”."""

    def __init__(self, display: Display) -> None:
        self.quality, self.weights = MapQualityList(display), WeightCheck(display)
        body = QWidget(objectName="page")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(theme.label("AGAINST YOUR BOXES", "section"))
        layout.addWidget(self.quality)
        layout.addWidget(theme.label("BY SHUFFLED WEIGHTS", "section"))
        layout.addWidget(self.weights)
        super().__init__(
            "Check the maps",
            lambda: body,
            tip="Do the maps point at your boxes, and do they depend on what the models learned?",
            on_change=lambda _: self.refresh(),
        )

    def refresh(self) -> None:
        """Bring both tests up to the image on show; nothing is done while the part is shut."""
        if self.is_open:
            self.quality.refresh()
            self.weights.refresh()
