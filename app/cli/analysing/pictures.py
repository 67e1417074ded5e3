"""Pictures and masks of what was read: overlays as PNG, masks and maps of volumes as NIfTI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from app.analysis import Subject
from app.cli.analysing.reading import Read, ReadStudy
from app.cli.overlay import overlay
from app.studies.nifti_out import write_nifti
from app.workspace.files import write_atomically
from inference.peak import peak_index
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.result import Result

MOST = 8  # pictures of one examination


def picture_name(subject: Subject, model_id: str, part: str = "") -> str:
    """Return a file name without its ending: model, subject, part."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", f"{subject.title} {part}").strip("-").lower()
    return f"{model_id}-{words[:80]}"


def write_pictures(read: Read, found: ReadStudy, folder: Path, taken: set[str]) -> list[str]:
    """Write the overlays of a subject and return their names; of a whole examination one per finding.

    Parameters
    ----------
    taken
        Names that are in use; those of these pictures are added.
    """
    loaded = found.pixels.load(read.subject.stack_uid, Progress())
    model = read.result.provenance.model_id
    names = []
    shown = slices_shown(loaded.volume, read.result) if read.subject.is_whole else [read.subject.slice_index]
    for index in shown:
        part = f"slice {index + 1}" if read.subject.is_whole else ""
        name = _free(picture_name(read.subject, model, part), ".png", taken)
        _write_png(folder / name, overlay(loaded, index, read.result))
        names.append(name)
    return names


def slices_shown(image: Volume, result: Result) -> list[int]:
    """Return the slices of a volume worth a picture: those of the findings, else that of the first map's maximum."""
    points = [_spot(finding.spot_mm, finding.corner_mm, finding.opposite_mm) for finding in result.findings]
    if not points and result.heatmaps:
        volume = result.heatmaps[0].volume
        place = np.array(peak_index(volume.array))
        affine = np.asarray(volume.affine, float)
        points = [affine[:3, :3] @ place + affine[:3, 3]]
    if not points:
        return [image.spatial_shape[0] // 2]
    inverse = np.linalg.inv(np.asarray(image.affine, float))
    last = image.spatial_shape[0] - 1
    indices = [min(max(round(float(inverse[0, :3] @ point + inverse[0, 3])), 0), last) for point in points]
    return list(dict.fromkeys(indices))[:MOST]


def _spot(spot: Sequence[float] | None, corner: Sequence[float], opposite: Sequence[float]) -> np.ndarray:
    return np.asarray(spot, float) if spot is not None else (np.asarray(corner) + np.asarray(opposite)) / 2


def write_volumes(read: Read, folder: Path, taken: set[str]) -> dict[str, str]:
    """Write masks, and maps of a whole examination, as NIfTI; return file names by ``"mask:<name>"``, ``"map:…"``."""
    layers = [(f"mask:{mask.name}", mask.volume, mask.rule or mask.title) for mask in read.result.masks]
    if read.subject.is_whole:
        layers += [(f"map:{one.name}", one.volume, f"{one.title} ({one.unit})") for one in read.result.heatmaps]
    found = {}
    for key, volume, note in layers:
        model = read.result.provenance
        name = _free(picture_name(read.subject, model.model_id, key.replace(":", " ")), ".nii.gz", taken)
        notes = (f"{model.model_title} {model.model_version}: {note}", model.model_note, "Research use only.")
        temporary = folder / f".{name}"  # the format is told by the ending
        write_nifti(temporary, volume, notes)
        temporary.replace(folder / name)
        found[key] = name
    return found


def _free(name: str, ending: str, taken: set[str]) -> str:
    number, free = 1, f"{name}{ending}"
    while free in taken:
        number += 1
        free = f"{name}-{number}{ending}"
    taken.add(free)
    return free


def _write_png(path: Path, pixels: np.ndarray) -> None:
    _, encoded = cv2.imencode(".png", pixels[..., ::-1])
    write_atomically(path, encoded.tobytes())
