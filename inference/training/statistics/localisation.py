"""Localisation: FROC curves of marks on images, and the pointing game.

Energy in boxes and the pointing game of one map in millimetres are in :mod:`inference.sanity.quality`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.training.statistics.bootstrap import DRAWS, SEED, patient_weights, percentiles
from inference.training.statistics.proportion import Proportion, proportion

Mark = tuple[float, Hashable | None]
#: Operating points of LUNA16 (Setio et al., Med Image Anal 2017;42:1), false positives per image.
RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Froc:
    """Sensitivity for lesions against false positives per image (Bunch et al., J Appl Photogr Eng 1978;4:166).

    Attributes
    ----------
    thresholds
        (k,) highest first; the first is infinite, where nothing is marked.
    sensitivity
        (k,) lesions found of all lesions.
    false_positives
        (k,) per image.
    lesions, images
        Counts.
    """

    thresholds: np.ndarray
    sensitivity: np.ndarray
    false_positives: np.ndarray
    lesions: int
    images: int

    def sensitivity_at(self, rate: float) -> float:
        """Return the sensitivity at the lowest threshold with at most so many false positives per image."""
        return float(self.sensitivity[self.false_positives <= rate + 1e-12].max())

    def as_dict(self, rates: Sequence[float] = RATES) -> dict[str, Any]:
        """Return what a card holds: sensitivity by false positives per image, and their mean."""
        found = {f"{rate:g}": round(self.sensitivity_at(rate), 3) for rate in rates}
        mean = round(float(np.mean([self.sensitivity_at(rate) for rate in rates])), 3)
        return {"sensitivity_at": found, "mean": mean, "lesions": self.lesions, "images": self.images}


def froc(marks: Sequence[Sequence[Mark]], lesions: Sequence[int]) -> Froc:
    """Return the FROC curve of the marks of some images.

    Parameters
    ----------
    marks
        For each image (score, lesion hit, or None where none is). A lesion is found by its highest mark; further marks
        on it count neither way.
    lesions
        Number of lesions in each image. False positives count in images with lesions as well.

    Raises
    ------
    ValueError
        Where there are no lesions, or marks hit more lesions than an image has.
    """
    table = _table(marks, lesions)
    sensitivity, false_positives = _rates(table, np.ones((1, len(lesions))), np.asarray(lesions))
    ends = np.append(np.flatnonzero(np.diff(table.score)), len(table.score) - 1) if len(table.score) else table.image
    start = np.zeros(1)
    return Froc(
        np.append(np.inf, table.score[ends]),
        np.append(start, sensitivity[0, ends]),
        np.append(start, false_positives[0, ends]),
        int(np.sum(lesions)),
        len(lesions),
    )


def froc_intervals(
    marks: Sequence[Sequence[Mark]],
    lesions: Sequence[int],
    patient: np.ndarray,
    rates: Sequence[float] = RATES,
    draws: int = DRAWS,
    seed: int = SEED,
) -> list[tuple[float, float]]:
    """Return for each rate of false positives the 95 % interval of sensitivity, by bootstrap over patients.

    Women with lesions and women without are drawn each from their own.

    Parameters
    ----------
    patient
        (images,) whose image it is.
    """
    table, counts = _table(marks, lesions), np.asarray(lesions)
    last = np.append(np.diff(table.score) != 0, np.ones(min(1, len(table.score)), bool))
    drawn = []
    for weights in patient_weights(patient, _has_lesion(counts, patient), draws, seed):
        sensitivity, false_positives = _rates(table, weights, counts)
        drawn.append(
            [np.max(sensitivity, axis=1, initial=0.0, where=last & (false_positives <= rate + 1e-12)) for rate in rates]
        )
    return [percentiles(each) for each in np.concatenate(drawn, axis=1)]


@dataclass(frozen=True)
class _Table:
    """Marks that count, highest first: score, image, and whether the mark finds a lesion."""

    score: np.ndarray
    image: np.ndarray
    found: np.ndarray


def _table(marks: Sequence[Sequence[Mark]], lesions: Sequence[int]) -> _Table:
    if len(marks) != len(lesions):
        raise ValueError(f"{len(marks)} images with marks, but {len(lesions)} numbers of lesions")
    if sum(lesions) == 0:
        raise ValueError("a FROC curve needs lesions")
    rows: list[tuple[float, int, bool]] = []
    for image, (those, count) in enumerate(zip(marks, lesions, strict=True)):
        best: dict[Hashable, float] = {}
        for score, lesion in those:
            if lesion is None:
                rows.append((score, image, False))
            else:
                best[lesion] = max(score, best.get(lesion, -np.inf))
        if len(best) > count:
            raise ValueError(f"marks of image {image} hit {len(best)} lesions, but it has {count}")
        rows += [(score, image, True) for score in best.values()]
    rows.sort(key=lambda row: -row[0])
    score, images, found = zip(*rows, strict=True) if rows else ((), (), ())
    return _Table(np.array(score, float), np.array(images, int), np.array(found, bool))


def _rates(table: _Table, weights: np.ndarray, lesions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sensitivity and false positives per image after each mark, (draws, marks), images being weighted."""
    each = weights[:, table.image]
    sensitivity = np.cumsum(each * table.found, axis=1) / (weights @ lesions)[:, None]
    return sensitivity, np.cumsum(each * ~table.found, axis=1) / weights.sum(axis=1)[:, None]


def _has_lesion(lesions: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """Return for each image whether its patient has a lesion in any of hers."""
    return np.isin(patient, np.unique(np.asarray(patient)[lesions > 0])).astype(float)


def pointing_hits(maps: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return for each slice whether its highest attention cell holds lesion: maps and cells (n, rows, columns)."""
    flat = maps.reshape(len(maps), -1)
    return cells.reshape(len(cells), -1)[np.arange(len(maps)), flat.argmax(axis=1)] > 0


def hit_rate(hits: np.ndarray) -> Proportion:
    """Return the pointing-game rate with Wilson's interval (Zhang et al., IJCV 2018;126:1084); hits is (n,) bool."""
    return proportion(int(np.count_nonzero(hits)), len(hits))
