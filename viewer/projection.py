"""Projection: the maximum, mean or minimum through a slab of slices, and where along it an extremum lies. Qt-free.

Slices of the stored array are reduced where they lie; a running sum follows a mean that scrolls. Resampled slices are
kept for the next step, and a thick slab of them may be built up piece by piece, coarse first, while it is on show.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from viewer.planes import Plane
from viewer.presentation import Padding
from viewer.reduction import Build, Span, added, overlap, padded, pair, without, worst
from viewer.reslice import ReslicedPlane, Reslicer
from viewer.slab import Slab

TOUCHING = 1e-6  # mm by which a slice centre on the edge of a slab still belongs to it
Place = tuple[int, int]  # row and column
KEPT_SLICES = 48 << 20  # bytes of resampled slices
KEPT_RESULTS = 96 << 20  # bytes of finished projections


def span_of(plane: Plane, slice_index: int, slab: Slab | None) -> Span:
    """Return the first and last slice of a slab: those whose centres lie within half its thickness of the slice shown.

    The thickness is measured along the normal; at the ends of the volume the slab is cut off, not moved.
    """
    last = plane.shape[0] - 1
    if slab is None:
        return slice_index, slice_index
    if math.isinf(slab.thickness_mm):
        return 0, last
    reach = max(0, math.floor((slab.thickness_mm / 2 + TOUCHING) / plane.step_mm))
    return max(0, slice_index - reach), min(last, slice_index + reach)


@dataclass
class _Sum:
    """A running sum and count over a span of stored slices."""

    plane: object
    span: Span
    total: np.ndarray
    count: np.ndarray | int


class Projector:
    """Makes slices and projections of one array; each is kept until others need the room."""

    def __init__(self, array: np.ndarray, padding: Padding | None = None) -> None:
        self._array, self._padding = array, padding if array.ndim == 3 else None
        self._reslicer: Reslicer | None = None
        self._slices: OrderedDict[object, np.ndarray] = OrderedDict()
        self._results: OrderedDict[object, np.ndarray] = OrderedDict()
        self._sum: _Sum | None = None
        self._building: Build | None = None

    def slice_of(self, plane: Plane, index: int) -> np.ndarray:
        """Return one slice: a view of the stored voxels, or resampled."""
        if not isinstance(plane, ReslicedPlane):
            return plane.slice_of(self._array, index)
        key = (plane.key, index)
        if key not in self._slices:
            if self._reslicer is None:
                self._reslicer = Reslicer(self._array, self._padding)
            keep(self._slices, key, self._reslicer.slice_of(plane, index), KEPT_SLICES)
        self._slices.move_to_end(key)
        return self._slices[key]

    def values(self, plane: Plane, slice_index: int, slab: Slab | None) -> np.ndarray:
        """Return the slice, or its projection: stored type for an extremum of stored slices, else float32.

        NaN and padding are left out; where there is nothing else they stay. Colour is never projected.
        """
        return self.partial(plane, slice_index, slab, None)[0]

    def partial(
        self, plane: Plane, slice_index: int, slab: Slab | None, budget_s: float | None
    ) -> tuple[np.ndarray, int]:
        """Return what could be projected within about ``budget_s``, and how many slices are missing from it.

        Asked again, it goes on where it stopped. Only resampled slices are slow enough to come in pieces.
        """
        span = span_of(plane, slice_index, slab)
        if slab is None or span[0] == span[1] or self._array.ndim == 4:
            return self.slice_of(plane, slice_index), 0
        key = (plane.key, span, slab.mode)
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key], 0
        if isinstance(plane, ReslicedPlane):
            if self._building is None or self._building.key != key:
                self._building = Build(key, span, slab.mode)
            build = self._building
            build.go_on(lambda index: self.slice_of(plane, index), budget_s)
            if build.waiting:
                return build.result(), len(build.waiting)
            result, self._building = build.result(), None
        else:
            result = self._stored(plane, span, slab.mode)
        keep(self._results, key, result, KEPT_RESULTS)
        return result, 0

    def _stored(self, plane: Plane, span: Span, mode: str) -> np.ndarray:
        if mode == "mean":
            return self._mean(plane, span)
        block = _block(self._array, plane, span)
        if self._padding is None:
            return pair(block.dtype, mode).reduce(block, axis=0)
        beaten = worst(block.dtype, mode)
        result, found = None, np.zeros(block.shape[1:], bool)
        for one in block:
            missing = padded(one, self._padding)
            values = np.where(missing, beaten, one) if missing.any() else one
            found |= ~missing
            result = values.copy() if result is None else pair(block.dtype, mode)(result, values)
        assert result is not None
        return np.where(found, result, block[0])

    def _mean(self, plane: Plane, span: Span) -> np.ndarray:
        kind, size = self._array.dtype.kind, self._array.dtype.itemsize
        exact = kind in "iub"  # a running sum of whole numbers never drifts
        wide = np.dtype(np.int32 if exact and size <= 2 else np.float64)
        known = self._sum
        if not (exact and known is not None and known.plane == plane.key and overlap(known.span, span)):
            known = _Sum(plane.key, (span[0], span[0] - 1), np.zeros(plane.shape[1:], wide), 0)
        total, count = known.total, known.count
        for sign, indices in ((1, without(span, known.span)), (-1, without(known.span, span))):
            for index in indices:
                values, valid = self._summand(plane.slice_of(self._array, index))
                total = added(total, values, sign)
                count = count + sign * valid
        self._sum = _Sum(plane.key, span, total, count)
        if isinstance(count, int):
            return np.multiply(total, np.float32(1 / count), dtype=np.float32, casting="unsafe")
        empty = plane.slice_of(self._array, span[0])
        return np.where(count > 0, total / np.maximum(count, 1), empty).astype(np.float32)

    def _summand(self, one: np.ndarray) -> tuple[np.ndarray, np.ndarray | int]:
        missing = padded(one, self._padding) if self._padding is not None else None
        if one.dtype.kind == "f":
            missing = np.isnan(one) if missing is None else missing | np.isnan(one)
        if missing is None:
            return one, 1
        return np.where(missing, 0, one), (~missing).astype(np.int32)

    def probe(self, plane: Plane, slice_index: int, slab: Slab | None, place: Place) -> tuple[int, float]:
        """Return the slice in which the extremum of a pixel (row, column) lies, and the projected value.

        Of several equal ones it is the slice nearest to the slice shown. A mean has no such slice: then, and where
        there is nothing but NaN or padding, it is the slice shown. Read along the normal, so that it is right even
        while the picture is still being put together.
        """
        first, last = span_of(plane, slice_index, slab)
        row, column = place
        if slab is None or first == last or self._array.ndim == 4:
            return slice_index, float(self.slice_of(plane, slice_index)[row, column])
        if isinstance(plane, ReslicedPlane):
            line = _line(self._array, plane, (first, last), row, column)
        else:
            line = _block(self._array, plane, (first, last))[:, row, column].astype(np.float64)
        if self._padding is not None:
            line = np.where(padded(line, self._padding), np.nan, line)
        if np.isnan(line).all():
            return slice_index, float(self.slice_of(plane, slice_index)[row, column])
        if slab.mode == "mean":
            return slice_index, float(np.nanmean(line))
        best = np.nanmax(line) if slab.mode == "max" else np.nanmin(line)
        places = first + np.flatnonzero(line == best)
        return int(places[np.argmin(np.abs(places - slice_index))]), float(best)


def keep(kept: OrderedDict[object, np.ndarray], key: object, value: np.ndarray, limit: int) -> None:
    """Keep an array; the least recently used go when there is no room, the newest always stays."""
    kept[key] = value
    while len(kept) > 1 and sum(array.nbytes for array in kept.values()) > limit:
        kept.popitem(last=False)


def _block(array: np.ndarray, plane: Plane, span: Span) -> np.ndarray:
    """Return the displayed slices of a span as a view (slices, rows, columns), first slice first."""
    turned = np.transpose(array, plane.axes)
    across, down, along = (slice(None, None, -1) if flip else slice(None) for flip in plane.flips)
    return turned[across, down, along][span[0] : span[1] + 1]


def _line(array: np.ndarray, plane: ReslicedPlane, span: Span, row: int, column: int) -> np.ndarray:
    """Return the values along the normal through one pixel, linear between voxels, NaN beyond them."""
    from scipy.ndimage import map_coordinates

    count = span[1] - span[0] + 1
    shown = np.stack((np.arange(span[0], span[1] + 1), np.full(count, row), np.full(count, column), np.ones(count)))
    places = (np.linalg.inv(plane.source_affine) @ plane.affine @ shown)[:3]
    limit = np.array(array.shape[:3])[:, None] - 0.5
    within = ((places >= -0.5) & (places <= limit)).all(axis=0)
    low = np.maximum(np.floor(places.min(axis=1)).astype(int) - 1, 0)
    low = np.minimum(low, np.array(array.shape[:3]) - 1)
    high = np.maximum(np.ceil(places.max(axis=1)).astype(int) + 2, low + 1)
    part = array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].astype(np.float32)
    values = map_coordinates(part, places - low[:, None], order=1, mode="nearest")
    return np.where(within, values.astype(np.float64), np.nan)
