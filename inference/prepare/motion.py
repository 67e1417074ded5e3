"""Motion between the phases of a dynamic MRI: measured, and taken out only where it is large enough to matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import EngineError
from inference.prepare.correction import Correction, RegisterSettings
from inference.prepare.slopes import valid
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.exam import DceExam

MODES = ("measure", "always", "never")
# Breasts move against each other and bend, which a rigid motion does not follow: it sees next to nothing of two breasts
# that move in opposite directions. On voxels of 4 mm the B-spline takes about a second a phase.
_QUICK = RegisterSettings(estimate_mm=4.0)
# Share of the distance of the edges that moving a phase back has to take away, else noise or uptake was fitted: on
# phantoms without motion (10 women, 2 grids, phase before and after contrast) it is at most 0.05, and what is measured
# there up to 1.1 mm; on deformations of 1.5 mm and more that are measured as more than 1 mm it is at least 0.078.
_EVIDENCE = 0.06


@dataclass(frozen=True)
class Moved:
    """What was found and done.

    Attributes
    ----------
    sentence
        For the user.
    measured_mm
        Of each phase but the reference, the 95th percentile of its displacement over tissue; empty where not measured.
    corrected
        Whether phases were registered here.
    """

    sentence: str
    measured_mm: tuple[float, ...] = ()
    corrected: bool = False


def aligned(
    exam: DceExam, mode: str, threshold_mm: float, progress: Progress
) -> tuple[Volume, tuple[Volume, ...], Moved]:
    """Return the pre-contrast phase and those behind it, aligned to the first one after contrast.

    Parameters
    ----------
    mode
        ``"measure"``: a quick registration (rigid and B-spline, coarse voxels) measures how far each phase moved; where
        any moved further than the threshold, all are registered on finer ones. ``"always"`` registers in any case,
        ``"never"`` does not look.
    threshold_mm
        95th percentile of the displacement over tissue. About one pixel: a shift of one voxel fakes enhancement at
        edges of fat.

    Raises
    ------
    Cancelled
    """
    pre, posts = exam.pre, tuple(_finite(post) for post in exam.posts)
    assert pre is not None
    pre = _finite(pre)
    if exam.motion_corrected:
        return pre, posts, Moved("The phases were corrected for motion before.")
    if mode == "never":
        return pre, posts, Moved("Motion between the phases was not looked for.")
    fixed, moving = posts[0], (pre, *posts[1:])
    try:
        measured: tuple[float, ...] = ()
        if mode == "measure":
            measured = _measured(fixed, moving, progress.part(0.0, 0.3))
            if max(measured) <= threshold_mm:
                return pre, posts, Moved(_still(measured, threshold_mm), measured)
        corrections = _registered(fixed, moving, progress.part(0.3, 0.8))
        after = _applied(corrections, fixed, moving, progress.part(0.8, 1.0))
    except EngineError as error:
        return pre, posts, Moved(f"Motion between the phases could not be measured: {error}")
    return after[0], (fixed, *after[1:]), Moved(_corrected(corrections, measured, threshold_mm), measured, True)


def _finite(volume: Volume) -> Volume:
    """Return a volume without NaN and infinity, which no registration takes: they become the least valid value."""
    array = volume.array
    return volume if array.dtype.kind in "iu" or np.isfinite(array).all() else volume.with_array(valid(array))


def _measured(fixed: Volume, moving: tuple[Volume, ...], progress: Progress) -> tuple[float, ...]:
    """Return how far each phase moved, mm."""
    from inference.prepare.register import register

    found = []
    for number, phase in enumerate(moving):
        progress.report(number / len(moving), "measuring motion")
        found.append(_moved_mm(register(fixed, phase, _part(progress, number, len(moving)), settings=_QUICK)))
    return tuple(found)


def _moved_mm(found: Correction) -> float:
    """Return the measured displacement, mm; 0 where moving the phase back makes the images agree hardly better."""
    gained = found.before.edges - found.after.edges
    return found.displacement.p95_mm if gained > _EVIDENCE * found.before.edges else 0.0


def _registered(fixed: Volume, moving: tuple[Volume, ...], progress: Progress) -> list[Correction]:
    from inference.prepare.register import register

    return [
        register(fixed, phase, _part(progress, number, len(moving), "taking out motion: "))
        for number, phase in enumerate(moving)
    ]


def _applied(
    corrections: list[Correction], fixed: Volume, moving: tuple[Volume, ...], progress: Progress
) -> list[Volume]:
    from inference.prepare.register import apply

    return [
        apply(correction, phase, fixed, progress=_part(progress, number, len(moving)))
        for number, (correction, phase) in enumerate(zip(corrections, moving, strict=True))
    ]


def _part(progress: Progress, number: int, count: int, prefix: str = "") -> Progress:
    return progress.part(number / count, (number + 1) / count, prefix)


def _still(measured: tuple[float, ...], threshold_mm: float) -> str:
    return (
        f"Measured motion against the first phase after contrast: at most {max(measured):.1f} mm (95th percentile over "
        f"tissue); not more than {threshold_mm:g} mm, so the phases were used as they are."
    )


def _corrected(corrections: list[Correction], measured: tuple[float, ...], threshold_mm: float) -> str:
    moved = max(correction.displacement.p95_mm for correction in corrections)
    kept = sum(correction.improves for correction in corrections)
    why = f"Measured motion was {max(measured):.1f} mm, more than {threshold_mm:g} mm. " if measured else ""
    return (
        f"{why}{kept} of {len(corrections)} phases were registered to the first phase after contrast "
        f"(rigid and B-spline); they moved by up to {moved:.1f} mm (95th percentile over tissue)."
    )
