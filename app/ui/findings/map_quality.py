"""Map quality: how well each map on show agrees with the reader's boxes, and what chance would give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.jobs import Job
from app.ui import theme
from app.ui.display import Display
from app.ui.findings.texts import per_cent
from app.ui.layers import map_entries
from app.ui.parts import clear
from inference.errors import HintedError

if TYPE_CHECKING:
    from app.ui.layers import MapEntry
    from app.workspace.box import Box
    from inference.progress import Progress
    from inference.sanity import MapQuality

JOB = "map quality"
NO_BOXES = "Draw a box around the lesion; then each map is compared with it here."
NO_MAPS = "No model has drawn a map over this image yet."
EXPLAINED = (
    "Hit: the map's maximum lies in a box (pointing game). Energy: the share of the map that lies in the boxes; chance "
    "is their share of the area. Compared in the slices of the boxes you drew; boxes made from findings are left out."
)


@dataclass(frozen=True)
class Measured:
    """One map, and its quality or why it has none."""

    title: str
    quality: MapQuality | None
    problem: str = ""


def measure(entries: Sequence[MapEntry], boxes: Sequence[Box], progress: Progress) -> tuple[Measured, ...]:
    """Compare each map with the boxes; a map that cannot be compared says why."""
    from inference.sanity import map_quality

    found = []
    for n, entry in enumerate(entries):
        progress.report(n / len(entries), entry.title)
        progress.check()
        try:
            found.append(Measured(entry.title, map_quality(entry.heatmap, boxes)))
        except HintedError as error:
            found.append(Measured(entry.title, None, str(error)))
    return tuple(found)


def quality_text(quality: MapQuality) -> str:
    """Return hit or miss, energy and chance in one line."""
    hit = "hit" if quality.hit else f"missed by {quality.distance_mm:.0f} mm"
    return f"{hit} · energy {per_cent(quality.energy)}, chance {per_cent(quality.uniform)}"


class MapQualityList(QWidget):
    """One line for each map over the image on show; measured in the background while it is looked at."""

    def __init__(self, display: Display) -> None:
        super().__init__()
        self.setObjectName("page")
        self.display, self.session = display, display.session
        self.measured: tuple[Measured, ...] = ()
        self._seen: object = None
        self._rows = QVBoxLayout()
        self._rows.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self._rows)
        layout.addWidget(theme.label(EXPLAINED, "small", wrap=True))

    def refresh(self) -> None:
        """Compare the maps with the boxes anew where either has changed."""
        if not self.isVisible():
            return
        entries, boxes = self._entries_and_boxes()
        key = ([(entry.stored.uid, entry.heatmap.name) for entry in entries], boxes)
        if key == self._seen:
            return
        self._seen, self.measured = key, ()
        self.session.jobs.supersede(JOB)
        if not entries or not boxes:
            self._show([(NO_MAPS if not entries else NO_BOXES, "", "quiet")])
            return
        self._show([("Comparing …", "", "busy")])
        work = lambda progress: measure(entries, boxes, progress)  # noqa: E731
        self.session.jobs.start(Job("Comparing maps with boxes", work, JOB, self._take, self._failed, quiet=True))

    def _entries_and_boxes(self) -> tuple[tuple[MapEntry, ...], tuple[Box, ...]]:
        uid = self.display.stack_uid
        loaded = self.session.images.loaded(uid) if uid is not None and self.display.own else None
        if loaded is None:
            return (), ()
        frame_uid = loaded.volume.frame_of_reference_uid or ""
        boxes = tuple(
            box
            for box in self.session.annotations.boxes
            if box.frame_of_reference_uid == frame_uid and box.method != "accepted"
        )
        return map_entries(self.session.readings.stored, frame_uid), boxes

    def _take(self, measured: tuple[Measured, ...]) -> None:
        self.measured = measured
        self._show(
            [
                (one.title, quality_text(one.quality), "good" if one.quality.hit else "warn")
                if one.quality is not None
                else (one.title, one.problem, "quiet")
                for one in measured
            ]
        )

    def _failed(self, error: Exception) -> None:
        self._show([(f"The maps could not be compared: {error}", "", "alert")])

    def _show(self, lines: Sequence[tuple[str, str, str]]) -> None:
        clear(self._rows)
        for title, said, tone in lines:
            self._rows.addWidget(theme.label(title, "" if said else "quiet", wrap=True))
            if said:
                made = theme.label(said, "small", wrap=True)
                theme.retone(made, tone)
                made.setContentsMargins(12, 0, 0, 2)
                self._rows.addWidget(made)
