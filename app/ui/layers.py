"""Layers: results and boxes as what a pane draws over its image. Qt-free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.layers.types import BoxShape, HeatmapLayer

if TYPE_CHECKING:
    from app.workspace.box import Box
    from app.workspace.store import StoredResult
    from app.workspace.taxonomy import Taxonomy
    from inference.result import Finding

UNLABELLED = "#f2f2f2"


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


def overlay_values(uid: str, position: int, layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return how one map is drawn: the defaults (``layers[""]``), of several maps the first, then what the user set."""
    return {"visible": position == 0, **layers[""], **layers.get(uid, {})}


def heatmap_layers(
    stored: Iterable[StoredResult], frame_uid: str, layers: Mapping[str, Mapping[str, Any]]
) -> Iterable[HeatmapLayer]:
    """Return the maps that lie in a frame of reference, as the user set them (``layers[""]`` holds the defaults)."""
    for one in newest(stored):
        for position, heatmap in enumerate(one.result.heatmaps):
            if (heatmap.volume.frame_of_reference_uid or "") != frame_uid:
                continue
            uid = overlay_uid(one, heatmap.name)
            chosen = overlay_values(overlay_key(one, heatmap.name), position, layers)
            low, high = heatmap.value_range
            yield HeatmapLayer(
                uid=uid,
                title=f"{heatmap.title} · {one.result.provenance.model_id}",
                volume=heatmap.volume,
                unit=heatmap.unit,
                value_range=heatmap.value_range,
                table=chosen["table"],
                opacity=chosen["opacity"],
                threshold=low + chosen["threshold"] * (high - low),
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
        for position, finding in enumerate(one.result.findings):
            taken = any(overlap(box, finding) for box in accepted)
            if finding.frame_of_reference_uid == frame_uid and not taken:
                yield BoxShape(
                    uid=f"{one.uid}#{position}",
                    frame_of_reference_uid=frame_uid,
                    corner_mm=finding.corner_mm,
                    opposite_mm=finding.opposite_mm,
                    orientation=finding.orientation,
                    text=f"AI {finding.score:.2f}",
                    colour="#e3b04f",
                    proposal=True,
                )


def overlap(box: Box, finding: Finding) -> bool:
    """Whether an accepted box still covers the middle of a finding, also after it was corrected."""
    corners = np.array([box.corner_mm, box.opposite_mm])
    middle = np.add(finding.corner_mm, finding.opposite_mm) / 2
    slack_mm = 0.5  # a box is flat: along its normal both corners agree
    return bool(np.all(middle >= corners.min(axis=0) - slack_mm) and np.all(middle <= corners.max(axis=0) + slack_mm))
