"""Comparing: what an image or a map can be compared with, and the pane content that shows both. Qt-free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from app.studies.derived import parse
from app.studies.study import Study
from viewer.layers.types import Compare, HeatmapLayer, ImageLayer, PaneContent

Mode = Literal["", "swipe", "blink", "difference"]


@dataclass(frozen=True)
class Candidate:
    """Something to compare with.

    Attributes
    ----------
    key
        Uid of an image, or title of a map.
    unit
        Of a map.
    """

    key: str
    title: str
    is_map: bool = False
    unit: str = ""


def candidates(
    study: Study, uid: str, maps: Iterable[HeatmapLayer], can_be_corrected: Callable[[str, str], bool]
) -> tuple[Candidate, ...]:
    """Return what an image on show can be compared with: other maps over it first, then the same at other times.

    The map that :func:`own_title` names is the one that others are compared with.

    Parameters
    ----------
    maps
        Every map in the frame of reference of the image; the same map of several slices counts once.
    can_be_corrected
        Whether there is a motion correction of a phase to a reference.
    """
    layers = tuple(maps)
    units = {layer.title: layer.unit for layer in layers if layer.title != own_title(layers)}
    found = [Candidate(title, title, is_map=True, unit=unit) for title, unit in units.items()]
    return (*found, *_other_times(study, uid), *_other_correction(uid, can_be_corrected))


def _other_times(study: Study, uid: str) -> list[Candidate]:
    place = study.phase_of(uid)
    if place is None:
        return []
    derived, phases = parse(uid), place[0].phases
    phases = (*phases[place[1] + 1 :], *phases[: place[1]])  # what comes next is what one wants to see first
    if derived is None:
        return [Candidate(p.stack_uid, p.label.capitalize()) for p in phases]
    others = [p for p in phases if p.stack_uid != derived.reference]
    return [Candidate(replace(derived, of=p.stack_uid).uid, f"Subtraction {p.label}") for p in others]


def _other_correction(uid: str, can_be_corrected: Callable[[str, str], bool]) -> list[Candidate]:
    derived = parse(uid)
    if derived is None or not (derived.motion_corrected or can_be_corrected(derived.of, derived.reference)):
        return []
    title = "Not motion-corrected" if derived.motion_corrected else "Motion-corrected"
    return [Candidate(replace(derived, motion_corrected=not derived.motion_corrected).uid, title)]


def own_title(maps: Sequence[HeatmapLayer]) -> str:
    """Return the title of the map that others are compared with: the first visible one, else the first; "" for none."""
    return next((layer.title for layer in maps if layer.visible), maps[0].title if maps else "")


def only_map(content: PaneContent, title: str) -> PaneContent:
    """Return the content with one of its maps alone, on every slice it has, and with its name in the corner."""
    shown = tuple(replace(layer, visible=True) for layer in content.heatmaps if layer.title == title)
    corners = replace(content.corners, top_right=(*content.corners.top_right, title))
    return replace(content, heatmaps=shown, corners=corners)


def with_image(
    content: PaneContent, title: str, other: ImageLayer, choice: Candidate, mode: Mode, *, same_window: bool = False
) -> PaneContent:
    """Return the content compared with another image of the same frame of reference."""
    if mode not in ("swipe", "blink"):
        return content
    compare = Compare(
        title, choice.title, other, content.heatmaps, content.class_maps, content.masks, mode, same_window
    )
    return replace(content, compare=compare)


def with_map(content: PaneContent, choice: Candidate, mode: Mode, difference: Difference) -> PaneContent:
    """Return the content with one map compared with another, or with their difference in place of both."""
    others = [layer for layer in content.heatmaps if layer.title == choice.key]
    own = _own_maps(content.heatmaps, choice.key)
    if not own or not others:
        return content
    if mode == "difference":
        pairs = (difference(one, other) for one in own for other in others)
        return replace(content, heatmaps=tuple(layer for layer in pairs if layer is not None))
    shown = tuple(replace(layer, visible=True) for layer in others)
    way: Literal["swipe", "blink"] = "blink" if mode == "blink" else "swipe"
    compare = Compare(own[0].title, choice.title, None, shown, content.class_maps, content.masks, way)
    return replace(content, heatmaps=tuple(replace(layer, visible=True) for layer in own), compare=compare)


def _own_maps(layers: Sequence[HeatmapLayer], other: str) -> list[HeatmapLayer]:
    """Return the map that stands against the other: a visible one if there is one, on every slice it has."""
    rest = [layer for layer in layers if layer.title != other]
    return [layer for layer in rest if layer.title == own_title(rest)]


Difference = Callable[[HeatmapLayer, HeatmapLayer], HeatmapLayer | None]


class Differences:
    """Differences of maps, each worked out once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[HeatmapLayer, HeatmapLayer, HeatmapLayer | None]] = {}

    def forget(self) -> None:
        """Let go of them."""
        self._known.clear()

    def __call__(self, one: HeatmapLayer, other: HeatmapLayer) -> HeatmapLayer | None:
        """Return the first map minus the other on the grid of the first; None where they do not meet."""
        known = self._known.get((one.uid, other.uid))
        if known is None or known[0].volume is not one.volume or known[1].volume is not other.volume:
            from viewer.difference import difference_of

            found = difference_of(one, other)
            known = (one, other, replace(found, title=difference_title(one.title, other.title)) if found else None)
            self._known[one.uid, other.uid] = known
        return replace(known[2], opacity=one.opacity) if known[2] is not None else None


def difference_title(one: str, other: str) -> str:
    """Return the name of a difference: what two titles share is said once, ``"Attention: model a − model b"``."""
    (what, _, whose), (other_what, _, others) = one.partition(" · "), other.partition(" · ")
    return f"{what}: {whose} − {others}" if what == other_what and whose and others else f"{one} − {other}"
