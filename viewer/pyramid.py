"""Pyramid: an image slice and its halvings by the mean, and its resampling to screen pixels. Qt-free."""

from __future__ import annotations

import math

import numpy as np

from viewer.presentation import Padding

WARPED_TYPES = ("uint8", "uint16", "int16", "float32", "float64")  # what OpenCV resamples
FULL = 255  # share of padding in a pixel that is nothing else
COARSE = 1.2  # level pixels across a screen pixel beyond which one bilinear sample would alias
NEARLY = 0.98  # too little tissue is left beyond this share of padding to tell its value


class Pyramid:
    """A slice of modality values (rows, columns[, 3]) with levels halved by the mean, each made when first needed.

    Padding does not bleed into tissue: it is one value, left out of every mean.
    """

    def __init__(self, values: np.ndarray, padding: Padding | None = None) -> None:
        values = values.view(np.uint8) if values.dtype == np.bool_ else values
        native = values.dtype.newbyteorder("=")
        if native.name == "int8":
            native = np.dtype(np.int16)
        elif native.name not in WARPED_TYPES:
            native = np.dtype(np.float64)  # 32-bit integers: every value exact
        base = np.ascontiguousarray(values, dtype=native)
        self._pad_value = None
        self._masks: dict[int, np.ndarray] = {}  # 255 where a level is padding
        mask = _padding_mask(base, padding)
        if mask is not None and padding is not None:
            self._pad_value = _inside(padding, native)
            if padding.low != padding.high:
                base = np.where(mask, np.asarray(self._pad_value, native), base)
            self._masks[0] = mask
        self._levels = [base]

    @property
    def base(self) -> np.ndarray:
        """Values at full resolution."""
        return self._levels[0]

    @property
    def padded(self) -> bool:
        """Whether some pixels are padding."""
        return self._pad_value is not None

    def level(self, number: int) -> np.ndarray:
        """Return the slice halved ``number`` times; odd edges are repeated, so a pixel covers exactly 2ⁿ pixels."""
        import cv2

        while len(self._levels) <= number:
            finer = self._levels[-1]
            rows, columns = finer.shape[:2]
            if rows % 2 or columns % 2:
                finer = cv2.copyMakeBorder(finer, 0, rows % 2, 0, columns % 2, cv2.BORDER_REPLICATE)
            half = (finer.shape[1] // 2, finer.shape[0] // 2)
            mean = cv2.resize(finer, half, interpolation=cv2.INTER_AREA)
            if self._pad_value is not None:
                share = cv2.resize(_equal(finer, self._pad_value), half, interpolation=cv2.INTER_AREA)
                mean = self._without_padding(mean, np.rint(share * (4 / FULL)) / 4)  # of four pixels: quarters
            self._levels.append(mean)
        return self._levels[number]

    def _mask(self, number: int) -> np.ndarray:
        """Return 255 where a level is padding."""
        if number not in self._masks:
            assert self._pad_value is not None
            self._masks[number] = _equal(self.level(number), self._pad_value)
        return self._masks[number]

    def _without_padding(self, mixed: np.ndarray, share: np.ndarray) -> np.ndarray:
        """Take the padding's part, 0–1, out of mixed means; where it is nearly all, padding is left."""
        pad = self._pad_value
        assert pad is not None
        edge = (share > 0) & (share < NEARLY)
        part = share[edge].astype(np.float64)
        tissue = (mixed[edge].astype(np.float64) - part * float(pad)) / (1.0 - part)
        if mixed.dtype.kind in "ui":
            limits = np.iinfo(mixed.dtype)
            tissue = np.clip(np.rint(tissue), limits.min, limits.max)
        mixed[edge] = tissue.astype(mixed.dtype)
        mixed[share >= NEARLY] = pad
        return mixed

    def sample(
        self, matrix: np.ndarray, size: tuple[int, int], *, smooth: bool = True
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Resample to screen pixels.

        Parameters
        ----------
        matrix
            2×3 matrix from screen pixel index (x, y) to image pixel index (column, row), centres at whole numbers.
        size
            Width and height in screen pixels.
        smooth
            Bilinear where magnified; False repeats the nearest pixel. Reduced images are averaged in both cases.

        Returns
        -------
        values, padding
            Modality values (height, width[, 3]), and the share of padding in each 0–255 or None where there is none.
        """
        ratio = math.sqrt(abs(np.linalg.det(matrix[:, :2])))  # image pixels across one screen pixel
        number = max(0, math.floor(math.log2(max(ratio, 1e-9)) + 1e-6))
        number = min(number, max(0, int(math.log2(max(1, min(self.base.shape[:2]))))))
        source = self.level(number)
        scale = float(1 << number)
        to_level = matrix / scale
        to_level[:, 2] += 0.5 / scale - 0.5
        fine = ratio / scale > COARSE
        linear = (smooth or ratio > 1.0 + 1e-6) and not _on_grid(to_level)
        values = _warp(source, to_level, size, linear=linear, fine=fine)
        if self._pad_value is None:
            return values, None
        share = _warp(self._mask(number), to_level, size, linear=linear, fine=fine)
        return self._without_padding(values, share / np.float32(FULL)), share


def _inside(padding: Padding, dtype: np.dtype) -> float:
    if dtype.kind in "ui":
        limits = np.iinfo(dtype)
        return int(min(max(math.ceil(padding.low), limits.min), limits.max))
    return float(padding.low if math.isfinite(padding.low) else padding.high)


def _padding_mask(values: np.ndarray, padding: Padding | None) -> np.ndarray | None:
    """Return 255 where values are padding, None where none is."""
    if padding is None or values.ndim == 3:
        return None
    mask = (values >= padding.low) & (values <= padding.high)
    return mask.view(np.uint8) * np.uint8(FULL) if mask.any() else None


def _equal(values: np.ndarray, wanted: float) -> np.ndarray:
    return (values == wanted).view(np.uint8) * np.uint8(FULL)


def _on_grid(matrix: np.ndarray) -> bool:
    """Whether every screen pixel falls on one image pixel: nothing to interpolate, values come out as they are."""
    return bool(np.allclose(matrix, np.rint(matrix), atol=1e-6))


def _warp(source: np.ndarray, matrix: np.ndarray, size: tuple[int, int], *, linear: bool, fine: bool) -> np.ndarray:
    """Sample at ``matrix``; ``fine`` averages 2×2 samples a screen pixel, which keeps reduced images from aliasing."""
    import cv2

    flags = (cv2.INTER_LINEAR if linear else cv2.INTER_NEAREST) | cv2.WARP_INVERSE_MAP
    if not fine:
        return cv2.warpAffine(source, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    half = matrix.copy()
    half[:, :2] /= 2
    half[:, 2] -= half[:, :2].sum(axis=1) / 2
    double = cv2.warpAffine(source, half, (size[0] * 2, size[1] * 2), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(double, size, interpolation=cv2.INTER_AREA)
