"""Arrangement: what lies in which pane and how it is seen, as values the workspace keeps. Qt-free."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from app.studies.derived import parse
from app.studies.hanging import hang
from app.studies.hanging.types import Slot, Zoom
from app.studies.study import Study
from viewer.layout import cells
from viewer.slab import Slab, SlabMode


@dataclass(frozen=True)
class Arrangement:
    """Layout, what each pane shows, the active pane, the view of each pane, and how maps are drawn.

    Attributes
    ----------
    step, prior
        Name of the step of the hanging protocol, and study uid of the prior exam below; "" for none.
    """

    layout: str
    slots: tuple[Slot, ...]
    active: int = 0
    states: dict[int, dict[str, Any]] = field(default_factory=dict)
    overlays: dict[str, dict[str, Any]] = field(default_factory=dict)
    step: str = ""
    prior: str = ""


def as_values(shown: Arrangement) -> dict[str, Any]:
    """Return an arrangement as JSON values that later changes on screen do not touch."""
    panes = [
        {"stack": slot.uid, "slot": _slot_values(slot), "state": shown.states.get(n, {})}
        for n, slot in enumerate(shown.slots)
    ]
    values = {
        "layout": shown.layout, "active": shown.active, "panes": panes, "layers": shown.overlays,
        "step": shown.step, "prior": shown.prior,
    }  # fmt: skip
    return copy.deepcopy(values)


def _slot_values(slot: Slot) -> dict[str, Any]:
    slab = None
    if slot.slab is not None:
        thickness = None if math.isinf(slot.slab.thickness_mm) else slot.slab.thickness_mm
        slab = {"mode": slot.slab.mode, "thickness_mm": thickness}
    return {
        "title": slot.title, "plane": slot.plane, "slab": slab, "chest_wall": slot.chest_wall, "group": slot.group,
        "zoom": slot.zoom, "follows": slot.follows, "link": slot.link, "start_mm": slot.start_mm,
        "only_map": slot.only_map,
    }  # fmt: skip


def slot_of(uid: str | None, values: Mapping[str, Any]) -> Slot:
    """Return a slot from its values; what is missing or unknown takes the default."""
    wall, zoom = values.get("chest_wall"), values.get("zoom")
    return Slot(
        uid=uid,
        title=str(values.get("title", "")),
        plane=str(values.get("plane", "native")),
        slab=_slab_of(values.get("slab")),
        chest_wall=wall if wall in ("left", "right") else "",
        group=str(values.get("group", "")),
        zoom=zoom if zoom in get_args(Zoom) else "fit",
        follows=bool(values.get("follows")),
        start_mm=_point_of(values.get("start_mm")),
        link=str(values.get("link", "")),
        only_map=str(values.get("only_map", "")),
    )


def _point_of(values: object) -> tuple[float, float, float] | None:
    if not isinstance(values, (list, tuple)) or len(values) != 3:
        return None
    if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in values):
        return None
    return float(values[0]), float(values[1]), float(values[2])


def _slab_of(values: object) -> Slab | None:
    if not isinstance(values, Mapping) or values.get("mode") not in get_args(SlabMode):
        return None
    thickness = values.get("thickness_mm")
    thick = float(thickness) if isinstance(thickness, (int, float)) and thickness > 0 else math.inf
    return Slab(values["mode"], thick)


def arrangement_of(values: Mapping[str, Any], study: Study, others: Iterable[Study] = ()) -> Arrangement:
    """Return the arrangement a study was left in; by its kind where there is none or it does not fit any more.

    Parameters
    ----------
    others
        Other open studies: a prior exam may lie in a pane.
    """
    overlays = copy.deepcopy(values.get("layers", {}))
    known = {stack.uid for one in (study, *others) for series in one.series for stack in series.stacks}
    panes = [one for one in values.get("panes", []) if _is_known(one.get("stack"), known)]
    layout, active = str(values.get("layout", "1")), values.get("active", 0)
    complete = len(panes) == len(values.get("panes", [])) and _fits(layout, len(panes))
    if not complete or not any(one.get("stack") for one in panes):
        hanging = hang(study)
        return Arrangement(hanging.layout, hanging.slots, hanging.active, overlays=overlays, step=hanging.name)
    states = {n: copy.deepcopy(one.get("state", {})) for n, one in enumerate(panes) if one.get("stack")}
    active = active if isinstance(active, int) and 0 <= active < len(panes) else 0
    slots = tuple(slot_of(one["stack"], one.get("slot", {})) for one in panes)
    step, prior = str(values.get("step", "")), str(values.get("prior", ""))
    return Arrangement(layout, slots, active, states, overlays, step, prior)


def _is_known(uid: str | None, known: set[str]) -> bool:
    if uid is None:
        return True
    derived = parse(uid)
    return uid in known if derived is None else {derived.of, derived.reference} <= known


def _fits(layout: str, panes: int) -> bool:
    try:
        rows, columns = cells(layout)
    except ValueError:
        return False
    return rows * columns <= panes
