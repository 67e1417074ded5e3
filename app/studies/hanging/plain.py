"""Hanging of everything that is neither a mammogram exam nor a dynamic series: the images one by one."""

from __future__ import annotations

from app.studies.hanging.types import Hanging, Slot
from app.studies.study import Study


def hang_plainly(study: Study) -> Hanging:
    """Show the longest volume alone, or up to four single images."""
    series = [s for s in study.series if s.stacks and not all(stack.derived for stack in s.stacks)] or list(
        study.series
    )
    stacks = [stack for one in series for stack in one.stacks]
    if any(len(stack.frames) > 1 for stack in stacks):
        longest = max(stacks, key=lambda stack: len(stack.frames))
        return Hanging("Overview", "1", (Slot(longest.uid),))
    return several([stack.uid for stack in stacks] if len(stacks) <= 4 else [stacks[0].uid])


def several(uids: list[str]) -> Hanging:
    """Return a layout that fits up to four images, in the order given."""
    slots = tuple(Slot(uid) for uid in uids[:4])
    if len(slots) <= 1:
        return Hanging("Overview", "1", slots)
    if len(slots) == 2:
        return Hanging("Overview", "1x2", slots)
    return Hanging("Overview", "2x2", slots + (Slot(),) * (4 - len(slots)))
