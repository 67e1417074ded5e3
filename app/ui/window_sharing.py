"""Window sharing: the window of one pane given to every pane with the same kind of image."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.studies.derived import parse
from viewer.presets import as_window

if TYPE_CHECKING:
    from app.ui.display import Display


def share_window(display: Display) -> None:
    """Give the window of the active pane to every pane with the same kind of image; each keeps its own inversion."""
    uid, presentation = display.stack_uid, display.pane.presentation
    if uid is None or presentation is None:
        return
    window = replace(as_window(presentation.voi), origin="user")
    for pane, other in zip(display.grid.panes, display.stack_uids, strict=True):
        if (
            other is not None
            and pane is not display.pane
            and pane.presentation is not None
            and alike(display, uid, other)
        ):
            pane.set_presentation(pane.presentation.with_voi(window))


def alike(display: Display, uid: str, other: str) -> bool:
    """Whether two images are of one kind: derived in the same way, of one dynamic series, or of one modality."""
    first, second = parse(uid), parse(other)
    if (first and first.kind) != (second and second.kind):
        return False
    mine, theirs = display.study_of(uid), display.study_of(other)
    if mine is None or theirs is None:
        return False
    place, other_place = mine.phase_of(uid), theirs.phase_of(other)
    if place is not None and other_place is not None:
        return place[0].uid == other_place[0].uid
    return place is other_place and mine.series_of(uid)[0].kind is theirs.series_of(other)[0].kind
