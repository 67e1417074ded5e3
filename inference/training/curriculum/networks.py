"""Train one network of system 003 through its stages; every stage has a folder of its own and goes on there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from inference.nets.curriculum_resnet import CurriculumResNet, draw_head, initialise
from inference.progress import Progress
from inference.training.curriculum.recipe import Recipe
from inference.training.curriculum.tasks import BEST, NETWORK, BreastTask, Material, PatchTask, StageTask
from inference.training.engine import Outcome, Settings, fit, load_networks
from inference.training.engine.settings import device_of

Listen = Callable[[dict[str, Any]], None] | None
_PATCHES = 0.4  # share of the progress that stage 1 has


@dataclass(frozen=True)
class Trained:
    """A network in evaluation mode, on the processor, and how it was trained.

    Attributes
    ----------
    epochs
        Of each stage the epoch that was kept, 0 for the last.
    seconds
        Of training, evaluations on the validation side included.
    patches_per_s, breasts_per_s
        Trained on; 0 where there was no such stage.
    """

    network: CurriculumResNet
    epochs: tuple[int, ...]
    seconds: float
    patches_per_s: float
    breasts_per_s: float


def train_network(
    folder: Path, material: Material, recipe: Recipe, settings: Settings, progress: Progress, listen: Listen = None
) -> Trained:
    """Train both stages, or the second alone where the first has no steps; go on where an earlier call stopped."""
    network = new_network(recipe)
    epochs, seconds, speed, first = [], 0.0, [0.0, 0.0], 0.0
    if recipe.patch_steps:
        first = _PATCHES
        task, outcome = _fitted(PatchTask(network, material, recipe), folder, settings, progress.part(0, first), listen)
        epochs.append(outcome.values.get(BEST, (0.0, 0))[1])
        speed[0], seconds = _speed(recipe.patch_batch, outcome), outcome.seconds
        network = task.network
        if not recipe.transfer_head:
            torch.manual_seed(recipe.seed + 1)
            draw_head(network)
    # One whole breast at a time on a processor: the same gradient, a quarter of the memory.
    parts = max(settings.accumulate, recipe.breast_batch if device_of(settings) == "cpu" else 1)
    whole = BreastTask(network, material, recipe)
    task, outcome = _fitted(whole, folder, replace(settings, accumulate=parts), progress.part(first, 1), listen)
    epochs.append(outcome.values.get(BEST, (0.0, 0))[1])
    speed[1], seconds = _speed(recipe.breast_batch, outcome), seconds + outcome.seconds
    return Trained(task.network.eval(), tuple(epochs), seconds, *speed)


def new_network(recipe: Recipe) -> CurriculumResNet:
    """Return a network with freshly drawn weights."""
    torch.manual_seed(recipe.seed)
    network = CurriculumResNet()
    initialise(network)
    return network.to(memory_format=torch.channels_last_3d)


def _fitted(
    task: StageTask, folder: Path, settings: Settings, progress: Progress, listen: Listen
) -> tuple[StageTask, Outcome]:
    outcome = fit(task, folder / f"stage-{task.stage}", settings, progress, listen)
    load_networks(outcome.best.get(BEST, outcome.last), {NETWORK: task.network.cpu()})
    return task, outcome


def _speed(batch: int, outcome: Outcome) -> float:
    return batch * outcome.steps / max(outcome.seconds, 1e-9)
