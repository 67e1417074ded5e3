"""Rigid registration: SimpleITK's Mattes mutual information over tissue, from coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inference.progress import Progress

_SEED = 20260101
_SHARE = 0.2  # of the tissue voxels are compared
_ITERATIONS = 60
_DIGITS = 6  # of radians and mm: ITK's threads sum in another order every time, which shows in the 15th digit


@dataclass(frozen=True)
class Rigid:
    """Angles and translation of ``Euler3DTransform`` about a centre."""

    angles_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    translation_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    centre_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)


def fit_rigid(fixed: Any, moving: Any, mask: Any, centre_mm: tuple[float, ...], progress: Progress) -> Rigid:
    """Return the rigid motion.

    Parameters
    ----------
    fixed, moving, mask
        ``SimpleITK.Image``; the mask is uint8 on the grid of ``fixed``.
    centre_mm
        About which is turned: the middle of the tissue.
    """
    import SimpleITK as sitk  # noqa: N813

    rigid = sitk.Euler3DTransform()
    rigid.SetCenter([float(value) for value in centre_mm])
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricFixedMask(mask)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(_SHARE, _SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 0.005, _ITERATIONS, 0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    levels = [2, 1] if min(fixed.GetSize()) >= 8 else [1, 1]
    method.SetShrinkFactorsPerLevel(levels)
    method.SetSmoothingSigmasPerLevel([3.0, 0.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(rigid, inPlace=True)
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress.cancelled:
            method.StopRegistration()

    method.AddCommand(sitk.sitkIterationEvent, tick)
    progress.report(0.0, "rigid")
    method.Execute(fixed, moving)
    progress.report(1.0, "rigid")
    values, centre = [round(value, _DIGITS) for value in rigid.GetParameters()], rigid.GetCenter()
    return Rigid((values[0], values[1], values[2]), (values[3], values[4], values[5]), tuple(centre))
