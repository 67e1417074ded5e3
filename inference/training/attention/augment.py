"""Variants of a training slice: moved, turned, stretched, and seen through other scanners."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from inference.prepare.intensity import robust_scale
from inference.training.attention.slices import Sample


def plain(sample: Sample, size: tuple[int, int] = (240, 345)) -> tuple[np.ndarray, np.ndarray]:
    """Return grey values 0 to 1 and mask on the network's grid, exactly as inference prepares a slice."""
    return _shrink(robust_scale(sample.image), size), _shrink(sample.mask.astype(np.float32), size)


def variant(
    sample: Sample, rng: np.random.Generator, size: tuple[int, int] = (240, 345)
) -> tuple[np.ndarray, np.ndarray]:
    """Return a random variant: grey values 0 to 1 and mask, both of ``size``.

    SYSTEMS.md §1.1: flip, ±10°, scale, shift, brightness; here the zoom reaches further (fields of view differ from
    300 to 400 mm and one or two breasts are shown), and blur, noise and coil shading stand for other scanners.
    """
    move = _random_move(sample.image.shape, rng)
    shape = (sample.image.shape[1], sample.image.shape[0])
    # Beyond the edge lies air, or more body where a field of view ends inside the patient.
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REFLECT_101
    image = cv2.warpAffine(sample.image, move, shape, borderMode=border, borderValue=_air(sample.image))
    mask = cv2.warpAffine(sample.mask.astype(np.float32), move, shape, borderMode=border)
    grey = _shrink(robust_scale(image), size)
    return robust_scale(_other_scanner(grey, rng), (0.5, float(rng.uniform(98.5, 99.9)))), _shrink(mask, size)


def planted(sample: Sample, rng: np.random.Generator, onto: Sample) -> Sample:
    """Return ``onto`` with the lesion of ``sample`` planted somewhere in its tissue in front of the chest wall.

    Both must come from the same patient, so that no patient's lesion reaches another side of a split.
    """
    if sample.patient != onto.patient or sample.image.shape != onto.image.shape:
        raise ValueError("a lesion is planted only into slices of its own patient and shape")
    rows, columns = np.nonzero(sample.mask)
    centre = np.array([rows.mean(), columns.mean()])
    tissue = cv2.GaussianBlur(onto.image, (0, 0), 6)
    air = _air(onto.image)
    in_breast = tissue > air + 0.15 * (np.percentile(tissue, 98) - air)
    in_breast[int(rows.mean()) :] = False
    places = np.argwhere(in_breast)
    if not len(places):
        return onto
    down, right = np.round(places[rng.integers(len(places))] - centre)
    move = np.array([[1, 0, right], [0, 1, down]], dtype=np.float32)
    shape = (onto.image.shape[1], onto.image.shape[0])
    lesion = cv2.warpAffine(sample.image, move, shape)
    mask = cv2.warpAffine(sample.mask.astype(np.float32), move, shape) > 0.5
    blend = np.clip(cv2.GaussianBlur(cv2.dilate(mask.astype(np.float32), np.ones((5, 5))), (0, 0), 2), 0, 1)
    image = onto.image * (1 - blend) + np.maximum(lesion, onto.image) * blend
    return Sample(
        f"{sample.name}-planted", image, onto.mask | mask, sample.targets, True, sample.patient, "breastdm-planted"
    )


def _air(image: np.ndarray) -> float:
    """Grey value around the patient; subtractions are often lifted, so that it is not 0."""
    return float(np.median(image[:20]))


def _random_move(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return a 2 × 3 matrix: zoom, stretch, turn and shift about the centre, and a flip every second time."""
    rows, columns = shape
    zoom, stretch = np.exp(rng.uniform(-0.25, 0.4)), np.exp(rng.normal(0, 0.07))
    turn = np.deg2rad(rng.uniform(-10, 10))
    linear = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.diag(
        [zoom * stretch, zoom / stretch]
    )
    if rng.random() < 0.5:
        linear[:, 0] *= -1
    centre = np.array([columns / 2, rows / 2])
    shift = np.array([rng.uniform(-0.12, 0.12), rng.uniform(-0.15, 0.2)]) * (columns, rows)
    return np.column_stack([linear, centre + shift - linear @ centre])


def _other_scanner(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change contrast, shading, sharpness and noise of an image of 0 to 1."""
    grey = grey ** np.exp(rng.normal(0, 0.25))
    if rng.random() < 0.5:  # coil shading: a plane, stronger from front to back
        rows, columns = np.mgrid[-1 : 1 : grey.shape[0] * 1j, -1 : 1 : grey.shape[1] * 1j]
        grey = grey * np.exp(rng.normal(0, 0.3) * rows + rng.normal(0, 0.15) * columns)
    if rng.random() < 0.3:
        grey = cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.5, 1.2))
    if rng.random() < 0.3:  # not subtracted: tissue and fat keep a grey floor
        grey = grey + rng.uniform(0, 0.2) * cv2.GaussianBlur((grey > 0.05).astype(grey.dtype), (0, 0), 2)
    noise = rng.normal(0, rng.uniform(0, 0.03), (2, *grey.shape))
    return np.hypot(grey + noise[0], noise[1]).astype(np.float32)  # Rician, as magnitude images are


def _shrink(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
    return F.interpolate(tensor, size=size, mode="bilinear", align_corners=False, antialias=True)[0, 0].numpy()
