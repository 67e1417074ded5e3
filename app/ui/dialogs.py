"""Dialogs: opening files, and the one place that shows each dialog and hands its answer to the session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from app import settings as app_settings
from app.commands import attempt
from app.session import Session
from app.ui.about import AboutDialog
from app.ui.parts import Dialog
from app.ui.phases_dialog import PhasesDialog
from app.ui.preferences import PreferencesDialog
from app.ui.skipped_dialog import SkippedDialog
from app.ui.spacing_dialog import SpacingDialog
from app.ui.true_size import TrueSize

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

Shown = TypeVar("Shown", bound=Dialog)
IMAGES = "*.dcm DICOMDIR *.zip *.nii *.nii.gz *.nrrd *.mha *.mhd *.png *.pgm *.jpg *.jpeg *.tif *.tiff"
FILTERS = ("All files (*)", f"Images ({IMAGES})")  # DICOM files often have no ending at all


class Dialogs:
    """Shows dialogs over a window."""

    def __init__(self, session: Session, window: MainWindow) -> None:
        self.session, self.window = session, window
        self._folder = str(Path.home())

    def open_folder(self) -> None:
        """Ask for a folder and open it."""
        dialog = self._file_dialog("Open folder", QFileDialog.FileMode.Directory)
        if dialog.exec():
            self._open(dialog.selectedFiles())

    def open_files(self) -> None:
        """Ask for files and open them."""
        dialog = self._file_dialog("Open files", QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters(FILTERS)
        if dialog.exec():
            self._open(dialog.selectedFiles())

    def _file_dialog(self, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
        dialog = QFileDialog(self.window, title, self._folder)
        dialog.setFileMode(mode)
        return dialog

    def _open(self, names: list[str]) -> None:
        paths = [Path(name) for name in names]
        if paths:
            self._folder = str(paths[0].parent)
            self.session.open_paths(paths)

    def phases(self) -> None:
        """Show the phases of the dynamic series and take the user's order, pre-contrast phase and times."""
        study = self.session.study
        if study is None or not study.dynamics:
            return
        shown = study.phase_of(self.window.display.stack_uid or "")
        dynamic = shown[0] if shown is not None else study.dynamics[0]

        def take(dialog: PhasesDialog) -> None:
            answer = dialog.answer()
            self.session.library.set_phases(dynamic, answer.stack_uids, answer.pre_index, answer.seconds)

        self._show(PhasesDialog(study, dynamic, self.window), take)

    def spacing(self) -> None:
        """Ask for the pixel spacing of the image in the active pane."""
        study, uid = self.session.study, self.window.display.stack_uid
        if study is None or uid is None:
            return
        series, stack = study.series_of(uid)
        self._show(
            SpacingDialog(series.label, stack, self.window),
            lambda dialog: self.session.library.set_spacing(uid, dialog.answer()),
        )

    def skipped(self) -> None:
        """List every file that was not taken."""
        self._show(SkippedDialog(self.session.library.skipped, self.window))

    def preferences(self) -> None:
        """Edit the settings."""
        session = self.session
        dialog = PreferencesDialog(session.settings, self.window, calibrate=TrueSize(self.window).calibrate)
        shown = session.settings_changed.connect(lambda: dialog.show_screens(session.settings))
        dialog.finished.connect(lambda _: session.settings_changed.disconnect(shown))
        self._show(dialog, self._save)

    def _save(self, dialog: PreferencesDialog) -> None:
        settings = dialog.answer(self.session.settings)
        app_settings.save(settings)
        self.session.take_settings(settings)

    def about(self) -> None:
        """Show versions and the research-use statement."""
        self._show(AboutDialog(self.window))

    def _show(self, dialog: Shown, on_accept: Callable[[Shown], None] | None = None) -> None:
        """Show a dialog over the window without a loop of its own; an answer is used once it is accepted."""
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        if on_accept is not None:
            what = f"“{dialog.windowTitle()}” did not work"
            dialog.accepted.connect(lambda: attempt(self.session.notices, what, lambda: on_accept(dialog)))
        dialog.open()
