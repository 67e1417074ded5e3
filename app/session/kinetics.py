"""Kinetics: curves, classes and parameter maps of the dynamic series on show; computed in the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.images import Images
from app.session.kinetic_layers import PARAMETER_TABLE, class_layer, parameter_layer
from app.session.library import OpenStudies
from app.studies.derived import Derived, DerivedKind

if TYPE_CHECKING:
    import numpy as np

    from app.settings import Settings
    from app.studies.study import Dynamic, Phase
    from inference.kinetics import ClassReport, Curve, KineticMaps, KineticSettings, Phases, Region, TimeBase
    from inference.progress import Progress
    from viewer.layers.types import ClassMapLayer, HeatmapLayer

KEY = "kinetics"
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Computed:
    """Maps, and the images they were computed from."""

    sources: tuple[str, ...]
    maps: KineticMaps


class Kinetics(QObject):
    """Kinetics of one dynamic series at a time.

    Attributes
    ----------
    changed
        Maps, thresholds, what is shown, or the phases at hand are others.
    visible, opacity
        Whether the class map is drawn, and how much it covers.
    parameter
        Name of the parameter map that is drawn, "" for none.
    problem
        Why there are no curves or maps, a sentence; "" where nothing is wrong.
    """

    changed = Signal()

    def __init__(
        self, jobs: Jobs, notices: Notices, library: OpenStudies, images: Images, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.visible, self.parameter, self.opacity, self.problem = False, "", 0.6, ""
        self._jobs, self._notices, self._library, self._images = jobs, notices, library, images
        self._thresholds: dict[str, Any] = {}
        self._injected: dict[str, float] = {}
        self._dynamic_uid = ""
        self._wanted = self._asked = False
        self._map_problem = ""
        self._computed: Computed | None = None
        self._classes: tuple[KineticSettings, np.ndarray] | None = None
        self._layers: dict[str, tuple[object, Any]] = {}
        self._floors: dict[str, float] = {}
        images.changed.connect(self._take_image)
        library.study_changed.connect(self._turn)

    # -- thresholds and what is shown ------------------------------------------------------------------------------

    def take_settings(self, settings: Settings) -> None:
        """Begin with the thresholds of the preferences."""
        self._set(peak_percent=settings.kinetic_peak_percent, change_percent=settings.kinetic_change_percent)

    @property
    def settings(self) -> KineticSettings:
        """Thresholds in force."""
        from inference.kinetics import KineticSettings

        return KineticSettings(**self._thresholds)

    def set_thresholds(self, **values: Any) -> None:
        """Change ``peak_percent``, ``change_percent``, ``gate`` or ``cluster``; KineticsError if it makes no sense."""
        replace(self.settings, **values)
        self._set(**values)

    def _set(self, **values: Any) -> None:
        if any(self._thresholds.get(name) != value for name, value in values.items()):
            self._thresholds.update(values)
            self.changed.emit()

    def show(self, *, visible: bool | None = None, parameter: str | None = None, opacity: float | None = None) -> None:
        """Change what is drawn over the images; maps that are not there yet are computed."""
        self.visible = self.visible if visible is None else visible
        self.parameter = self.parameter if parameter is None else parameter
        self.opacity = self.opacity if opacity is None else opacity
        if self.visible or self.parameter:
            self.start()
        self.changed.emit()

    # -- the dynamic series ----------------------------------------------------------------------------------------

    @property
    def dynamic(self) -> Dynamic | None:
        """The dynamic series on show, else the first of the study."""
        study = self._library.study
        dynamics = study.dynamics if study is not None else ()
        return next((one for one in dynamics if one.uid == self._dynamic_uid), dynamics[0] if dynamics else None)

    def follow(self, uid: str | None) -> None:
        """Turn to the dynamic series that an image belongs to; of another image nothing changes."""
        study = self._library.study
        place = study.phase_of(uid) if study is not None and uid is not None else None
        if place is not None and self.dynamic is not None and place[0].uid != self.dynamic.uid:
            self._dynamic_uid = place[0].uid
            self._drop()

    @property
    def timing(self) -> TimeBase | None:
        """When the phases were acquired; None, with :attr:`problem`, where there is no curve."""
        from inference.kinetics import KineticsError, time_base

        dynamic = self.dynamic
        if dynamic is None:
            return None
        clock = [phase.seconds for phase in dynamic.phases]
        try:
            return time_base(clock, dynamic.pre_index, self._injected.get(dynamic.uid))
        except KineticsError as error:
            self.problem = f"{error} {error.hint}"
            return None

    @property
    def injected_before_s(self) -> float | None:
        """Seconds from injection to the first phase after contrast, None where not known."""
        return self._injected.get(self.dynamic.uid) if self.dynamic is not None else None

    @property
    def frame_uid(self) -> str:
        """Frame of reference of the dynamic series; "" without one."""
        study, dynamic = self._library.study, self.dynamic
        return study.stack(dynamic.phases[0].stack_uid).frame_of_reference_uid if study and dynamic else ""

    @property
    def map_problem(self) -> str:
        """Why the chosen parameter map is not drawn, "" where it is."""
        return self._map_problem

    def set_injection(self, seconds_before: float | None) -> None:
        """Say how long before the first phase after contrast the injection was; None for not known."""
        dynamic = self.dynamic
        if dynamic is None or self._injected.get(dynamic.uid) == seconds_before:
            return
        if seconds_before is None:
            self._injected.pop(dynamic.uid, None)
        else:
            self._injected[dynamic.uid] = seconds_before
        self._drop()

    @property
    def sources(self) -> tuple[str, ...]:
        """Uid of the image taken for each phase: motion-corrected where a correction to pre-contrast is in use."""
        dynamic = self.dynamic
        if dynamic is None:
            return ()
        pre = dynamic.phases[dynamic.pre_index or 0].stack_uid
        return tuple(self._source(phase, pre) for phase in dynamic.phases)

    def _source(self, phase: Phase, pre: str) -> str:
        of = phase.stack_uid
        correction = getattr(self._images, "correction", None)
        if of == pre or correction is None or correction(of, pre) is None:
            return of
        return Derived(DerivedKind.CORRECTED, of, pre).uid

    @property
    def provenance(self) -> str:
        """Which phases are used, and which of them are motion-corrected; a sentence."""
        dynamic = self.dynamic
        if dynamic is None:
            return ""
        pairs = list(zip(dynamic.phases, self.sources, strict=True))
        moved = [phase.label for phase, uid in pairs if uid != phase.stack_uid]
        labels = ", ".join(phase.label for phase in dynamic.phases)
        how = "motion-corrected: " + ", ".join(moved) if moved else "not motion-corrected"
        return f"Phases {labels}; {how}."

    # -- pixels ----------------------------------------------------------------------------------------------------

    @property
    def pinned(self) -> tuple[str, ...]:
        """Images that must stay in memory while curves follow the cursor."""
        return self.sources if self._wanted else ()

    def want(self, wanted: bool) -> None:
        """Read the phases of the series, because curves are looked at; what left memory is read again."""
        self._wanted = wanted
        if wanted:
            self._request()

    def _request(self) -> None:
        for uid in self.sources:
            if self._images.loaded(uid) is None and uid not in self._images.unreadable:
                self._images.request(uid)

    def phases(self) -> Phases | None:
        """Return the phases with their pixels; None while they are on their way, or cannot be had."""
        from inference.kinetics import KineticsError, Phases

        timing = self.timing
        loaded = [self._images.loaded(uid) for uid in self.sources]
        if timing is None or not loaded or any(one is None for one in loaded):
            return None
        try:
            phases = Phases(tuple(one.volume for one in loaded if one is not None), timing)
        except KineticsError as error:
            self.problem = f"{error} {error.hint}"
            return None
        self.problem = ""
        return phases

    def _take_image(self, uid: str) -> None:
        if uid not in self.sources:
            return
        if uid in self._images.unreadable:
            self.problem = f"A phase cannot be read: {self._images.unreadable[uid]}"
            self._asked = False
        elif self._asked:
            self.start()
        self.changed.emit()

    def _turn(self) -> None:
        dynamics = self._library.study.dynamics if self._library.study is not None else ()
        if self._dynamic_uid not in {one.uid for one in dynamics}:
            self._dynamic_uid, self.visible, self.parameter = "", False, ""
        self._drop()
        self.problem = ""

    def follow_correction(self) -> None:
        """Use the motion-corrected phases, or the stored ones again, as is now in use."""
        if self._computed is not None and self._computed.sources != self.sources:
            self._drop()
        elif self._wanted:
            self._request()
        self.changed.emit()

    def _drop(self) -> None:
        self._jobs.supersede(KEY)
        self._asked, self._computed, self._classes = False, None, None
        self._layers.clear()
        if self._wanted:
            self._request()
        if self.visible or self.parameter:
            self.start()
        self.changed.emit()

    # -- maps ------------------------------------------------------------------------------------------------------

    @property
    def maps(self) -> KineticMaps | None:
        """The maps of the series on show, None until they are computed."""
        computed = self._computed
        return computed.maps if computed is not None and computed.sources == self.sources else None

    @property
    def busy(self) -> bool:
        """Whether maps are being computed, or wait for pixels."""
        return self._asked or any(job.key == KEY for job in self._jobs.active)

    def start(self) -> None:
        """Compute the maps in the background, as soon as the phases are in memory."""
        if self.maps is not None or self.dynamic is None or any(job.key == KEY for job in self._jobs.active):
            return
        phases, sources = self.phases(), self.sources
        if phases is None:
            self._asked = not self.problem
            if self._asked:
                self._request()
            return
        self._asked = False

        def work(progress: Progress) -> KineticMaps:
            from inference.kinetics import compute

            return compute(phases, None, progress)

        take = lambda maps: self._take(Computed(sources, maps))  # noqa: E731
        failed = lambda error: self._failed(error)  # noqa: E731
        self._jobs.start(Job("Kinetic maps", work, KEY, take, failed, self.changed.emit), "compute")

    def _take(self, computed: Computed) -> None:
        self._computed = computed
        self._classes = None
        self._layers.clear()
        self.changed.emit()

    def _failed(self, error: Exception) -> None:
        self._notices.error("The kinetic maps could not be computed", error)
        self.changed.emit()

    @property
    def classes(self) -> np.ndarray | None:
        """Class of each voxel at the thresholds in force, None until the maps are computed."""
        maps, settings = self.maps, self.settings
        if maps is None:
            return None
        if self._classes is None or self._classes[0] != settings:
            from inference.kinetics import classify

            self._classes = (settings, classify(maps, settings))
        return self._classes[1]

    # -- layers ----------------------------------------------------------------------------------------------------

    def class_maps(self, frame_uid: str) -> tuple[ClassMapLayer, ...]:
        """Return the class map for images of a frame of reference, where it is to be drawn."""
        maps = self._drawn(frame_uid) if self.visible else None
        classes = self.classes if maps is not None else None
        if maps is None or classes is None:
            return ()
        volume = self._kept("classes", id(classes), lambda: maps.volume(classes))
        return (class_layer(volume, self.settings, self.opacity),)

    def heatmaps(self, frame_uid: str) -> tuple[HeatmapLayer, ...]:
        """Return the parameter map for images of a frame of reference, where one is to be drawn."""
        maps = self._drawn(frame_uid) if self.parameter else None
        if maps is None:
            return ()
        from inference.kinetics import KineticsError

        name, settings = self.parameter, self.settings
        make = lambda: parameter_layer(maps, name, settings)  # noqa: E731
        try:
            layer = self._kept("parameter", (name, settings, id(maps)), make)
        except KineticsError as error:
            self._say(f"{error} {error.hint}")
            return ()
        self._say("")
        return (replace(layer, opacity=self.opacity, table=PARAMETER_TABLE),)

    def _say(self, problem: str) -> None:
        self._map_problem = problem

    def _drawn(self, frame_uid: str) -> KineticMaps | None:
        maps = self.maps
        return maps if maps is not None and (maps.geometry.frame_of_reference_uid or "") == frame_uid else None

    def _kept(self, what: str, key: object, make: Any) -> Any:
        """Return the same object as long as nothing about it changes: panes keep what they sampled of it."""
        if what not in self._layers or self._layers[what][0] != key:
            self._layers[what] = (key, make())
        return self._layers[what][1]

    # -- curves and reports ----------------------------------------------------------------------------------------

    def curve_at(self, mm: Sequence[float], slices: int = 1, in_plane: int = 3) -> Curve | None:
        """Return the curve of the voxels around a point, None without phases or outside them."""
        from inference.kinetics import KineticsError
        from inference.kinetics.region import neighbourhood

        phases = self.phases()
        if phases is None:
            return None
        try:
            region = neighbourhood(phases.pre, (mm[0], mm[1], mm[2]), in_plane, slices)
        except KineticsError:
            return None
        return self._curve(phases, region)

    def curve_of(self, region: Region) -> Curve | None:
        """Return the curve of a region, None without phases."""
        phases = self.phases()
        return self._curve(phases, region) if phases is not None else None

    def _curve(self, phases: Phases, region: Region) -> Curve:
        from inference.kinetics import curve_of, noise_of

        pre = self.sources[phases.timing.pre]
        if pre not in self._floors:
            self._floors = {pre: noise_of(phases).floor}
        return curve_of(phases, region, self._floors[pre], self.settings)

    def report_of(self, region: Region | None) -> ClassReport | None:
        """Return volumes and shares of the classes in a region, or in the whole image; None until there are maps."""
        from inference.kinetics import report_of

        maps, classes, settings = self.maps, self.classes, self.settings
        if maps is None or classes is None:
            return None
        return report_of(maps, classes, settings if region is not None else replace(settings, cluster=1), region)
