"""Framed view: an image view that justifies mammograms, knows true size, and can be compared with another image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from viewer.camera import UPRIGHT, Camera, Turn
from viewer.compare import Comparing
from viewer.framing import QUADRANTS, Framed, as_turned, cameras, quadrant
from viewer.image_view import ImageView
from viewer.layers.types import Framing, PaneContent

ZOOMS = ("fit", "one_to_one", *QUADRANTS)
NO_TRUE_SIZE = "The size of this image's pixels is not known, so it has no true size. Enter its pixel spacing first."


class FramedView(ImageView):
    """An image view with a place for the breast.

    Attributes
    ----------
    home
        Gives the camera that justifies the breast together with those of its group, at their scale or a given one
        (screen pixels for a mm); the grid, which knows the group, sets it.
    link
        Panes with different links do not follow each other, though they show the same frame of reference.
    true_scale
        Device pixels for a mm of the true size last asked for, and whether the screen was calibrated.
    """

    framing_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.home: Callable[[float | None], Camera | None] = self._home_alone
        self.link = ""
        self.true_scale: tuple[float, bool] | None = None
        self.comparing = Comparing(self)

    # --- framing -------------------------------------------------------------------------------------------------

    @property
    def framing(self) -> Framing | None:
        """How the breast lies on the screen, with the turns of the user; None for what is no framed mammogram."""
        if self.content is None or self.content.framing is None or self.plane != "native":
            return None
        return as_turned(self.content.framing, self.camera.turn)

    @property
    def home_turn(self) -> Turn:
        """Which way round the image lies at first: chest wall at its edge."""
        framing = self.content.framing if self.content is not None and self.plane == "native" else None
        return framing.turn if framing is not None else UPRIGHT

    def set_content(self, content: PaneContent | None) -> None:
        """Show something else; a breast that is framed otherwise than before is placed anew."""
        before = self.content
        if content is not None and content == before:  # nothing to paint anew
            return
        was, image = (before.framing, before.image.uid) if before is not None else (None, "")
        super().set_content(content)
        self.comparing.take(content.compare if content is not None else None)
        now = content.framing if content is not None else None
        if content is None or (now == was and (now is None or image == content.image.uid)):
            return
        if now is not None and (self.placing or image != content.image.uid):
            self.camera = replace(self.camera, turn=self.home_turn)
            self.place(self.placing, quietly=True)
        self.framing_changed.emit()

    def in_frame(self, row: int = 0) -> Framed | None:
        """Return what the grid needs to know to place the breast; None without one."""
        framing = self.framing
        return Framed(framing, self._device_size(), row) if framing is not None else None

    def _home_alone(self, zoom: float | None) -> Camera | None:
        framed = self.in_frame()
        return cameras((framed,), zoom)[0] if framed is not None else None

    # --- placing -------------------------------------------------------------------------------------------------

    def fit(self, *, quietly: bool = False) -> None:
        """Show the whole breast at the scale of its group, any other image as large as the pane allows."""
        home = self.home(None) if self.framing is not None else None
        if home is None:
            super().fit(quietly=quietly)
        else:
            self.set_camera(home, placing="fit", quietly=quietly)

    def one_to_one(self) -> None:
        """Show one image pixel per screen pixel; of pixels that are not square, the shorter side."""
        self.place("one_to_one")

    def true_size(self, pixels_per_mm: float, *, calibrated: bool) -> bool:
        """Show a millimetre of the image as a millimetre of the screen.

        Parameters
        ----------
        pixels_per_mm
            Device pixels for a millimetre of the screen.
        calibrated
            Whether that was measured, and is not what the screen says of itself.

        Returns
        -------
        bool
            False where the image has no millimetres; the pane says so.
        """
        if self.content is None:
            return False
        if not self.content.image.spacing_known:
            self.refuse(NO_TRUE_SIZE)
            return False
        self.true_scale = (pixels_per_mm, calibrated)
        self.place("true")
        return True

    @property
    def size_text(self) -> str:
        """What the scale means: true size and whether that can be trusted, or nothing."""
        if self.true_scale is None or abs(self.camera.zoom / self.true_scale[0] - 1) > 1e-6:
            return ""
        return "true size (calibrated)" if self.true_scale[1] else "true size (screen not calibrated)"

    def show_zoom(self, name: str) -> None:
        """Show the breast (or image) fitted, one to one, or a quadrant of it; linked panes are not told."""
        if name not in ZOOMS:
            raise ValueError(f"zoom {name!r} is not one of {', '.join(ZOOMS)}")
        self.place(name, quietly=True)

    def place(self, placing: str, *, quietly: bool = False) -> None:
        """Put the image where a way of placing it wants it, and keep it so when the pane changes its size."""
        if self._plane is None:
            return
        if placing in QUADRANTS:
            framing = self.framing or self._whole()
            self.set_camera(quadrant(framing, self._device_size(), placing), placing=placing, quietly=quietly)
        elif placing == "one_to_one":
            self._scale_to(1.0 / min(self._plane.spacing_mm[1:]), placing, quietly=quietly)
        elif placing == "true" and self.true_scale is not None:
            self._scale_to(self.true_scale[0], placing, quietly=quietly)
        elif placing == "scale":  # justified, and otherwise as it is
            self._scale_to(self.camera.zoom, placing, quietly=quietly)
        else:
            self.fit(quietly=quietly)

    def _scale_to(self, zoom: float, placing: str, *, quietly: bool) -> None:
        """Take a scale; the breast is justified as before, or what the user looks at stays in the middle."""
        home = self.home(zoom) if self.framing is not None and self.placing else None
        camera = home or replace(self.camera, zoom=zoom, size=self._device_size())
        self.set_camera(camera, placing=placing if home is not None else "", quietly=quietly)

    def _whole(self) -> Framing:
        assert self._plane is not None
        _, rows, columns = self._plane.shape
        _, row_mm, column_mm = self._plane.spacing_mm
        width, height = columns * column_mm, rows * row_mm
        return Framing((0.0, 0.0, width, height), (width / 2, height / 2), self.camera.turn)
