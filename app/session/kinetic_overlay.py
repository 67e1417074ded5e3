"""Overlay of kinetics: thresholds, class map and parameter map of the dynamic series; made in the background."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.images import Images
from app.session.kinetic_series import KineticSeries
from app.session.kinetic_work import Computed, Look, Wish, compute_all, draw
from app.session.library import OpenStudies

if TYPE_CHECKING:
    from app.settings import Settings
    from inference.kinetics import KineticMaps, KineticSettings
    from viewer.layers.types import ClassMapLayer, HeatmapLayer

KEY, LOOK_KEY = "kinetics", "kinetics-look"


class KineticOverlay(KineticSeries):
    """What is drawn of one dynamic series at a time.

    Attributes
    ----------
    visible, opacity
        Whether the class map is drawn, and how much it covers.
    parameter
        Name of the parameter map that is drawn, "" for none.
    in_breasts
        Whether maps are drawn only inside the breasts.
    """

    def __init__(
        self, jobs: Jobs, notices: Notices, library: OpenStudies, images: Images, parent: QObject | None = None
    ) -> None:
        super().__init__(jobs, notices, library, images, parent)
        self.visible, self.parameter, self.opacity, self.in_breasts = False, "", 0.6, True
        self._thresholds: dict[str, Any] = {}
        self._preferred: dict[str, Any] = {}
        self._asked = False
        self._computed: Computed | None = None
        self._look: Look | None = None
        self._shown: dict[str, tuple[object, float, Any]] = {}
        self.turned.connect(self._drop)
        self.changed.connect(self._start_asked)

    # -- thresholds and what is shown ------------------------------------------------------------------------------

    def take_settings(self, settings: Settings) -> None:
        """Begin with the thresholds of the preferences; other preferences that change leave those in force alone."""
        values = {"peak_percent": settings.kinetic_peak_percent, "change_percent": settings.kinetic_change_percent}
        if values != self._preferred:
            self._preferred = values
            self.set_thresholds(**values)

    @property
    def settings(self) -> KineticSettings:
        """Thresholds in force."""
        from inference.kinetics import KineticSettings

        return KineticSettings(**self._thresholds)

    def set_thresholds(self, **values: Any) -> None:
        """Change ``peak_percent``, ``change_percent``, ``gate`` or ``cluster``; KineticsError if it makes no sense."""
        replace(self.settings, **values)
        if any(self._thresholds.get(name) != value for name, value in values.items()):
            self._thresholds.update(values)
            self._draw()
            self.changed.emit()

    def show(
        self,
        *,
        visible: bool | None = None,
        parameter: str | None = None,
        opacity: float | None = None,
        in_breasts: bool | None = None,
    ) -> None:
        """Change what is drawn over the images; maps that are not there yet are computed."""
        self.visible = self.visible if visible is None else visible
        self.parameter = self.parameter if parameter is None else parameter
        self.opacity = self.opacity if opacity is None else opacity
        self.in_breasts = self.in_breasts if in_breasts is None else in_breasts
        if self.visible or self.parameter:
            self.start()
        self._draw()
        self.changed.emit()

    @property
    def map_problem(self) -> str:
        """What the reader must know about the maps drawn, "" for nothing."""
        computed, look = self.computed, self._look
        if computed is None or not (self.visible or self.parameter):
            return ""
        said = [look.problem] if look is not None and self.parameter else []
        if self.in_breasts and computed.breasts.problem:
            said.append(f"{computed.breasts.problem} The maps cover the whole image.")
        return "\n".join(one for one in said if one)

    # -- maps ------------------------------------------------------------------------------------------------------

    @property
    def computed(self) -> Computed | None:
        """Maps and breasts of the series on show, None until they are there."""
        computed = self._computed
        return computed if computed is not None and computed.sources == self.sources else None

    @property
    def maps(self) -> KineticMaps | None:
        """The maps of the series on show, None until they are computed."""
        return self.computed.maps if self.computed is not None else None

    @property
    def busy(self) -> bool:
        """Whether maps are being computed, or wait for pixels."""
        return self._asked or self._runs(KEY) or self._runs(LOOK_KEY)

    def _runs(self, key: str) -> bool:
        return any(job.key == key for job in self._jobs.active)

    def start(self) -> None:
        """Compute the maps in the background, as soon as the phases are in memory."""
        if self.maps is not None or self.dynamic is None or self._runs(KEY):
            return
        phases, sources = self.phases(), self.sources
        if phases is None:
            self._asked = not self.problem
            if self._asked:
                self._request()
            return
        self._asked = False
        work = lambda progress: compute_all(phases, sources, progress)  # noqa: E731
        self._jobs.start(Job("Kinetic maps", work, KEY, self._take, self._failed, self.changed.emit), "compute")

    def _start_asked(self) -> None:
        if self._asked and self.problem:
            self._asked = False
        elif self._asked and not self._runs(KEY) and all(self._images.loaded(uid) is not None for uid in self.sources):
            self.start()

    def _take(self, computed: Computed) -> None:
        self._computed, self._look = computed, None
        self._draw()
        self.changed.emit()

    def _failed(self, error: Exception) -> None:
        self._notices.error("The kinetic maps could not be computed", error)
        self.changed.emit()

    def follow_correction(self) -> None:
        """Use the motion-corrected phases, or the stored ones again, as is now in use."""
        if self._computed is not None and self._computed.sources != self.sources:
            self._turned()
        elif self._wanted:
            self._request()
        self.changed.emit()

    def _turn(self) -> None:
        study = self._library.study
        if self._dynamic_uid not in {one.uid for one in (study.dynamics if study is not None else ())}:
            self.visible, self.parameter = False, ""
        super()._turn()

    def _drop(self) -> None:
        for key in (KEY, LOOK_KEY):
            self._jobs.supersede(key)
        self._asked, self._computed, self._look = False, None, None
        self._shown.clear()
        if self.visible or self.parameter:
            self.start()

    # -- layers ----------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        """Make the layers in the background where others are wished for; until then the last ones stay."""
        computed = self.computed
        wish = Wish(self.settings, self.parameter, self.in_breasts)
        if computed is None or not (self.visible or self.parameter):
            return
        if self._look is not None and self._look.wish == wish:
            self._jobs.supersede(LOOK_KEY)
            return
        before = self._look
        work = lambda progress: draw(computed, wish, before, progress)  # noqa: E731
        job = Job("Drawing kinetics", work, LOOK_KEY, self._take_look, self._failed, self.changed.emit)
        self._jobs.start(job, "compute")

    def _take_look(self, look: Look) -> None:
        self._look = look
        self.changed.emit()

    def class_maps(self, frame_uid: str) -> tuple[ClassMapLayer, ...]:
        """Return the class map for images of a frame of reference, where it is to be drawn."""
        look = self._drawn(frame_uid) if self.visible else None
        return (self._kept("classes", look.classes),) if look is not None else ()

    def heatmaps(self, frame_uid: str) -> tuple[HeatmapLayer, ...]:
        """Return the parameter map for images of a frame of reference, where one is to be drawn."""
        look = self._drawn(frame_uid) if self.parameter else None
        return (self._kept("parameter", look.parameter),) if look is not None and look.parameter is not None else ()

    def _drawn(self, frame_uid: str) -> Look | None:
        maps = self.maps
        return self._look if maps is not None and (maps.geometry.frame_of_reference_uid or "") == frame_uid else None

    def _kept(self, what: str, layer: Any) -> Any:
        """Return the same object as long as nothing about it changes: panes keep what they sampled of it."""
        kept = self._shown.get(what)
        if kept is None or kept[0] is not layer or kept[1] != self.opacity:
            kept = self._shown[what] = (layer, self.opacity, replace(layer, opacity=self.opacity))
        return kept[2]
