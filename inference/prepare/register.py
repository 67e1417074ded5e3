"""Register: motion between two volumes of one examination, rigid and then as a stiff B-spline; and its correction."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

import numpy as np

from inference.errors import EngineError
from inference.prepare.correction import Correction, RegisterSettings, Residual, content_hash
from inference.prepare.estimate import Estimate
from inference.prepare.resample import resampled
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

__all__ = ["Correction", "RegisterSettings", "apply", "register"]

_GAIN = 0.01  # of the distance of the edges: less is noise, and interpolating costs sharpness
_NMI_LOSS = 0.002  # the witness may not speak against it by more than this


def register(
    fixed: Volume, moving: Volume, progress: Progress | None = None, *, settings: RegisterSettings | None = None
) -> Correction:
    """Return how ``moving`` moved against ``fixed``.

    Estimated from voxels averaged to about 2.4 mm. What is kept is the stage with the least residual; where neither
    makes the images agree better, nothing is kept and :attr:`Correction.verdict` says so. The same volumes give the
    same correction.

    Parameters
    ----------
    fixed, moving
        Single-channel volumes (slices, rows, columns) in one frame of reference; grids may differ.
    progress
        Cancels within an iteration, a fraction of a second.

    Raises
    ------
    EngineError
        For volumes that cannot be registered: empty, constant, one slice, no numbers, no tissue, another frame.
    """
    started, progress, settings = time.perf_counter(), progress or Progress(), settings or RegisterSettings()
    for volume, name in ((fixed, "fixed"), (moving, "moving")):
        progress.check()
        _check(volume, name)
    _check_frames(fixed, moving)
    progress.report(0.0, "looking for tissue")
    work = Estimate.of(fixed, moving, settings, progress)
    progress.check()
    base = _nothing(fixed, moving, settings)
    tried = {"none": work.residual(base)}
    rigid = replace(work.rigid(base, progress.part(0.05, 0.25)), stage="rigid")
    progress.check()
    tried["rigid"] = work.residual(rigid)
    kept = rigid if _better(tried["rigid"], tried["none"]) else base
    if settings.deformable:
        bent = work.bent(kept, progress.part(0.25, 0.97))
        progress.check()
        tried["rigid + B-spline"] = work.residual(bent)
        kept = bent if _better(tried["rigid + B-spline"], tried[kept.stage]) else kept
    kept = replace(kept, residuals=tried, seconds=time.perf_counter() - started, library=_library())
    progress.report(1.0, kept.stage)
    return replace(kept, **work.extent(kept))


def apply(
    correction: Correction,
    moving: Volume,
    fixed: Volume,
    *,
    interpolation: Literal["linear", "bspline"] = "bspline",
    progress: Progress | None = None,
) -> Volume:
    """Return ``moving`` on the grid of ``fixed``, motion taken out.

    Parameters
    ----------
    interpolation
        Cubic B-spline keeps edges as sharp as they were and its overshoot is cut off; linear blurs a little.

    progress
        Cancels within some slices, a fraction of a second.

    Returns
    -------
    Volume
        Type of ``moving``; its lowest value where it has no voxel.

    Raises
    ------
    EngineError
        Where the correction belongs to other volumes.
    """
    from highdicom import Volume

    if not correction.fits(fixed, moving):
        raise EngineError(
            "The motion correction was estimated from other images than these.", "Correct the motion again (Ctrl+M)."
        )
    source = np.asarray(moving.array)
    if not correction.improves and _same_grid(fixed, moving):
        array = source.copy()
    else:
        array = resampled(moving, fixed, correction, progress or Progress(), smooth=interpolation == "bspline")
    return Volume(array, fixed.affine, coordinate_system="PATIENT", frame_of_reference_uid=fixed.frame_of_reference_uid)


def _better(after: Residual, before: Residual) -> bool:
    return after.edges < (1 - _GAIN) * before.edges and after.nmi > before.nmi - _NMI_LOSS


def _nothing(fixed: Volume, moving: Volume, settings: RegisterSettings) -> Correction:
    zero = (0.0, 0.0, 0.0)
    return Correction(
        "none", zero, zero, zero, None, content_hash(fixed), content_hash(moving), settings, 0.0, {}, library=""
    )


def _check(volume: Volume, name: str) -> None:
    """Raise EngineError for a volume that cannot be registered."""
    array = np.asarray(volume.array)
    hint = "Show the images without motion correction."
    if array.ndim != 3:
        raise EngineError(f"The {name} image has colour channels; only grey volumes are registered.", hint)
    if not array.size:
        raise EngineError(f"The {name} image has no voxels.", hint)
    if min(array.shape) < 4:
        slices, rows, columns = array.shape
        raise EngineError(
            f"The {name} image has {slices} × {rows} × {columns} slices, rows and columns; motion in space can be "
            "estimated from four of each upwards.",
            hint,
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise EngineError(f"The {name} image holds values that are no numbers (NaN or infinite).", hint)
    if array.min() == array.max():
        raise EngineError(f"Every voxel of the {name} image has the same value.", hint)


def _check_frames(fixed: Volume, moving: Volume) -> None:
    frames = [str(volume.frame_of_reference_uid or "") for volume in (fixed, moving)]
    if all(frames) and frames[0] != frames[1]:
        raise EngineError(
            "The two images have different frames of reference (the patient was positioned anew).",
            "Choose phases of one examination.",
        )


def _same_grid(fixed: Volume, moving: Volume) -> bool:
    return fixed.spatial_shape == moving.spatial_shape and np.allclose(fixed.affine, moving.affine, atol=1e-4)


def _library() -> str:
    return f"SimpleITK {version('SimpleITK')}, torch {version('torch')}"
