"""Content: what a pane shows of a study, worked out from plain values. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.studies.study import Study
from app.ui.layers import box_shapes, heatmap_layers, newest, proposals
from app.ui.wording import day, person_name, phase_title, series_title, spacing_text
from viewer.layers.types import Corners, ImageLayer, PaneContent

if TYPE_CHECKING:
    from app.ai_state import Reading
    from app.studies.load import LoadedStack
    from app.workspace.box import Box
    from app.workspace.store import StoredResult
    from app.workspace.taxonomy import Taxonomy

NOTES_SHOWN = 2


@dataclass(frozen=True)
class Scene:
    """Everything the content of a pane depends on."""

    study: Study
    loaded: LoadedStack
    plane: str
    slice_index: int | None
    reading: Reading
    boxes: tuple[Box, ...]
    stored: tuple[StoredResult, ...]
    layers: Mapping[str, Mapping[str, Any]]
    taxonomy: Taxonomy | None


def pane_content(scene: Scene) -> PaneContent:
    """Return what one pane shows."""
    loaded = scene.loaded
    frame_uid = loaded.volume.frame_of_reference_uid or ""
    image = ImageLayer(
        uid=loaded.stack.uid,
        volume=loaded.volume,
        presentation=loaded.presentation,
        spacing_known=loaded.spacing_known,
        has_patient_axes=loaded.has_patient_axes,
        row_letters=loaded.edge_letters,
    )
    return PaneContent(
        image=image,
        heatmaps=tuple(heatmap_layers(scene.stored, frame_uid, scene.layers)),
        boxes=(*box_shapes(scene.boxes, frame_uid, scene.taxonomy), *proposals(scene.stored, frame_uid, scene.boxes)),
        plane=scene.plane,
        corners=corners(scene),
        ai_state=ai_line(scene, frame_uid),
        ai_tone=scene.reading.tone,
        notes=notes(loaded),
        banner=missing_text(loaded, scene.slice_index),
    )


def notes(loaded: LoadedStack) -> tuple[str, ...]:
    """Return what must stay visible of a stack; that its spacing is unknown the pane says itself."""
    said = loaded.stack.notes if loaded.spacing_known else [n for n in loaded.stack.notes if "pixel spacing" not in n]
    return tuple(said[:NOTES_SHOWN])


def missing_text(loaded: LoadedStack, slice_index: int | None) -> str:
    """Return what is written across a slice that has no pixels, "" for an image."""
    if slice_index is None or slice_index not in loaded.blank_slices:
        return ""
    frames = loaded.stack.frames
    there = slice_index < len(frames) and frames[slice_index].index >= 0
    what = "cannot be read; the reason is in the study browser" if there else "is missing from the study"
    return f"Slice {slice_index + 1} {what}."


def ai_line(scene: Scene, frame_uid: str) -> str:
    """Return the AI line of a view; a map that belongs to another series of the same place says so."""
    own = scene.loaded.stack.uid
    others = [one for one in newest(scene.stored) if one.stack_uid != own and _lies_in(one, frame_uid)]
    if scene.reading.stored is not None or not others:
        return scene.reading.text
    series, stack = scene.study.series_of(others[-1].stack_uid)
    return f"{scene.reading.text} · map of {phase_title(scene.study, stack) or series_title(series)}"


def _lies_in(stored: StoredResult, frame_uid: str) -> bool:
    return any((heatmap.volume.frame_of_reference_uid or "") == frame_uid for heatmap in stored.result.heatmaps)


def corners(scene: Scene) -> Corners:
    """Return the quiet texts of a pane; slice, window and zoom the pane says itself."""
    study = scene.study
    series, stack = study.series_of(scene.loaded.stack.uid)
    whose = _lines(*dict.fromkeys((person_name(study.patient_name), study.patient_id, day(study.date))))
    what = _lines(series_title(series), phase_title(study, stack))
    return Corners(
        top_left=whose,
        top_right=tuple(line for line in what if line not in whose),  # a research file has one name for both
        bottom_right=_lines(spacing_text(stack)),
    )


def _lines(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)
