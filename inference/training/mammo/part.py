"""One independent run: a module's tail learned on one side of a split and its scores on the other, as JSON values."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file

from inference.errors import EngineError
from inference.nets.patch_resnet import PatchTail
from inference.progress import Progress
from inference.training.engine import Settings, fit, load_networks
from inference.training.mammo.dataset import films
from inference.training.mammo.head import head_scores, with_head
from inference.training.mammo.labels import CASE, CONTROL
from inference.training.mammo.recipe import Recipe
from inference.training.mammo.tables import WindowTable, read_features, read_table
from inference.training.mammo.task import NETWORK, TailTask, probabilities
from inference.training.mammo.trunk import imagenet_tail
from inference.training.split_sets import TEST, TRAIN, Split

IMAGENET = "weights/resnet50_imagenet_v1_fp16.safetensors"
FEATURES = "features"  # folder of the work folder
#: Hears the events of runs in this process; runs on Ray keep theirs in ``run.jsonl``.
listener: ContextVar[Callable[[dict[str, Any]], None] | None] = ContextVar("listener", default=None)


@dataclass(frozen=True)
class Runs:
    """What all runs of one command share.

    Attributes
    ----------
    data, work
        Folders of the real images, and of features, checkpoints and results.
    """

    data: Path
    work: Path
    recipe: Recipe
    settings: Settings

    @property
    def cache(self) -> Path:
        """Folder of the features."""
        return self.work / FEATURES


def train_part(runs: Runs, module: str, split: Split, progress: Progress) -> dict[str, Any]:
    """Learn from one side of a split and score the windows of the other, or go on where that was stopped.

    Returns
    -------
    dict
        ``scores`` and ``baseline`` of the test side's windows in the order of :func:`scored_rows`; counts, seconds.

    Raises
    ------
    EngineError
        Where the side to learn from has no case or no control window.
    """
    recipe, settings, table = runs.recipe, runs.settings, module_table(runs, module)
    rows = learned_rows(table, split)
    test = scored_rows(table, split)
    started = time.perf_counter()
    first = with_head(start_tail(runs.data), table.seen[rows], table.labels[rows])
    found = {
        "module": module,
        "split": split.name,
        "baseline": head_scores(first, table.seen[test]).tolist(),
        "seconds_baseline": round(time.perf_counter() - started, 2),
        "case_windows": int((table.labels[rows] == CASE).sum()),
        "control_windows": int((table.labels[rows] == CONTROL).sum()),
    }
    if recipe.epochs(module) == 0:
        return {**found, "scores": found["baseline"], "seconds": found["seconds_baseline"]}
    task = TailTask(table, rows, first, recipe, runs.cache)
    outcome = fit(task, folder_of(runs.work, module, split), settings, progress, listener.get())
    load_networks(outcome.last, {NETWORK: task.tail.cpu()})
    begun = time.perf_counter()
    scores = probabilities(task.tail, read_features(table, test, runs.cache), settings)
    return {
        **found,
        "scores": scores.tolist(),
        "seconds": round(outcome.seconds + found["seconds_baseline"], 2),
        "windows_per_second": round(outcome.steps * recipe.batch / max(outcome.seconds, 1e-9), 1),
        "images_per_second": round(len(np.unique(table.film[test])) / max(time.perf_counter() - begun, 1e-9), 1),
    }


def tails_of(runs: Runs, module: str, split: Split) -> tuple[PatchTail, PatchTail]:
    """Return the tail that :func:`train_part` left behind and the baseline's, in evaluation mode."""
    table = module_table(runs, module)
    rows = learned_rows(table, split)
    baseline = with_head(start_tail(runs.data), table.seen[rows], table.labels[rows])
    tail = PatchTail()
    if runs.recipe.epochs(module) == 0:
        return baseline.eval(), baseline.eval()
    load_networks(folder_of(runs.work, module, split) / "last.safetensors", {NETWORK: tail})
    return tail.eval(), baseline.eval()


def module_table(runs: Runs, module: str) -> WindowTable:
    """Return the cached windows of a module, labelled as the recipe says."""
    return read_table(module, films(runs.data), runs.cache, runs.recipe.labels, all_films=runs.recipe.all_films)


def learned_rows(table: WindowTable, split: Split) -> np.ndarray:
    """Return the windows of a split that are learned from."""
    rows = np.flatnonzero(table.is_learned & (_side(table, split) == TRAIN))
    if len(np.unique(table.labels[rows])) < 2:
        raise EngineError(
            f"{split.name} leaves no {table.module} windows of one class (case, control) to learn from.",
            "Add films, or ask for another number of folds.",
        )
    return rows


def scored_rows(table: WindowTable, split: Split) -> np.ndarray:
    """Return the windows of a split that are scored."""
    return np.flatnonzero(table.is_scored & (_side(table, split) == TEST))


def folder_of(work: Path, module: str, split: Split) -> Path:
    """Return the folder of a run's checkpoints and journal."""
    return work / module / split.name.replace(" ", "-").replace("%", "")


def start_tail(data: Path) -> PatchTail:
    """Return the tail with ImageNet's last bottleneck.

    Raises
    ------
    EngineError
        Where ImageNet's weights are not there.
    """
    path = data / IMAGENET
    if not path.is_file():
        raise EngineError(f"{path} is not there.", "Give --data the folder that holds mini-mias/ and weights/.")
    return imagenet_tail({key: tensor.float() for key, tensor in load_file(path).items() if "layer4.2." in key})


def _side(table: WindowTable, split: Split) -> np.ndarray:
    return split.sides([film.patient for film in table.films])[table.film]
