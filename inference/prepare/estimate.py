"""Estimate: both volumes averaged to the size at which motion is found, and each stage of finding it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from inference.errors import EngineError
from inference.prepare.correction import Correction, Displacement, RegisterSettings, Residual, Spline
from inference.prepare.deformation import (
    affine_of,
    displacement,
    jacobian,
    rotation,
    spline_on,
    to_field,
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
_MARGIN_MM = 12.0  # of the fixed volume around its tissue: smoothing and gradients see no border
_SMOOTH_MM = 2.0  # interpolating smooths, and smooth images look more alike: both are smoothed more than that


@dataclass
class Estimate:
    """Both volumes averaged to the size at which motion is estimated.

    Attributes
    ----------
    fixed, moving
        ``SimpleITK.Image``, float32; the fixed one cut to what lies around its tissue.
    mask
        Tissue of the fixed one, shape (slices, rows, columns).
    whole
        B-spline without displacement over the whole of the fixed volume.
    """

    fixed: Any
    moving: Any
    mask: np.ndarray
    whole: Spline
    settings: RegisterSettings

    @classmethod
    def of(
        cls, fixed: Volume, moving: Volume, settings: RegisterSettings, progress: Progress | None = None
    ) -> Estimate:
        """Average both; EngineError where there is no tissue."""
        import SimpleITK as sitk  # noqa: N813

        progress, images = progress or Progress(), []
        for volume in (fixed, moving):
            progress.check()
            images.append(_averaged(to_image(volume), settings.estimate_mm))
        progress.check()
        mask = tissue_mask(_array(images[0]), affine_of(images[0]))
        if mask.sum() < _LEAST_TISSUE:
            raise EngineError(
                "No tissue was found in the fixed image, so there is nothing to register.",
                "Check that the series shows a breast.",
            )
        whole = spline_on(affine_of(images[0]), mask.shape, settings.grid_mm)
        margin = np.ceil(_MARGIN_MM / np.array(images[0].GetSpacing()[::-1])).astype(int)
        start, stop = _around(mask, margin)
        cut = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        fixed = sitk.RegionOfInterest(images[0], (stop - start)[::-1].tolist(), start[::-1].tolist())
        return cls(fixed, images[1], np.ascontiguousarray(mask[cut]), whole, settings)

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
        spline = self.whole
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
            change = self._change(spline)
            if low <= change.min() and change.max() <= high:
                return spline
            spline = replace(spline, coefficients=spline.coefficients / 2)
        return replace(spline, coefficients=np.zeros_like(spline.coefficients))

    def residual(self, correction: Correction) -> Residual:
        """Measure what a correction leaves; EngineError where the volumes hardly overlap."""
        import SimpleITK as sitk  # noqa: N813

        nowhere = float("nan")
        where = to_field(correction, self.affine, self.mask.shape) if correction.spline else to_transform(correction)
        moved = _array(sitk.Resample(self.moving, self.fixed, where, sitk.sitkLinear, nowhere))
        mask = self.mask & ~np.isnan(moved)
        if mask.sum() < 0.2 * self.mask.sum():
            if correction.stage == "none":
                raise EngineError(
                    "The two images show different places, so they cannot be registered.", "Choose phases of one scan."
                )
            return Residual(1.0, 1.0)
        return residual(self._smooth_fixed, self._smooth(np.nan_to_num(moved)), mask, self.fixed.GetSpacing()[::-1])

    @cached_property
    def _smooth_fixed(self) -> np.ndarray:
        return self._smooth(_array(self.fixed))

    def _smooth(self, image: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(image, [_SMOOTH_MM / mm for mm in self.fixed.GetSpacing()[::-1]])

    @cached_property
    def _sparse(self) -> tuple[np.ndarray, np.ndarray]:
        """Every second voxel, mask and affine: displacements are far smoother than that."""
        step = np.diag([2.0, 2.0, 2.0, 1.0])
        return self.mask[::2, ::2, ::2], self.affine @ step

    def _change(self, spline: Spline) -> np.ndarray:
        mask, affine = self._sparse
        return jacobian(spline, affine, mask.shape)[mask]

    def extent(self, correction: Correction) -> dict[str, Any]:
        """Measure displacement and change of volume over tissue."""
        if not correction.improves:
            return {}
        mask, affine = self._sparse
        lengths = np.linalg.norm(displacement(correction, affine, mask.shape), axis=0)[mask]
        p95 = float(np.percentile(lengths, 95))
        measured: dict[str, Any] = {"displacement": Displacement(float(lengths.mean()), p95, float(lengths.max()))}
        if correction.spline is not None:
            change = self._change(correction.spline)
            measured["jacobian"] = (float(change.min()), float(change.max()))
        return measured


def _around(mask: np.ndarray, margin: int | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last index (exclusive) of what is set, with a margin, inside the array."""
    places = np.argwhere(mask)
    return np.maximum(places.min(axis=0) - margin, 0), np.minimum(places.max(axis=0) + 1 + margin, mask.shape)


def _cropped(image: np.ndarray, mask: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut off what lies more than a voxel outside the tissue; its gradients need one."""
    start, stop = _around(mask, 1)
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
