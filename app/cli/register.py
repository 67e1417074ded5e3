"""``breastlens register``: motion-corrected phases of a dynamic series as NIfTI, and a JSON report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import RESEARCH_USE
from app.cli.opened import opened, stacks_named
from app.cli.outcome import complain, meter, meter_done
from app.studies.errors import StudyError
from app.studies.load import load_stack
from app.studies.nifti_out import write_nifti
from app.studies.study import Dynamic, Library, Study
from inference.errors import EngineError
from inference.prepare.correction_file import facts
from inference.prepare.register import apply, register
from inference.progress import Progress

if TYPE_CHECKING:
    pass


REPORT = "registration.json"


def run(options: argparse.Namespace) -> int:
    """Register every phase to the pre-contrast one; exit status 1 where none could be."""
    with opened(options.path) as library:
        stacks_named(library, None)
        study, dynamic, number = _chosen(library, options.dynamic)
        document = _register(study, dynamic, options.out)
    meter_done()
    document = {"statement": RESEARCH_USE, "study": study.uid, "dynamic": number, **document}
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / REPORT).write_text(json.dumps(document, indent=2), "utf-8")
    failed = [phase for phase in document["phases"] if "problem" in phase]
    if len(failed) == len(document["phases"]):
        return complain("No phase could be registered.", failed[0]["problem"])
    print(json.dumps(document, indent=2) if options.json else _text(document, options.out))
    return 0


def _chosen(library: Library, number: int) -> tuple[Study, Dynamic, int]:
    every = [(study, dynamic) for study in library.studies for dynamic in study.dynamics]
    if not every:
        raise StudyError(
            f"There is no dynamic series in {library.root}, so there are no phases to register.",
            "breastlens scan PATH lists what was found.",
        )
    if not 1 <= number <= len(every):
        raise StudyError(f"There is no dynamic series {number}; there are {len(every)}.", "Count from 1.")
    study, dynamic = every[number - 1]
    if dynamic.pre_index is None:
        raise StudyError(
            "It is not known which phase is pre-contrast, so there is nothing to register the others to.",
            "Open the study in the window and say which it is.",
        )
    return study, dynamic, number


def _register(study: Study, dynamic: Dynamic, out: Path) -> dict[str, Any]:
    """Write the pre-contrast and each corrected phase; return the JSON values."""
    pre = dynamic.phases[dynamic.pre_index or 0]
    others = [phase for phase in dynamic.phases if phase is not pre]
    fixed = load_stack(study, pre.stack_uid).volume
    write_nifti(out / "pre.nii.gz", fixed)
    phases = []
    for n, phase in enumerate(others):
        progress = Progress(meter).part(n / len(others), (n + 1) / len(others), f"{phase.label}: ")
        moving = load_stack(study, phase.stack_uid).volume
        found: dict[str, Any] = {"phase": phase.label, "stack": phase.stack_uid, "seconds_after_pre": phase.seconds}
        try:
            correction = register(fixed, moving, progress)
        except EngineError as error:
            phases.append({**found, "problem": f"{error} {error.hint}".strip()})
            continue
        file = f"{phase.label.replace(' ', '-')}-corrected.nii.gz"
        write_nifti(out / file, apply(correction, moving, fixed))
        phases.append({**found, "file": file, **facts(correction)})
    return {"pre": {"stack": pre.stack_uid, "file": "pre.nii.gz"}, "phases": phases}


def _text(document: dict[str, Any], out: Path) -> str:
    lines = [f"{phase['phase']}: {_line(phase)}" for phase in document["phases"]]
    head = f"Every phase was registered to the pre-contrast one. {RESEARCH_USE}"
    return "\n".join([head, *lines, f"images and report: {out / REPORT}"])


def _line(phase: dict[str, Any]) -> str:
    if "problem" in phase:
        return f"not registered. {phase['problem']}"
    before, after = phase["residuals"]["none"], phase["residuals"][phase["stage"]]
    moved, change = phase["displacement"], phase["jacobian"]
    figures = (
        f"edges apart {before['edges']:.1%} -> {after['edges']:.1%}, NMI {before['nmi']:.3f} -> {after['nmi']:.3f}"
    )
    if phase["stage"] == "none":
        return f"no better, left as it is ({figures}), {phase['seconds']:.0f} s"
    return (
        f"better, {phase['stage']} ({figures}); moved {moved['mean_mm']:.1f} mm on average, "
        f"{moved['max_mm']:.1f} mm at most; volume x {change[0]:.2f} to {change[1]:.2f}; {phase['seconds']:.0f} s"
    )
