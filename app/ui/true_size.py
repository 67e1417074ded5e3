"""True size: joins the pitch of the screen the window is on with the images shown there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtGui import QScreen

from app import settings as app_settings
from app.screens import LEAST_MM, MM_PER_INCH, MOST_MM, key_of, pitch_of, with_pitch
from app.ui.calibration_dialog import CalibrationDialog

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow

DEFAULT_DPI = 96.0
UNSURE = "This screen is not calibrated, so true size is only as right as what the screen says of itself."


def key_of_screen(screen: QScreen) -> str:
    """Return what the calibration of a screen is kept under."""
    ratio, size = screen.devicePixelRatio(), screen.size()
    name = screen.model() or screen.name()
    return key_of(name, round(size.width() * ratio), round(size.height() * ratio))


def stated_pitch(screen: QScreen) -> float:
    """Return the millimetres per device pixel that a screen says of itself; 96 dpi where it says nonsense."""
    ratio = screen.devicePixelRatio() or 1.0
    dpi = screen.physicalDotsPerInch() * ratio
    pitch = MM_PER_INCH / dpi if dpi > 0 else 0.0
    return pitch if LEAST_MM <= pitch <= MOST_MM else MM_PER_INCH / (DEFAULT_DPI * ratio)


class TrueSize:
    """True size and calibration of the window's screen."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    @property
    def calibrated(self) -> bool:
        """Whether the screen that the window is on was calibrated."""
        return self._measured() is not None

    def _measured(self) -> float | None:
        return pitch_of(self._window.session.settings.screens, key_of_screen(self._window.screen()))

    @property
    def pitch_mm(self) -> float:
        """Millimetres for a device pixel of the screen that the window is on."""
        return self._measured() or stated_pitch(self._window.screen())

    def show(self) -> None:
        """Show the images on view at true size, and say so where the screen is not calibrated."""
        window = self._window
        window.display.grid.true_size(1 / self.pitch_mm, calibrated=self.calibrated)
        if not self.calibrated:
            window.session.notices.info(f"{UNSURE} Calibrate it: View, Calibrate screen.", topic="true size")

    def calibrate(self) -> None:
        """Open the calibration dialog; what it finds is kept and used at once for panes at true size."""
        screen = self._window.screen()
        dialog = CalibrationDialog(
            f"{screen.model() or screen.name()}", self.pitch_mm, calibrated=self.calibrated, parent=self._window
        )
        dialog.accepted.connect(lambda: self.take(dialog.answer()))
        dialog.open()

    def take(self, mm_per_pixel: float) -> None:
        """Keep a pitch for the window's screen; panes at true size are shown anew."""
        session = self._window.session
        key = key_of_screen(self._window.screen())
        try:
            settings = replace(session.settings, screens=with_pitch(session.settings.screens, key, mm_per_pixel))
            app_settings.save(settings)
        except ValueError as error:
            session.notices.info(str(error), topic="true size")
            return
        session.take_settings(settings)
        if any(pane.size_text for pane in self._window.display.grid.visible_panes):
            self.show()
