"""Profiles: the charts of a result, each with its title and what the chosen bar says."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui import theme
from app.ui.findings.places import Places
from inference.result import Profile, Score


class Profiles(QWidget):
    """One chart under the other; a slice that is chosen is gone to."""

    def __init__(self, profiles: tuple[Profile, ...], scores: tuple[Score, ...], places: Places) -> None:
        super().__init__()
        self.setObjectName("page")
        from app.ui.findings.profile_chart import ProfileChart

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self.charts: list[ProfileChart] = []
        for profile in profiles:
            chart = ProfileChart(profile, _operating_point(scores), places.slice_numbers(profile.points_mm))
            said = theme.label(chart.text(), "small")
            chart.chosen.connect(places.go_to)
            chart.chosen.connect(lambda _, c=chart, s=said: s.setText(c.text()))
            layout.addWidget(theme.label(profile.title, "quiet", wrap=True))
            layout.addWidget(chart)
            layout.addWidget(said)
            self.charts.append(chart)


def _operating_point(scores: tuple[Score, ...]) -> float | None:
    return next((one.operating_point for one in scores if one.operating_point is not None), None)
