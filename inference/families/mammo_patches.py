"""System 001: windows of a mammogram through two ResNet-50, one for malignant nodules, one for microcalcifications."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from inference.card import ModelCard
from inference.errors import CardError, EngineError
from inference.exam import Exam, Mammogram
from inference.grading import explain, grade_from
from inference.nets.attention_resnet import Trunk
from inference.nets.patch_resnet import PatchTail, probability
from inference.nets.precision import is_reduced, reduced
from inference.prepare.mammogram import MammogramPreprocessing, PreparedMammogram, prepare_mammogram
from inference.prepare.mammogram_facts import facts_of_windows, unread
from inference.prepare.mammogram_map import merged, probability_map, window_finding
from inference.prepare.windows import Windows, calcification_windows, nodule_windows, patch_tensor
from inference.progress import Progress
from inference.reading import Reading
from inference.result import Fact, Finding, Grade, Heatmap, Score, Status
from inference.weights import fill, read_weights

TRUNK_FILE, TAILS_FILE = "trunk.safetensors", "tails.safetensors"
MODULES: dict[str, Callable[[PreparedMammogram], Windows]] = {
    "nodule": nodule_windows,
    "calcification": calcification_windows,
}
TITLES = {"nodule": "Nodule", "calcification": "Microcalcifications"}
BATCH = {"cpu": 8, "cuda": 64}  # windows; on the processor a batch stays below half a second, for cancelling
#: Windows of each module, the most suspicious, that are read again in full precision: the score of the image is the
#: highest of them, and reduced precision changes a probability near 0.5 by up to 0.05 (ARCHITECTURE.md, Decisions).
DECISIVE = 8
_MIDDLE = 0.5  # operating point where the card states none


@dataclass(frozen=True)
class Model:
    """The shared trunk and the tail of each module, in evaluation mode on one device."""

    trunk: Trunk
    tails: dict[str, PatchTail]
    device: str


@dataclass(frozen=True)
class Prepared:
    """The swept image and the windows each module reads."""

    mammogram: PreparedMammogram
    windows: dict[str, Windows]


@dataclass(frozen=True)
class Prediction:
    """Probability of malignancy of every window, shape (n,), by module."""

    probabilities: dict[str, np.ndarray]


def load(card: ModelCard, device: str) -> Model:
    """Read the trunk and both tails of a card; the tails lie in one file, keys ``<module>.<key>``."""
    with torch.device("meta"):  # shapes only: initial values would be thrown away
        trunk, tails = Trunk(), {name: PatchTail() for name in MODULES}
    with torch.inference_mode():
        fill(trunk, read_weights(card, TRUNK_FILE), f"{card.title}, trunk")
        states = _by_module(card, read_weights(card, TAILS_FILE))
        for name, tail in tails.items():
            fill(tail, states[name], f"{card.title}, {name}")
        for module in (trunk, *tails.values()):
            module.eval().to(device=device, memory_format=torch.channels_last)
    return Model(trunk, tails, device)


def _by_module(card: ModelCard, tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    states: dict[str, dict[str, Tensor]] = {name: {} for name in MODULES}
    for key, tensor in tensors.items():
        name, _, rest = key.partition(".")
        if name not in states:
            raise CardError(f"{card.title} has weights of an unknown module {name!r}.", "Install the model again.")
        states[name][rest] = tensor
    return states


def modules(model: Model) -> tuple[nn.Module, ...]:
    """Return every network with weights, first to last."""
    return (model.trunk, *model.tails.values())


def prepare(card: ModelCard, exam: Exam, progress: Progress) -> Prepared:
    """Prepare the image as the card says and choose the windows.

    Raises
    ------
    EngineError
        Where the image cannot be read, or no window of it is to be read.
    """
    if not isinstance(exam, Mammogram):
        raise EngineError(f"{card.title} reads a mammogram.")
    keys = MammogramPreprocessing.from_card(card.preprocessing)
    mammogram = prepare_mammogram(exam, keys, progress.part(0.0, 0.7))
    windows: dict[str, Windows] = {}
    for number, (name, choose) in enumerate(MODULES.items()):
        progress.report(0.7 + 0.15 * number, f"windows, {TITLES[name].lower()}")
        windows[name] = choose(mammogram)
    if not any(map(len, windows.values())):
        raise EngineError(
            "No window of this image shows enough of the breast to be read, so the model says nothing about it.",
            "Choose an image of the whole breast.",
        )
    return Prepared(mammogram, windows)


def predict(model: Model, prepared: Prepared, progress: Progress) -> Prediction:
    """Run every module on its windows, in batches; in reduced precision where the device has it, then the decisive."""
    total, done = sum(map(len, prepared.windows.values())), 0
    size = BATCH.get(model.device, BATCH["cpu"])
    found: dict[str, np.ndarray] = {}
    for name, windows in prepared.windows.items():
        parts: list[np.ndarray] = []
        for start in range(0, len(windows), size):
            progress.report(done / total, f"{TITLES[name].lower()}, window {start + 1} of {len(windows)}")
            indices = np.arange(start, min(start + size, len(windows)))
            parts.append(_probabilities(model, name, patch_tensor(prepared.mammogram, windows, indices)))
            done += len(indices)
        found[name] = np.concatenate(parts) if parts else np.empty(0, np.float32)
        if parts and is_reduced(model.device):
            progress.check()
            first = np.argsort(-found[name], kind="stable")[:DECISIVE]
            patches = patch_tensor(prepared.mammogram, windows, first)
            found[name][first] = _probabilities(model, name, patches, nullcontext())
    return Prediction(found)


def _probabilities(
    model: Model, name: str, patches: Tensor, precision: AbstractContextManager[object] | None = None
) -> np.ndarray:
    with torch.inference_mode(), precision or reduced(model.device):
        images = patches.to(device=model.device, memory_format=torch.channels_last)
        logits = model.tails[name](model.trunk(images))
    return probability(logits.float()).cpu().numpy()


def interpret(card: ModelCard, _exam: Exam, prepared: Prepared, prediction: Prediction) -> Reading:
    """Assemble image scores (the highest window each), grades, maps and merged boxes.

    The first score is the one that exceeds its operating point most, in log odds. A module without windows gives no
    score, no grade and no map, and a warning says that it said nothing.
    """
    read = [name for name in MODULES if len(prepared.windows[name])]
    scores = {name: _score(card, name, prediction.probabilities[name]) for name in read}
    order = sorted(read, key=lambda name: -_excess(scores[name]))
    found = [finding for name in order for finding in _findings(prepared, prediction, scores[name])]
    grades = _grades(card, scores)
    return Reading(
        status=Status.FINDINGS if found else Status.NO_FINDING,
        scores=tuple(scores[name] for name in order),
        heatmaps=tuple(_heatmap(prepared, prediction, name) for name in order),
        findings=tuple(sorted(found, key=lambda finding: -finding.score)),
        warnings=(*prepared.mammogram.warnings, *unread(prepared.windows, TITLES)),
        grades=grades,
        facts=(
            *facts_of_windows(prepared.mammogram, prepared.windows, TITLES),
            *_facts_of_grades(grades),
            _of_boxes(scores),
        ),
    )


def _score(card: ModelCard, name: str, probabilities: np.ndarray) -> Score:
    output = card.output(name)
    return Score(name, output.title, float(probabilities.max()), output.operating_point, output.checkpoint)


def _point(score: Score) -> float:
    return _MIDDLE if score.operating_point is None else score.operating_point


def _excess(score: Score) -> float:
    """Return the log odds of a score over those of its operating point."""
    return _log_odds(score.value) - _log_odds(_point(score))


def _log_odds(value: float) -> float:
    value = min(max(value, 1e-9), 1 - 1e-9)
    return math.log(value / (1 - value))


def _findings(prepared: Prepared, prediction: Prediction, score: Score) -> list[Finding]:
    name, grid = score.name, prepared.mammogram.grid
    windows, values = prepared.windows[name], prediction.probabilities[name]
    return [
        window_finding(grid, windows, int(index), float(values[index]), name, TITLES[name])
        for index in merged(windows, values, _point(score))
    ]


def _heatmap(prepared: Prepared, prediction: Prediction, name: str) -> Heatmap:
    volume = probability_map(prepared.mammogram.grid, prepared.windows[name], prediction.probabilities[name])
    return Heatmap(name, f"{TITLES[name]}, windows", volume)


def _grades(card: ModelCard, scores: dict[str, Score]) -> tuple[Grade, ...]:
    grading = card.interpretation.get("grading", {})
    return tuple(
        grade_from(name, f"{TITLES[name]}, quantusMM grade (BI-RADS-like)", score.value, grading[name])
        for name, score in scores.items()
        if name in grading
    )


def _of_boxes(scores: dict[str, Score]) -> Fact:
    """Return what a box needs: grades rest on other thresholds, so that a grade above 1 may have none."""
    each = ", ".join(f"{TITLES[name].lower()} {_point(score):.2f}" for name, score in scores.items())
    return Fact(
        "Boxes", f"Windows of at least {each}. Grades have thresholds of their own and may be high without one."
    )


def _facts_of_grades(grades: tuple[Grade, ...]) -> tuple[Fact, ...]:
    if not grades:
        return ()
    highest = max(grade.value for grade in grades)
    each = ", ".join(f"{TITLES[grade.name].lower()} {grade.value}" for grade in grades)
    whole = Fact("Image grade", f"{highest}: the higher of {each} (quantusMM scale, not ACR BI-RADS).")
    return (whole, *(Fact(f"Grade, {TITLES[grade.name].lower()}", " ".join(explain(grade))) for grade in grades))
