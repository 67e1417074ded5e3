"""Arrangement: which stacks lie in which panes and how they are seen, as values the workspace keeps. Qt-free."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.studies.hanging import hang
from app.studies.study import Study
from viewer.grid import LAYOUTS

PANES = 4


@dataclass(frozen=True)
class Arrangement:
    """Layout, the stack of each pane, the active pane, the view of each pane, and how maps are drawn."""

    layout: str
    stack_uids: tuple[str | None, ...]
    active: int = 0
    states: dict[int, dict[str, Any]] = field(default_factory=dict)
    overlays: dict[str, dict[str, Any]] = field(default_factory=dict)


def as_values(shown: Arrangement) -> dict[str, Any]:
    """Return an arrangement as JSON values that later changes on screen do not touch."""
    panes = [{"stack": uid, "state": shown.states.get(n, {})} for n, uid in enumerate(shown.stack_uids)]
    values = {"layout": shown.layout, "active": shown.active, "panes": panes, "layers": shown.overlays}
    return copy.deepcopy(values)


def arrangement_of(values: Mapping[str, Any], study: Study) -> Arrangement:
    """Return the arrangement a study was left in; by its kind where there is none or it does not fit any more."""
    known = {stack.uid for series in study.series for stack in series.stacks}
    overlays = copy.deepcopy(values.get("layers", {}))
    panes = [one for one in values.get("panes", []) if one.get("stack") in (None, *known)]
    layout, active = values.get("layout", "1"), values.get("active", 0)
    if len(panes) != PANES or not any(one.get("stack") for one in panes) or layout not in LAYOUTS:
        hanging = hang(study)
        return Arrangement(hanging.layout, tuple(hanging.stack_uids), overlays=overlays)
    states = {n: copy.deepcopy(one.get("state", {})) for n, one in enumerate(panes) if one.get("stack")}
    active = active if isinstance(active, int) and 0 <= active < PANES else 0
    return Arrangement(layout, tuple(one["stack"] for one in panes), active, states, overlays)
