"""Marks: what a reader draws in the panes becomes boxes; the model's findings are jumped to and accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.commands import attempt
from app.ui.layers import proposals
from app.ui.places import centre_mm, frame_index
from app.ui.wording import series_title
from app.workspace.box import Box
from viewer.layers.types import BoxShape

if TYPE_CHECKING:
    from app.ui.display import Display


class Marks(QObject):
    """Boxes between the glass and the session.

    Attributes
    ----------
    box_selected
        Uid of the box selected in the panes, "" for none.
    """

    box_selected = Signal(str)

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display, self.session, self._grid = display, display.session, display.grid
        self.selected = ""
        self._grid.box_drawn.connect(self._draw)
        self._grid.box_edited.connect(self._edit)
        self._grid.box_selected.connect(self._select)
        self._grid.box_delete_requested.connect(self.delete)
        self.session.library.study_changed.connect(lambda: self._select(""))

    # -- gestures --------------------------------------------------------------------------------------------------

    def _draw(self, pane: int, shape: BoxShape, method: str) -> None:
        uid, study = self._display.stack_uids[pane], self.session.study
        if uid is None or study is None:
            return
        frames, index = study.stack(uid).frames, self._grid.panes[pane].sop_index
        sop = frames[index].sop_instance_uid if index is not None else ""
        self._commit("The box was not kept", None, self._new_box(shape, (uid, sop), method=method))

    def _new_box(self, shape: BoxShape, image: tuple[str, str], *, method: str, source: str = "reader") -> Box:
        """Return a box on an image, given as stack uid and SOP instance uid, with the label that is armed."""
        assert self.session.study is not None
        return Box(
            study_uid=self.session.study.uid,
            stack_uid=image[0],
            sop_instance_uid=image[1],
            frame_of_reference_uid=shape.frame_of_reference_uid,
            corner_mm=shape.corner_mm,
            opposite_mm=shape.opposite_mm,
            orientation=shape.orientation,
            label=self.session.annotations.label,
            taxonomy=self.session.annotations.taxonomy_id,
            source=source,
            method=method,
            author=self.session.settings.author,
        )

    def _edit(self, before: BoxShape, after: BoxShape) -> None:
        box = self.session.annotations.box(before.uid)
        if box is not None:
            moved = replace(box, corner_mm=after.corner_mm, opposite_mm=after.opposite_mm)
            self._commit("The change was not kept", box, moved)

    def delete(self, uid: str) -> None:
        """Delete a box."""
        attempt(self.session.notices, "The box was not deleted", lambda: self.session.annotations.delete(uid))

    def _commit(self, what: str, before: Box | None, after: Box) -> None:
        """Commit a gesture; what cannot be kept leaves the screen again, with the reason."""
        if attempt(self.session.notices, what, lambda: self.session.annotations.commit(before, after)):
            self.select(after.uid)
        else:
            self._display.refresh()

    # -- selection -------------------------------------------------------------------------------------------------

    def _select(self, uid: str) -> None:
        if uid != self.selected:
            self.selected = uid
            self.box_selected.emit(uid)

    def select(self, uid: str) -> None:
        """Select a box in every pane that shows it."""
        for pane in self._grid.panes:
            if pane.content is not None:
                pane.select_box(uid)
        self._select(uid)

    def jump(self, box: Box | BoxShape, stack_uid: str = "") -> None:
        """Show the place of a box or finding, loading its stack if no pane shows it."""
        display = self._display
        if stack_uid and stack_uid not in display.stack_uids:
            display.show_stack(stack_uid)
        elif stack_uid:
            self._grid.set_active(display.stack_uids.index(stack_uid))
        if display.pane.content is not None:
            display.pane.go_to(centre_mm(box))
        if isinstance(box, Box):
            self.select(box.uid)

    def place_of(self, box: Box) -> str:
        """Return where a box lies, as a list says it: the view of a single image, else the stored slice."""
        study = self.session.study
        if study is None or box.stack_uid not in self.session.library.stack_uids:
            return ""
        series, stack = study.series_of(box.stack_uid)
        if len(stack.frames) == 1:
            return series_title(series)
        index = frame_index(stack, box.sop_instance_uid, centre_mm(box))
        return f"slice {index + 1}" if index is not None else ""

    # -- findings of the model -------------------------------------------------------------------------------------

    def open_findings(self) -> tuple[BoxShape, ...]:
        """Return the model's findings in the active pane that no reader has accepted yet."""
        uid, index = self._display.stack_uid, self._display.slice_index
        loaded = self.session.images.loaded(uid) if uid is not None else None
        if loaded is None:
            return ()
        stored = [one for one in self.session.readings.stored if one.stack_uid == uid]
        here = [one for one in stored if one.slice_index == index] or stored
        return tuple(proposals(here, loaded.volume.frame_of_reference_uid or "", self.session.annotations.boxes))

    def accept(self, shape: BoxShape | None = None) -> None:
        """Make a reader's box from a finding: the one given, or the strongest open one of the slice."""
        found = self.open_findings()
        shape = shape or (found[0] if found else None)
        results = self.session.readings.stored
        stored = next((one for one in results if shape and shape.uid.startswith(f"{one.uid}#")), None)
        if shape is None or stored is None or self.session.study is None:
            return
        image = (stored.stack_uid, stored.sop_instance_uid)
        source = f"model {stored.result.provenance.model_id}"
        box = self._new_box(shape, image, method="accepted", source=source)
        self.session.annotations.commit(None, box)
        self.select(box.uid)
