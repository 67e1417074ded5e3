"""System 000: supervised-attention ResNet-50 on one post-contrast T1 slice, three checkpoints, five scores."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from inference.card import ModelCard
from inference.errors import CardError, EngineError
from inference.exam import Exam, MriSlice
from inference.explain import findings_from_map
from inference.nets.attention_resnet import Prediction, Tail, Trunk
from inference.prepare.mri_slice import PreparedSlice, SlicePreprocessing, prepare_slice
from inference.progress import Progress
from inference.reading import Reading
from inference.result import Heatmap, Score, Status
from inference.weights import fill, read_weights

OUTPUT_NAMES = ("malignant", "normal", "OB", "IDC", "OM")  # order of the five logits, SYSTEMS.md §1.1
# Which checkpoint gives which output (paper 000, Implementation): each is used only for the task it was best at.
CHECKPOINT_OF = {
    "malignant": "malignancy",
    "normal": "detection",
    "OB": "characterisation",
    "IDC": "characterisation",
    "OM": "characterisation",
}
CHECKPOINTS = (
    "detection",
    "malignancy",
    "characterisation",
)  # the first one's map is shown by default, SYSTEMS.md §1.1
TRUNK_FILE, TAILS_FILE = "trunk.safetensors", "tails.safetensors"


@dataclass(frozen=True)
class Model:
    """The shared trunk and the three tails, in evaluation mode on one device."""

    trunk: Trunk
    tails: dict[str, Tail]
    device: str


def load(card: ModelCard, device: str) -> Model:
    """Read trunk and tails of a card; the three tails together lie in one file, keys ``<checkpoint>.<key>``."""
    with torch.device("meta"):  # shapes only: initial values would be thrown away
        trunk, tails = Trunk(), {name: Tail() for name in CHECKPOINTS}
    with torch.inference_mode():
        fill(trunk, read_weights(card, TRUNK_FILE), f"{card.title}, trunk")
        states = _by_checkpoint(card, read_weights(card, TAILS_FILE))
        for name, tail in tails.items():
            fill(tail, states[name], f"{card.title}, {name}")
        for module in (trunk, *tails.values()):
            module.eval().to(device=device, memory_format=torch.channels_last)
    return Model(trunk, tails, device)


def modules(model: Model) -> tuple[nn.Module, ...]:
    """Return every network with weights, first to last."""
    return (model.trunk, *model.tails.values())


def _by_checkpoint(card: ModelCard, tensors: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    states: dict[str, dict[str, Tensor]] = {name: {} for name in CHECKPOINTS}
    for key, tensor in tensors.items():
        name, _, rest = key.partition(".")
        if name not in states:
            raise CardError(f"{card.title} has weights of an unknown checkpoint {name!r}.", "Install the model again.")
        states[name][rest] = tensor
    return states


def prepare(card: ModelCard, exam: Exam, _progress: Progress) -> PreparedSlice:
    """Turn, scale and resize the slice as the card says."""
    if not isinstance(exam, MriSlice):
        raise EngineError(f"{card.title} reads a slice of breast MRI.")
    return prepare_slice(exam.image, exam.orientation, SlicePreprocessing.from_card(card.preprocessing))


def predict(model: Model, prepared: PreparedSlice, progress: Progress) -> dict[str, Prediction]:
    """Run the trunk once and the three tails on its features: the same numbers as three whole networks.

    Returns
    -------
    dict
        For each checkpoint five probabilities (5,) and the attention p (8, 11), on the CPU.
    """
    with torch.inference_mode():
        images = prepared.tensor().to(device=model.device, memory_format=torch.channels_last)
        features = model.trunk(images)
        predictions: dict[str, Prediction] = {}
        for number, (name, tail) in enumerate(model.tails.items(), start=1):
            progress.report(number / (len(model.tails) + 1), f"checkpoint {name}")
            logits, attention = tail(features)
            predictions[name] = Prediction(logits[0].sigmoid().cpu(), attention[0].sigmoid().cpu())
    return predictions


def interpret(card: ModelCard, exam: Exam, prepared: PreparedSlice, prediction: dict[str, Prediction]) -> Reading:
    """Assemble the five scores, the maps and, where a lesion is detected, the places the attention points at.

    Detection is ``1 − normal``: there is a finding where the normal output is *below* its operating point.
    """
    scores = tuple(_score(card, name, prediction) for name in OUTPUT_NAMES)
    maps = tuple(
        Heatmap(f"attention-{name}", f"Attention, {name}", prepared.map_volume(prediction[name].attention.numpy()))
        for name in CHECKPOINTS
    )
    normal = scores[OUTPUT_NAMES.index("normal")]
    if not detected(normal):
        return Reading(Status.NO_FINDING, scores, maps)
    findings = findings_from_map(maps[0].volume, exam.image, "attention")
    return Reading(Status.FINDINGS, scores, maps, findings)


def detected(normal: Score) -> bool:
    """Whether the normal output is below its operating point (0.5 where the card states none)."""
    return normal.value < (0.5 if normal.operating_point is None else normal.operating_point)


def _score(card: ModelCard, name: str, prediction: dict[str, Prediction]) -> Score:
    output = card.output(name)
    checkpoint = output.checkpoint or CHECKPOINT_OF[name]
    if checkpoint not in prediction:
        raise CardError(f"{card.title} has no checkpoint {checkpoint!r}.", "Install the model again.")
    value = float(prediction[checkpoint].logits[OUTPUT_NAMES.index(name)])
    return Score(name, output.title, value, output.operating_point, checkpoint)
