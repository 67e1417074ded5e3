"""Correction: how one volume moved against another, as plain arrays with the evidence for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from highdicom import Volume


@dataclass(frozen=True)
class RegisterSettings:
    """How a registration is done.

    Attributes
    ----------
    estimate_mm
        Voxels are averaged in blocks of at most this size before motion is estimated; breast motion is smooth.
    grid_mm
        Distance of the B-spline knots. 30 to 40 mm follows the breast and not a lesion (Rohlfing et al., IEEE TMI
        2003;22:730).
    deformable
        Whether a B-spline follows the rigid step.
    iterations
        Upper bound for each resolution.
    stiffness
        Weight of the bending of the B-spline against the distance of the gradient fields.
    jacobian
        Least and greatest change of volume allowed anywhere; a deformation beyond is scaled down.
    """

    estimate_mm: float = 2.4
    grid_mm: float = 35.0
    deformable: bool = True
    iterations: int = 40
    stiffness: float = 0.004
    jacobian: tuple[float, float] = (0.7, 1.4)


@dataclass(frozen=True)
class Residual:
    """What is left of the motion, over tissue; neither number depends on the contrast.

    Attributes
    ----------
    edges
        Distance of the normalised gradient fields, 0 (edges parallel everywhere) to 1 (Haber and Modersitzki, MICCAI
        2006), weighted by the edges of the fixed image. The registration minimises nearly this.
    nmi
        Normalised mutual information, 1 (nothing in common) to 2 (Studholme et al., Pattern Recognition 1999;32:71).
        The B-spline does not look at it: an independent witness.
    """

    edges: float
    nmi: float


@dataclass(frozen=True)
class Displacement:
    """Length of the displacement over tissue, in mm."""

    mean_mm: float = 0.0
    p95_mm: float = 0.0
    max_mm: float = 0.0


@dataclass(frozen=True)
class Spline:
    """A cubic B-spline displacement field as in ITK's ``BSplineTransform``.

    Attributes
    ----------
    coefficients
        Shape (3 components x, y, z in LPS mm; knots along slices, rows, columns).
    origin_mm
        Outer corner of the domain, LPS.
    directions
        Shape (3, 3): unit vectors along column index i, row index j and slice index k, one per column.
    size_mm
        Extent of the domain along i, j, k.
    """

    coefficients: np.ndarray
    origin_mm: np.ndarray
    directions: np.ndarray
    size_mm: np.ndarray

    @property
    def mesh(self) -> tuple[int, int, int]:
        """Number of meshes along i, j, k: three fewer than knots."""
        z, y, x = (count - 3 for count in self.coefficients.shape[1:])
        return x, y, z


@dataclass(frozen=True, eq=False)
class Correction:
    """A registration: where a point of the fixed volume is found in the moving one, and how good that is.

    A point x of the fixed volume lies at ``c + R (x + b(x) - c) + t`` of the moving one: b is the B-spline, R and t the
    rigid step about the centre c.

    Attributes
    ----------
    angles_rad, translation_mm, centre_mm
        Of ``Euler3DTransform`` (rotation Z·X·Y); all zero when nothing was kept.
    spline
        None where the rigid step alone, or nothing, was kept.
    stage
        What was kept: ``"none"``, ``"rigid"`` or ``"rigid + B-spline"``.
    fixed_hash, moving_hash
        Of the volumes it was estimated from (:func:`content_hash`).
    residuals
        By stage that was tried, ``"none"`` first.
    jacobian
        Least and greatest determinant over tissue: 1 keeps the volume.
    library
        What computed it, with versions.
    """

    stage: str
    angles_rad: tuple[float, float, float]
    translation_mm: tuple[float, float, float]
    centre_mm: tuple[float, float, float]
    spline: Spline | None
    fixed_hash: str
    moving_hash: str
    settings: RegisterSettings
    seconds: float
    residuals: dict[str, Residual]
    jacobian: tuple[float, float] = (1.0, 1.0)
    displacement: Displacement = field(default_factory=Displacement)
    library: str = ""

    @property
    def before(self) -> Residual:
        """The residual without correction."""
        return self.residuals["none"]

    @property
    def after(self) -> Residual:
        """The residual with what was kept."""
        return self.residuals[self.stage]

    @property
    def improves(self) -> bool:
        """Whether anything was kept; else the images stay as they are."""
        return self.stage != "none"

    @property
    def verdict(self) -> str:
        """``"better"`` or ``"no better"``."""
        return "better" if self.improves else "no better"

    def fits(self, fixed: Volume, moving: Volume) -> bool:
        """Whether it was estimated from just these volumes."""
        return content_hash(fixed) == self.fixed_hash and content_hash(moving) == self.moving_hash


def content_hash(volume: Volume) -> str:
    """Return the SHA-256 of values, type, shape and affine (to a thousandth of a millimetre)."""
    array = np.ascontiguousarray(volume.array)
    geometry = np.round(np.asarray(volume.affine, float) * 1000).astype(np.int64)
    head = f"{array.dtype.str} {array.shape} {geometry.tolist()}".encode()
    digest = hashlib.sha256(head)
    digest.update(array.data)
    return digest.hexdigest()
