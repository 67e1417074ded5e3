"""System 002: ResNet-34 on three of seven contrasts, patches of 30 mm around each lesion, slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from torch.nn import functional as F

from inference.card import ModelCard
from inference.errors import EngineError
from inference.exam import DceExam, Exam
from inference.nets.contrast_resnet import INPUT_SIZE, MALIGNANT, ContrastResNet
from inference.nets.precision import multiplies_bfloat16
from inference.prepare.breast_crop import NAMES
from inference.prepare.contrast_choice import Subset, subsets_of, why_not_better
from inference.prepare.contrast_settings import SUBSETS, TITLES, ContrastPreprocessing, names
from inference.prepare.lesion_contrasts import LesionPatches, PreparedLesions, prepare_lesions
from inference.prepare.lesion_patch import joined_map
from inference.prepare.mri_slice import IMAGENET_MEAN, IMAGENET_STD
from inference.progress import Progress
from inference.reading import Reading
from inference.result import Fact, Finding, Heatmap, Profile, Score, Status
from inference.weights import fill, read_weights

OUTPUT = "malignant"
BATCH = 16  # patches a step: 16 × 3 × 224 × 224 numbers, and the user waits less than 0.5 s for a cancellation
CUT_OFF = 0.5  # paper 002, Results: arbitrary, not tuned
BOTH_MM = 60.0  # an exam that reaches this far to both sides of the middle shows both breasts, not one and a margin


@dataclass(frozen=True)
class Model:
    """The networks of a card by weights file (one for all subsets, or one each), in evaluation mode on one device."""

    networks: dict[str, ContrastResNet]
    first: str
    device: str

    def network(self, subset: Subset) -> ContrastResNet:
        """Return the network that reads a subset."""
        return self.networks[subset.file or self.first]


@dataclass(frozen=True)
class LesionPrediction:
    """What the network says of the slices of one lesion.

    Attributes
    ----------
    malignant
        Probability of each slice, (slices,).
    evidence
        Grad-CAM before its ReLU, (slices, 7, 7): how much each cell argues for malignancy, log odds.
    """

    malignant: np.ndarray
    evidence: np.ndarray


def load(card: ModelCard, device: str) -> Model:
    """Read the networks that the ranked subsets of a card name."""
    first = card.weights[0].file
    files = dict.fromkeys(subset.file or first for subset in subsets_of(card.interpretation))
    networks = {}
    for file in files:
        with torch.device("meta"):  # shapes only: initial values would be thrown away
            network = ContrastResNet()
        with torch.inference_mode():
            fill(network, read_weights(card, file), card.title)
            networks[file] = network.eval().to(device=device, memory_format=torch.channels_last)
    return Model(networks, first, device)


def modules(model: Model) -> tuple[torch.nn.Module, ...]:
    """Return every network with weights."""
    return tuple(model.networks.values())


def prepare(card: ModelCard, exam: Exam, progress: Progress) -> PreparedLesions:
    """Choose the best subset the exam offers and cut the patches of every lesion."""
    if not isinstance(exam, DceExam):
        raise EngineError(f"{card.title} reads a dynamic breast MRI.")
    settings = ContrastPreprocessing.from_card(card.preprocessing)
    return prepare_lesions(exam, settings, subsets_of(card.interpretation), card.title, progress)


def network_input(images: torch.Tensor) -> torch.Tensor:
    """Return patches (n, 3, 50, 50) as ImageNet-normalised images (n, 3, 224, 224)."""
    mean = torch.tensor(IMAGENET_MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device=images.device).view(1, 3, 1, 1)
    large = F.interpolate(images, size=(INPUT_SIZE, INPUT_SIZE), mode="bilinear", align_corners=False)
    return (large - mean) / std


def predict(model: Model, prepared: PreparedLesions, progress: Progress) -> tuple[LesionPrediction, ...]:
    """Run the network on the patches of all lesions, batch by batch."""
    network = model.network(prepared.subset)
    patches = torch.from_numpy(np.concatenate([lesion.images for lesion in prepared.lesions]))
    malignant, evidence = [], []
    for start in range(0, len(patches), BATCH):
        progress.report(start / len(patches), "reading patches")
        p, cells = read_patches(network, patches[start : start + BATCH], model.device)
        malignant.append(p)
        evidence.append(cells)
    ends = np.cumsum([len(lesion.images) for lesion in prepared.lesions])[:-1]
    parts = zip(np.split(np.concatenate(malignant), ends), np.split(np.concatenate(evidence), ends), strict=True)
    return tuple(LesionPrediction(p, cells) for p, cells in parts)


def read_patches(network: ContrastResNet, patches: torch.Tensor, device: str) -> tuple[np.ndarray, np.ndarray]:
    """Return probability of malignancy (n,) and evidence (n, 7, 7) of patches (n, 3, 50, 50).

    In bfloat16 where the device multiplies it: three times as fast with AMX, p within 0.02 (tested).
    """
    reduced = multiplies_bfloat16(device)
    with torch.inference_mode(), torch.autocast(device, dtype=torch.bfloat16, enabled=reduced):
        images = network_input(patches.to(device)).to(memory_format=torch.channels_last)
        features = network.features(images)
    with torch.inference_mode():
        features = features.float()
        p = network.classify(features).softmax(dim=1)[:, MALIGNANT]
        return p.cpu().numpy(), network.evidence(features).cpu().numpy()


def interpret(
    card: ModelCard, exam: Exam, prepared: PreparedLesions, prediction: tuple[LesionPrediction, ...]
) -> Reading:
    """Assemble scores, Grad-CAM, curves and boxes.

    A lesion scores as its highest slice (the paper's rule), a breast as its highest lesion and the exam as its highest
    breast (the resolution of SYSTEMS.md §1.3).
    """
    point = card.output(OUTPUT).operating_point
    point = CUT_OFF if point is None else point
    pairs = list(zip(prepared.lesions, prediction, strict=True))
    scores = _scores(card, exam, pairs, point)
    return Reading(
        status=Status.FINDINGS if scores[0].value >= point else Status.NO_FINDING,
        scores=scores,
        heatmaps=_gradcams(exam, pairs),
        findings=tuple(_finding(exam, item, said) for item, said in pairs if said.malignant.max() >= point),
        warnings=prepared.warnings,
        profiles=tuple(_profile(exam, item, said) for item, said in pairs),
        facts=_facts(card, exam, prepared),
    )


def _scores(
    card: ModelCard, exam: Exam, pairs: Sequence[tuple[LesionPatches, LesionPrediction]], point: float
) -> tuple[Score, ...]:
    """Return the score of the exam, of each breast with a lesion (right first), and of each lesion."""
    title = card.output(OUTPUT).title
    values = [float(said.malignant.max()) for _, said in pairs]
    sides = [_side(exam, item) for item, _ in pairs]
    breasts = {
        side: max(value for value, its in zip(values, sides, strict=True) if its == side)
        for side in NAMES
        if side in sides
    }
    return (
        Score(OUTPUT, title, max(values), point),
        *(Score(f"{OUTPUT}-{side}", title, value, point, subject=NAMES[side]) for side, value in breasts.items()),
        *(
            Score(OUTPUT, title, value, point, subject=item.placed.lesion.title)
            for value, (item, _) in zip(values, pairs, strict=True)
        ),
    )


def _side(exam: Exam, item: LesionPatches) -> str:
    """Return ``"R"`` or ``"L"``, the patient's, by the lesion's centre of mass; "" where not both breasts are shown.

    LPS x grows to the patient's left (PS3.3 C.7.6.2.1.1) and is 0 in the middle of a bilateral exam.
    """
    return ("R" if _x_mm(exam, item.placed.voxels.mean(axis=0)) < 0 else "L") if _shows_both(exam) else ""


def _shows_both(exam: Exam) -> bool:
    """Whether both breasts are in the exam: an exam of one shows little beyond the midline."""
    assert isinstance(exam, DceExam)
    if exam.laterality or exam.orientation not in ("axial", "coronal"):
        return False
    ends = [_x_mm(exam, corner) for corner in product(*((0, n - 1) for n in exam.image.spatial_shape))]
    return min(ends) <= -BOTH_MM and max(ends) >= BOTH_MM


def _x_mm(exam: Exam, index: Sequence[float] | np.ndarray) -> float:
    return float(exam.image.map_indices_to_reference(np.array([index], float))[0, 0])


def _gradcams(exam: Exam, pairs: Sequence[tuple[LesionPatches, LesionPrediction]]) -> tuple[Heatmap, ...]:
    """Return Grad-CAM of each lesion: the evidence for malignancy, what argues against it cut off at 0.

    All on one scale, so that a colour means the same at every lesion.
    """
    cells = [np.maximum(said.evidence, 0) for _, said in pairs]
    most = max((float(each.max()) for each in cells), default=0.0)
    scale = (0.0, most if most > 0 else 1.0)
    return tuple(
        Heatmap(
            f"gradcam-{number}",
            f"Grad-CAM, {item.placed.lesion.title}",
            joined_map(each, item.affines, item.windows, exam.image),
            "log odds",
            scale,
        )
        for number, (each, (item, _)) in enumerate(zip(cells, pairs, strict=True), start=1)
    )


def _profile(exam: Exam, item: LesionPatches, said: LesionPrediction) -> Profile:
    points = tuple(_centre_mm(exam, item, index) for index in range(len(item.windows)))
    title = f"Malignant by slice, {item.placed.lesion.title}"
    return Profile(OUTPUT, title, points, tuple(float(p) for p in said.malignant))


def _centre_mm(exam: Exam, item: LesionPatches, index: int) -> tuple[float, float, float]:
    window = item.windows[index]
    x, y, z = exam.image.map_indices_to_reference(np.array([[window.k, *window.centre]], float))[0]
    return float(x), float(y), float(z)


def _finding(exam: Exam, item: LesionPatches, said: LesionPrediction) -> Finding:
    """Return the lesion's rectangle in the slice that scores highest, to the outer edges of its pixels."""
    index = int(said.malignant.argmax())
    k = item.windows[index].k
    at = item.placed.on_slice(k)
    ends = np.array([[k, *(at.min(axis=0) - 0.5)], [k, *(at.max(axis=0) + 0.5)]])
    corner, opposite = (_triple(point) for point in exam.image.map_indices_to_reference(ends))
    affine = np.asarray(exam.image.affine, float)
    along_row, along_column = (affine[:3, axis] / np.linalg.norm(affine[:3, axis]) for axis in (2, 1))
    return Finding(
        name=OUTPUT,
        score=float(said.malignant[index]),
        frame_of_reference_uid=exam.image.frame_of_reference_uid or "",
        corner_mm=corner,
        opposite_mm=opposite,
        orientation=(*_triple(along_row), *_triple(along_column)),
        title=item.placed.lesion.title,
        spot_mm=_centre_mm(exam, item, index),
    )


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _facts(card: ModelCard, exam: Exam, prepared: PreparedLesions) -> tuple[Fact, ...]:
    assert isinstance(exam, DceExam)
    facts = [Fact("Contrasts", _choice(card, prepared)), Fact("Phases", _phases(exam, prepared))]
    if prepared.settings.bias == "pre":
        facts.append(Fact("Bias field", "N4 on the pre-contrast phase, one field for all phases, so that curves stay."))
    elif prepared.settings.bias == "each":
        facts.append(Fact("Bias field", "N4 on every volume by itself (strict), which changes curves."))
    counted = ", ".join(f"{item.placed.lesion.title}: {len(item.windows)}" for item in prepared.lesions)
    rule = "a breast and the exam as their highest lesion" if _shows_both(exam) else "the exam as its highest lesion"
    said = f"A lesion scores as its highest slice, {rule}. Slices read: {counted}."
    return (*facts, Fact("Lesions", said))


def _choice(card: ModelCard, prepared: PreparedLesions) -> str:
    ranked, subset = subsets_of(card.interpretation), prepared.subset
    said = f"{names(subset.contrasts)}: rank {subset.rank} of {len(ranked)}"
    if len(ranked) < len(SUBSETS):
        said += f" trained ({len(SUBSETS)} are possible)"
    if subset.auc is not None:
        interval = "" if subset.interval_95 is None else f" ({subset.interval_95[0]:.2f}–{subset.interval_95[1]:.2f})"
        said += f", AUC {subset.auc:.2f}{interval} on held-out lesions"
    why = why_not_better(ranked, subset, prepared.found)
    return f"{said}; {why}." if why else f"{said}."


def _phases(exam: DceExam, prepared: PreparedLesions) -> str:
    """Say which phase stands for which contrast, with its time where that is known."""
    first = next((t for t in exam.post_seconds), None)
    said = []
    for name, index in prepared.found.posts.items():
        t = exam.post_seconds[index]
        when = "" if t is None or first is None else f" (+{t - first:.0f} s)"
        said.append(f"{TITLES[name]} = phase {index + 1} after contrast{when}")
    registered = "registered to each other" if exam.motion_corrected else "not registered to each other"
    return f"{', '.join(said)}; {registered}."
