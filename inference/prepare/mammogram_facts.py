"""What a reader should know about the windows of a mammogram: how many were read, how large, and what none covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inference.result import Fact

if TYPE_CHECKING:
    from inference.prepare.mammogram import PreparedMammogram
    from inference.prepare.windows import Windows


def unread(windows: dict[str, Windows], titles: dict[str, str]) -> tuple[str, ...]:
    """Return a sentence for each module that read no window: silence must not look like "no finding"."""
    return tuple(
        f"{titles[name]}: none of the {one.positions:,} windows of this image fulfils the conditions to be read, so "
        "the model says nothing about them."
        for name, one in windows.items()
        if not len(one)
    )


def facts_of_windows(
    mammogram: PreparedMammogram, windows: dict[str, Windows], titles: dict[str, str]
) -> tuple[Fact, ...]:
    """Return how large the swept image is, and how many of its windows each module read."""
    rows, columns = mammogram.grey.shape
    resized = "enlarged" if mammogram.resize_factor > 1 else "reduced"
    factor = max(mammogram.resize_factor, 1 / mammogram.resize_factor)
    facts = [
        Fact(
            "Image read",
            f"{rows:,} × {columns:,} pixels of {mammogram.mm_per_pixel:.3f} mm, {resized} {factor:.2f} times; "
            f"{mammogram.mask.mean():.0%} of it is breast.",
        )
    ]
    for name, one in windows.items():
        side_mm = one.side * mammogram.mm_per_pixel
        text = (
            f"{len(one)} of {one.positions:,} windows of {one.side} × {one.side} pixels "
            f"({side_mm:.0f} mm) read; {_left_out(mammogram, one):.1%} of the breast lies beyond the last window."
        )
        facts.append(Fact(f"Windows, {titles[name].lower()}", text))
    return tuple(facts)


def _left_out(mammogram: PreparedMammogram, windows: Windows) -> float:
    """Return the share of the breast that no window position covers, below or to the right of the last one."""
    if mammogram.preprocessing.cover_edges:
        return 0.0
    ends = [(count - windows.side) // windows.stride * windows.stride + windows.side for count in mammogram.grey.shape]
    return 1 - float(np.count_nonzero(mammogram.mask[: ends[0], : ends[1]]) / max(np.count_nonzero(mammogram.mask), 1))
