r"""Turning: which way round a mammogram hangs, from what its file says and what its picture shows.

The rule, from the surest witness to the weakest:

1. *Patient Orientation and picture agree* (or the picture does not tell): the image is hung by Patient Orientation,
   chest wall to the pane's midline edge, head or lateral side up, whatever way it was stored. Is it stored mirrored, it
   is mirrored back, and a note says so. One exception: an oblique view whose letters name the other breast (R with
   ``A\FR``): then the laterality is the one doubtful statement, and an image is not mirrored to make it fit.
2. *Patient Orientation and picture contradict each other*: the letters are wrong for these pixels and are not used (and
   not drawn, :func:`letters_of`). The chest wall is where the picture shows it. Does it lie where that breast has it,
   the image hangs as stored; at the top or bottom, it is turned by a quarter; at the opposite edge, an oblique view
   with its muscle at the bottom is turned by a half, and any other is mirrored where the letters agree with the
   laterality (two statements against a mirrored copy). A note says what the file says and what the picture shows.
3. *No Patient Orientation* in a DICOM file: as in 2, except that nothing is ever mirrored: with the chest wall at the
   opposite edge either the laterality is wrong or the copy is mirrored, and no one can tell which. It hangs as stored,
   with a note. The whole exam can tell: where all its right and left breasts face one way (``flipped``, from
   :mod:`app.studies.exam_walls`), those of the side that should face the other way are mirrored copies and are mirrored
   back, with a note. A research picture (PNG …), whose side is the user's own file name, is mirrored, with a note: such
   sets store all breasts facing one way.
4. *Side not stated*: as stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.studies.breast_region import CONFIDENT
from app.studies.series.views import side_and_view
from app.studies.study import SeriesKind
from viewer.camera import UPRIGHT, Turn

if TYPE_CHECKING:
    from app.studies.hanging.types import Slot
    from app.studies.load import EdgeLetters, LoadedStack
    from app.studies.study import Series

Edge = Literal["left", "right", "top", "bottom"]
ScreenWall = Literal["", "left", "right"]
_EDGES: tuple[Edge, ...] = ("left", "right", "top", "bottom")
_DIRECTION = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}
#: Views taken from the side, in which the muscle marks the head's end (PS3.16 CID 4014).
_FROM_THE_SIDE = frozenset(("MLO", "LMO", "ML", "LM"))
#: Edge at which a breast that is stored, and hung, the usual way has its chest wall.
USUAL_WALL: dict[str, ScreenWall] = {"R": "right", "L": "left"}
_MIRROR: Turn = ((-1, 0), (0, 1))
_HALF: Turn = ((-1, 0), (0, -1))
CHECK = "Check the marker."
_UPSIDE_DOWN = "By its Patient Orientation stored upside down, or the other breast: turned by a half. Check the marker."


@dataclass(frozen=True)
class Hung:
    """Which way round an image hangs.

    Attributes
    ----------
    turn
        From the stored picture to the screen.
    wall
        Edge of the pane that the chest wall lies at, "" where unknown.
    doubtful
        Whether Patient Orientation contradicts the picture, so that its letters must not be drawn.
    notes
        For the user.
    """

    turn: Turn = UPRIGHT
    wall: ScreenWall = ""
    doubtful: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Said:
    """The side that is stated, whether by a research picture's name instead of a header, and what the exam shows."""

    side: str
    by_name: bool
    flipped: bool = False


def hung_as(loaded: LoadedStack, series: Series, slot: Slot, flipped: str = "") -> Hung:
    """Return which way round an image hangs, by the rule at the head of this module.

    Parameters
    ----------
    flipped
        Side whose images are mirrored copies by the evidence of the whole exam; "" for none.
    """
    side, view = side_and_view(series)
    breast = loaded.breast
    seen = breast.wall if breast is not None and breast.found and breast.confidence >= CONFIDENT else ""
    wanted = slot.chest_wall or USUAL_WALL.get(side, "")
    if not wanted or side not in USUAL_WALL:
        return Hung(wall=seen if seen in ("left", "right") else "")
    stated = _stated(loaded.edge_letters, side)
    supplementary = bool(series.view_modifiers) and not seen
    if stated is not None and seen in ("", stated[0]):
        hung = _by_letters(stated, wanted, side, loaded.edge_letters)
    else:
        muscle = breast.muscle if breast is not None and view in _FROM_THE_SIDE else ""
        said = _Said(side, series.kind is SeriesKind.OTHER, flipped == side and loaded.edge_letters is None)
        hung = _by_picture(seen, wanted, stated, muscle, said)
    return Hung(hung.turn, "", hung.doubtful, hung.notes) if supplementary else hung


# --- by the file -------------------------------------------------------------------------------------------------


