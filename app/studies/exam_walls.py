"""Exam walls: what all mammograms of an exam tell together about which way round they are stored.

Data sets for training networks often flip every breast to one side. One such image cannot be told from one whose side
is wrong; the right and the left breasts of an exam together can.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

from app.studies.breast_region import CONFIDENT
from app.studies.series.views import side_and_view
from app.studies.study import Study
from app.studies.turning import USUAL_WALL

if TYPE_CHECKING:
    from app.studies.load import LoadedStack

#: Images with a clear chest wall from which on an exam is believed to be flipped to one side: one pair of views may be
#: one view twice, with the wrong side in one file.
ENOUGH = 3
Flipped = Literal["", "R", "L"]


class ExamWalls:
    """The edges at which the mammograms read so far show the chest wall; it remembers them when the pixels go."""

    def __init__(self) -> None:
        self._edges: dict[str, str] = {}

    def take(self, loaded: LoadedStack) -> bool:
        """Note an image that was read; whether that is new. One with Patient Orientation has no say, it states it."""
        breast, uid = loaded.breast, loaded.stack.uid
        edge = ""
        if breast is not None and loaded.edge_letters is None and breast.found and breast.confidence >= CONFIDENT:
            edge = breast.wall
        known, self._edges[uid] = self._edges.get(uid), edge
        return known != edge

    def flipped(self, study: Study) -> Flipped:
        """Return the side whose images are mirrored copies, "" where that cannot be told; see :func:`flipped_side`."""
        return flipped_side(
            (side_and_view(series)[0], edge)
            for series in study.series
            for stack in series.stacks
            if not series.view_modifiers and (edge := self._edges.get(stack.uid, ""))
        )


def flipped_side(walls: Iterable[tuple[str, str]]) -> Flipped:
    """Return the side whose images are mirrored copies.

    All images without Patient Orientation show the chest wall at the same edge, left or right, and there are at least
    three of them and both sides: then the images of the side that has its chest wall at the other edge were flipped.

    Parameters
    ----------
    walls
        Side (``"R"`` or ``"L"``) and edge of the chest wall of each image that shows it clearly.
    """
    known = [(side, edge) for side, edge in walls if side in USUAL_WALL]
    edges = {edge for _, edge in known}
    if len(known) < ENOUGH or {side for side, _ in known} != {"R", "L"} or len(edges) != 1:
        return ""
    edge = edges.pop()
    if edge not in USUAL_WALL.values():
        return ""
    return "R" if USUAL_WALL["R"] != edge else "L"
