"""Habits: the layout a user prefers for each kind of study, kept from one day to the next."""

from __future__ import annotations

from dataclasses import replace

from app.studies.hanging import Hanging
from app.studies.hanging.types import Slot
from app.ui.geometry import store
from viewer.layout import cells


def _key(modality: str, step: str) -> str:
    return f"layouts/{modality}/{step}"


def remember(modality: str, step: str, layout: str) -> None:
    """Note that the user chose a layout while a step of the hanging of such a study was on show."""
    kept = store()
    kept.setValue(_key(modality, step), layout)
    kept.sync()


def forget(modality: str, step: str) -> None:
    """Hang by the protocol again."""
    kept = store()
    kept.remove(_key(modality, step))
    kept.sync()


def as_preferred(hanging: Hanging, modality: str) -> Hanging:
    """Return the hanging in the layout the user prefers for such studies; panes that do not fit stay hidden."""
    layout = store().value(_key(modality, hanging.name))
    try:
        rows, columns = cells(str(layout))
    except ValueError:
        return hanging
    missing = (Slot(),) * (rows * columns - len(hanging.slots))
    active = min(hanging.active, rows * columns - 1)
    return replace(hanging, layout=str(layout), slots=hanging.slots + missing, active=active)