def _stated(letters: EdgeLetters | None, side: str) -> tuple[Edge, Edge] | None:
    """Return the edges of the chest wall (posterior) and of what hangs up (head, else lateral), None where unclear."""
    if letters is None:
        return None
    at: dict[str, Edge] = {letter[:1]: edge for letter, edge in zip(letters, _EDGES, strict=True)}
    wall, up = at.get("P"), at.get("H") or at.get(side)
    return None if wall is None or up is None else (wall, up)


def _by_letters(stated: tuple[Edge, Edge], wanted: ScreenWall, side: str, letters: EdgeLetters | None) -> Hung:
    turn = _turn(stated, wanted)
    if not _mirrors(turn):
        of_head = any(letter.startswith("H") for letter in letters or ())
        return Hung(turn, wanted, notes=() if turn != _HALF or of_head else (_UPSIDE_DOWN,))
    if _names_other_breast(letters, side):
        note = f"File: {_breast(side)}; orientation tag of the other one. Hung as stored, not mirrored. {CHECK}"
        return Hung(UPRIGHT, stated[0] if stated[0] in ("left", "right") else "", notes=(note,))
    return Hung(turn, wanted, notes=("Stored mirrored, by its Patient Orientation: mirrored back.",))


def _names_other_breast(letters: EdgeLetters | None, side: str) -> bool:
    """Whether the head's end of an oblique view is stated as the lateral end of the other breast (PS3.3 C.8.11.7)."""
    head = next((letter for letter in letters or () if letter.startswith("H")), "")
    return {"R": "L", "L": "R"}[side] in head


# --- by the picture ----------------------------------------------------------------------------------------------


def _by_picture(
    seen: Edge | Literal[""], wanted: ScreenWall, stated: tuple[Edge, Edge] | None, muscle: str, said: _Said
) -> Hung:
    if not seen:  # nothing contradicts the usual way of storing
        return Hung(wall=wanted)
    doubtful = stated is not None
    turn, how = _fitted(seen, wanted, muscle)
    told = _told(stated, seen, said)
    if how != "opposite":
        note = f"{told}. Hung by the picture{how and f', {how}'}. {CHECK}"
        return Hung(turn, wanted, doubtful, (note,) if how or doubtful else ())
    if said.flipped:
        note = f"All breasts of this exam face one way: {_breast(said.side)} mirrored back. {CHECK}"
        return Hung(_MIRROR, wanted, doubtful, (note,))
    if said.by_name or (stated is not None and stated[0] == wanted):
        return Hung(_MIRROR, wanted, doubtful, (f"{told}. Hung mirrored. {CHECK}",))
    note = f"{told}. Wrong side or mirrored: hung as stored, not mirrored. {CHECK}"
    return Hung(UPRIGHT, seen if seen in ("left", "right") else "", doubtful, (note,))


def _fitted(seen: Edge, wanted: ScreenWall, muscle: str) -> tuple[Turn, str]:
    """Return the turn without mirroring that brings the chest wall to its edge, and how; ``"opposite"`` where none."""
    if seen == wanted:
        return UPRIGHT, ""
    if seen in ("left", "right"):
        return (_HALF, "turned upside down") if muscle == "high" else (UPRIGHT, "opposite")
    for up in ("left", "right"):
        turn = _turn((seen, up), wanted)
        if not _mirrors(turn):
            return turn, "turned by a quarter"
    return UPRIGHT, "opposite"


def _told(stated: tuple[Edge, Edge] | None, seen: Edge, said: _Said) -> str:
    """Return what the file says against what the picture shows, in few words: it stands in the pane."""
    if stated is not None:
        return f"Orientation tag: chest wall {stated[0]}; picture: {seen}"
    return f"{'Name' if said.by_name else 'File'}: {_breast(said.side)}; picture: wall {seen}"


def _breast(side: str) -> str:
    return "right breast" if side == "R" else "left breast"


# --- turns -------------------------------------------------------------------------------------------------------


def _turn(stored: tuple[Edge, Edge], wanted: ScreenWall) -> Turn:
    """Return the turn that brings the stored wall edge to ``wanted`` and the stored upper edge to the top."""
    (wx, wy), (ux, uy) = _DIRECTION[stored[0]], _DIRECTION[stored[1]]
    sx, _ = _DIRECTION[wanted]
    return ((sx * wx, sx * wy), (-ux, -uy))


def _mirrors(turn: Turn) -> bool:
    return turn[0][0] * turn[1][1] - turn[0][1] * turn[1][0] < 0


def stored_edge(turn: Turn, screen: str) -> Edge:
    """Return the edge of the stored picture that lies at an edge of the screen."""
    x, y = _DIRECTION[screen]
    stored = (turn[0][0] * x + turn[1][0] * y, turn[0][1] * x + turn[1][1] * y)
    return next(edge for edge in _EDGES if _DIRECTION[edge] == stored)
