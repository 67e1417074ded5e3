"""Models without networks for tests of the conductor: a family that computes simple numbers, and its cards.

``python tests/fake_models.py`` is a server: each line on its input is a JSON list of arguments, run as ``breastlens``
in a forked child; it prints ``started PID`` and ``ended STATUS``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np

from inference.exam import DceExam, Exam, Mammogram
from inference.progress import Progress
from inference.reading import Reading
from inference.result import CutOff, Fact, Finding, Grade, Heatmap, Profile, Quantity, Score, Segmentation, Status

FAMILY = "fake_numbers"
ACCEPTS: dict[str, dict[str, Any]] = {
    "fake-slice": {"exam": "MriSlice", "modality": ["MR"], "orientation": ["axial"], "contrast": "post"},
    "fake-mammo": {
        "exam": "Mammogram",
        "modality": ["MG"],
        "views": ["CC", "MLO"],
        **dict.fromkeys(("implants", "partial", "for_processing", "synthetic"), False),
    },
    "fake-dce": {"exam": "DceExam", "modality": ["MR"], "least_posts": 1, "slice_mm": [0.5, 5]},
    "fake-lesion": {"exam": "DceExam", "modality": ["MR"], "needs_lesions": True, "t2": False},
}


def write_cards(folder: Path, ids: tuple[str, ...] = tuple(ACCEPTS), **extra: Any) -> None:
    """Write the cards into a folder of models; ``extra`` goes into what they accept."""
    weights = b"no weights at all"
    for model_id in ids:
        home = folder / model_id
        home.mkdir(parents=True, exist_ok=True)
        (home / "w.safetensors").write_bytes(weights)
        content = {
            **dict.fromkeys(("version", "title", "paper", "note", "licence"), "fake"),
            "id": model_id,
            "title": model_id,
            "family": FAMILY,
            "accepts": {**ACCEPTS[model_id], **extra},
            "preprocessing": {},
            "outputs": [{"name": "malignant", "title": "Malignant", "operating_point": 0.5}],
            "training": {},
            "metrics": {},
            "weights": [
                {"file": "w.safetensors", "sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
            ],
        }
        (home / "card.json").write_text(json.dumps(content))


def family() -> types.ModuleType:
    """Return the family as a module; ``runs`` lists the exams it was given."""
    module = types.ModuleType(f"inference.families.{FAMILY}")
    runs: list[Exam] = []

    def prepare(_card: object, exam: Exam, progress: Progress) -> Exam:
        runs.append(exam)
        for step in range(round(float(os.environ.get("FAKE_STEPS", "0")))):
            progress.report(step / 100, "waiting")
            time.sleep(0.01)
        return exam

    module.__dict__.update(
        runs=runs,
        load=lambda _card, _device: "nothing to load",
        prepare=prepare,
        predict=lambda _model, exam, _progress: float(np.mean(exam.image.array)) / 65535,
        interpret=lambda _card, exam, _prepared, value: _reading(exam, value),
    )
    return module


def _reading(exam: Exam, value: float) -> Reading:
    if isinstance(exam, DceExam):
        return _of_lesions(exam) if exam.lesions else _of_exam(exam)
    image = exam.image
    coarse = np.asarray(image.array, np.float32)[:, ::8, ::8] / 65535
    affine = np.asarray(image.affine) @ np.diag([1.0, 8, 8, 1])
    heatmap = Heatmap("nodule", "Nodule", _volume(coarse, affine, image))
    scores = (Score("malignant", "Malignant", value, 0.5),)
    if not isinstance(exam, Mammogram):
        return Reading(Status.NO_FINDING, scores, (heatmap,))
    cut_offs = (CutOff(5, 0.4, 0.5, 0.99, "specificity ≥ 0.99"), CutOff(3, 0.1, 0.95, 0.4, "sensitivity ≥ 0.95"))
    grade = Grade("nodule", "Nodule", 3, value, cut_offs, 10, 20, ((0.4, 0.5, 0.99),), ("ten women only",))
    box = _box(image, (0, 4, 4), (0, 12, 12), 0.6, "Nodule")
    return Reading(Status.FINDINGS, scores, (heatmap,), (box,), grades=(grade,))


def _of_exam(exam: DceExam) -> Reading:
    assert exam.pre is not None
    image = exam.image
    gain = np.asarray(image.array, np.float32) - np.asarray(exam.pre.array, np.float32)
    share = np.clip(gain / max(float(gain.max()), 1.0), 0, 1)
    inside = (share > 0.5).astype(np.uint8)
    k, j, i = (int(v) for v in np.unravel_index(int(share.argmax()), share.shape))
    box = _box(image, (k, max(j - 3, 0), max(i - 3, 0)), (k, j + 3, i + 3), 0.9, "Lesion")
    ml = float(inside.sum()) * float(np.prod(image.spacing)) / 1000
    return Reading(
        Status.FINDINGS,
        (Score("malignant", "Malignant", float(share.mean()) ** 0.5, 0.5),),
        (Heatmap("tumour", "Tumour", _volume(share, image.affine, image)),),
        (dataclasses.replace(box, spot_mm=_point(image, (k, j, i))),),
        masks=(Segmentation("tumour", "Tumour", _volume(inside, image.affine, image), "more than half of the gain"),),
        quantities=(Quantity("volume", "Volume", ml, "ml", "voxels of the mask"),),
        facts=(Fact("T2", "there" if exam.t2 is not None else "none"),),
    )


def _of_lesions(exam: DceExam) -> Reading:
    scores, profiles = [], []
    for lesion in exam.lesions:
        count = int(np.asarray(lesion.mask.array).sum())
        scores.append(Score("malignant", "Malignant", 1 - 1 / (1 + count), 0.5, subject=lesion.title))
        profiles.append(Profile(lesion.uid, lesion.title, (_point(lesion.mask, (0, 0, 0)),), (float(count),), "voxels"))
    top = dataclasses.replace(max(scores, key=lambda one: one.value), subject="")
    return Reading(Status.NO_FINDING, (top, *scores), profiles=tuple(profiles))


def _volume(array: np.ndarray, affine: Any, like: Any) -> Any:
    from highdicom import Volume

    return Volume(array, np.asarray(affine), "PATIENT", frame_of_reference_uid=like.frame_of_reference_uid)


def _point(image: Any, index: tuple[int, int, int]) -> tuple[float, float, float]:
    x, y, z = (np.asarray(image.affine) @ (*index, 1))[:3].tolist()
    return x, y, z


def _box(image: Any, first: tuple[int, int, int], last: tuple[int, int, int], score: float, title: str) -> Finding:
    affine = np.asarray(image.affine, float)
    half = (affine[:3, 1] + affine[:3, 2]) / 2
    ends = [np.array(_point(image, first)) - half, np.array(_point(image, last)) + half]
    axes = [affine[:3, axis] / np.linalg.norm(affine[:3, axis]) for axis in (2, 1)]
    corner, opposite = (tuple(float(v) for v in end) for end in ends)
    cosines = tuple(float(v) for axis in axes for v in axis)
    return Finding("box", score, str(image.frame_of_reference_uid), corner, opposite, cosines, title)  # type: ignore[arg-type]


def say(line: str) -> None:
    """Tell the test something."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def serve() -> None:
    """Run commands in forked children; nothing of torch is imported."""
    from inference import devices

    devices.describe = lambda device: device.upper()
    sys.modules[f"inference.families.{FAMILY}"] = family()
    import highdicom  # noqa: F401

    from app.__main__ import main
    from app.cli import analyse  # noqa: F401
    from app.studies import load, scan  # noqa: F401

    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = main(json.loads(line))
            sys.stdout.flush()
            os._exit(status)
        say(f"started {child}")
        _, status = os.waitpid(child, 0)
        say(f"ended {status}")


if __name__ == "__main__":
    serve()
