"""Places of a measurement in pixels of a slice: what each handle does, right angles in mm, outlines put in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Place = tuple[float, float]  # row, column
Spacing = tuple[float, float]  # row and column spacing, mm
TOUCH = 1e-9


def _place(point: np.ndarray) -> Place:
    return float(point[0]), float(point[1])


def _frame(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors along and across a line in mm."""
    along = second - first
    size = float(np.linalg.norm(along))
    along = along / size if size > TOUCH else np.array((0.0, 1.0))
    return along, np.array((-along[1], along[0]))


def perpendicular(first: Place, second: Place, tip: Place, spacing: Spacing) -> tuple[Place, Place]:
    """Return the ends of a diameter at right angles to a first one, from a tip to as far on the other side.

    Right angles are right in mm, not in pixels.
    """
    scale = np.array(spacing)
    start, end, point = (np.array(place) * scale for place in (first, second, tip))
    along, across = _frame(start, end)
    foot = start + along * min(max(float((point - start) @ along), 0.0), float(np.linalg.norm(end - start)))
    reach = across * float((point - foot) @ across)
    return _place((foot + reach) / scale), _place((foot - reach) / scale)


def across(first: Place, second: Place, start: Place, tip: Place, spacing: Spacing) -> Place:
    """Return a tip brought to the line through ``start`` at right angles to a first diameter."""
    scale = np.array(spacing)
    one, other, begin, point = (np.array(place) * scale for place in (first, second, start, tip))
    _, normal = _frame(one, other)
    return _place((begin + normal * float((point - begin) @ normal)) / scale)


def pulled(kind: str, places: Sequence[Place], handle: int, to: Place, spacing: Spacing) -> list[Place]:
    """Return the places of a measurement with one handle pulled to another place.

    The two diameters stay at right angles, an ellipse keeps its directions; any other point moves freely.
    """
    scale = np.array(spacing)
    points, target = np.array(places) * scale, np.array(to) * scale
    if kind == "bidimensional":
        points = _pulled_diameter(points, handle, target)
    elif kind == "ellipse":
        points = _pulled_axis(points, handle, target)
    else:
        points[handle] = target
    return [_place(point) for point in points / scale]


def _pulled_diameter(points: np.ndarray, handle: int, target: np.ndarray) -> np.ndarray:
    along, normal = _frame(points[0], points[1])
    if handle < 2:  # the second diameter turns and slides with the first, its half lengths stay
        size = max(float(np.linalg.norm(points[1] - points[0])), TOUCH)
        share = float((points[2] - points[0]) @ along) / size
        reach = [float((points[n] - points[0]) @ normal) for n in (2, 3)]
        moved = points.copy()
        moved[handle] = target
        along, normal = _frame(moved[0], moved[1])
        foot = moved[0] + (moved[1] - moved[0]) * share
        moved[2:] = [foot + normal * distance for distance in reach]
        return moved
    moved = points.copy()
    other = 5 - handle
    place = float((target - points[0]) @ along)
    place = min(max(place, 0.0), float(np.linalg.norm(points[1] - points[0])))
    for n, point in ((handle, target), (other, points[other])):
        moved[n] = points[0] + along * place + normal * float((point - points[0]) @ normal)
    return moved


def _pulled_axis(points: np.ndarray, handle: int, target: np.ndarray) -> np.ndarray:
    moved = points.copy()
    opposite = handle ^ 1
    along, _ = _frame(points[opposite], points[handle])
    reach = max(float((target - points[opposite]) @ along), TOUCH)
    moved[handle] = points[opposite] + along * reach
    shift = (moved[handle] - points[handle]) / 2
    rest = [n for n in range(4) if n not in (handle, opposite)]
    moved[rest] = points[rest] + shift
    return moved


def moved(places: Sequence[Place], rows: float, columns: float, size: tuple[int, int]) -> list[Place]:
    """Return the places moved together, so far that each stays within the image of (rows, columns)."""
    points = np.array(places)
    low, high = -0.5 - points.min(axis=0), np.array(size) - 0.5 - points.max(axis=0)
    shift = np.clip((rows, columns), np.minimum(low, 0), np.maximum(high, 0))
    return [_place(point) for point in points + shift]


def held(place: Place, size: tuple[int, int]) -> Place:
    """Return a place within the image of (rows, columns)."""
    return min(max(place[0], -0.5), size[0] - 0.5), min(max(place[1], -0.5), size[1] - 0.5)


def ellipse_in(corner: Place, opposite: Place) -> list[Place]:
    """Return both ends of both axes of the ellipse in a rectangle given by two corners."""
    middle = ((corner[0] + opposite[0]) / 2, (corner[1] + opposite[1]) / 2)
    return [(middle[0], corner[1]), (middle[0], opposite[1]), (corner[0], middle[1]), (opposite[0], middle[1])]


# --- outlines --------------------------------------------------------------------------------------------------------


def simplified(places: Sequence[Place], tolerance: float) -> list[Place]:
    """Return a drawn outline with fewer points, none further than ``tolerance`` pixels off (Douglas and Peucker)."""
    import cv2

    curve = np.array(places, np.float32).reshape(-1, 1, 2)
    return untangled([_place(point) for point in cv2.approxPolyDP(curve, tolerance, closed=True).reshape(-1, 2)])


def crossing(places: Sequence[Place]) -> tuple[int, int] | None:
    """Return the first two sides (by their starting points) of a closed outline that cut each other, None for none."""
    points = np.array(places, float)
    ends = np.roll(points, -1, axis=0)
    count = len(points)

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        return np.sign(
            (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
        )

    for n in range(count - 2):
        others = np.arange(n + 2, count - (n == 0))
        start, end = points[others], ends[others]
        cut = side(points[n], ends[n], start) * side(points[n], ends[n], end) < 0
        cut &= side(start, end, points[n]) * side(start, end, ends[n]) < 0
        if cut.any():
            return n, int(others[np.argmax(cut)])
    return None


def untangled(places: Sequence[Place]) -> list[Place]:
    """Return an outline that does not cut itself: where it does, such as at its closing, the larger loop is kept."""
    kept: list[Place] = list(places)
    while len(kept) > 3 and (found := crossing(kept)) is not None:
        first, second = found
        loop, rest = kept[first + 1 : second + 1], [*kept[second + 1 :], *kept[: first + 1]]
        kept = loop if _area(loop) > _area(rest) else rest
    return kept


def _area(places: Sequence[Place]) -> float:
    if len(places) < 3:
        return 0.0
    y, x = np.array(places, float).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
