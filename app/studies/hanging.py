"""Hanging: which images go into which pane when a study opens, as a pure function of what the scan found."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.studies.study import Dynamic, Series, SeriesKind, Study

MAMMOGRAPHIC = (SeriesKind.MAMMOGRAM, SeriesKind.TOMOSYNTHESIS)
# Right breast on the left, as if facing the patient; CC over MLO.
FOUR_VIEWS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
NAMED = re.compile(r"(?<![A-Z])(L|R|LEFT|RIGHT)[-_ ]?(CC|MLO|ML|LM)(?![A-Z])")


@dataclass(frozen=True)
class Hanging:
    """A layout of the grid and, for each of its panes, the stack to show (None leaves the pane empty)."""

    layout: str
    stack_uids: tuple[str | None, ...]


def hang(study: Study) -> Hanging:
    """Return the hanging of a study.

    A mammogram exam is hung by side and view (ViewCodeSequence and laterality, never SeriesDescription): 2×2 for four
    views, R beside L for a pair. A DCE-MRI exam shows pre-contrast beside the first post-contrast phase. Anything
    else shows its images one by one.
    """
    mammograms = [s for s in study.series if s.kind in MAMMOGRAPHIC and s.stacks]
    if mammograms:
        return _hang_mammograms(mammograms)
    if study.dynamics:
        return _hang_dynamic(study.dynamics[0])
    if len(named := [s for s in study.series if s.stacks and side_and_view(s) != ("", "")]) > 1:
        return _hang_mammograms(named)
    return _hang_plainly(study)


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
    found = NAMED.search(path.stem.upper())
    return (found[1][0], found[2]) if found else ("", "")


def _hang_mammograms(series: list[Series]) -> Hanging:
    by_view: dict[tuple[str, str], str] = {}
    series = sorted([one for one in series if not one.stacks[0].raw] or series, key=_standard_first)
    for one in series:
        by_view.setdefault(side_and_view(one), one.stacks[0].uid)
    rows = [[by_view.get(key) for key in FOUR_VIEWS[:2]], [by_view.get(key) for key in FOUR_VIEWS[2:]]]
    filled = [row for row in rows if any(row)]
    placed = {uid for row in rows for uid in row if uid}
    others = [uid for uid in (one.stacks[0].uid for one in series) if uid not in placed]
    if len(filled) == 2:
        return Hanging("2x2", (*rows[0], *rows[1]))
    if filled and all(filled[0]):
        return Hanging("1x2", tuple(filled[0])) if not others else _several([*filled[0], *others])
    return _several([*(uid for uid in placed), *others])


def _standard_first(series: Series) -> tuple[bool, bool]:
    """Put the standard view before spot and magnification views, 2D before tomosynthesis."""
    return series.kind is SeriesKind.TOMOSYNTHESIS, bool(series.view_modifiers)


def _hang_dynamic(dynamic: Dynamic) -> Hanging:
    phases = [phase.stack_uid for phase in dynamic.phases]
    if len(phases) < 2:
        return Hanging("1", tuple(phases))
    pre = dynamic.pre_index if dynamic.pre_index is not None else 0
    post = pre + 1 if pre + 1 < len(phases) else 0
    return Hanging("1x2", (phases[pre], phases[post]))


def _hang_plainly(study: Study) -> Hanging:
    series = [s for s in study.series if s.stacks and not all(stack.derived for stack in s.stacks)] or list(
        study.series
    )
    stacks = [stack for one in series for stack in one.stacks]
    if any(len(stack.frames) > 1 for stack in stacks):
        longest = max(stacks, key=lambda stack: len(stack.frames))
        return Hanging("1", (longest.uid,))
    return _several([stack.uid for stack in stacks]) if len(stacks) <= 4 else Hanging("1", (stacks[0].uid,))


def _several(uids: list[str]) -> Hanging:
    """Return a layout that fits up to four images, in the order given."""
    shown: tuple[str | None, ...] = tuple(uids[:4])
    if len(shown) <= 1:
        return Hanging("1", shown)
    if len(shown) == 2:
        return Hanging("1x2", shown)
    return Hanging("2x2", shown + (None,) * (4 - len(shown)))
