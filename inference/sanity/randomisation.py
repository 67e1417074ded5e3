"""Weight randomisation: a map that looks the same with shuffled weights shows the image, not what the model learned.

The check of Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018: weights are randomised from the last layer
backwards, and the maps compared with the true ones by rank correlation.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from inference.errors import EngineError
from inference.progress import Progress

if TYPE_CHECKING:
    from torch import nn

    from inference.card import ModelCard
    from inference.exam import Exam
    from inference.result import Heatmap

# Share of the layers with weights, counted from the last one, that are shuffled in each step.
STEPS = (("the last layer", 0.0), ("the last half of the layers", 0.5), ("all layers", 1.0))
ALIKE = 0.5  # mean absolute rank correlation with all weights shuffled; from here on a map does not depend on learning
_SEED = 20_180_101


@dataclass(frozen=True)
class RandomisedMap:
    """One map under randomised weights.

    Attributes
    ----------
    correlations
        Spearman's rank correlation with the true map, one for each of ``STEPS``; 0 where the other is flat or gone.
    true, randomised
        The map as the model gives it, and with all layers shuffled (None where it was gone).
    """

    name: str
    title: str
    correlations: tuple[float, ...]
    true: Heatmap
    randomised: Heatmap | None

    @property
    def depends_on_weights(self) -> bool:
        """Whether the map changes when what was learned is destroyed."""
        return abs(self.correlations[-1]) < ALIKE


@dataclass(frozen=True)
class RandomisationCheck:
    """Outcome for every map of a result."""

    steps: tuple[str, ...]
    maps: tuple[RandomisedMap, ...]

    @property
    def passed(self) -> bool:
        """Whether every map depends on the weights."""
        return all(one.depends_on_weights for one in self.maps)

    @property
    def verdict(self) -> str:
        """The outcome as a sentence."""
        if self.passed:
            return "The maps change when the learned weights are destroyed, as they should."
        alike = ", ".join(f"“{one.title}”" for one in self.maps if not one.depends_on_weights)
        return f"Hardly changed by destroying the learned weights: {alike}. Such a map shows the image, not the model."


def randomisation_check(
    card: ModelCard, exam: Exam, progress: Progress | None = None, device: str = "auto"
) -> RandomisationCheck:
    """Run a model with its own and with shuffled weights on one exam and compare the maps.

    Weights are shuffled within each tensor, which keeps their distribution and so the scale of the activations.

    Raises
    ------
    OutOfScopeError, CardError, EngineError, Cancelled
        As :func:`inference.run.run`.
    EngineError
        Where the model gives no map for this exam; one of a single value, which cannot change its order, is left out.
    """
    from inference import devices
    from inference.run import check_scope, family_of, model_of

    progress = progress or Progress()
    check_scope(card, exam)
    progress.report(0.0, f"{card.title}: preparing")
    family, (chosen, _) = family_of(card), devices.choose(device)
    prepared = family.prepare(card, exam, progress.part(0.0, 0.3))
    model = model_of(family, card, chosen)

    def maps(of: Any, part: Progress) -> tuple[Heatmap, ...]:
        return family.interpret(card, exam, prepared, family.predict(of, prepared, part)).heatmaps

    runs = len(STEPS) + 1
    parts = [progress.part(0.3 + 0.7 * n / runs, 0.3 + 0.7 * (n + 1) / runs) for n in range(runs)]
    true = [one for one in maps(model, parts[0]) if np.nanmax(one.volume.array) > np.nanmin(one.volume.array)]
    if not true:
        raise EngineError(f"{card.title} gave no map for this exam, or an empty one, so there is nothing to check.")
    found = []
    for (what, share), part in zip(STEPS, parts[1:], strict=True):
        progress.check()
        part.report(0.0, f"{card.title}: {what} shuffled")
        shuffled = copy.deepcopy(model)
        shuffle(family.modules(shuffled), share)
        found.append({one.name: one for one in maps(shuffled, part)})
    progress.report(1.0, f"{card.title}: done")
    return RandomisationCheck(tuple(what for what, _ in STEPS), tuple(_compared(one, found) for one in true))


def shuffle(modules: tuple[nn.Module, ...], share: float) -> None:
    """Shuffle the weights of a share of the layers in place, the last layers of each network first, at least one.

    The same seed always gives the same order. Normalisation layers keep their statistics.
    """
    import torch

    for module in modules:
        layers = [layer for layer in module.modules() if _weight(layer) is not None]
        count = max(1, round(share * len(layers)))
        generator = torch.Generator().manual_seed(_SEED)
        with torch.no_grad():
            for layer in layers[len(layers) - count :]:
                weight = _weight(layer)
                order = torch.randperm(weight.numel(), generator=generator).to(weight.device)
                # clone: the tensor may be shared, or lie in inference mode
                layer.weight = torch.nn.Parameter(
                    weight.detach().clone().contiguous().flatten()[order].reshape(weight.shape), requires_grad=False
                )


def _weight(layer: nn.Module) -> Any:
    """Return the weight of a convolution or linear layer, None of any other."""
    weight = getattr(layer, "weight", None)
    return weight if weight is not None and weight.ndim >= 2 else None


def _compared(true: Heatmap, found: list[dict[str, Heatmap]]) -> RandomisedMap:
    others = [step.get(true.name) for step in found]
    correlations = tuple(_correlation(true, other) for other in others)
    return RandomisedMap(true.name, true.title, correlations, true, others[-1])


def _correlation(true: Heatmap, other: Heatmap | None) -> float:
    """Return Spearman's rank correlation over the cells that both maps have, 0 where either is flat."""
    from scipy.stats import rankdata

    if other is None:
        return 0.0
    first, second = true.volume.array.astype(float), _on_grid(other, true)
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 3 or np.ptp(first[both]) == 0 or np.ptp(second[both]) == 0:
        return 0.0
    return float(np.corrcoef(rankdata(first[both]), rankdata(second[both]))[0, 1])


def _on_grid(other: Heatmap, true: Heatmap) -> np.ndarray:
    """Return a map on the grid of another; the same array where the grids are one."""
    array = other.volume.array.astype(float)
    if array.shape == true.volume.array.shape and np.allclose(other.volume.affine, true.volume.affine):
        return array
    index = np.stack([axis.ravel() for axis in np.indices(true.volume.array.shape)] + [np.ones(true.volume.array.size)])
    there = np.linalg.inv(other.volume.affine) @ true.volume.affine @ index
    return ndimage.map_coordinates(array, there[:3], order=1, cval=np.nan).reshape(true.volume.array.shape)
