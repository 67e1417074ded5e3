"""System 003: a multi-scale curriculum 3D ResNet-18 on whole breasts; malignancy per breast, with activation maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from inference.breast_maps import cam_volume, suspicious_place
from inference.card import ModelCard
from inference.errors import EngineError, OutOfScopeError
from inference.exam import DceExam, Exam
from inference.nets.curriculum_resnet import BENIGN, CHANNELS, MALIGNANT, CurriculumResNet
from inference.nets.precision import multiplies_bfloat16
from inference.prepare.breast_crop import NAMES, BreastPreprocessing
from inference.prepare.whole_breast import PreparedBreast, PreparedExam, prepare_breasts
from inference.progress import Progress
from inference.reading import Reading
from inference.result import Fact, Finding, Heatmap, Score, Status
from inference.weights import fill, read_weights

WEIGHTS_FILE = "weights.safetensors"
OUTPUT = "malignant"
MAP_TITLE = "Malignant minus benign activation"
TRAINED_ON = ("axial",)  # where a card does not say: the paper's series (section 2) and the phantoms are axial


@dataclass(frozen=True)
class Model:
    """The network in evaluation mode on one device; ``arithmetic`` is the type its convolutions use."""

    network: CurriculumResNet
    device: str
    arithmetic: torch.dtype


@dataclass(frozen=True)
class BreastPrediction:
    """What the network says of one breast.

    Attributes
    ----------
    probability
        Of malignancy, softmax over the two logits.
    difference
        Malignant minus benign class activation map, float32 (cells x, y, z).
    """

    probability: float
    difference: np.ndarray


def load(card: ModelCard, device: str) -> Model:
    """Read the weights of a card."""
    with torch.device("meta"):  # shapes only: initial values would be thrown away
        network = CurriculumResNet()
    fill(network, read_weights(card, WEIGHTS_FILE), card.title)
    network.eval().requires_grad_(requires_grad=False).to(device=device, memory_format=torch.channels_last_3d)
    return Model(network, device, arithmetic(device))


def arithmetic(device: str) -> torch.dtype:
    """Return bfloat16 where the device multiplies it in hardware, else float32."""
    return torch.bfloat16 if multiplies_bfloat16(device) else torch.float32


def modules(model: Model) -> tuple[nn.Module, ...]:
    """Return the network."""
    return (model.network,)


def prepare(card: ModelCard, exam: Exam, progress: Progress) -> PreparedExam:
    """Find, crop, resample and scale the breasts as the card says."""
    if not isinstance(exam, DceExam):
        raise EngineError(f"{card.title} reads a dynamic breast MRI.")
    prepared = prepare_breasts(exam, BreastPreprocessing.from_card(card.preprocessing), progress)
    if card.accepts.get("needs_t2") and not prepared.has_t2:
        raise OutOfScopeError(
            f"{card.title} needs a T2-weighted volume of the breasts. {prepared.t2_problem}".strip(),
            "Choose a T2-weighted series of the same examination that shows both breasts.",
        )
    return prepared


def predict(model: Model, prepared: PreparedExam, progress: Progress) -> tuple[BreastPrediction, ...]:
    """Run the network on each breast; one after the other, since memory holds one more easily than two."""
    found = []
    for number, breast in enumerate(prepared.breasts):
        progress.report(number / len(prepared.breasts), NAMES[breast.grid.side])
        found.append(read_breast(model, torch.from_numpy(breast.channels)[None]))
    return tuple(found)


def read_breast(model: Model, channels: Tensor) -> BreastPrediction:
    """Return what the network says of one breast, (1, 6, x, y, z)."""
    if channels.shape[1] != CHANNELS:
        raise EngineError(f"The network reads {CHANNELS} channels, not {channels.shape[1]}.")
    reduced = model.arithmetic != torch.float32
    with torch.inference_mode(), torch.autocast(model.device, dtype=torch.bfloat16, enabled=reduced):
        cams = model.network(channels.to(model.device)).cams.float().cpu()[0]
    # The logit is the mean of the map plus the bias; taken so, in float32, score and map agree exactly.
    bias = model.network.head.get_parameter("bias").detach().float().cpu()
    logits = cams.mean(dim=(1, 2, 3)) + bias
    probability = float(torch.softmax(logits, dim=0)[MALIGNANT])
    return BreastPrediction(probability, (cams[MALIGNANT] - cams[BENIGN]).numpy())


def interpret(card: ModelCard, exam: Exam, prepared: PreparedExam, prediction: tuple[BreastPrediction, ...]) -> Reading:
    """Assemble the score of the exam (its more suspicious breast), of each breast, the maps and the places."""
    point = card.output(OUTPUT).operating_point
    point = 0.5 if point is None else point
    pairs = list(zip(prepared.breasts, prediction, strict=True))
    title = card.output(OUTPUT).title
    overall = max(one.probability for one in prediction)
    sides = [
        Score(f"{OUTPUT}-{breast.grid.side}", title, one.probability, point, subject=NAMES[breast.grid.side])
        for breast, one in pairs
    ]
    maps = _maps(card, pairs, exam)
    findings = [
        place
        for (breast, one), shown in zip(pairs, maps, strict=True)
        if one.probability >= point and (place := _finding(breast, one, shown, exam)) is not None
    ]
    return Reading(
        Status.FINDINGS if overall >= point else Status.NO_FINDING,
        (Score(OUTPUT, title, overall, point), *sides),
        maps,
        tuple(sorted(findings, key=lambda finding: -finding.score)),
        (*prepared.warnings, *_unlike_training(card, exam)),
        facts=_facts(prepared),
    )


def _unlike_training(card: ModelCard, exam: Exam) -> tuple[str, ...]:
    """Return a sentence where the series lies in a plane that the model was not trained on; it is read all the same."""
    assert isinstance(exam, DceExam)
    known = tuple(card.training.get("orientation", TRAINED_ON))
    if not exam.orientation or exam.orientation in known:
        return ()
    return (
        f"The model was trained on {' and '.join(known)} series only; this one is {exam.orientation}. "
        "How good its scores and maps are on such series was not measured.",
    )


def _maps(card: ModelCard, pairs: list[tuple[PreparedBreast, BreastPrediction]], exam: Exam) -> tuple[Heatmap, ...]:
    """Return the positive part of each breast's map, all on one scale, most suspicious breast first."""
    highest = max(float(one.difference.max()) for _, one in pairs)
    top = max(highest, float(card.interpretation.get("map_top", 0.0)), 1e-3)
    return tuple(
        Heatmap(
            f"cam-{breast.grid.side}",
            f"{MAP_TITLE}, {NAMES[breast.grid.side].lower()}",
            cam_volume(np.maximum(one.difference, 0), breast.grid, exam.image),
            unit="logit",
            value_range=(0.0, top),
        )
        for breast, one in pairs
    )


