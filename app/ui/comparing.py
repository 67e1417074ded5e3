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
    """

    key: str
    title: str
    is_map: bool = False


def candidates(
    study: Study, uid: str, maps: Iterable[HeatmapLayer], can_be_corrected: Callable[[str, str], bool]
) -> tuple[Candidate, ...]:
    """Return what an image on show can be compared with: other maps over it first, then the same at other times.

    Parameters
    ----------
    maps
        Every map in the frame of reference of the image; the same map of several slices counts once.
    can_be_corrected
        Whether there is a motion correction of a phase to a reference.
    """
    titles = list(dict.fromkeys(layer.title for layer in maps))
    found = [Candidate(title, title, is_map=True) for title in titles[1:]]
    return (*found, *_other_times(study, uid), *_other_correction(uid, can_be_corrected))


def _other_times(study: Study, uid: str) -> list[Candidate]:
    place = study.phase_of(uid)
    if place is None:
        return []
    derived, phases = parse(uid), place[0].phases
    if derived is None:
        return [Candidate(p.stack_uid, p.label.capitalize()) for p in phases if p.stack_uid != uid]
    others = [p for p in phases if p.stack_uid not in (derived.of, derived.reference)]
    return [Candidate(replace(derived, of=p.stack_uid).uid, f"Subtraction {p.label}") for p in others]


def _other_correction(uid: str, can_be_corrected: Callable[[str, str], bool]) -> list[Candidate]:
    derived = parse(uid)
    if derived is None or not (derived.motion_corrected or can_be_corrected(derived.of, derived.reference)):
        return []
    title = "Not motion-corrected" if derived.motion_corrected else "Motion-corrected"
    return [Candidate(replace(derived, motion_corrected=not derived.motion_corrected).uid, title)]


def with_image(content: PaneContent, title: str, other: ImageLayer, choice: Candidate, mode: Mode) -> PaneContent:
    """Return the content compared with another image of the same frame of reference."""
    if mode not in ("swipe", "blink"):
        return content
    return replace(
        content, compare=Compare(title, choice.title, other, content.heatmaps, content.class_maps, mode=mode)
    )


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
    compare = Compare(
        own[0].title, choice.title, None, shown, content.class_maps, mode="blink" if mode == "blink" else "swipe"
    )
    return replace(content, heatmaps=tuple(replace(layer, visible=True) for layer in own), compare=compare)


def _own_maps(layers: Sequence[HeatmapLayer], other: str) -> list[HeatmapLayer]:
    """Return the map that stands against the other: a visible one if there is one, on every slice it has."""
    rest = [layer for layer in layers if layer.title != other]
    title = next((layer.title for layer in rest if layer.visible), rest[0].title if rest else "")
    return [layer for layer in rest if layer.title == title]


Difference = Callable[[HeatmapLayer, HeatmapLayer], HeatmapLayer | None]
