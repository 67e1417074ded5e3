"""Wording: names, dates, numbers and titles as people read them. Qt-free."""

from __future__ import annotations

from app.studies.study import Dynamic, Series, SeriesKind, Stack, Study
from viewer.presentation import Voi, VoiLut


def person_name(name: str) -> str:
    """Return a DICOM person name as it is read: ``"Doe^Jane"`` → ``"Doe, Jane"``."""
    return ", ".join(part.strip() for part in name.split("=")[0].split("^") if part.strip())


def day(date: str) -> str:
    """Return a DICOM date as ISO: ``"20240131"`` → ``"2024-01-31"``."""
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 and date.isdigit() else date


def series_title(series: Series) -> str:
    """Return side, view and modifiers of a mammogram, else the description."""
    return " ".join((series.label, *series.view_modifiers))


def phase_title(study: Study, stack: Stack) -> str:
    """Return a phase and its time after the first one with contrast, ``"post 2 · 2:02 min"``.

    When the pre-contrast phase was acquired says nothing of enhancement: it may lie half an hour back. Outside a
    dynamic series the stack's own title.
    """
    place = study.phase_of(stack.uid)
    if place is None:
        return stack.title if stack.title != study.series_of(stack.uid)[0].label else ""
    dynamic, index = place
    phase, first = dynamic.phases[index], dynamic.phases[_time_zero(dynamic)]
    if dynamic.pre_index is not None and index <= dynamic.pre_index:
        return phase.label
    if phase.seconds is None or first.seconds is None:
        return f"{phase.label} · time unknown"
    return f"{phase.label} · {minutes(phase.seconds - first.seconds)}"


def _time_zero(dynamic: Dynamic) -> int:
    """Return the first phase after contrast, or the very first where that is not known."""
    return 0 if dynamic.pre_index is None else min(dynamic.pre_index + 1, len(dynamic.phases) - 1)


def minutes(seconds: float) -> str:
    """Return a time as ``"2:02 min"``."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d} min"


def number(value: float) -> str:
    """Return a number without noise: whole where large, three digits where small."""
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def voi_title(voi: Voi, position: int) -> str:
    """Return a choice of the window picker."""
    if isinstance(voi, VoiLut):
        return voi.explanation or f"VOI LUT {position + 1}"
    origin = {"computed": "Computed", "user": "By hand", "preset": "Preset"}.get(voi.origin, f"Window {position + 1}")
    return f"{voi.explanation or origin}  ({number(voi.center)} / {number(voi.width)})"


def spacing_text(stack: Stack) -> str:
    """Return pixel spacing and what it means, ``"0.76 × 0.76 × 1.10 mm · patient"``; "" where it is unknown."""
    if stack.spacing_mm is None:
        return ""
    through, row, column = stack.spacing_mm
    sizes = [row, column] if len(stack.frames) < 2 else [row, column, through]
    return " × ".join(f"{size:.3g}" for size in sizes) + f" mm · {stack.spacing_basis}"


def stack_summary(series: Series, stack: Stack) -> str:
    """Return what the browser says below a stack's name: size and kind."""
    count = len(stack.frames)
    images = "1 image" if count == 1 else f"{count} {'frames' if series.kind is SeriesKind.TOMOSYNTHESIS else 'slices'}"
    derived = " · derived" if stack.derived else ""
    return f"{images} · {stack.columns}×{stack.rows}{derived}"
