"""Measure marks: what a reader measures in the panes becomes stored measurements, and these become shapes again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from app.measured import affine_of, in_study, pixel_values, sizes
from app.studies.derived import base_uid
from app.ui.content import NO_OVERLAY, Overlay
from app.ui.measurement_layers import measurement_shapes
from app.workspace.measurement import Measurement
from viewer.layers.types import MeasurementShape

if TYPE_CHECKING:
    from app.ui.display import Display
    from app.ui.marks import Marks


class MeasureMarks(QObject):
    """Measurements between the glass and the session."""

    def __init__(self, display: Display, marks: Marks) -> None:
        super().__init__(marks)
        self._display, self._marks, self.session = display, marks, display.session
        display.grid.measurement_drawn.connect(self._draw)
        display.grid.measurement_edited.connect(self._edit)
        display.add_overlays(self.overlay, self.session.library.respaced)

    def overlay(self, frame_uid: str) -> Overlay:
        """Return the measurements that lie in a frame of reference."""
        study, kept = self.session.study, self.session.annotations.measurements
        return Overlay(measurements=measurement_shapes(kept, frame_uid, study)) if study and kept else NO_OVERLAY

    def _draw(self, pane: int, shape: MeasurementShape, method: str) -> None:
        image = self._marks.image_of(pane, "The measurement was not kept")
        study = self.session.study
        loaded = self.session.images.loaded(image[0]) if image is not None else None
        if image is None or study is None or loaded is None:
            return
        basis = study.stack(image[0]).spacing_basis
        one = Measurement(
            study_uid=study.uid,
            stack_uid=base_uid(image[0]),
            sop_instance_uid=image[1],
            frame_of_reference_uid=shape.frame_of_reference_uid,
            image=image[0],
            kind=shape.kind,
            points_mm=shape.points_mm,
            orientation=shape.orientation,
            affine=affine_of(loaded.volume.affine),
            basis=basis,
            values=(*sizes(shape, basis), *pixel_values(shape, loaded)),
            label=self.session.annotations.label,
            taxonomy=self.session.annotations.taxonomy_id,
            method=method,
            author=self.session.settings.author,
        )
        self._marks.commit("The measurement was not kept", None, one)

    def _edit(self, before: MeasurementShape, after: MeasurementShape) -> None:
        stored, study = self.session.annotations.measurement(before.uid), self.session.study
        if stored is None or study is None:
            return
        present = in_study(stored, study)
        loaded = self.session.images.loaded(present.image)
        affine = affine_of(np.asarray(loaded.volume.affine)) if loaded is not None else present.affine
        changed = replace(
            present,
            points_mm=after.points_mm,
            orientation=after.orientation,
            affine=affine,
            values=(*sizes(after, present.basis), *pixel_values(after, loaded)),
        )
        self._marks.commit("The change was not kept", stored, changed)
