"""``breastlens subtract``: the subtraction of a post-contrast phase as NIfTI, and its projections as pictures."""

from __future__ import annotations

import argparse
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.cli.arguments import RESEARCH_USE
from app.cli.opened import opened
from app.cli.outcome import meter, meter_done
from app.cli.render import write_png
from app.studies.derived import Derived, DerivedKind
from app.studies.errors import StudyError
from app.studies.kinetics import dynamic_named
from app.studies.load import LoadedStack, load_stack
from app.studies.nifti_out import write_nifti
from app.studies.study import Dynamic, Study
from inference.progress import Progress
from viewer.planes import plane_of
from viewer.windowing import render_grey

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANES = ("axial", "sagittal", "coronal")


def run(options: argparse.Namespace) -> int:
    """Write one subtraction, or all of them, and print what was written."""
    with opened(options.path) as library:
        study, dynamic = dynamic_named(library.studies, options.dynamic)
        pre = _pre(dynamic)
        written = [_write(study, dynamic, (pre, n), options.out) for n in _chosen(dynamic, pre, options.phase)]
    meter_done()
    document: dict[str, Any] = {"statement": RESEARCH_USE, "study": study.uid, "subtractions": written}
    lines = [f"{one['title']}, {one['motion'].lower()}: {one['file']}" for one in written]
    print(json.dumps(document, indent=2) if options.json else "\n".join([*lines, RESEARCH_USE]))
    return 0


def _pre(dynamic: Dynamic) -> int:
    if dynamic.pre_index is None:
        raise StudyError(
            "It is not known which phase is pre-contrast, so there is nothing to subtract.",
            "Open the study in the window and say which it is.",
        )
    return dynamic.pre_index


def _chosen(dynamic: Dynamic, pre: int, phase: int | None) -> list[int]:
    """Return the places of the phases to subtract from; phases are counted from 1, as in ``breastlens scan``."""
    posts = [n for n in range(len(dynamic.phases)) if n != pre]
    if phase is None:
        return posts
    if phase - 1 not in posts:
        numbers = ", ".join(str(n + 1) for n in posts)
        raise StudyError(f"Phase {phase} cannot be subtracted from; these can: {numbers}.")
    return [phase - 1]


def _write(study: Study, dynamic: Dynamic, pair: tuple[int, int], out: Path) -> dict[str, Any]:
    from app.studies.derive import subtract

    reference, phase = (dynamic.phases[n] for n in pair)
    progress = Progress(meter)
    pre = load_stack(study, reference.stack_uid, progress.part(0.0, 0.45))
    post = load_stack(study, phase.stack_uid, progress.part(0.45, 0.9))
    uid = Derived(DerivedKind.SUBTRACTION, phase.stack_uid, reference.stack_uid).uid
    made = subtract(post, pre, uid, f"Subtraction {phase.label} - {reference.label}")
    name = f"subtraction-{phase.label.replace(' ', '-')}"
    file = out / f"{name}.nii.gz"
    write_nifti(file, made.volume)
    pictures = []
    for plane, pixels in projections(made):
        picture = out / f"{name}-mip-{plane}.png"
        write_png(picture, pixels)
        pictures.append(str(picture))
    return {"title": made.stack.title, "motion": made.stack.notes[0], "file": str(file), "projections": pictures}


def projections(made: LoadedStack) -> Iterator[tuple[str, np.ndarray]]:
    """Return the maximum intensity projection of each patient plane as uint8 grey, pixels square, in display order."""
    import cv2

    volume = made.volume
    for name in PLANES:
        plane = plane_of(volume.array.shape, volume.affine, name)
        highest = functools.reduce(np.fmax, (plane.slice_of(volume.array, k) for k in range(plane.shape[0])))
        grey = render_grey(highest, made.presentation)
        _, row_mm, column_mm = plane.spacing_mm
        finest = min(row_mm, column_mm)
        size = (round(grey.shape[1] * column_mm / finest), round(grey.shape[0] * row_mm / finest))
        yield name, cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)
