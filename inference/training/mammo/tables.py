"""Windows of one module in all films, read from the cache: where they lie, what they are, and their features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.errors import EngineError
from inference.prepare.mammogram import MammogramPreprocessing
from inference.training.mammo.dataset import NODULE, Film, Lesion
from inference.training.mammo.labels import CASE, CONTROL, DISCARDED, LabelRules, window_labels

NATURAL, EXTRA = 0, 1  # read by inference too; made for training only


@dataclass(frozen=True)
class WindowTable:
    """Windows of one module in all films.

    Attributes
    ----------
    film, place
        (n,) row of the film they are of, and their place among its windows.
    corners
        (n, 2) row and column of the first pixel in the swept image.
    origin
        (n,) :data:`NATURAL` or :data:`EXTRA`.
    labels
        (n,) of :mod:`inference.training.mammo.labels`.
    seen
        (n, channels) what ImageNet's last bottleneck sees in each window, pooled.
    """

    module: str
    films: tuple[Film, ...]
    film: np.ndarray
    place: np.ndarray
    corners: np.ndarray
    origin: np.ndarray
    labels: np.ndarray
    seen: np.ndarray

    @property
    def natural(self) -> np.ndarray:
        """Which windows inference would read."""
        return self.origin == NATURAL

    @property
    def patient(self) -> np.ndarray:
        """Whose windows they are."""
        return np.array([film.patient for film in self.films])[self.film]

    @property
    def is_scored(self) -> np.ndarray:
        """Which windows are read by inference in a case or control image of the module."""
        return self.natural & np.array([film.is_read(self.module) for film in self.films], bool)[self.film]

    @property
    def is_learned(self) -> np.ndarray:
        """Which windows may be learned from: cases and controls."""
        return np.isin(self.labels, (CASE, CONTROL))


def feature_file(cache: Path, film: Film, module: str) -> Path:
    """Return the file of a film's windows and trunk features."""
    return cache / f"{film.path.stem}-{module}.npz"


def seen_file(cache: Path, film: Film, module: str) -> Path:
    """Return the file of what ImageNet's last bottleneck sees in a film's windows."""
    return cache / f"{film.path.stem}-{module}-seen.npy"


def is_needed(film: Film, module: str, *, all_films: bool) -> bool:
    """Return whether a module's windows of a film are read at all: to score them, or to learn from its controls."""
    return all_films or film.is_read(module)


def read_table(module: str, films: Sequence[Film], cache: Path, rules: LabelRules, *, all_films: bool) -> WindowTable:
    """Return the cached windows of a module, labelled; those of a film with a lesion without place are discarded.

    Parameters
    ----------
    all_films
        Whether films that are neither case nor control images of the module are in the table too.
    """
    parts = [
        _part(module, row, film, cache, rules)
        for row, film in enumerate(films)
        if is_needed(film, module, all_films=all_films)
    ]
    columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return WindowTable(module, tuple(films), *columns)


def read_features(table: WindowTable, rows: np.ndarray, cache: Path) -> np.ndarray:
    """Return trunk features of some windows, (rows, channels, height, width) float16; one film is open at a time."""
    found: np.ndarray | None = None
    for film in np.unique(table.film[rows]):
        own = np.flatnonzero(table.film[rows] == film)
        with _opened(feature_file(cache, table.films[film], table.module)) as stored:
            values = stored["features"][table.place[rows[own]]]
        if found is None:
            found = np.empty((len(rows), *values.shape[1:]), values.dtype)
        found[own] = values
    return np.zeros((0, 1, 1, 1), np.float16) if found is None else found


def labels_of(
    module: str,
    lesions: Sequence[Lesion],
    corners: np.ndarray,
    mm_per_pixel: float,
    keys: MammogramPreprocessing,
    rules: LabelRules,
) -> np.ndarray:
    """Return the labels of windows given by their corners in the swept image (pixel edges to millimetres)."""
    side, stride = (
        (keys.nodule_side, keys.nodule_stride)
        if module == NODULE
        else (keys.calcification_side, keys.calcification_stride)
    )
    placed = corners.astype(float) * mm_per_pixel
    return window_labels(module, lesions, placed, side * mm_per_pixel, stride * mm_per_pixel, rules)


def _part(module: str, row: int, film: Film, cache: Path, rules: LabelRules) -> tuple[np.ndarray, ...]:
    with _opened(feature_file(cache, film, module)) as stored:
        corners, origin, mm_per_pixel = stored["corners"], stored["origin"], float(stored["mm_per_pixel"])
    count = len(corners)
    labels = np.full(count, DISCARDED)
    if film.is_placed:
        labels = labels_of(module, film.lesions, corners, mm_per_pixel, MammogramPreprocessing(), rules)
    seen = np.load(seen_file(cache, film, module))
    return np.full(count, row), np.arange(count), corners, origin, labels, seen


def _opened(path: Path) -> np.lib.npyio.NpzFile:
    try:
        return np.load(path)
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} cannot be read: {error}.", "Remove it; the same command makes it again.") from error
