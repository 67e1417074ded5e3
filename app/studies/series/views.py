"""Views: side and view of a series of mammograms, and how they are written beside the image."""

from __future__ import annotations

import re

from app.studies.study import Series, SeriesKind, Stack

MAMMOGRAPHIC = (SeriesKind.MAMMOGRAM, SeriesKind.TOMOSYNTHESIS)
_NAMED = re.compile(r"(?<![A-Z])(L|R|LEFT|RIGHT)[-_ ]?(CC|MLO|ML|LM)(?![A-Z])")


def side_and_view(series: Series) -> tuple[str, str]:
    """Return laterality and view.

    Research images carry neither; where the user's own file name says both (``L-CC.png``), that is taken.
    """
    if series.laterality or series.view or series.kind is not SeriesKind.OTHER or not series.stacks:
        return series.laterality, series.view
    frames = series.stacks[0].frames
    path = frames[0].path if frames else None
    if path is None or path.suffix.lower() in ("", ".dcm"):
        return "", ""
    found = _NAMED.search(path.stem.upper())
    return (found[1][0], found[2]) if found else ("", "")


def is_mammographic(series: Series) -> bool:
    """Whether a series is framed as a mammogram: by its kind, or a research image whose name says side and view."""
    return series.kind in MAMMOGRAPHIC or (series.kind is SeriesKind.OTHER and all(side_and_view(series)))


def view_label_of(series: Series, stack: Stack | None = None) -> str:
    """Return what is written large beside a mammogram: ``"R CC"``, ``"L MLO M"``, ``"R CC For Processing"``.

    Parameters
    ----------
    stack
        Which image of the series; without it, ``"For Processing"`` is written where all of them are.
    """
    if not is_mammographic(series):
        return ""
    side, view = side_and_view(series)
    words = [word for word in (side, view, *series.view_modifiers) if word]
    stacks = series.stacks if stack is None else (stack,)
    if stacks and all(one.raw for one in stacks):
        words.append("For Processing")
    if len(stacks) == 1 and stacks[0].technique:
        words.append(stacks[0].technique)
    missing = [name for name, stated in (("side", side), ("view", view)) if not stated]
    if missing:
        words.append(f"{' and '.join(missing).capitalize()} not stated")
    return " ".join(words)