def _finding(breast: PreparedBreast, one: BreastPrediction, shown: Heatmap, exam: Exam) -> Finding | None:
    place = suspicious_place(shown, breast.grid, exam.image)
    if place is None:
        return None
    rectangle, spot = place
    return Finding(
        name=OUTPUT,
        score=one.probability,
        frame_of_reference_uid=rectangle.frame_of_reference_uid,
        corner_mm=rectangle.corner_mm,
        opposite_mm=rectangle.opposite_mm,
        orientation=rectangle.orientation,
        title=f"Suspicious region, {NAMES[breast.grid.side].lower()}",
        spot_mm=spot,
    )


def _facts(prepared: PreparedExam) -> tuple[Fact, ...]:
    x, y, z = prepared.breasts[0].grid.spacing
    phases = ", ".join(str(index + 1) for index in prepared.posts)
    facts = [
        Fact("Channels", f"Before contrast, phases {phases} after contrast, {'T2' if prepared.has_t2 else 'no T2'}."),
        Fact("Network voxel", f"{x:.2f} × {y:.2f} × {z:.2f} mm (left, back, head)."),
        Fact("Score of the exam", "The higher of the two breasts' probabilities."),
    ]
    if len(prepared.breasts) == 1:
        facts[-1] = Fact("Score of the exam", f"That of the {NAMES[prepared.breasts[0].grid.side].lower()}.")
    return tuple(facts)
