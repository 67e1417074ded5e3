"""Pre-contrast: which phase was acquired before the contrast agent, and why that is believed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.studies.series import phases
from app.studies.series.phase_order import INSTANCE_NUMBER_KEY, SERIES_NUMBER_KEY
from app.studies.series.stacking import StackFacts
from app.studies.study import ALL_AFTER

_PRE = re.compile(r"(?<![a-z])(pre|precontrast|native|nativ|w/?o|without|unenhanced|-c)(?![a-z])", re.IGNORECASE)

# Of every phase of a set "Ph1" or "1st" may be the first of all; "post 1" and "1st pass" are after contrast.
_AFTER = re.compile(r"(?<![a-z])(post|pass|\+c|c\+)(?![a-z])", re.IGNORECASE)

_POST = re.compile(r"(?<![a-z])(post|pass|\+c|c\+|gad|gd|contrast)|ph\d|\d(st|nd|rd|th)(?![a-z])", re.IGNORECASE)


def pre_contrast_of(ordered: Sequence[StackFacts], key: str) -> tuple[int | None, str, tuple[str, ...]]:
    """Which phase is pre-contrast, why, and what is uncertain about it."""
    for evidence in (_by_agent, _by_description):
        found = evidence(ordered)
        if found is not None:
            return *found, ()
    if _all_after_contrast(ordered):
        return None, "", (ALL_AFTER,)
    if key in (SERIES_NUMBER_KEY, INSTANCE_NUMBER_KEY, phases.ACQUISITION_NUMBER.name):
        return None, "", ("Which phase is pre-contrast is not known: please say which.",)
    note = "Nothing in the files confirms that the first phase is pre-contrast: please check."
    return 0, "first in time", (note,)


def _all_after_contrast(ordered: Sequence[StackFacts]) -> bool:
    """Whether each phase is a series of its own and every one is named as one after contrast.

    A single series named "+C" often holds the pre-contrast phase as well.
    """
    titles = [stack.stack.title.replace("_", " ") for stack in ordered]
    own_series = len({stack.stack.series_uid for stack in ordered}) == len(ordered)
    named = len(set(titles)) == len(titles) and all(_AFTER.search(title) for title in titles)
    return own_series and named


def _last_before(is_pre: Sequence[bool]) -> int | None:
    """Index of the last phase before contrast where the first phases are and all later ones are not, else None."""
    count = sum(is_pre)
    return count - 1 if 0 < count < len(is_pre) and all(is_pre[:count]) else None


def _by_agent(ordered: Sequence[StackFacts]) -> tuple[int, str] | None:
    index = _last_before([not stack.stack.contrast_agent for stack in ordered])
    return None if index is None else (index, "no Contrast/Bolus Agent (0018,0010), unlike the phases after it")


def _by_description(ordered: Sequence[StackFacts]) -> tuple[int, str] | None:
    titles = [stack.stack.title.replace("_", " ") for stack in ordered]
    index = _last_before([bool(_PRE.search(title)) for title in titles])
    if index is None and all(_POST.search(title) for title in titles[1:]) and not _POST.search(titles[0]):
        index = 0
    return None if index is None else (index, f"Series Description “{titles[index]}”")
