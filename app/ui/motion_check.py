"""Motion check: the subtraction of one phase before and after motion correction, in one pane that is switched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.jobs import Job
from app.session import Session
from app.session.motion import PhaseMotion
from app.studies.derived import Derived, DerivedKind
from app.ui import theme
from app.ui.content import image_layer
from viewer.layers.types import Compare, ImageLayer, PaneContent
from viewer.pane import Pane

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from inference.prepare.register import Correction
    from inference.progress import Progress

MODES = (
    ("before", "Before", "The subtraction of the images as they are"),
    ("after", "After", "The subtraction of the motion-corrected images"),
    ("swipe", "Swipe", "Before left of a line that can be dragged, after right of it"),
)


@dataclass(frozen=True)
class _Question:
    """Two phases and how one moved."""

    post: LoadedStack
    pre: LoadedStack
    correction: Correction
    row: PhaseMotion

    def answer(self, progress: Progress) -> tuple[LoadedStack, LoadedStack]:
        """Return the subtraction before and after."""
        from app.studies import derive

        row = self.row
        uids = [
            Derived(DerivedKind.SUBTRACTION, row.stack_uid, row.reference_uid, corrected).uid
            for corrected in (False, True)
        ]
        before = derive.subtract(self.post, self.pre, uids[0])
        moved = derive.corrected(self.post, self.pre, self.correction, uids[1], progress=progress.part(0.2, 0.9))
        progress.report(0.9, "subtraction")
        return before, derive.subtract(moved, self.pre, uids[1], motion_corrected=True)


class MotionCheck(QWidget):
    """A pane, and the buttons that switch it.

    The slice stays when the phase or the side of the comparison changes; both sides have one window, so that they can
    be compared.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._key = session, f"before/after check {id(self)}"
        jobs, key = session.jobs, self._key
        self.destroyed.connect(lambda: jobs.supersede(key))  # nobody waits for it any more
        self._row: PhaseMotion | None = None
        self._pair: tuple[ImageLayer, ImageLayer] | None = None
        self._slice: int | None = None
        self.mode = "before"
        self.pane = Pane()
        self.pane.setMinimumSize(420, 300)
        self.pane.set_empty_text("The check is shown when a phase is registered.")
        self.buttons = {name: self._button(name, title, tip) for name, title, tip in MODES}
        group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        self.title = theme.label("Subtraction", "section")
        row.addWidget(self.title)
        row.addStretch(1)
        for button in self.buttons.values():
            group.addButton(button)
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.pane, 1)
        self._enable()

    def _button(self, name: str, title: str, tip: str) -> QPushButton:
        button = QPushButton(title)
        button.setCheckable(True)
        button.setChecked(name == self.mode)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        button.clicked.connect(lambda _=False: self.show_mode(name))
        return button

    def start_at(self, slice_index: int | None) -> None:
        """Begin at a slice of the phases, the middle one for None."""
        self._slice = slice_index

    def show_row(self, row: PhaseMotion | None) -> None:
        """Prepare the check of a phase in the background; nothing is shown of one that is not registered."""
        if row is not None and self._row is not None and row.correction is self._row.correction:
            return
        self._session.jobs.supersede(self._key)
        self._row, self._pair = row, None
        if row is None or row.correction is None:
            self._empty("The check is shown when a phase is registered.")
            return
        self._empty(f"Preparing the subtraction of {row.label} …")
        self._prepare()

    def take_image(self, _: str) -> None:
        """Go on where the images that were missing have come."""
        if self._row is not None and self._row.correction is not None and self._pair is None:
            self._prepare()

    def _prepare(self) -> None:
        row, images = self._row, self._session.images
        if row is None or row.correction is None or any(j.key == self._key for j in self._session.jobs.active):
            return
        post, pre = images.loaded(row.stack_uid), images.loaded(row.reference_uid)
        for uid, loaded in ((row.stack_uid, post), (row.reference_uid, pre)):
            if loaded is None and images.awaited(uid):
                images.request(uid)
            elif loaded is None:
                self._empty(images.unreadable.get(uid, ""))
        if post is None or pre is None:
            return
        question = _Question(post, pre, row.correction, row)
        job = Job("Before/after check", question.answer, self._key, self._take, self._refused, quiet=True)
        self._session.jobs.start(job)

    def _take(self, pair: tuple[LoadedStack, LoadedStack]) -> None:
        before, after = (image_layer(loaded) for loaded in pair)
        same = ImageLayer(after.uid, after.volume, before.presentation, after.spacing_known, after.has_patient_axes)
        self._pair = before, same
        self._enable()
        self.show_mode("after" if self.mode == "before" and self._row and self._row.state == "done" else self.mode)

    def _refused(self, error: Exception) -> None:
        self._empty(f"{error}\n{getattr(error, 'hint', '')}".strip())

    def show_mode(self, mode: str) -> None:
        """Show before, after, or both with a line between them."""
        self.mode = mode
        self.buttons[mode].setChecked(True)
        if self._pair is None or self._row is None:
            return
        state = self.pane.view_state() if self.pane.content is not None else {}
        before, after = self._pair
        shown = after if mode == "after" else before
        compare = Compare("Before", "After", after) if mode == "swipe" else None
        text = {"before": "Not motion-corrected", "after": "Motion-corrected", "swipe": "Before | after"}[mode]
        self.pane.set_content(PaneContent(shown, notes=(text,), compare=compare))
        if state:
            self.pane.restore_view_state({**state, "image": shown.uid})
        else:
            middle = shown.volume.spatial_shape[0] // 2
            self.pane.set_slice(middle if self._slice is None else self._slice)
        self.title.setText(f"Subtraction {self._row.label} − pre")

    def _empty(self, text: str) -> None:
        if self.pane.content is not None:
            self._slice = self.pane.sop_index
        self.pane.set_content(None)
        self.pane.set_empty_text(text)
        self._enable()

    def _enable(self) -> None:
        for button in self.buttons.values():
            button.setEnabled(self._pair is not None)
