"""How system 000 is trained, how much it is trained on, and the joint loss of the paper."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from inference.errors import EngineError
from inference.nets.attention_resnet import Prediction
from inference.prepare.mri_slice import PRESETS, SlicePreprocessing

_CHOICES = {"preset": ("default", "strict"), "masks": ("plausible", "all"), "select": ("both", "fold", "inner")}


@dataclass(frozen=True)
class Recipe:
    """How the network is trained. Paper: SGD with Nesterov momentum, the joint model; the rest is SYSTEMS.md's.

    Attributes
    ----------
    rate, block_rate
        Learning rates of attention and classifier, and of the pretrained bottleneck; both fall as a cosine.
    attention_weight
        λ in L = BCE(5 outputs) + λ·BCE(p, mask).
    lesion_cell_weight
        Weight of the lesion share of a cell in BCE(p, mask); 1 is the plain loss.
    detach_attention
        True keeps the classification loss from changing the attention.
    real_share
        Share of each epoch drawn from real slices; the rest are phantoms.
    trunk_steps, trunk_batch, trunk_rate
        Steps, slices a step, and learning rate of the trunk's deeper layers; 0 steps leave them ImageNet's.
    preset
        ``"strict"`` is the paper: no augmentation, masks shrunk plainly, the detection checkpoint chosen by AUC alone.
    masks
        Which real masks teach the attention: ``"plausible"`` ones, which lie on bright tissue, or ``"all"``.
    select
        Of a cross-validation: what chooses the checkpoints. ``"fold"`` is the evaluation fold itself (the paper's way,
        optimistic), ``"inner"`` a split within the training side, ``"both"`` trains once for each.
    """

    epochs: int = 3
    batch: int = 16
    rate: float = 1e-2
    block_rate: float = 2e-3
    momentum: float = 0.9
    weight_decay: float = 1e-4
    attention_weight: float = 1.0
    lesion_cell_weight: float = 8.0
    detach_attention: bool = False
    real_share: float = 0.5
    per_epoch: int = 800
    trunk_steps: int = 450
    trunk_batch: int = 8
    trunk_rate: float = 4e-3
    seed: int = 1
    preset: str = "default"
    masks: str = "plausible"
    select: str = "both"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise EngineError(f"{name} is {', '.join(choices[:-1])} or {choices[-1]}, not {getattr(self, name)!r}.")
        if min(self.epochs, self.batch, self.per_epoch, self.trunk_batch) < 1 or self.trunk_steps < 0:
            raise EngineError("epochs, batch, per_epoch and trunk_batch must be at least 1, trunk_steps not negative.")

    @property
    def strict(self) -> bool:
        """Whether everything is done as the paper states it."""
        return self.preset == "strict"

    @property
    def preprocessing(self) -> SlicePreprocessing:
        """How slices and masks are prepared."""
        return SlicePreprocessing(**PRESETS[self.preset])


@dataclass(frozen=True)
class Amounts:
    """How many phantoms are trained on and held out, and how many variants of each slice the tails are trained on."""

    phantoms: int = 250
    phantoms_held_out: int = 100
    per_phantom: int = 0
    per_breastdm: int = 4
    planted: int = 2
    per_contralateral: int = 2
    per_ispy1: int = 2


def joint_loss(prediction: Prediction, targets: Tensor, cells: Tensor, recipe: Recipe) -> Tensor:
    """Return BCE over the known labels + λ·BCE over the cells of slices whose lesion's place is known.

    Parameters
    ----------
    targets
        (n, 5), NaN where a label is not known.
    cells
        (n, rows, columns) share of lesion in each cell, NaN where the place is not known.
    """
    weight = torch.tensor(recipe.lesion_cell_weight, device=cells.device)
    return _known_bce(prediction.logits, targets) + recipe.attention_weight * _known_bce(
        prediction.attention, cells, weight
    )


def _known_bce(logits: Tensor, targets: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean binary cross-entropy where the target is not NaN; 0 where none is known."""
    known = ~torch.isnan(targets)
    loss = F.binary_cross_entropy_with_logits(logits[known], targets[known], pos_weight=weight, reduction="sum")
    return loss / known.sum().clamp(min=1)
