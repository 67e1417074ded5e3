"""Free-form deformation: a stiff B-spline that makes the gradient fields of two images parallel.

SimpleITK's B-spline registration has no term for stiffness: on phantoms with known motion, Mattes mutual information
leaves four times the error and changes a lesion's volume by 12 %, correlation folds space, and both give another result
every time (ARCHITECTURE, Decisions). Here the bending is penalised, and gradients, not values, are compared: contrast
agent changes values.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch.nn import functional as F

from inference.prepare.correction import RegisterSettings, Spline
from inference.prepare.deformation import bases
from inference.progress import Progress

_STRETCH = 0.02  # weight of stretching against bending: holds knots that see no tissue
_TOLERANCE = 1e-4  # relative gain of an iteration below which nothing more is to be had


@dataclass(frozen=True)
class Pair:
    """Two images and the tissue of the first.

    Attributes
    ----------
    fixed, moving
        Shape (slices, rows, columns), float32.
    mask
        On the grid of ``fixed``.
    fixed_affine, moving_affine
        (slice, row, column) to LPS mm.
    rigid
        4 × 4: from a point of the fixed volume to the moving one.
    """

    fixed: np.ndarray
    moving: np.ndarray
    mask: np.ndarray
    fixed_affine: np.ndarray
    moving_affine: np.ndarray
    rigid: np.ndarray


def fit(pair: Pair, spline: Spline, settings: RegisterSettings, progress: Progress) -> np.ndarray:
    """Return coefficients of the B-spline, shape of ``spline.coefficients``, starting from the given ones."""
    shape = spline.coefficients.shape
    weights = _stiffness_weights(spline)
    done = 0

    def objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        progress.check()
        coefficients = torch.tensor(values.reshape(shape), dtype=torch.float32, requires_grad=True)
        loss = distance(coefficients) + settings.stiffness * _bending(coefficients, weights)
        loss.backward()
        gradient = coefficients.grad
        assert gradient is not None
        return float(loss.detach()), gradient.numpy().astype(np.float64).ravel()

    def report(_: np.ndarray) -> None:
        nonlocal done
        done += 1
        progress.report(min(done / settings.iterations, 1.0), "B-spline")

    with one_thread():
        distance = _Distance(pair, spline)
        found = minimize(
            objective,
            spline.coefficients.ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=report,
            options={"maxiter": settings.iterations, "maxfun": 2 * settings.iterations, "ftol": _TOLERANCE},
        )
    return found.x.reshape(shape)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: the sums, and with them the result, are the same on every machine.

    On a busy machine it is faster, too: threads that wait for each other do not get on.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Distance:
    """1 - cos² between the gradients of the fixed and of the deformed moving image, over the edges of the fixed one."""

    def __init__(self, pair: Pair, spline: Spline) -> None:
        shape = pair.fixed.shape
        self._bases = [torch.tensor(b, dtype=torch.float32) for b in bases(spline, pair.fixed_affine, shape)]
        self._moving = torch.tensor(np.ascontiguousarray(pair.moving))[None, None]
        to_index = np.linalg.inv(pair.moving_affine) @ pair.rigid
        start = to_index @ pair.fixed_affine
        size = np.array(pair.moving.shape, float)
        scale = 2 / np.maximum(size - 1, 1)  # grid_sample counts from -1 to 1 between the outer voxel centres
        self._start = _grid(start, shape, scale)
        self._linear = torch.tensor(to_index[:3, :3] * scale[:, None], dtype=torch.float32)
        spacing = np.linalg.norm(np.asarray(pair.fixed_affine)[:3, :3], axis=0)
        self._axes = [(axis, float(mm)) for axis, mm in enumerate(spacing) if shape[axis] > 2]
        inner = tuple(slice(1, -1) if shape[axis] > 2 else slice(None) for axis in range(3))
        self._mask = torch.tensor(pair.mask[inner])
        self._fixed = self._gradient(torch.tensor(np.ascontiguousarray(pair.fixed)))
        self._noise = 0.5 * float(self._fixed.norm(dim=0)[self._mask].median())
        length = (self._fixed.square().sum(0) + self._noise**2).sqrt()
        self._unit = self._fixed / length
        self._weight = (self._unit.square().sum(0) * self._mask).float()
        self._norm = float(self._weight.pow(3).sum().clamp(min=1e-12))
        self._moving_noise = self._noise_of_moving()

    def _noise_of_moving(self) -> float:
        shape = (3, *(basis.shape[1] for basis in self._bases))
        gradient = self._gradient(self._warped(torch.zeros(shape)))
        return max(0.5 * float(gradient.norm(dim=0)[self._mask].median()), 1e-6)

    def _warped(self, coefficients: torch.Tensor) -> torch.Tensor:
        z, y, x = self._bases
        along = torch.einsum("cpqr,ir->cpqi", coefficients, x)
        along = torch.einsum("cpqi,jq->cpji", along, y)
        moved = torch.einsum("cpji,kp->kjic", along, z)
        where = self._start + moved @ self._linear.T
        return F.grid_sample(
            self._moving, where.flip(-1)[None], mode="bilinear", padding_mode="border", align_corners=True
        )[0, 0]

    def _gradient(self, image: torch.Tensor) -> torch.Tensor:
        inner = [slice(1, -1) if image.shape[axis] > 2 else slice(None) for axis in range(3)]
        parts = []
        for axis, mm in self._axes:
            up, down = list(inner), list(inner)
            up[axis], down[axis] = slice(2, None), slice(None, -2)
            parts.append((image[tuple(up)] - image[tuple(down)]) / (2 * mm))
        return torch.stack(parts)

    def __call__(self, coefficients: torch.Tensor) -> torch.Tensor:
        gradient = self._gradient(self._warped(coefficients))
        length = (gradient.square().sum(0) + self._moving_noise**2).sqrt()
        product = (self._unit * gradient).sum(0) / length
        return 1 - (self._weight * product.square()).sum() / self._norm


def _grid(start: np.ndarray, shape: tuple[int, ...], scale: np.ndarray) -> torch.Tensor:
    """Return where each voxel lies without deformation, (slices, rows, columns, 3), in units of ``grid_sample``."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1).astype(np.float64)
    where = (index @ start[:3, :3].T + start[:3, 3]) * scale - 1
    return torch.tensor(where, dtype=torch.float32)


def _stiffness_weights(spline: Spline) -> list[float]:
    """Return 1 / (mesh size)² along slices, rows, columns, relative to a mesh of 40 mm."""
    return [float((40.0 * spline.mesh[axis] / spline.size_mm[axis]) ** 2) for axis in (2, 1, 0)]


def _bending(c: torch.Tensor, weights: list[float]) -> torch.Tensor:
    """Return the mean squared second differences of the knots (and a little of the first), mixed ones included."""
    total = torch.zeros(())
    for a in range(3):
        total = total + _STRETCH * weights[a] * c.diff(dim=a + 1).square().mean()
        total = total + weights[a] ** 2 * c.diff(n=2, dim=a + 1).square().mean()
        for b in range(a + 1, 3):
            total = total + 2 * weights[a] * weights[b] * c.diff(dim=a + 1).diff(dim=b + 1).square().mean()
    return total
