"""Results made by hand, for the tests of panels and overlays: one of each family's shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from highdicom import Volume

from app.workspace.history import StoredResult
from inference.result import (
    CutOff,
    Fact,
    Finding,
    Grade,
    Heatmap,
    Profile,
    Provenance,
    Quantity,
    Result,
    Score,
    Segmentation,
    Status,
)

FRAME = "1.2.3"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
# SYSTEMS.md §1.2: thresholds of a binormal ROC of AUC 0.90 with 2000 cases and 1000 controls
CUT_OFFS = (
    CutOff(6, 0.778, 0.41, 0.99, "specificity ≥ 0.99"),
    CutOff(5, 0.646, 0.62, 0.953, "specificity ≥ 0.95"),
    CutOff(4, 0.311, 0.952, 0.59, "sensitivity ≥ 0.95"),
    CutOff(3, 0.210, 0.991, 0.38, "sensitivity ≥ 0.99"),
)
ROC = ((0.9, 0.2, 1.0), (0.778, 0.41, 0.99), (0.7, 0.5, 0.97), (0.646, 0.62, 0.953), (0.5, 0.8, 0.85),
       (0.311, 0.952, 0.59), (0.21, 0.991, 0.38), (0.0, 1.0, 0.0))  # fmt: skip


def provenance(model_id: str, note: str = "provisional: DEMO") -> Provenance:
    return Provenance(model_id, "0.1", f"Title of {model_id}", note, "ab" * 32, "0", "cpu", "2026-11-21T12:00:00")


def volume(array: np.ndarray, spacing: tuple[float, float, float] = (3.0, 1.0, 1.0), frame: str = FRAME) -> Volume:
    """Axial slices upwards: the affine's columns are slice, row and column steps."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1.0
    return Volume(array, affine, "PATIENT", frame_of_reference_uid=frame)


def finding(name: str, score: float, middle: tuple[float, float, float], title: str = "") -> Finding:
    x, y, z = middle
    return Finding(name, score, FRAME, (x - 5, y - 5, z), (x + 5, y + 5, z), AXIAL, title, middle)


def grade(score: float = 0.71, value: int = 5) -> Grade:
    return Grade("nodule", "Nodule module", value, score, CUT_OFFS, 115, 207, ROC, ("Few cases.",))


def mammogram_result() -> Result:
    array = np.zeros((1, 8, 8), np.float32)
    array[0, 2, 6] = 0.71
    scores = (
        Score("nodule", "Nodule", 0.71, 0.646, "N"),
        Score("calcification", "Microcalcifications", 0.18, 0.5, "C"),
    )
    maps = (Heatmap("nodule", "Nodules", volume(array)), Heatmap("calcification", "Calcifications", volume(array / 4)))
    return Result(
        Status.FINDINGS, scores, maps, (finding("nodule", 0.71, (6, 2, 0), "Nodule"),), (), provenance("mammo-001"),
        grades=(grade(),), facts=(Fact("Windows read", "27 of 27."),),
    )  # fmt: skip


def contrasts_result() -> Result:
    points = tuple((4.0, 4.0, 3.0 * n) for n in range(4))
    return Result(
        Status.FINDINGS,
        (
            Score("malignant", "Malignant", 0.84, 0.5),
            Score("malignant", "Malignant", 0.84, 0.5, subject="Box 1"),
            Score("malignant", "Malignant", 0.31, 0.5, subject="Box 2"),
        ),
        (), (finding("lesion-1", 0.84, (4, 4, 6), "Box 1"),), (), provenance("mri-contrasts-002"),
        profiles=(Profile("lesion-1", "Box 1", points, (0.1, 0.4, 0.84, 0.3)),),
    )  # fmt: skip


def curriculum_result() -> Result:
    right = Heatmap(
        "cam-R", "Malignant minus benign activation, right breast", volume(np.eye(4, dtype=np.float32)[None])
    )
    return Result(
        Status.NO_FINDING,
        (
            Score("malignant", "Malignant", 0.4, 0.5),
            Score("malignant-R", "Malignant", 0.4, 0.5, subject="Right breast"),
            Score("malignant-L", "Malignant", 0.1, 0.5, subject="Left breast"),
        ),
        (right, replace(right, name="cam-L", title="CAM left")), (), (), provenance("mri-curriculum-003"),
    )  # fmt: skip


def segmentation_result() -> Result:
    array = np.zeros((4, 10, 10), np.float32)
    array[2, 3:6, 3:6] = 0.9
    array[2, 4, 4] = 0.95
    array[2, 8, 8] = 0.7
    array[1, 4, 4] = 0.1
    return Result(
        Status.FINDINGS, (Score("tumour", "Tumour", 0.95, 0.5),), (Heatmap("tumour", "Tumour", volume(array)),),
        (finding("tumour", 0.95, (4, 4, 6), "Tumour"),), ("A warning.",), provenance("mri-segmentation-004"),
        masks=(Segmentation("tumour", "Tumour", volume((array >= 0.5).astype(np.uint8)), "0.5 or more"),),
        quantities=(Quantity("volume", "Volume", 6.42, "ml", "voxels", "Tumour 1"),),
    )  # fmt: skip


def stored(result: Result, place: tuple[str, int] = ("stack", -1), uid: str = "") -> StoredResult:
    uid = uid or result.provenance.model_id
    return StoredResult(uid, "study", place[0], "sop", place[1], "2026-11-21T12:00:00", result)
