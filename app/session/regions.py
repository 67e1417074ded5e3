"""Regions: lesions outlined by enhancement around a point, or taken from a result, with their size; the study's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.library import OpenStudies
from viewer.layers.types import MaskLayer

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from inference.lesion_size import LesionSize
    from inference.progress import Progress

Point = tuple[float, float, float]
COLOURS = ("#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#f0e442")  # Okabe and Ito: told apart by every eye
OPACITY = 0.75


@dataclass(frozen=True)
class Growth:
    """How a region is to be found.

    Attributes
    ----------
    per_cent
        Least enhancement over pre-contrast; None takes half of the lesion's own, which leaks less.
    reach_mm
        Greatest distance from the seed.
    strand_mm
        Strands thinner than this, such as vessels, are cut off; 0 keeps them.
    """

    per_cent: float | None = None
    reach_mm: float = 40.0
    strand_mm: float = 3.0


@dataclass(frozen=True, eq=False)
class Lesion:
    """A region with its size.

    Attributes
    ----------
    cut_off
        Whether it ends at the greatest distance rather than where enhancement ends.
    provenance
        Sentences: threshold, seed, phases, motion correction.
    """

    uid: str
    mask: MaskLayer
    size: LesionSize
    frame_of_reference_uid: str
    cut_off: bool = False
    provenance: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What a user reads."""
        return self.mask.title


class Regions(QObject):
    """The regions of the current study; they go with it, and are not stored.

    Attributes
    ----------
    changed
        A region was added, removed, hidden or shown.
    """

    changed = Signal()

    def __init__(self, jobs: Jobs, notices: Notices, library: OpenStudies, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._notices, self._library = jobs, notices, library
        self._count = 0
        self._study = ""
        self.lesions: tuple[Lesion, ...] = ()
        library.study_changed.connect(self._follow)

    def _follow(self) -> None:
        uid = self._library.study.uid if self._library.study is not None else ""
        if uid != self._study:
            self._study, self._count = uid, 0
            self._jobs.supersede("region")
            self._keep(())

    def masks(self, frame_uid: str) -> tuple[MaskLayer, ...]:
        """Return the masks that lie in a frame of reference, hidden ones too."""
        return tuple(one.mask for one in self.lesions if one.frame_of_reference_uid == frame_uid)

    def grow(self, subtraction: LoadedStack, pre: LoadedStack, seed_mm: Point, growth: Growth) -> None:
        """Outline what enhances around a point, in the background."""
        number, study = self._count + 1, self._study
        colour = COLOURS[self._count % len(COLOURS)]

        def work(progress: Progress) -> Lesion:
            from inference.lesion_region import around, enhancement_per_cent, grow, half_enhancement

            part = around(subtraction.volume, seed_mm, growth.reach_mm)
            enhancement = enhancement_per_cent(part, pre.volume)
            progress.report(0.3, "Growing")
            least, own = growth.per_cent, None
            if least is None:
                least, own = half_enhancement(enhancement, seed_mm)
            region = grow(enhancement, seed_mm, least, growth.reach_mm, growth.strand_mm, progress)
            progress.report(0.6, "Measuring")
            mask = MaskLayer(f"region-{study}-{number}", f"Region {number}", region.mask, colour, OPACITY)
            said = _basis(least, own, region.seed_mm, growth.reach_mm)
            limits = _limits(subtraction, growth, cut_off=region.cut_off)
            return _measured(mask, cut_off=region.cut_off, provenance=(said, *limits))

        def take(lesion: Lesion) -> None:
            self._count = number
            self._keep((*self.lesions, lesion))

        failed = lambda error: self._notices.error("No region was made", error)  # noqa: E731
        self._jobs.start(Job("Outlining enhancement", work, "region", take, failed), "compute")

    def set_masks(self, layers: Iterable[MaskLayer], provenance: tuple[str, ...] = ()) -> None:
        """Add masks of a result, replacing earlier ones of the same uid; sizes are measured in the background."""
        layers = tuple(layers)

        def work(progress: Progress) -> tuple[Lesion, ...]:
            found = []
            for place, layer in enumerate(layers):
                progress.report(place / len(layers), "Measuring masks")
                if layer.volume.array.any():
                    found.append(_measured(layer, provenance=provenance))
            return tuple(found)

        uids = {layer.uid for layer in layers}
        take = lambda found: self._keep((*(one for one in self.lesions if one.uid not in uids), *found))  # noqa: E731
        failed = lambda error: self._notices.error("The masks could not be measured", error)  # noqa: E731
        self._jobs.start(Job("Measuring masks", work, "masks", take, failed, quiet=True), "compute")

    def remove(self, uid: str) -> None:
        """Drop a region."""
        self._keep(tuple(one for one in self.lesions if one.uid != uid))

    def show(self, uid: str, *, visible: bool) -> None:
        """Show or hide a region."""
        self._keep(
            tuple(
                replace(one, mask=replace(one.mask, visible=visible)) if one.uid == uid else one for one in self.lesions
            )
        )

    def _keep(self, lesions: tuple[Lesion, ...]) -> None:
        if lesions != self.lesions:
            self.lesions = lesions
            self.changed.emit()


def _measured(mask: MaskLayer, **said: Any) -> Lesion:
    from inference.lesion_size import lesion_size

    frame_uid = str(mask.volume.frame_of_reference_uid or "")
    return Lesion(mask.uid, mask, lesion_size(mask.volume), frame_uid, **said)


def _basis(least: float, own: float | None, seed_mm: Point, reach_mm: float) -> str:
    x, y, z = seed_mm
    half = f" (half of the lesion's own, {own:.0f} %, the median within 3 mm of the cursor)" if own is not None else ""
    return (
        f"Enhancement of {least:.0f} % or more over pre-contrast{half}, joined to the seed "
        f"(LPS {x:.1f}, {y:.1f}, {z:.1f} mm), at most {reach_mm:.0f} mm from it."
    )


def _limits(subtraction: LoadedStack, growth: Growth, *, cut_off: bool) -> tuple[str, ...]:
    from app.studies.derived import parse

    derived = parse(subtraction.stack.uid)
    corrected = derived is not None and derived.motion_corrected
    said = [
        f"{subtraction.stack.title or 'Subtraction'}; {'motion-corrected' if corrected else 'not motion-corrected'}.",
        f"Strands thinner than {growth.strand_mm:.0f} mm are cut off, thin spicules with them."
        if growth.strand_mm
        else "Vessels are not cut off.",
        "Voxels below 60 % of the 95th percentile of pre-contrast are background.",
        "A threshold on one phase: not a segmentation by a reader or a model; vessels and skin that touch may belong.",
    ]
    if cut_off:
        said.append("It ends at the greatest distance: tissue that enhances goes on beyond. Raise the threshold.")
    return tuple(said)
