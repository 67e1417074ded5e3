"""``breastlens measurements``: the measurements stored in the workspace, as text, CSV or JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from app.cli.opened import opened
from app.measured import basis_text, in_study, respaced, statistics_text, value_text
from app.measured_table import csv_text, document
from app.settings import workspace_folder
from app.studies.errors import StudyError
from app.studies.override import apply_overrides
from app.workspace.files import write_atomically
from app.workspace.measurement import Measurement
from app.workspace.store import Workspace


def run(options: argparse.Namespace) -> int:
    """Print or write the measurements of the studies in a path, or of one study by its UID."""
    if (options.path is None) == (options.study is None):
        raise StudyError("Say whose measurements: either a PATH to images or --study UID.", "breastlens scan PATH")
    folder = workspace_folder()
    if not (folder / "workspace.sqlite").exists():
        raise StudyError(f"There is no workspace in {folder}, so nothing was measured yet.", "Open the window first.")
    with Workspace.open(folder) as workspace:
        found = of_path(workspace, options.path) if options.path is not None else of_study(workspace, options.study)
    if options.csv is not None:
        write_atomically(options.csv.absolute(), b"\xef\xbb\xbf" + csv_text(found).encode())
        sys.stdout.write(f"{len(found)} measurements were written to {options.csv}.\n")
    elif options.json:
        print(json.dumps([document(one) for one in found], indent=2))
    else:
        print("\n".join(_text(one) for one in found) or "No measurements are stored.")
    return 0


def of_path(workspace: Workspace, path: Path) -> tuple[Measurement, ...]:
    """Return the measurements of every study in a path, with the spacing in force."""
    with opened(path) as library:
        if not library.studies:
            raise StudyError(f"No image was found in {path}.", "Choose a folder of images, or give --study UID.")
        found: list[Measurement] = []
        for scanned in library.studies:
            study = apply_overrides(scanned, workspace.override(scanned.uid))
            found += [in_study(one, study) for one in workspace.measurements(study.uid)]
        return tuple(found)


def of_study(workspace: Workspace, uid: str) -> tuple[Measurement, ...]:
    """Return the measurements of a study without its images; a spacing the user gave since is taken up."""
    given = workspace.override(uid).get("spacings") or {}
    found = []
    for one in workspace.measurements(uid):
        if one.stack_uid in given:
            row, column, across = given[one.stack_uid]
            one = respaced(one, (across, row, column), "given by the user")
        found.append(one)
    return tuple(found)


def _text(one: Measurement) -> str:
    parts = [f"{one.title}: {value_text(one)}", statistics_text(one), basis_text(one.basis), one.label, one.note]
    lines = ["  ".join(part for part in parts if part), f"  image {one.image}", f"  slice {one.sop_instance_uid}"]
    return "\n".join((*lines, f"  {one.author or 'author not set'}, {one.created}"))
