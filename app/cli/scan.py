"""``breastlens scan``: what was found, what was skipped and why."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from app.cli.opened import opened
from app.studies.study import Dynamic, Library, Stack, Study


def run(options: argparse.Namespace) -> int:
    """Print what a path holds; exit status 1 where no image was found."""
    with opened(options.path) as library:
        print(json.dumps(document(library), indent=2) if options.json else text(library))
    return 0 if library.studies else 1


def document(library: Library) -> dict[str, Any]:
    """Return a scan as JSON values; lengths in millimetres, times in seconds."""
    return {
        "root": str(library.root),
        "files": library.files,
        "seconds": round(library.seconds, 3),
        "studies": [_study(study) for study in library.studies],
        "skipped": [{"path": str(item.path), "reason": item.reason} for item in library.skipped],
        "notes": list(library.notes),
    }


def _study(study: Study) -> dict[str, Any]:
    values = {key: value for key, value in vars(study).items() if key not in ("series", "dynamics")}
    values["series"] = [
        {
            **{key: value for key, value in vars(series).items() if key != "stacks"},
            "label": series.label,
            "stacks": [_stack(stack) for stack in series.stacks],
        }
        for series in study.series
    ]
    values["dynamics"] = [asdict(dynamic) for dynamic in study.dynamics]
    return values


def _stack(stack: Stack) -> dict[str, Any]:
    values = {key: value for key, value in vars(stack).items() if key != "frames"}
    values["slices"] = len(stack.frames)
    values["files"] = [str(path) for path in dict.fromkeys(frame.path for frame in stack.frames)]
    return values


def text(library: Library) -> str:
    """Return a scan as lines for a reader."""
    lines = [f"{library.root}: {library.files} files read in {library.seconds:.1f} s"]
    for study in library.studies:
        lines += _study_lines(study)
    if library.skipped:
        lines.append(f"Skipped {len(library.skipped)}:")
        lines += [f"  {item.path}: {item.reason}" for item in library.skipped]
    return "\n".join([*lines, *(f"Note: {note}" for note in library.notes)])


def _study_lines(study: Study) -> list[str]:
    who = f"{study.patient_name or 'no name'} [{study.patient_id or 'no id'}]"
    lines = [f"{who}  {study.date or 'no date'}  {study.description}".rstrip()]
    for series in study.series:
        number = "-" if series.number is None else series.number
        lines.append(f"  {number}  {series.modality}  {series.label}  ({series.kind.value})")
        lines += [f"      note: {note}" for note in series.notes]
        for stack in series.stacks:
            lines.append(f"      {_stack_line(stack)}")
            lines += [f"      note: {note}" for note in stack.notes]
    for dynamic in study.dynamics:
        lines += _dynamic_lines(dynamic)
    return lines


def _stack_line(stack: Stack) -> str:
    spacing = "spacing unknown"
    if stack.spacing_mm is not None:
        between, row, column = stack.spacing_mm
        spacing = f"{row:.3g} x {column:.3g} mm"
        spacing += f", slices every {between:.3g} mm" if len(stack.frames) > 1 else ""
        spacing += f" ({stack.spacing_basis})"
    kind = " derived" if stack.derived else ""
    return f"{len(stack.frames)} x {stack.rows} x {stack.columns} {stack.orientation}{kind}, {spacing}"


def _dynamic_lines(dynamic: Dynamic) -> list[str]:
    lines = [f"  dynamic series of {len(dynamic.phases)} phases, ordered by {dynamic.key}"]
    for index, phase in enumerate(dynamic.phases):
        time = "time unknown" if phase.seconds is None else f"{phase.seconds:.0f} s"
        pre = f"  pre-contrast: {dynamic.pre_reason}" if index == dynamic.pre_index else ""
        lines.append(f"      {index + 1}  {phase.label}  {time}{pre}")
    return lines + [f"      note: {note}" for note in dynamic.notes]
