"""Layers: results and boxes as what a pane draws over its image. Qt-free."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.layers.types import BoxShape, HeatmapLayer, MaskLayer

if TYPE_CHECKING:
    from app.workspace.box import Box
    from app.workspace.store import StoredResult
    from app.workspace.taxonomy import Taxonomy
    from inference.result import Finding, Heatmap, Segmentation

UNLABELLED = "#f2f2f2"
# One colour for each model's boxes and masks, by the number at the end of its id; told apart with every kind of colour
# vision, and legible on black (tests/app/ui/test_theme.py).
MODEL_COLOURS = ("#ffcb52", "#ff9ad5", "#8f7dff", "#2fd6a3", "#e8633f")
MASK_OPACITY = 0.35
_NUMBER = re.compile(r"-(\d{1,6})$")


@dataclass(frozen=True)
class MapEntry:
    """One heat map of one result, with the key its choices are kept under and its rank among what is shown."""

    stored: StoredResult
    heatmap: Heatmap
    position: int

    @property
    def key(self) -> str:
        """What the choices are kept under."""
        return overlay_key(self.stored, self.heatmap.name)

    @property
    def title(self) -> str:
        """What a legend and the Layers panel call it."""
        return f"{self.heatmap.title} · {self.stored.result.provenance.model_id}"


def overlay_uid(stored: StoredResult, name: str) -> str:
    """Return the identity of one map of one result."""
    return f"{stored.uid}/{name}"


def newest(stored: Iterable[StoredResult]) -> tuple[StoredResult, ...]:
    """Return the newest result of each slice and model."""
    latest = {(one.stack_uid, one.slice_index, one.result.provenance.model_id): one for one in stored}
    return tuple(latest.values())


def overlay_key(stored: StoredResult, name: str) -> str:
    """Return what the choices for a map are kept under: the same map of every slice looks the same."""
    return f"{stored.result.provenance.model_id}/{name}"


def mask_key(stored: StoredResult, name: str) -> str:
    """Return what the choices for a mask are kept under; a map may have the same name."""
    return overlay_key(stored, f"mask:{name}")


def overlay_values(uid: str, position: int, layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return how one map is drawn: the defaults (``layers[""]``), of several maps the first, then what the user set."""
    return {"visible": position == 0, **layers[""], **layers.get(uid, {})}


