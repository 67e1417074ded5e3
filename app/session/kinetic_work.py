"""Work of kinetics: what is done off the Qt thread: maps with the breasts, layers to draw, reports of regions. Qt-free.

All of it runs on the compute lane, one piece after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.session.kinetic_layers import class_layer, parameter_layer

if TYPE_CHECKING:
    import numpy as np
    from highdicom import Volume

    from inference.kinetics import AnyRegion, ClassReport, Curve, KineticMaps, KineticSettings, Phases
    from inference.prepare.breast_mask import BreastMask
    from inference.progress import Progress
    from viewer.layers.types import ClassMapLayer, HeatmapLayer

BREASTS = {"breasts": (0, "Both breasts"), "right": (1, "Right breast"), "left": (2, "Left breast")}
Point = tuple[float, float, float]


@dataclass(eq=False)
class Computed:
    """Maps, the breasts, and the images they were computed from."""

    sources: tuple[str, ...]
    maps: KineticMaps
    breasts: BreastMask
    _classes: tuple[KineticSettings, np.ndarray] | None = field(default=None, repr=False)

    @property
    def inside(self) -> np.ndarray | None:
        """Where the breasts are, bool (slice k, row j, column i); None where they were not found plausibly."""
        return self.breasts.volume.array > 0 if not self.breasts.problem else None

    def classes(self, settings: KineticSettings) -> np.ndarray:
        """Return the class of each voxel; the last ones are kept."""
        if self._classes is None or self._classes[0] != settings:
            from inference.kinetics import classify

            self._classes = (settings, classify(self.maps, settings))
        return self._classes[1]


@dataclass(frozen=True, eq=False)
class Look:
    """What is drawn.

    Attributes
    ----------
    wish
        What it was made for.
    problem
        Why the parameter map is not drawn, "" where it is or none is wished for.
    """

    wish: Wish
    classes: ClassMapLayer
    parameter: HeatmapLayer | None = None
    problem: str = ""


@dataclass(frozen=True)
class Wish:
    """What is to be drawn: thresholds, name of a parameter map or "", and whether only inside the breasts."""

    settings: KineticSettings
    parameter: str
    in_breasts: bool


Find = Callable[[Computed, "KineticSettings", "Progress"], "tuple[AnyRegion | None, str]"]


@dataclass(frozen=True, eq=False)
class Measured:
    """Report of a region, its mean curve where that means something, and how the region was found."""

    report: ClassReport
    curve: Curve | None
    note: str


def compute_all(phases: Phases, sources: tuple[str, ...], progress: Progress) -> Computed:
    """Return maps and breasts of a dynamic series."""
    from inference.kinetics import compute
    from inference.prepare.breast_mask import breast_mask

    maps = compute(phases, None, progress.part(0, 0.7))
    progress.check()
    return Computed(sources, maps, breast_mask(phases.pre, progress.part(0.7, 1)))


def draw(computed: Computed, wish: Wish, before: Look | None, progress: Progress) -> Look:
    """Return the layers; what only looks the same as before is the same object, so that panes keep their samples."""
    from inference.kinetics import KineticsError

    settings, inside = wish.settings, computed.inside if wish.in_breasts else None
    if before is not None and replace(before.wish, parameter=wish.parameter) == wish:
        layer = before.classes
    else:
        layer = class_layer(_masked(computed, settings, inside), settings, 1.0)
    progress.report(0.5, "Colours")
    progress.check()
    if not wish.parameter:
        return Look(wish, layer)
    try:
        return Look(wish, layer, parameter_layer(computed.maps, wish.parameter, settings, inside))
    except KineticsError as error:
        return Look(wish, layer, None, f"{error} {error.hint}")


def _masked(computed: Computed, settings: KineticSettings, inside: np.ndarray | None) -> Volume:
    classes = computed.classes(settings)
    return computed.maps.volume(classes if inside is None else classes * inside)


def measure(computed: Computed, phases: Phases, settings: KineticSettings, find: Find, progress: Progress) -> Measured:
    """Find a region and report on it."""
    from inference.kinetics import Region, curve_of, report_of

    region, note = find(computed, settings, progress)
    progress.report(0.5, "Counting")
    progress.check()
    counted = settings if region is not None else replace(settings, cluster=1)
    report = report_of(computed.maps, computed.classes(settings), counted, region)
    progress.check()
    curve = None
    if isinstance(region, Region):
        curve = curve_of(phases, region, computed.maps.noise.floor, settings)
    return Measured(report, curve, note)


def whole(_computed: Computed, _settings: KineticSettings, _progress: Progress) -> tuple[None, str]:
    """Find the whole image."""
    return None, "Whole image: heart, vessels and liver are included."


def lesion(mm: Point) -> Find:
    """Return what finds the lesion at a point."""

    def find(computed: Computed, settings: KineticSettings, progress: Progress) -> tuple[AnyRegion, str]:
        from inference.kinetics import lesion_at

        found = lesion_at(computed.maps, settings, mm, computed.inside, progress)
        return found.region, found.rule

    return find


def breasts(name: str) -> Find:
    """Return what finds both breasts, the right or the left one; the whole image where they were not found."""

    def find(computed: Computed, _settings: KineticSettings, _progress: Progress) -> tuple[AnyRegion | None, str]:
        from inference.kinetics import MaskedRegion

        side, title = BREASTS[name]
        mask = computed.breasts
        if mask.problem:
            return None, f"{mask.problem} The whole image is counted instead: heart, vessels and liver are included."
        there = mask.volume.array == side if side else mask.volume.array > 0
        ml = f"{mask.ml(1):.0f} ml right, {mask.ml(2):.0f} ml left"
        note = f"Breast: body in front of a chest-wall line laid through the skin, not a segmentation ({ml})."
        return MaskedRegion(title, there), note

    return find
