"""Content: what a pane shows of a study, worked out from plain values. Qt-free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.studies.derived import base_uid
from app.studies.framing import framing_of, letters_of
from app.studies.hanging import Slot
from app.studies.hanging.mammography import view_label_of
from app.studies.hanging.sides import side_shown
from app.studies.study import Series, SeriesKind, Study
from app.ui.comparing import only_map
from app.ui.layers import box_shapes, heatmap_layers, mask_layers, newest, proposals
from app.ui.wording import day, person_name, phase_title, series_title, spacing_text
from viewer.layers.types import (
    ClassMapLayer,
    Compare,
    Corners,
    HeatmapLayer,
    ImageLayer,
    MaskLayer,
    MeasurementShape,
    PaneContent,
)
from viewer.slab import Slab

if TYPE_CHECKING:
    from app.ai_state import Reading
    from app.studies.load import LoadedStack
    from app.workspace.box import Box
    from app.workspace.store import StoredResult
    from app.workspace.taxonomy import Taxonomy

NOTES_SHOWN = 2
OF_A_PRIOR = "AI: open the exam to see"


@dataclass(frozen=True)
class Overlay:
    """What other parts of the program draw over the images of one frame of reference."""

    heatmaps: tuple[HeatmapLayer, ...] = ()
    class_maps: tuple[ClassMapLayer, ...] = ()
    masks: tuple[MaskLayer, ...] = ()
    measurements: tuple[MeasurementShape, ...] = ()


NO_OVERLAY = Overlay()


def merged(overlays: Iterable[Overlay]) -> Overlay:
    """Return everything of several overlays, the first undermost."""
    every = tuple(overlays)
    return Overlay(
        tuple(one for overlay in every for one in overlay.heatmaps),
        tuple(one for overlay in every for one in overlay.class_maps),
        tuple(one for overlay in every for one in overlay.masks),
        tuple(one for overlay in every for one in overlay.measurements),
    )


@dataclass(frozen=True)
class Scene:
    """Everything the content of a pane depends on.

    Attributes
    ----------
    reading
        What the AI says of the slice; None for an image of a prior exam, whose results are not at hand.
    slab
        Projection on show, None for single slices.
    flipped
        Side whose images are mirrored copies by the evidence of the whole exam (:mod:`app.studies.exam_walls`).
    """

    study: Study
    loaded: LoadedStack
    slot: Slot
    plane: str
    slice_index: int | None
    reading: Reading | None
    boxes: tuple[Box, ...]
    stored: tuple[StoredResult, ...]
    layers: Mapping[str, Mapping[str, Any]]
    taxonomy: Taxonomy | None
    overlay: Overlay = NO_OVERLAY
    slab: Slab | None = None
    compare: Compare | None = None
    flipped: str = ""


def pane_content(scene: Scene) -> PaneContent:
    """Return what one pane shows."""
    loaded, overlay = scene.loaded, scene.overlay
    frame_uid = loaded.volume.frame_of_reference_uid or ""
    series, _ = scene.study.series_of(loaded.stack.uid)
    framing, framing_notes = framing_of(loaded, series, scene.slot, scene.flipped)
    content = PaneContent(
        image=replace(image_layer(loaded), row_letters=letters_of(loaded, series, scene.slot)),
        heatmaps=maps_over(scene),
        masks=(*mask_layers(scene.stored, frame_uid, scene.layers), *overlay.masks),
        boxes=(*box_shapes(scene.boxes, frame_uid, scene.taxonomy), *proposals(scene.stored, frame_uid, scene.boxes)),
        plane=scene.plane,
        corners=corners(scene),
        ai_state=ai_lines(scene, frame_uid)[0],
        ai_brief=ai_lines(scene, frame_uid)[1],
        ai_tone=scene.reading.tone if scene.reading is not None else "quiet",
        notes=notes(loaded, framing_notes),
        banner=missing_text(loaded, scene.slice_index) if scene.slab is None else "",
        class_maps=overlay.class_maps,
        measurements=overlay.measurements,
        framing=framing,
        slab=scene.slot.slab,
        view_label=view_label(scene, series),
        compare=scene.compare,
    )
    return only_map(content, scene.slot.only_map) if scene.slot.only_map else content


def view_label(scene: Scene, series: Series) -> str:
    """Return side and view of a mammogram, the side of an MR image of one breast, else ""."""
    if series.kind is not SeriesKind.MR:
        return view_label_of(series, scene.loaded.stack)
    _, stack = scene.study.series_of(scene.loaded.stack.uid)
    thickness = scene.slab.thickness_mm if scene.slab is not None else 0.0
    return side_shown(series, stack, scene.slice_index, scene.plane, thickness)


def maps_over(scene: Scene) -> tuple[HeatmapLayer, ...]:
    """Return every heat map in the frame of reference of the image, as the user set them."""
    frame_uid = scene.loaded.volume.frame_of_reference_uid or ""
    return (*heatmap_layers(scene.stored, frame_uid, scene.layers), *scene.overlay.heatmaps)


def image_layer(loaded: LoadedStack) -> ImageLayer:
    """Return an image as the glass takes it."""
    return ImageLayer(
        uid=loaded.stack.uid,
        volume=loaded.volume,
        presentation=loaded.presentation,
        spacing_known=loaded.spacing_known,
        has_patient_axes=loaded.has_patient_axes,
        row_letters=loaded.edge_letters,
    )


def notes(loaded: LoadedStack, framing_notes: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return what must stay visible of an image; that its spacing is unknown the pane says itself."""
    said = loaded.stack.notes if loaded.spacing_known else [n for n in loaded.stack.notes if "pixel spacing" not in n]
    return (*framing_notes, *said)[:NOTES_SHOWN]