def mask_values(stored: StoredResult, name: str, layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return how one mask is drawn: visible in its model's colour, then what the user set."""
    colour = model_colour(stored.result.provenance.model_id)
    return {"visible": True, "opacity": MASK_OPACITY, "colour": colour, **layers.get(mask_key(stored, name), {})}


def model_colour(model_id: str) -> str:
    """Return the colour of a model's boxes and masks; the same for every version."""
    found = _NUMBER.search(model_id)
    number = int(found[1]) if found else zlib.crc32(model_id.encode())
    return MODEL_COLOURS[number % len(MODEL_COLOURS)]


def model_number(model_id: str) -> str:
    """Return the short name of a model on a view: the number at the end of its id, else the id."""
    found = _NUMBER.search(model_id)
    return found[1] if found else model_id


def map_entries(stored: Iterable[StoredResult], frame_uid: str) -> tuple[MapEntry, ...]:
    """Return the heat maps that lie in a frame of reference.

    Position 0 is drawn until the user says otherwise: of the model that answered last, the first map and those that
    share its name up to the last hyphen (``cam-R`` and ``cam-L`` are halves of one picture). The maps of several models
    over each other could not be read.
    """
    every = tuple(stored)
    last = next((one.result.provenance.model_id for one in reversed(every) if _maps_in(one, frame_uid)), "")
    entries = []
    for one in newest(every):
        kinds = list(dict.fromkeys(_kind(heatmap.name) for heatmap in one.result.heatmaps))
        later = 0 if one.result.provenance.model_id == last else len(kinds)
        entries += [MapEntry(one, found, kinds.index(_kind(found.name)) + later) for found in _maps_in(one, frame_uid)]
    return tuple(entries)


def _maps_in(stored: StoredResult, frame_uid: str) -> tuple[Heatmap, ...]:
    return tuple(one for one in stored.result.heatmaps if (one.volume.frame_of_reference_uid or "") == frame_uid)


def _kind(name: str) -> str:
    return name.rpartition("-")[0] or name


def heatmap_layers(
    stored: Iterable[StoredResult], frame_uid: str, layers: Mapping[str, Mapping[str, Any]]
) -> Iterator[HeatmapLayer]:
    """Return the maps that lie in a frame of reference, as the user set them (``layers[""]`` holds the defaults)."""
    for entry in map_entries(stored, frame_uid):
        heatmap = entry.heatmap
        chosen = overlay_values(entry.key, entry.position, layers)
        low, high = heatmap.value_range
        yield HeatmapLayer(
            uid=overlay_uid(entry.stored, heatmap.name),
            title=entry.title,
            volume=heatmap.volume,
            unit=heatmap.unit,
            value_range=heatmap.value_range,
            table=chosen["table"],
            opacity=chosen["opacity"],
            threshold=low + chosen["threshold"] * (high - low),
            visible=chosen["visible"],
        )


def masks_in(stored: Iterable[StoredResult], frame_uid: str) -> tuple[tuple[StoredResult, Segmentation], ...]:
    """Return the masks that lie in a frame of reference, with the result each belongs to."""
    return tuple(
        (one, mask)
        for one in newest(stored)
        for mask in one.result.masks
        if (mask.volume.frame_of_reference_uid or "") == frame_uid
    )


def mask_layers(
    stored: Iterable[StoredResult], frame_uid: str, layers: Mapping[str, Mapping[str, Any]]
) -> Iterator[MaskLayer]:
    """Return the models' masks of a frame of reference, as the user set them."""
    for one, mask in masks_in(stored, frame_uid):
        chosen = mask_values(one, mask.name, layers)
        yield MaskLayer(
            uid=overlay_uid(one, f"mask:{mask.name}"),
            title=f"{mask.title} · {one.result.provenance.model_id}",
            volume=mask.volume,
            colour=chosen["colour"],
            opacity=chosen["opacity"],
            visible=chosen["visible"],
        )


def box_shapes(boxes: Iterable[Box], frame_uid: str, taxonomy: Taxonomy | None) -> Iterable[BoxShape]:
    """Return the readers' boxes of a frame of reference."""
    terms = {term.code: term for term in taxonomy.terms} if taxonomy is not None else {}
    for box in boxes:
        if box.frame_of_reference_uid == frame_uid:
            term = terms.get(box.label)
            yield BoxShape(
                uid=box.uid,
                frame_of_reference_uid=box.frame_of_reference_uid,
                corner_mm=box.corner_mm,
                opposite_mm=box.opposite_mm,
                orientation=box.orientation,
                text=term.title if term is not None else (box.label or "no label"),
                colour=term.colour if term is not None else UNLABELLED,
            )


def proposals(stored: Iterable[StoredResult], frame_uid: str, boxes: Iterable[Box] = ()) -> Iterable[BoxShape]:
    """Return the model's findings of a frame of reference that no reader has accepted yet."""
    accepted = [box for box in boxes if box.method == "accepted" and box.frame_of_reference_uid == frame_uid]
    for one in newest(stored):
        model_id = one.result.provenance.model_id
        for position, finding in enumerate(one.result.findings):
            taken = any(overlap(box, finding) for box in accepted)
            if finding.frame_of_reference_uid == frame_uid and not taken:
                yield BoxShape(
                    uid=f"{one.uid}#{position}",
                    frame_of_reference_uid=frame_uid,
                    corner_mm=finding.corner_mm,
                    opposite_mm=finding.opposite_mm,
                    orientation=finding.orientation,
                    text=finding_text(finding, model_id),
                    colour=model_colour(model_id),
                    proposal=True,
                )


def finding_text(finding: Finding, model_id: str) -> str:
    """Return what stands at a finding: its title, its score, and which model says so."""
    return f"{finding.title or 'AI'} {finding.score:.2f} · {model_number(model_id)}"


def finding_of(shape: BoxShape, stored: Iterable[StoredResult]) -> tuple[StoredResult, Finding] | None:
    """Return the result and the finding that a proposal was made from, None where it is no longer there."""
    uid, _, position = shape.uid.rpartition("#")
    for one in stored:
        if one.uid == uid and int(position) < len(one.result.findings):
            return one, one.result.findings[int(position)]
    return None


def overlap(box: Box, finding: Finding) -> bool:
    """Whether an accepted box still covers the middle of a finding, also after it was corrected."""
    corners = np.array([box.corner_mm, box.opposite_mm])
    middle = np.add(finding.corner_mm, finding.opposite_mm) / 2
    slack_mm = 0.5  # a box is flat: along its normal both corners agree
    return bool(np.all(middle >= corners.min(axis=0) - slack_mm) and np.all(middle <= corners.max(axis=0) + slack_mm))
