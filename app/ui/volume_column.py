"""Volume column: room for the volume view in the window's splitter, taken from the images and given back to them."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QSplitter

from app.ui import geometry
from app.ui.volume_panel import VolumePanel

SHARE = 0.4  # of the width that the images have at first


class VolumeColumn(QObject):
    """Gives the volume view its width, and remembers it and whether the view was open.

    The view is not opened again before there is a study to show.
    """

    def __init__(self, splitter: QSplitter, panel: VolumePanel) -> None:
        super().__init__(splitter)
        self._splitter, self._panel = splitter, panel
        self._place = splitter.indexOf(panel)
        kept = geometry.store()
        self._width = _whole(kept.value("volume/width", 0))
        self._awaited = str(kept.value("volume/open", "false")) == "true"
        panel.opened.connect(self._open)
        panel.closing.connect(self._close)
        panel.session.library.study_changed.connect(self._reopen)

    def _open(self) -> None:
        sizes = self._splitter.sizes()
        images = self._place - 1
        room = sizes[images] + sizes[self._place]
        beside = self._splitter.widget(images)
        least = beside.minimumSizeHint().width() if beside is not None else 0
        wanted = self._width or round(SHARE * room)
        width = max(min(wanted, room - least), self._panel.minimumSizeHint().width(), self._panel.minimumWidth())
        sizes[images], sizes[self._place] = max(room - width, 1), width
        self._splitter.setSizes(sizes)

    def _close(self) -> None:
        self._keep_width()
        sizes = self._splitter.sizes()
        sizes[self._place - 1] += sizes[self._place]
        sizes[self._place] = 0
        self._splitter.setSizes(sizes)

    def _keep_width(self) -> None:
        self._width = self._panel.width()

    def _reopen(self) -> None:
        if self._awaited and self._panel.session.study is not None:
            self._awaited = False
            self._panel.open_view()

    def save(self) -> None:
        """Remember width and whether the view is open."""
        if self._panel.shown:
            self._keep_width()
        kept = geometry.store()
        kept.setValue("volume/width", self._width)
        kept.setValue("volume/open", "true" if self._panel.shown or self._awaited else "false")
        kept.sync()


def _whole(value: object) -> int:
    """Return a number of pixels; what cannot be read is none."""
    try:
        return max(int(str(value)), 0)
    except ValueError:
        return 0
