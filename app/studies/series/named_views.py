"""Named views: side and view of mammograms whose headers say neither, from the names of their files.

Some research archives (INbreast) leave both to the file name. A name is taken only where no mammogram of the exam
states a side or view, every file is named, and no two are named alike; the panes say where it comes from. Descriptions
are never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from app.studies.study import Series, SeriesKind, Stack

NOTE = "Side and view from the file name."
NOT_STATED = "The file does not say which"
_SIDE = "L|R|LEFT|RIGHT"
_VIEW = "CC|MLO|ML|LM"
_SIDE_FIRST = re.compile(rf"(?<![A-Z])({_SIDE})[-_ ]?({_VIEW})(?![A-Z])")
_VIEW_FIRST = re.compile(rf"(?<![A-Z])({_VIEW})[-_ ]({_SIDE})(?![A-Z])")
# INbreast (Moreira 2012, doi:10.1016/j.acra.2011.09.014) has CC and MLO views only and calls the latter ML.
_INBREAST = re.compile(r"\d+_[0-9A-F]+_MG_[LR]_ML_ANON")


def named_views(series: Sequence[Series]) -> list[Series]:
    """Return the series of a study, its mammograms with side and view from their files' names where that is allowed."""
    breasts = [one for one in series if one.kind in (SeriesKind.MAMMOGRAM, SeriesKind.TOMOSYNTHESIS)]
    if not breasts or any(one.laterality or one.view for one in breasts):
        return list(series)
    found = {stack.uid: named(_file(stack)) for one in breasts for stack in one.stacks}
    if ("", "") in found.values() or len(set(found.values())) < len(found):
        return list(series)
    return [part for one in series for part in (_parts(one, found) if one in breasts else (one,))]


def named(path: Path | None) -> tuple[str, str]:
    """Return the one side and view that a file's name says, ``("", "")`` where it says none or several."""
    if path is None:
        return "", ""
    stem = path.stem.upper()
    said = {(side[0], view) for side, view in _SIDE_FIRST.findall(stem)}
    said = said or {(side[0], view) for view, side in _VIEW_FIRST.findall(stem)}
    if len(said) != 1:
        return "", ""
    side, view = said.pop()
    return side, "MLO" if _INBREAST.fullmatch(stem) else view


def _file(stack: Stack) -> Path | None:
    return next((frame.path for frame in stack.frames), None)


def _parts(series: Series, found: dict[str, tuple[str, str]]) -> Iterable[Series]:
    for stack in series.stacks:
        side, view = found[stack.uid]
        uid = series.uid if len(series.stacks) == 1 else f"{series.uid}#{side}-{view}"
        notes = (NOTE, *(note for note in stack.notes if not note.startswith(NOT_STATED)))
        shown = replace(stack, title=f"{side} {view}", notes=notes)
        yield replace(series, uid=uid, stacks=(shown,), laterality=side, view=view)
