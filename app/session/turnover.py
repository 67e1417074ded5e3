"""Turnover: what becomes of images in memory when studies are opened, closed, scanned again or corrected."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.session.fetching import roots
from app.session.library import OpenStudies
from app.session.thumbnails import ThumbnailMaker
from app.studies.derived import parse
from app.studies.recipe import title_of

if TYPE_CHECKING:
    from app.session.images import Images
    from app.studies.study import Study


class Turnover(QObject):
    """Follows the library on behalf of the images."""

    def __init__(self, images: Images, library: OpenStudies, thumbnails: ThumbnailMaker) -> None:
        super().__init__(images)
        self._images, self._library, self._thumbnails = images, library, thumbnails
        library.turned.connect(self._turn)
        library.changed.connect(self._forget_replaced)
        library.study_changed.connect(self._retitle)
        library.respaced.connect(self._respaced)
        library.closed.connect(self._close)

    def _turn(self) -> None:
        self._images.give_up_others(self._library.study)
        self._thumbnails.start(self._library.study)

    def _respaced(self, stack_uid: str) -> None:
        self._thumbnails.forget(stack_uid)
        self._images.forget(stack_uid)

    def _close(self, study: Study) -> None:
        held = {stack.uid for series in study.series for stack in series.stacks}
        self._images.forget_where(lambda known: not held.isdisjoint(roots(known)))
        self._images.relieve()

    def _forget_replaced(self) -> None:
        """Drop the pixels of stacks that a new scan found to be of other files."""
        shelf = self._images.memory.shelf
        for uid in shelf:
            study, loaded = self._library.study_of(uid), shelf.peek(uid)
            if study is None or (
                loaded is not None and parse(uid) is None and loaded.stack.frames != study.stack(uid).frames
            ):
                self._images.forget(uid)

    def _retitle(self) -> None:
        """Name derived images after their phases, whose order the user may have changed."""
        shelf = self._images.memory.shelf
        for uid in shelf:
            study, loaded = self._library.study_of(uid), shelf.peek(uid)
            if parse(uid) is not None and study is not None and loaded is not None:
                shelf.replace(uid, replace(loaded, stack=replace(loaded.stack, title=title_of(study, uid))))
