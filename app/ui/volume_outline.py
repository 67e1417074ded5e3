"""Volume outline: regions outlined at the cursor of the volume view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.commands import attempt
from app.ui.volume_scene import is_subtraction, reference_of
from inference.errors import EngineError

if TYPE_CHECKING:
    from app.ui.volume_panel import VolumePanel

NOT_A_SUBTRACTION = "Regions are outlined by enhancement: choose a subtraction as the image."


class Outliner:
    """Grows a region at the cursor, once the pre-contrast phase is there as well."""

    def __init__(self, panel: VolumePanel) -> None:
        self._panel = panel
        self._awaited: str | None = None
        panel.session.images.changed.connect(self._resume)

    def outline(self) -> None:
        """Outline what enhances around the cursor."""
        attempt(self._panel.session.notices, "No region was made", self._outline)

    def _outline(self) -> None:
        panel, images = self._panel, self._panel.session.images
        loaded = images.loaded(panel.image_uid) if panel.image_uid is not None else None
        if loaded is None or not is_subtraction(loaded):
            raise EngineError(NOT_A_SUBTRACTION, "Open a dynamic series and the volume view (Shift+V).")
        cursor = panel.view.scene.cursor_mm
        if cursor is None:
            raise EngineError("There is no cursor yet.", "Click on the lesion, in the volume or in a slice.")
        reference = reference_of(loaded)
        pre = images.loaded(reference)
        if pre is None:
            self._awaited = reference
            images.request(reference)
            return
        panel.regions.grow(loaded, pre, cursor, panel.table.making.growth)

    def _resume(self, uid: str) -> None:
        if uid == self._awaited:
            self._awaited = None
            if self._panel.session.images.loaded(uid) is not None:
                self.outline()

    def surface_ml(self, uid: str) -> float | None:
        """Return the volume inside the surface of a region, None where none is drawn."""
        mesh = self._panel.view.mesh(uid)
        return mesh.volume_ml if mesh is not None else None

    def go_to(self, uid: str) -> None:
        """Put the cursor into the middle of a region."""
        panel = self._panel
        lesion = next((one for one in panel.regions.lesions if one.uid == uid), None)
        if lesion is not None and lesion.frame_of_reference_uid == panel.cursor.frame_uid:
            first, last = lesion.size.longest_ends
            panel.cursor.point(tuple((a + b) / 2 for a, b in zip(first, last, strict=True)))  # type: ignore[arg-type]
