"""Slots: how an image that a reader picks by hand is shown. Qt-free."""

from __future__ import annotations

from app.studies.hanging import Slot
from app.studies.hanging.mammography import WALL, mammograms_of, side_and_view
from app.studies.study import Study


def slot_for(study: Study | None, uid: str | None) -> Slot:
    """Return the slot of an image chosen in the browser: a mammogram keeps its chest wall to its own side."""
    if study is None or uid is None:
        return Slot()
    series = next((one for one in mammograms_of(study) if any(stack.uid == uid for stack in one.stacks)), None)
    if series is None:
        return Slot(uid, follows=False)
    side, view = side_and_view(series)
    return Slot(
        uid, f"{side} {view}".strip(), chest_wall=WALL.get(side, ""), group="" if series.view_modifiers else "views"
    )  # type: ignore[arg-type]