def missing_text(loaded: LoadedStack, slice_index: int | None) -> str:
    """Return what is written across a slice that has no pixels, "" for an image."""
    if slice_index is None or slice_index not in loaded.blank_slices:
        return ""
    frames = loaded.stack.frames
    there = slice_index < len(frames) and frames[slice_index].index >= 0
    what = "cannot be read; the reason is in the study browser" if there else "is missing from the study"
    return f"Slice {slice_index + 1} {what}."


def ai_lines(scene: Scene, frame_uid: str) -> tuple[str, str]:
    """Return the AI line of a view and a shorter one; a map of another series of the same place says so."""
    if scene.reading is None:
        return OF_A_PRIOR, ""
    own = base_uid(scene.loaded.stack.uid)
    others = [one for one in newest(scene.stored) if one.stack_uid != own and _lies_in(one, frame_uid)]
    if scene.reading.stored is not None or not others:
        return scene.reading.text, scene.reading.brief
    series, stack = scene.study.series_of(others[-1].stack_uid)
    of = f" · map of {phase_title(scene.study, stack) or series_title(series)}"
    return scene.reading.text + of, scene.reading.brief + of


def _lies_in(stored: StoredResult, frame_uid: str) -> bool:
    return any((heatmap.volume.frame_of_reference_uid or "") == frame_uid for heatmap in stored.result.heatmaps)


def corners(scene: Scene) -> Corners:
    """Return the quiet texts of a pane; slice, window and zoom the pane says itself."""
    study = scene.study
    shown = scene.loaded.stack
    series, _ = study.series_of(shown.uid)
    when = day(study.date) if scene.reading is not None else f"PRIOR {day(study.date)}"
    who = (person_name(study.patient_name), study.patient_id)
    whose = _lines(*dict.fromkeys((*who, when) if scene.reading is not None else (when, *who)))
    derived = shown.title if shown.uid != base_uid(shown.uid) else ""
    what = _lines(series_title(series), derived or phase_title(study, shown))
    return Corners(
        top_left=whose,
        # a research file has one name for both, and side and view of a mammogram stand there large
        top_right=tuple(line for line in what if line not in (*whose, view_label_of(series, shown))),
        bottom_right=_lines(spacing_text(shown)),
    )


def _lines(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)
