"""Memory of kinetics: the thresholds in force, kept from one day to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui import geometry
from inference.errors import EngineError

if TYPE_CHECKING:
    from app.session.kinetics import Kinetics

KEY = "kinetics/thresholds"


def keep(kinetics: Kinetics) -> None:
    """Remember the thresholds in force, with the preferences they began with."""
    settings = kinetics.settings
    text = f"{settings.peak_percent:g} {settings.change_percent:g} {settings.gate}"
    kept = geometry.store()
    if kept.value(KEY) != text:
        kept.setValue(KEY, text)


def restore(kinetics: Kinetics) -> None:
    """Put the thresholds of last time in force; what cannot be read changes nothing."""
    parts = str(geometry.store().value(KEY) or "").split()
    try:
        peak, change, gate = parts
        if gate in ("initial", "highest"):
            kinetics.set_thresholds(peak_percent=float(peak), change_percent=float(change), gate=gate)
    except (ValueError, EngineError):
        return
