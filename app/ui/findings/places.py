"""Places: where a map has its maximum, and how points of a result are shown in the active pane. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from app.ui.display import Display
    from inference.result import Heatmap

Point = tuple[float, float, float]


class Places:
    """Points in the image on show."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def go_to(self, point_mm: Point) -> None:
        """Show a point in the active pane, and in those linked with it."""
        self._display.marks.go_to(point_mm)

    def slice_numbers(self, points_mm: Sequence[Point]) -> tuple[int, ...]:
        """Return on which slices of the image on show points lie, from 1; () where they do not all lie on one."""
        uid = self._display.stack_uid
        loaded = self._display.session.images.loaded(uid) if uid is not None else None
        if loaded is None:
            return ()
        inverse, count = np.linalg.inv(loaded.volume.affine), loaded.volume.spatial_shape[0]
        numbers = tuple(round(float((inverse @ (*point, 1.0))[0])) + 1 for point in points_mm)
        return numbers if all(1 <= number <= count for number in numbers) else ()


def maximum_mm(heatmap: Heatmap) -> Point | None:
    """Return where a map is largest, LPS mm of the cell's centre; None where it has no value above 0."""
    from inference.peak import peak_index

    index = peak_index(heatmap.volume.array)
    if not heatmap.volume.array[index] > 0:
        return None
    x, y, z = (heatmap.volume.affine @ (*index, 1.0))[:3].tolist()
    return x, y, z
