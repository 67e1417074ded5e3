"""N4: a known field comes back, and volumes that have none give sentences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from inference.errors import EngineError
from inference.prepare.bias_field import MOST_VOXELS, bias_field, shrink_factors
from inference.progress import Cancelled, Progress


def shaded(shape: tuple[int, int, int], slope: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A body of two tissues, bright as coils near its front see it."""
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape), indexing="ij")
    field = np.exp(slope * (y + 0.4 * x * y - 0.2 * z))
    body = x**2 + y**2 < 0.8
    tissue = np.where(body, 300 + 120 * (np.sin(9 * x) * np.cos(7 * y) > 0.3), 0)
    noise = np.random.default_rng(1).normal(20, 3, shape)
    return np.rint(tissue * field + np.abs(noise)).astype(np.uint16), field, body


@pytest.mark.parametrize("shape", [(8, 48, 48), (2, 48, 48), (1, 48, 56)])
def test_a_known_field_is_found(shape: tuple[int, int, int], helpers) -> None:
    values, field, body = shaded(shape, 0.5)
    found = bias_field(helpers.volume(values, helpers.affine()), shrink=2)
    assert found.shape == shape
    assert found.dtype == np.float32
    inside = np.log(found[body]), np.log(field[body])
    assert np.corrcoef(*inside)[0, 1] > 0.95
    assert np.std(inside[1] - inside[0]) < 0.35 * np.std(inside[1])
    assert found.min() > 0


def test_padding_counts_for_nothing(helpers) -> None:
    values, field, body = shaded((4, 48, 48), 0.5)
    padded = values.astype(np.float32)
    padded[:, :8] = np.nan
    found = bias_field(helpers.volume(padded, helpers.affine()), shrink=2)
    assert np.isfinite(found).all()
    known = body.copy()
    known[:, :8] = False
    assert np.corrcoef(np.log(found[known]), np.log(field[known]))[0, 1] > 0.9


@pytest.mark.parametrize("values", [np.full((3, 20, 20), 7.0), np.full((3, 20, 20), np.nan)])
def test_a_volume_that_shows_nothing_is_refused(values: np.ndarray, helpers) -> None:
    with pytest.raises(EngineError, match="same value everywhere"):
        bias_field(helpers.volume(values, helpers.affine()))


def test_it_can_be_cancelled(helpers) -> None:
    values, _, _ = shaded((8, 48, 48), 0.5)
    seen: list[float] = []
    progress = Progress(lambda fraction, _text: seen.append(fraction) or (len(seen) > 3 and progress.cancel()))
    with pytest.raises(Cancelled):
        bias_field(helpers.volume(values, helpers.affine()), 2, progress)
    assert len(seen) < 10


@pytest.mark.parametrize("shape", [(32, 512, 512), (60, 448, 448), (200, 512, 512), (1, 512, 512), (3, 40, 1000)])
def test_the_grid_is_bounded_whatever_the_exam(shape: tuple[int, int, int], make_exam: Callable) -> None:
    factors = shrink_factors(shape, 4)
    left = [int(np.ceil(size / factor)) for size, factor in zip(shape, factors, strict=True)]
    assert np.prod(left) <= MOST_VOXELS
    assert left[0] >= min(4, shape[0])
    assert min(left[1:]) >= 8
    assert shape != (32, 512, 512) or factors == [4, 5, 5]
