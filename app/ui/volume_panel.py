"""Volume panel: the volume view beside the slices, with its controls and the table of regions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.session.regions import Regions
from app.ui import theme
from app.ui.content import Overlay
from app.ui.display import Display
from app.ui.layers import box_shapes, proposals
from app.ui.lesion_table import LesionTable
from app.ui.volume_controls import VolumeControls
from app.ui.volume_cursor import VolumeCursor
from app.ui.volume_files import VolumeFiles
from app.ui.volume_outline import NOT_A_SUBTRACTION, Outliner
from app.ui.volume_scene import is_subtraction, scene_of
from app.ui.volume_shown import Shown, ShownVolumes
from app.ui.volume_source import choices, chosen_uid, refusal
from viewer.volume3d.scene import Scene3D
from viewer.volume3d.view import VolumeView

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from app.studies.study import Study

LEAST_WIDTH = 380


class VolumePanel(QWidget):
    """The volume view; hidden until asked for. VTK is imported when it first has something to show.

    Attributes
    ----------
    regions
        The lesions outlined, drawn here as surfaces and in the slices as masks.
    image_uid
        The image on show, or on its way; None for none.
    opened, closing
        It has been shown; it is about to be hidden.
    """

    opened = Signal()
    closing = Signal()

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("volumePanel")
        self.setMinimumWidth(LEAST_WIDTH)
        self.display, self.session = display, display.session
        self.regions = Regions(self.session.jobs, self.session.notices, self.session.library, self)
        self.volumes = ShownVolumes(self.session.jobs, self.session.images, self)
        self.view = VolumeView()
        self.cursor = VolumeCursor(display, self.view)
        self.controls = VolumeControls(self.ask_snapshot, self.close_view)
        self.outliner, self.files = Outliner(self), VolumeFiles(self)
        self.table = LesionTable(self.regions, self.outline, self.outliner.surface_ml)
        self.hint = theme.label("", "quiet", wrap=True)
        self.hint.setContentsMargins(8, 4, 8, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.controls)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.hint)
        layout.addWidget(self.table)
        self.image_uid: str | None = None
        self._soon = QTimer(self, singleShot=True, interval=0, timeout=self.refresh)
        self.hide()
        self._connect()

    def _connect(self) -> None:
        display, session, later = self.display, self.session, lambda *_: self._soon.start()
        for signal in (
            display.focus_changed,
            session.library.study_changed,
            session.annotations.changed,
            session.readings.changed,
            session.images.changed,
            self.regions.changed,
            self.volumes.changed,
            self.controls.changed,
            self.controls.source_chosen,
        ):
            signal.connect(later)
        display.add_overlays(lambda frame_uid: Overlay(masks=self.regions.masks(frame_uid)), self.regions.changed)
        self.controls.side_chosen.connect(self._look)
        self.view.mode_toggled.connect(self.controls.toggle_mode)
        self.table.chosen.connect(self.outliner.go_to)
        self.table.export_asked.connect(self.files.ask_mask)

    # -- showing ---------------------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Show the volume view with the keyboard in it, or hide it."""
        if self.shown:
            self.close_view()
        else:
            self.open_view()
            self.view.setFocus()

    @property
    def shown(self) -> bool:
        """Whether the view is open, though the window may not be on screen."""
        return not self.isHidden()

    def open_view(self) -> None:
        """Show the view; the keyboard stays where it is."""
        self.show()
        self.opened.emit()
        self.refresh()

    def close_view(self) -> None:
        """Hide the view and give the keyboard back to the slices."""
        self.save_state()
        self.closing.emit()
        self.hide()
        self.display.pane.setFocus()

    def save_state(self) -> None:
        """Remember mode, sliders and thresholds."""
        self.controls.save()
        self.table.making.save()

    @property
    def image_uids(self) -> tuple[str, ...]:
        """The images in use while the view is shown, so that they stay in memory."""
        return (self.image_uid,) if self.image_uid is not None and self.isVisible() else ()

    def refresh(self) -> None:
        """Bring the view up to date; nothing is done while it is hidden."""
        if not self.isVisible():
            return
        display, images = self.display, self.session.images
        active = display.stack_uid
        study = display.study_of(active) if active is not None else None
        self.controls.offer(choices(study, active))
        uid = chosen_uid(study, active, str(self.controls.source.currentData()), self._corrected)
        self.image_uid = uid
        if study is None or uid is None:
            self._say("Show a stack of slices in the active pane.")
        elif reason := refusal(study, uid):
            self._say(reason)
        elif (loaded := images.loaded(uid)) is not None:
            self._show(study, loaded)
        elif uid in images.unreadable:
            self._say(images.unreadable[uid])
        else:
            self._say("Preparing the volume …")
            images.request(uid)

    def _show(self, study: Study, loaded: LoadedStack) -> None:
        self.controls.breasts.setEnabled(is_subtraction(loaded))
        shown = self.volumes.get(loaded, breasts=self.controls.breasts.isChecked())
        if shown is not None:
            self.view.set_scene(self._scene(study, loaded, shown))
        elif self.view.scene.image is None or self.view.scene.image.uid != loaded.stack.uid:
            self._say("Preparing the volume …")
        self._advise(loaded)

    def _corrected(self, of: str, reference: str) -> bool:
        return self.session.images.correction(of, reference) is not None

    def _say(self, sentence: str) -> None:
        self.view.set_message(sentence)
        self.volumes.drop()
        self.hint.hide()
        self.table.making.grow.setEnabled(False)

    def _advise(self, loaded: LoadedStack) -> None:
        self.table.making.grow.setEnabled(is_subtraction(loaded))
        self.hint.setText("" if is_subtraction(loaded) else NOT_A_SUBTRACTION)
        self.hint.setVisible(bool(self.hint.text()))

    def _scene(self, study: Study, loaded: LoadedStack, shown: Shown) -> Scene3D:
        frame_uid = str(loaded.volume.frame_of_reference_uid or "")
        boxes, session, own = self.session.annotations.boxes, self.session, self.display.own
        lesions = [one for one in self.regions.lesions if one.frame_of_reference_uid == frame_uid and own]
        drawn = box_shapes(boxes, frame_uid, session.annotations.taxonomy)
        found = proposals(session.readings.stored, frame_uid, boxes)
        scene = scene_of(study, loaded, self.controls.look, shown, [(one.mask, one.size) for one in lesions])
        return replace(scene, boxes=(*drawn, *found) if own else (), cursor_mm=self.cursor.in_slices(frame_uid))

    def _look(self, side: str) -> None:
        if side == "whole":
            self.view.reset()
        else:
            self.view.look_from(side)

    # -- regions and files -----------------------------------------------------------------------------------------

    def outline(self) -> None:
        """Outline what enhances around the cursor."""
        self.outliner.outline()

    def ask_snapshot(self) -> None:
        """Ask where to save a picture of the view."""
        self.files.ask_snapshot()

    def snapshot(self, path: Path) -> None:
        """Save the view as PNG; OSError where it cannot be written."""
        self.files.snapshot(path)
