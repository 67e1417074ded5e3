"""``breastlens analyse``: runs a model on a path; writes JSON and a PNG overlay."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import analysis
from app.cli.arguments import RESEARCH_USE
from app.cli.opened import opened, stacks_named
from app.cli.outcome import complain, meter, meter_done
from app.cli.overlay import overlay
from app.cli.render import write_png
from app.settings import home
from app.studies.errors import StudyError
from app.studies.load import LoadedStack, load_stack
from app.studies.study import Library, Stack, Study
from inference.errors import EngineError
from inference.progress import Progress
from inference.registry import card as find_card
from inference.result import Result, Status

if TYPE_CHECKING:
    from inference.card import ModelCard


@dataclass(frozen=True)
class Reading:
    """The result of one slice, and where the slice is."""

    study: Study
    loaded: LoadedStack
    slice_index: int
    result: Result

    @property
    def suspicion(self) -> float:
        """Score that ranks slices: that the slice is not normal, else the highest score."""
        scores = {score.name: score.value for score in self.result.scores}
        return 1 - scores["normal"] if "normal" in scores else max(scores.values())


def run(options: argparse.Namespace) -> int:
    """Analyse the slice, series or study asked for; exit status 1 where the model could read nothing."""
    card = find_card(options.model, [home() / "models"])
    with opened(options.path) as library:
        readings: list[Reading] = []
        refusals: list[str] = []
        for study, stack in _chosen(library, options, refusals):
            try:
                readings += _read(card, study, stack, options)
            except (EngineError, StudyError) as error:
                refusals.append(f"{stack.title or stack.uid}: {error}")
        meter_done()
        if not readings:
            return complain(f"{card.title} could read nothing in {options.path}.", "; ".join(dict.fromkeys(refusals)))
        document = _write(readings, refusals, options)
    print(json.dumps(document, indent=2) if options.json else _text(document, options.out))
    return 0


def _chosen(library: Library, options: argparse.Namespace, refusals: list[str]) -> list[tuple[Study, Stack]]:
    """Return the stacks to read: the one named, or those offered of each study."""
    named = stacks_named(library, options.series)
    if options.phase is not None:
        return [_phase(study, options.phase) for study in library.studies if study.dynamics]
    if options.series is not None or (options.slice_number is not None and len(named) == 1):
        return named
    chosen: list[tuple[Study, Stack]] = []
    for study in library.studies:
        for candidate in analysis.candidates(study):
            if candidate.refusal:
                refusals.append(f"{candidate.title}: {candidate.refusal}")
            else:
                chosen.append((study, candidate.stack))
    return chosen


def _phase(study: Study, number: int) -> tuple[Study, Stack]:
    phases = study.dynamics[0].phases
    if not 1 <= number <= len(phases):
        raise StudyError(f"There is no phase {number}; the dynamic series has {len(phases)}.")
    return study, study.stack(phases[number - 1].stack_uid)


def _read(card: ModelCard, study: Study, stack: Stack, options: argparse.Namespace) -> list[Reading]:
    """Run the model on the slice asked for, or on every slice of the stack."""
    loaded = load_stack(study, stack.uid, Progress(meter).part(0, 0.3))
    count = loaded.volume.spatial_shape[0]
    indices = range(count)
    if options.slice_number is not None:
        if not 1 <= options.slice_number <= count:
            raise StudyError(f"There is no slice {options.slice_number}; the stack has {count}.")
        indices = [options.slice_number - 1]
    readings = []
    for done, index in enumerate(indices):
        meter(0.3 + 0.7 * done / len(indices), f"{card.title}: slice {index + 1} of {count}")
        result = analysis.analyse(card, study, loaded, index, Progress(), options.device)
        readings.append(Reading(study, loaded, index, result))
    return readings


def _write(readings: list[Reading], refusals: list[str], options: argparse.Namespace) -> dict[str, Any]:
    """Write ``result.json`` and the overlay of the most suspicious slice of each stack; return the JSON values."""
    options.out.mkdir(parents=True, exist_ok=True)
    by_stack: dict[tuple[str, str], list[Reading]] = {}
    for reading in readings:
        by_stack.setdefault((reading.study.uid, reading.loaded.stack.uid), []).append(reading)
    series = [_series(number, group, options.out) for number, group in enumerate(by_stack.values(), 1)]
    document = {
        "statement": RESEARCH_USE,
        "provenance": asdict(readings[0].result.provenance),
        "series": series,
        "refused": list(dict.fromkeys(refusals)),
    }
    (options.out / "result.json").write_text(json.dumps(document, indent=2), "utf-8")
    return document


def _series(number: int, group: list[Reading], out: Path) -> dict[str, Any]:
    top = max(group, key=lambda reading: reading.suspicion)
    picture = f"{number:02d}-slice-{top.slice_index + 1:03d}-{top.result.provenance.model_id}.png"
    write_png(out / picture, overlay(top.loaded, top.slice_index, top.result))
    series, stack = top.study.series_of(top.loaded.stack.uid)
    return {
        "study": top.study.uid,
        "patient": top.study.patient_id,
        "series": series.uid,
        "stack": stack.uid,
        "title": stack.title or series.label,
        "most_suspicious_slice": top.slice_index + 1,
        "slice_chosen_by": "only slice read" if len(group) == 1 else "highest detection score (1 - normal) of all",
        "overlay": picture,
        "slices": [_slice(reading) for reading in group],
    }


def _slice(reading: Reading) -> dict[str, Any]:
    """Return the result of one slice as JSON values; findings in LPS millimetres."""
    result = reading.result
    frames = reading.loaded.stack.frames
    frame = frames[reading.slice_index] if reading.slice_index < len(frames) else None
    return {
        "slice": reading.slice_index + 1,
        "sop_instance_uid": frame.sop_instance_uid if frame else "",
        "status": result.status.value,
        "scores": {score.name: round(score.value, 4) for score in result.scores},
        "operating_points": {
            score.name: score.operating_point for score in result.scores if score.operating_point is not None
        },
        "findings": [asdict(finding) for finding in result.findings],
        "heatmaps": [
            {
                "name": heatmap.name,
                "unit": heatmap.unit,
                "affine_lps_mm": heatmap.volume.affine.tolist(),
                "values": heatmap.volume.array.round(5).tolist(),
            }
            for heatmap in result.heatmaps
        ],
        "warnings": list(result.warnings),
        "seconds": result.provenance.seconds,
    }


def _text(document: dict[str, Any], out: Path) -> str:
    source = document["provenance"]
    lines = [f"{source['model_title']} ({source['model_note']}), {source['device']}. {RESEARCH_USE}"]
    for series in document["series"]:
        top = next(s for s in series["slices"] if s["slice"] == series["most_suspicious_slice"])
        scores = "  ".join(f"{name} {value:.2f}" for name, value in top["scores"].items())
        found = sum(s["status"] == Status.FINDINGS.value for s in series["slices"])
        lines.append(f"{series['title']}: findings on {found} of {len(series['slices'])} slices")
        lines.append(f"  slice {top['slice']} ({series['slice_chosen_by']}): {scores}")
        lines += [f"  warning: {warning}" for warning in top["warnings"]]
        lines.append(f"  overlay: {out / series['overlay']}")
    lines += [f"not read: {reason}" for reason in document["refused"]]
    return "\n".join([*lines, f"results: {out / 'result.json'}"])
