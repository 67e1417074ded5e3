"""Estimate: both volumes averaged to the size at which motion is found, and each stage of finding it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.errors import EngineError
from inference.prepare.correction import Correction, Displacement, RegisterSettings, Residual, Spline
from inference.prepare.deformation import (
    affine_of,
    displacement,
    jacobian,
    rotation,
    spline_on,
    to_image,
    to_transform,
    with_geometry,
)
from inference.prepare.residual import residual
from inference.prepare.tissue_mask import tissue_mask
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

_HALVINGS = 4
_LEAST_TISSUE = 500  # voxels


@dataclass
class Estimate:
    """Both volumes averaged to the size at which motion is estimated.

    Attributes
    ----------
    fixed, moving
        ``SimpleITK.Image``, float32.
    mask
        Tissue of the fixed one, shape (slices, rows, columns).
    """

    fixed: Any
    moving: Any
    mask: np.ndarray
    settings: RegisterSettings

    @classmethod
    def of(cls, fixed: Volume, moving: Volume, settings: RegisterSettings) -> Estimate:
        """Average both; EngineError where there is no tissue."""
        images = [_averaged(to_image(volume), settings.estimate_mm) for volume in (fixed, moving)]
        mask = tissue_mask(_array(images[0]), affine_of(images[0]))
        if mask.sum() < _LEAST_TISSUE:
            raise EngineError(
                "No tissue was found in the fixed image, so there is nothing to register.",
                "Check that the series shows a breast.",
            )
        return cls(images[0], images[1], mask, settings)

    @property
    def affine(self) -> np.ndarray:
        """(slice, row, column) of the averaged fixed volume to LPS mm."""
        return affine_of(self.fixed)

    def rigid(self, base: Correction, progress: Progress) -> Correction:
        """Find the rigid motion."""
        import SimpleITK as sitk  # noqa: N813

        from inference.prepare.rigid import fit_rigid

        mask = sitk.GetImageFromArray(self.mask.astype(np.uint8))
        mask.CopyInformation(self.fixed)
        index = np.argwhere(self.mask).mean(axis=0)
        centre = self.affine[:3, :3] @ index + self.affine[:3, 3]
        found = fit_rigid(self.fixed, self.moving, mask, tuple(centre), progress)
        return replace(base, **vars(found))

    def bent(self, start: Correction, progress: Progress) -> Correction:
        """Fit the B-spline, first to images of half the resolution."""
        from inference.prepare.free_form import Pair, fit

        centre = np.array(start.centre_mm)
        rigid = np.eye(4)
        rigid[:3, :3] = rotation(start.angles_rad)
        rigid[:3, 3] = centre + np.array(start.translation_mm) - rigid[:3, :3] @ centre
        spline = spline_on(self.affine, self.mask.shape, self.settings.grid_mm)
        for factor, (begin, end) in ((2, (0.0, 0.3)), (1, (0.3, 1.0))):
            pictures = [_averaged(image, factor * self.settings.estimate_mm) for image in (self.fixed, self.moving)]
            affines = [affine_of(picture) for picture in pictures]
            mask = self.mask if factor == 1 else _sampled(self.mask, self.affine, pictures[0])
            fixed, mask, affines[0] = _cropped(_array(pictures[0]), mask, affines[0])
            pair = Pair(fixed, _array(pictures[1]), mask, affines[0], affines[1], rigid)
            coefficients = fit(pair, spline, self.settings, progress.part(begin, end))
            spline = replace(spline, coefficients=coefficients)
        return replace(start, stage="rigid + B-spline", spline=self._bounded(spline))

    def _bounded(self, spline: Spline) -> Spline:
        """Halve a deformation until it changes no volume by more than the settings allow."""
        low, high = self.settings.jacobian
        for _ in range(_HALVINGS):
            change = jacobian(spline, self.affine, self.mask.shape)[self.mask]
            if low <= change.min() and change.max() <= high:
                return spline
            spline = replace(spline, coefficients=spline.coefficients / 2)
        return replace(spline, coefficients=np.zeros_like(spline.coefficients))

    def residual(self, correction: Correction) -> Residual:
        """Measure what a correction leaves; EngineError where the volumes hardly overlap."""
        import SimpleITK as sitk  # noqa: N813

        moved = sitk.Resample(self.moving, self.fixed, to_transform(correction), sitk.sitkLinear, 0.0)
        inside = sitk.Resample(self.moving * 0 + 1, self.fixed, to_transform(correction), sitk.sitkLinear, 0.0)
        mask = self.mask & (_array(inside) > 0.5)
        if mask.sum() < 0.2 * self.mask.sum():
            if correction.stage == "none":
                raise EngineError(
                    "The two images show different places, so they cannot be registered.", "Choose phases of one scan."
                )
            return Residual(1.0, 1.0)
        # Interpolating smooths, and smooth images look more alike: both are smoothed more than that.
        smooth = [_array(sitk.SmoothingRecursiveGaussian(image, [2.0] * 3)) for image in (self.fixed, moved)]
        return residual(smooth[0], smooth[1], mask, self.fixed.GetSpacing()[::-1])

    def extent(self, correction: Correction) -> dict[str, Any]:
        """Measure displacement and change of volume over tissue."""
        if not correction.improves:
            return {}
        lengths = np.linalg.norm(displacement(correction, self.affine, self.mask.shape), axis=0)[self.mask]
        p95 = float(np.percentile(lengths, 95))
        measured: dict[str, Any] = {"displacement": Displacement(float(lengths.mean()), p95, float(lengths.max()))}
        if correction.spline is not None:
            change = jacobian(correction.spline, self.affine, self.mask.shape)[self.mask]
            measured["jacobian"] = (float(change.min()), float(change.max()))
        return measured


def _cropped(image: np.ndarray, mask: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut off what lies more than a voxel outside the tissue; its gradients need one."""
    places = np.argwhere(mask)
    start, stop = np.maximum(places.min(axis=0) - 1, 0), places.max(axis=0) + 2
    cut = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    moved = np.array(affine, float)
    moved[:3, 3] += moved[:3, :3] @ start
    return np.ascontiguousarray(image[cut]), np.ascontiguousarray(mask[cut]), moved


def _averaged(image: Any, size_mm: float) -> Any:
    """Average blocks of voxels up to a size; never fewer than four voxels along an axis are left."""
    import SimpleITK as sitk  # noqa: N813

    pairs = zip(image.GetSize(), image.GetSpacing(), strict=True)
    factors = [max(1, min(int(size_mm / spacing + 0.01), size // 4)) for size, spacing in pairs]
    return sitk.BinShrink(image, factors)


def _sampled(mask: np.ndarray, affine: np.ndarray, image: Any) -> np.ndarray:
    import SimpleITK as sitk  # noqa: N813

    own = with_geometry(sitk.GetImageFromArray(mask.astype(np.uint8)), affine)
    return _array(sitk.Resample(own, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)) > 0


def _array(image: Any) -> np.ndarray:
    import SimpleITK as sitk  # noqa: N813

    return sitk.GetArrayFromImage(image)
