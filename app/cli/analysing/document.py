"""Document: ``result.json`` of a study, with its pictures and masks beside it; written once for what was read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.cli.analysing.pictures import write_pictures, write_volumes
from app.cli.analysing.reading import Read, ReadStudy
from app.cli.analysing.records import write_json
from app.cli.arguments import RESEARCH_USE
from app.studies.errors import StudyError
from inference.result import Heatmap

FILE = "result.json"
MOST_VALUES = 4096  # of a map in JSON: an attention map has 88; larger ones of volumes are files


def write_study(found: ReadStudy, folder: Path) -> dict[str, Any]:
    """Write what was read of a study, unless just that is written already; return the JSON values.

    Raises
    ------
    WorkspaceError
        Where a file cannot be written.
    """
    made_from = _made_from(found)
    known = _written(folder, made_from)
    if known is not None:
        return known
    study = found.study
    shown = {id(read) for read in _shown(found)}
    taken: set[str] = set()
    images = []
    for read in found.reads:
        pictures, problem = [], ""
        if id(read) in shown:
            try:
                pictures = write_pictures(read, found, folder, taken)
            except StudyError as error:  # the images are gone since they were read
                problem = str(error)
        images.append(_image(read, pictures, write_volumes(read, folder, taken), problem))
    document = {
        "statement": RESEARCH_USE,
        "made_from": made_from,
        "study": study.uid,
        "patient": study.patient_id,
        "date": study.date,
        "description": study.description,
        "images": images,
        "refused": [{"model": model, "reason": why} for model, why in dict.fromkeys(found.refused)],
        "failed": [{"model": model, "reason": why} for model, why in dict.fromkeys(found.failed)],
    }
    write_json(folder / FILE, document)
    _remove_old(folder, document)
    return document


def _made_from(found: ReadStudy) -> str:
    parts = [[read.made_from for read in found.reads], found.refused, found.failed]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _written(folder: Path, made_from: str) -> dict[str, Any] | None:
    try:
        document = json.loads((folder / FILE).read_text("utf-8"))
        whole = document["made_from"] == made_from and all((folder / name).is_file() for name in _files(document))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return document if whole else None


def _files(document: dict[str, Any]) -> list[str]:
    return [name for image in document["images"] for name in (*image["overlays"], *image["files"].values())]


def _remove_old(folder: Path, document: dict[str, Any]) -> None:
    """Remove pictures and volumes of an earlier run that the document does not name any more."""
    named = set(_files(document))
    for path in (*folder.glob("*.png"), *folder.glob("*.nii.gz")):
        if path.name not in named:
            path.unlink(missing_ok=True)


def _shown(found: ReadStudy) -> list[Read]:
    """Return what gets a picture: of several slices of a stack the most suspicious, everything else."""
    groups: dict[tuple[str, str, bool], list[Read]] = {}
    for read in found.reads:
        key = (read.result.provenance.model_id, read.subject.stack_uid, read.subject.is_whole)
        groups.setdefault(key, []).append(read)
    return [max(group, key=lambda read: read.suspicion) for group in groups.values()]


def _image(read: Read, pictures: list[str], files: dict[str, str], problem: str) -> dict[str, Any]:
    """Return one subject as JSON values; findings and affines in LPS millimetres."""
    subject, result = read.subject, read.result
    stack = subject.study.stack(subject.stack_uid)
    frame = stack.frames[max(subject.slice_index, 0)]
    return {
        "model": result.provenance.model_id,
        "subject": subject.title,
        "series": stack.series_uid,
        "stack": stack.uid,
        "slice": None if subject.is_whole else subject.slice_index + 1,
        "sop_instance_uid": frame.sop_instance_uid,
        "status": result.status.value,
        "scores": [asdict(one) for one in result.scores],
        "grades": [asdict(one) for one in result.grades],
        "quantities": [asdict(one) for one in result.quantities],
        "profiles": [asdict(one) for one in result.profiles],
        "findings": [asdict(one) for one in result.findings],
        "facts": [asdict(one) for one in result.facts],
        "heatmaps": [_map(one, files) for one in result.heatmaps],
        "masks": [
            {"name": one.name, "title": one.title, "rule": one.rule, "file": files[f"mask:{one.name}"]}
            for one in result.masks
        ],
        "warnings": [*result.warnings, *([problem] if problem else [])],
        "provenance": asdict(result.provenance),
        "overlays": pictures,
        "files": files,
    }


def _map(heatmap: Heatmap, files: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": heatmap.name,
        "title": heatmap.title,
        "unit": heatmap.unit,
        "value_range": list(heatmap.value_range),
        "shape": list(heatmap.volume.spatial_shape),
        "affine_lps_mm": heatmap.volume.affine.tolist(),
    }
    name = files.get(f"map:{heatmap.name}")
    if name is not None:
        values["file"] = name
    elif heatmap.volume.array.size <= MOST_VALUES:
        array = heatmap.volume.array.astype(float).round(5)
        values["values"] = [[[None if v != v else v for v in row] for row in part] for part in array.tolist()]
    return values
