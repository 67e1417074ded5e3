"""Recipe of system 001: how windows are labelled and drawn, how a tail is trained, how films are split."""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import EngineError
from inference.training.mammo.dataset import CALCIFICATION, NODULE
from inference.training.mammo.features import Extras
from inference.training.mammo.labels import LabelRules

FOLDS, HOLD_OUT = "folds", "hold-out"
NORMAL, ALL = "normal", "all"
PROVEN, TAIL, BASELINE = "proven", "tail", "baseline"
_CHOICES = {
    "split": (FOLDS, HOLD_OUT), "partial": ("drop", "control"), "controls": (NORMAL, ALL),
    "bundle": (PROVEN, TAIL, BASELINE),
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """What ``--set`` changes. Epochs, batch and Adam are the paper's, the rest is ours (SYSTEMS.md §1.2 [R]).

    Attributes
    ----------
    nodule_epochs, calcification_epochs
        Paper: 7 and 6. 0 keeps ImageNet's last bottleneck: only the classifier is fitted, by logistic regression.
    draws
        Windows per epoch: half cases and half controls, each half drawn film by film.
    rate, head_rate
        Adam's learning rates of the last bottleneck and of the classifier; they fall to zero as half a cosine.
    weight_decay
        Decoupled (AdamW); 0 is plain Adam.
    dropout
        Of pooled features before the classifier, in training only.
    split, share
        ``"folds"`` by patient, or ``"hold-out"``: this share of the patients is tested, the others are learned from
        (paper: 80/20).
    nodule_share, calcification_share, extended_cover, partial
        When a window is a case or a control: :class:`~inference.training.mammo.labels.LabelRules`. The paper's own
        rule for calcifications is ``calcification_share=1 extended_cover=0 partial=control``.
    controls
        Films that control windows are learned from: ``"normal"``, those without any lesion and the module's own case
        films; ``"all"`` takes the lesion-free windows of all others too (paper: "controls may come from diseased
        breasts").
    upright_per_lesion, turned_per_lesion, turned_per_film
        Windows made for training: :class:`~inference.training.mammo.features.Extras`.
    bundle
        What is published of each module: the trained tail where its image AUC is above the baseline's with a paired
        interval, and the baseline where it is not (``"proven"``); or always the ``"tail"`` or the ``"baseline"``.
    seed
        Of splits, batches and extra windows (``--seed``).
    """

    nodule_epochs: int = 7
    calcification_epochs: int = 6
    draws: int = 640
    batch: int = 32
    rate: float = 5e-5
    head_rate: float = 1e-4
    weight_decay: float = 1e-2
    dropout: float = 0.5
    split: str = FOLDS
    share: float = 0.2
    nodule_share: float = 0.80
    calcification_share: float = 0.90
    extended_cover: float = 0.25
    partial: str = "drop"
    controls: str = NORMAL
    upright_per_lesion: int = 8
    turned_per_lesion: int = 8
    turned_per_film: int = 3
    bundle: str = PROVEN
    seed: int = 1

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise EngineError(f"{name} cannot be {getattr(self, name)!r}.", f"One of: {', '.join(choices)}.")
        if min(self.nodule_epochs, self.calcification_epochs) < 0 or self.batch < 2 or self.draws < self.batch:
            raise EngineError("Epochs must not be negative, a batch needs 2 windows and an epoch one batch at least.")

    def epochs(self, module: str) -> int:
        """Return the number of epochs of a module."""
        return {NODULE: self.nodule_epochs, CALCIFICATION: self.calcification_epochs}[module]

    @property
    def all_films(self) -> bool:
        """Whether windows of all films are learned from."""
        return self.controls == ALL

    @property
    def labels(self) -> LabelRules:
        """How windows get their labels."""
        return LabelRules(self.nodule_share, self.calcification_share, self.extended_cover, self.partial)

    @property
    def extras(self) -> Extras:
        """Windows made for training."""
        return Extras(self.upright_per_lesion, self.turned_per_lesion, self.turned_per_film)
