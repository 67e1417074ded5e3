"""Scenes: everything the content of a pane depends on, gathered from the session. Qt-free but for the pane it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.studies.derived import base_uid
from app.ui.content import NO_OVERLAY, Scene, merged

if TYPE_CHECKING:
    from app.ui.display import Display


def scene_of(display: Display, n: int) -> Scene | None:
    """Return what the content of a pane depends on, None while its pixels are not there."""
    slot, session = display.slots[n], display.session
    if slot.uid is None:
        return None
    loaded, study = session.images.loaded(slot.uid), display.study_of(slot.uid)
    if loaded is None or study is None:
        return None
    pane, own = display.grid.panes[n], display.is_own(slot.uid)
    same = pane.content is not None and pane.content.image.uid == slot.uid
    index = pane.sop_index if same else len(loaded.stack.frames) // 2
    frame_uid = str(loaded.volume.frame_of_reference_uid or "")
    return Scene(
        study=study,
        loaded=loaded,
        slot=slot,
        plane=pane.plane if same else slot.plane,
        slab=pane.slab if same else slot.slab,
        slice_index=index,
        reading=session.readings.of(base_uid(slot.uid), -1 if index is None else index) if own else None,
        boxes=session.annotations.boxes if own else (),
        stored=session.readings.stored if own else (),
        layers=session.overlays.values,
        taxonomy=session.annotations.taxonomy,
        overlay=merged(source(frame_uid) for source in display.overlay_sources) if own else NO_OVERLAY,
        flipped=display.evidence.flipped(study),
    )
