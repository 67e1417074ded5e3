"""Marks: what a reader draws in the panes is kept; the model's findings are jumped to and accepted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.commands import attempt
from app.measured import in_study
from app.studies.derived import base_uid
from app.ui.layers import MapEntry, finding_of, map_entries, overlay_values, proposals
from app.ui.measure_marks import MeasureMarks
from app.ui.places import centre_mm, frame_index
from app.ui.wording import series_title
from app.workspace.box import Box, Mark
from app.workspace.measurement import Measurement
from viewer.layers.types import BoxShape

if TYPE_CHECKING:
    from app.ui.display import Display


class Marks(QObject):
    """Boxes, and with `measuring` measurements, between the glass and the session.

    Attributes
    ----------
    box_selected
        Uid of the box or measurement selected in the panes, "" for none.
    """

    box_selected = Signal(str)

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display, self.session, self._grid = display, display.session, display.grid
        self.selected = ""
        self._awaited: tuple[Mark, str] | None = None  # to be gone to once its image is there
        self._grid.box_drawn.connect(self._draw)
        self._grid.box_edited.connect(self._edit)
        self._grid.box_selected.connect(self._select)
        self._grid.box_delete_requested.connect(self.delete)
        self.session.library.study_changed.connect(self._forget)
        display.focus_changed.connect(self._arrive)
        self.measuring = MeasureMarks(display, self)

    # -- gestures --------------------------------------------------------------------------------------------------

    def _draw(self, pane: int, shape: BoxShape, method: str) -> None:
        image = self.image_of(pane, "The box was not kept")
        if image is not None:
            base = (base_uid(image[0]), image[1])
            self.commit("The box was not kept", None, self._new_box(shape, base, method=method))

    def image_of(self, pane: int, what: str) -> tuple[str, str] | None:
        """Return the image in a pane, which may be derived, and the SOP instance of its slice.

        An image that is not of the current study, such as a prior shown beside it, is refused with a sentence; `what`
        says what did not happen.
        """
        uid, study = self._display.stack_uids[pane], self.session.study
        if uid is None or study is None:
            return None
        try:
            frames = study.stack(uid).frames
        except KeyError:
            self.session.notices.warn(
                what,
                "This image belongs to another exam, which is only shown for comparison.",
                "Open that exam in the study browser to draw in it.",
            )
            self._display.refresh()
            return None
        index = self._grid.panes[pane].sop_index
        return uid, frames[index].sop_instance_uid if index is not None and index < len(frames) else ""

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
            self.commit("The change was not kept", box, moved)

    def delete(self, uid: str) -> None:
        """Delete a box or measurement."""
        what = "measurement" if self.session.annotations.measurement(uid) is not None else "box"
        attempt(self.session.notices, f"The {what} was not deleted", lambda: self.session.annotations.delete(uid))

    def commit(self, what: str, before: Mark | None, after: Mark) -> None:
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
        """Select a box or measurement in every pane that shows it."""
        for pane in self._grid.panes:
            if pane.content is not None:
                pane.select_box(uid)
        self._select(uid)

    def jump(self, box: Mark | BoxShape, stack_uid: str = "") -> None:
        """Show the place of a box, measurement or finding, loading its stack if no pane shows it."""
        display = self._display
        if stack_uid and stack_uid not in display.stack_uids:
            display.show_stack(stack_uid)
        elif stack_uid:
            self._grid.set_active(display.stack_uids.index(stack_uid))
        if display.pane.content is not None:
            display.pane.go_to(centre_mm(box))
        if not isinstance(box, BoxShape):
            self._awaited = (box, stack_uid) if display.pane.content is None else None
            self.select(box.uid)

    def jump_to_measurement(self, one: Measurement) -> None:
        """Show a measurement: on the image it was drawn on, where a pane shows that, else on its stack."""
        study = self.session.study
        shown = self._display.stack_uids
        there = next((uid for uid in (one.image, one.stack_uid) if uid in shown), one.image)
        if study is not None:
            self.jump(in_study(one, study), there)

    def _arrive(self) -> None:
        """Go to what was jumped to before its image was there."""
        if self._awaited is not None and self._display.pane.content is not None:
            mark, uid = self._awaited
            self._awaited = None
            if self._display.stack_uid == uid:
                self._display.pane.go_to(centre_mm(mark))
                self.select(mark.uid)

    def _forget(self) -> None:
        self._awaited = None
        self._select("")

    def place_of(self, box: Mark) -> str:
        """Return where a mark lies, as a list says it: the view of a single image, else the stored slice."""
        study = self.session.study
        if study is None or box.stack_uid not in self.session.library.stack_uids:
            return ""
        series, stack = study.series_of(box.stack_uid)
        if len(stack.frames) == 1:
            return series_title(series)
        index = frame_index(stack, box.sop_instance_uid, centre_mm(box))
        return f"slice {index + 1}" if index is not None else ""

    # -- findings of the models ------------------------------------------------------------------------------------

    def open_findings(self) -> tuple[BoxShape, ...]:
        """Return the models' findings in the active pane that no reader has accepted yet, the highest score first."""
        shown, index = self._display.stack_uid, self._display.slice_index
        loaded = self.session.images.loaded(shown) if shown is not None and self._display.own else None
        if shown is None or loaded is None:
            return ()
        every = self.session.readings.stored
        asked = self.session.readings.all_of(base_uid(shown), -1 if index is None else index)
        here = [one.stored for one in asked if one.stored is not None]
        here = here or [one for one in every if one.stack_uid == base_uid(shown)]
        found = proposals(here, loaded.volume.frame_of_reference_uid or "", self.session.annotations.boxes)
        return tuple(sorted(found, key=lambda shape: -self._score(shape)))

    def _score(self, shape: BoxShape) -> float:
        found = finding_of(shape, self.session.readings.stored)
        return found[1].score if found is not None else 0.0

    def go_to(self, point_mm: tuple[float, float, float]) -> None:
        """Show a point in the active pane, and in those linked with it."""
        if self._display.pane.content is not None:
            self._display.pane.go_to(point_mm)

    def jump_to_finding(self, shape: BoxShape) -> None:
        """Show the spot of a finding: in the active pane where it lies there, else on the image it was found on."""
        found = finding_of(shape, self.session.readings.stored)
        if found is None:
            return
        stored, finding = found
        spot = finding.spot_mm or centre_mm(shape)
        if self._display.pane.frame_of_reference_uid != finding.frame_of_reference_uid:
            self.jump(shape, stored.stack_uid)
        self.go_to(spot)

    @property
    def has_maximum(self) -> bool:
        """Whether a finding or a map over the active pane can be jumped to."""
        return bool(self._shown_maps()) or bool(self.open_findings())

    def jump_to_maximum(self) -> None:
        """Show the spot of the strongest finding; where there is none, the maximum of the topmost map on show."""
        from app.ui.findings.places import maximum_mm

        if shapes := self.open_findings():
            self.jump_to_finding(shapes[0])
        elif maps := self._shown_maps():
            point = maximum_mm(maps[-1].heatmap)
            if point is not None:
                self.go_to(point)

    def _shown_maps(self) -> list[MapEntry]:
        frame_uid = self._display.pane.frame_of_reference_uid
        if not self._display.own or not frame_uid:
            return []
        layers = self.session.overlays.values
        every = map_entries(self.session.readings.stored, frame_uid)
        return [one for one in every if overlay_values(one.key, one.position, layers)["visible"]]

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
