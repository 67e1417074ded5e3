"""Volume files: what the volume view writes, and where the user is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from app.commands import attempt
from app.jobs import Job
from app.ui import volume_export, volume_snapshot

if TYPE_CHECKING:
    from app.ui.volume_panel import VolumePanel


class VolumeFiles:
    """Pictures and masks of the volume view."""

    def __init__(self, panel: VolumePanel) -> None:
        self._panel = panel

    def ask_snapshot(self) -> None:
        """Ask where to save a picture of the view; it is written as soon as it is sharp."""
        name, _ = QFileDialog.getSaveFileName(self._panel, "Save picture", "volume.png", "PNG (*.png)")
        notices, path = self._panel.session.notices, Path(name)
        if name:
            self._panel.view.when_sharp(
                lambda: attempt(notices, "The picture was not saved", lambda: self.snapshot(path))
            )

    def snapshot(self, path: Path) -> None:
        """Save the view as PNG; OSError where it cannot be written."""
        volume_snapshot.save(self._panel.view, self._panel.regions.lesions, path)

    def ask_mask(self, uid: str) -> None:
        """Ask where to save the mask of a region."""
        name, _ = QFileDialog.getSaveFileName(self._panel, "Export mask", "region.nii.gz", "NIfTI (*.nii.gz *.nii)")
        if name:
            self.export(uid, Path(name))

    def export(self, uid: str, path: Path) -> None:
        """Write the mask of a region as NIfTI, in the background."""
        panel = self._panel
        lesion = next((one for one in panel.regions.lesions if one.uid == uid), None)
        if lesion is None:
            return
        image = panel.view.scene.image.volume if panel.view.scene.image is not None else None
        notices = panel.session.notices
        said = lambda where: notices.info(f"Mask of {lesion.title} written to {where}")  # noqa: E731
        failed = lambda error: notices.error("The mask was not written", error)  # noqa: E731
        work = lambda _progress: volume_export.save(lesion, image, path)  # noqa: E731
        panel.session.jobs.start(Job("Writing mask", work, on_done=said, on_failed=failed), "disk")
