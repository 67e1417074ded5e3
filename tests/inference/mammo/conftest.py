"""Mammograms made for these tests: geometry known to the pixel, no phantom's statistics."""

from __future__ import annotations

from collections.abc import Callable

import highdicom as hd
import numpy as np
import pytest

from inference.exam import Mammogram
from inference.prepare.mammogram import MammogramPreprocessing, PreparedMammogram, prepare_mammogram
from inference.progress import Progress

ROWS, COLUMNS, SPACING = 640, 480, 0.4
#: A sixteenth of the paper's area: the same 83 × 64 and 19 × 15 windows would be read of 1024 × 832.
SMALL = {
    "height": 1024, "nodule_side": 200, "nodule_stride": 10, "nodule_sigma": 50.0, "separation": 62.5,
    "calcification_side": 100, "calcification_stride": 50, "input_size": 64,
}  # fmt: skip


def half_disc(rows: int = ROWS, columns: int = COLUMNS) -> np.ndarray:
    """Return where the breast is: a half ellipse at the left edge."""
    y, x = np.mgrid[:rows, :columns]
    return ((y - rows * 0.5) / (rows * 0.42)) ** 2 + (x / (columns * 0.62)) ** 2 < 1


def film(base: int = 1500, texture: int = 7000) -> np.ndarray:
    """Return a breast of textured tissue on the even grey of a film's base, uint16; ``texture`` in grey values."""
    random = np.random.default_rng(4)
    breast = half_disc()
    tissue = 26_000 + random.normal(0, 900, breast.shape) + texture * np.sin(np.arange(COLUMNS) / 25)[None]
    return np.where(breast, tissue, base + random.normal(0, 60, breast.shape)).clip(0, 65535).astype(np.uint16)


def exam_of(grey: np.ndarray, background: np.ndarray | None = None, spacing: float = SPACING) -> Mammogram:
    """Return an exam whose pixel (0, 0) lies at x = 7 mm, y = -3 mm."""
    affine = np.array([[0, 0, spacing, 7.0], [0, spacing, 0, -3.0], [1.0, 0, 0, 0], [0, 0, 0, 1]])
    return Mammogram(hd.Volume(grey[None], affine, "PATIENT", frame_of_reference_uid="1.2.3.4"), background, "L", "MLO")


@pytest.fixture
def prepared() -> Callable[..., PreparedMammogram]:
    """Return a function that prepares a grey image with the small keys and those given."""

    def make(grey: np.ndarray, background: np.ndarray | None = None, **keys: object) -> PreparedMammogram:
        asked = MammogramPreprocessing.from_card({**SMALL, **keys})
        return prepare_mammogram(exam_of(grey, background), asked, Progress())

    return make


@pytest.fixture
def making() -> tuple[Callable[..., np.ndarray], Callable[..., Mammogram], Callable[..., np.ndarray], dict]:
    """Return ``film``, ``exam_of``, ``half_disc`` and the small keys; tests are not importable packages."""
    return film, exam_of, half_disc, dict(SMALL)
