"""Research images (NIfTI, NRRD, PNG …) as studies: one per volume, one per folder of pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from app.studies.errors import StudyError
from app.studies.pixels.research import describe
from app.studies.pixels.research_image import ResearchImage
from app.studies.series.frames import synthetic_uid
from app.studies.series.stacking import plane_of
from app.studies.study import Frame, Series, SeriesKind, Skipped, Stack, Study
from inference.progress import Progress

_SPACING_UNKNOWN = "The file has no pixel spacing: distances are not known until you enter it."
_NO_PATIENT = "A research file: patient, side and date are not in it."


def studies_of(files: Iterable[Path], skipped: list[Skipped], progress: Progress) -> tuple[Study, ...]:
    """Return the studies of research files; those that cannot be read are added to ``skipped`` with the reason."""
    pictures: dict[Path, list[ResearchImage]] = {}
    studies: list[Study] = []
    for file in files:
        progress.check()
        try:
            image = describe(file)
        except StudyError as error:
            skipped.append(Skipped(file, str(error)))
            continue
        except OSError as error:
            skipped.append(Skipped(file, f"The file cannot be read: {error.strerror or error}."))
            continue
        if _is_picture(image):
            pictures.setdefault(file.parent, []).append(image)
        else:
            studies.append(_study(_stem(file), (file.parent.name, file.name), [image]))
    for folder, images in pictures.items():
        studies.append(
            _study(_readable(folder.name), (folder.parent.name, folder.name), sorted(images, key=_natural_order))
        )
    return tuple(studies)


def _is_picture(image: ResearchImage) -> bool:
    return image.shape[0] == 1 and image.affine is None


def _natural_order(image: ResearchImage) -> list[tuple[int, str]]:
    """Order 2.png before 10.png."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", image.path.name.lower())]


def _stem(file: Path) -> str:
    return re.sub(r"\.(nii(\.gz)?|nrrd|nhdr|mha|mhd|tiff?|png)$", "", _readable(file.name), flags=re.IGNORECASE)


def _readable(name: str) -> str:
    """Return a file name as text that can be shown and stored: bytes that are not UTF-8 become question marks."""
    return os.fsencode(name).decode("utf-8", "replace").replace("\ufffd", "?")


def _study(title: str, identity: tuple[str, ...], images: list[ResearchImage]) -> Study:
    uid = synthetic_uid("research", *identity)
    return Study(
        uid=uid,
        patient_id="",
        patient_name=title,
        birth_date="",
        sex="",
        date="",
        time="",
        description=f"Research {'images' if len(images) > 1 else 'image'}",
        accession="",
        series=tuple(_series(uid, number, image) for number, image in enumerate(images, start=1)),
    )


def _series(study_uid: str, number: int, image: ResearchImage) -> Series:
    stack = _stack(synthetic_uid(study_uid, image.path.name), image)
    return Series(
        uid=stack.series_uid,
        modality="",
        kind=SeriesKind.OTHER,
        number=number,
        description=_stem(image.path),
        stacks=(stack,),
        notes=(_NO_PATIENT,),
    )


def _stack(uid: str, image: ResearchImage) -> Stack:
    slices, rows, columns = image.shape[:3]
    orientation = None if image.affine is None else _cosines(image.affine)
    flipped = image.affine is not None and orientation is not None and _runs_backwards(image.affine)
    order = range(slices - 1, -1, -1) if flipped else range(slices)
    frames = tuple(
        Frame(
            path=image.path,
            index=k,
            sop_instance_uid=f"{uid}.{k + 1}",
            instance_number=k + 1,
            position_mm=_position(image.affine, k) if orientation is not None else None,
            orientation=orientation,
        )
        for k in order
    )
    notes = () if image.spacing_mm is not None else (_SPACING_UNKNOWN,)
    if image.affine is not None and orientation is None:
        notes = (*notes, "The axes of the file are not at right angles: patient directions are left out.")
    return Stack(
        uid=uid,
        series_uid=uid,
        frames=frames,
        rows=rows,
        columns=columns,
        frame_of_reference_uid=uid,
        title=_stem(image.path),
        orientation=plane_of(orientation) if orientation is not None else "",
        spacing_mm=image.spacing_mm,
        spacing_basis="unknown" if image.spacing_mm is None else "patient",
        notes=notes,
    )


def _cosines(affine: np.ndarray) -> tuple[float, float, float, float, float, float] | None:
    """Row and column direction cosines (0020,0037) of an affine; None where its axes are not at right angles."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3):
        return None
    row, column = axes[:, 2], axes[:, 1]
    return (float(row[0]), float(row[1]), float(row[2]), float(column[0]), float(column[1]), float(column[2]))


def _runs_backwards(affine: np.ndarray) -> bool:
    """Whether slices run against the normal (row × column) of their planes."""
    return float(np.dot(np.cross(affine[:3, 2], affine[:3, 1]), affine[:3, 0])) < 0


def _position(affine: np.ndarray | None, k: int) -> tuple[float, float, float] | None:
    if affine is None:
        return None
    x, y, z = (float(value) for value in (affine @ np.array([k, 0.0, 0.0, 1.0]))[:3])
    return x, y, z
