"""One run of system 002's search: one trio in one fold, trained and measured anywhere; its result is JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from inference.progress import Progress
from inference.training.contrasts.patches import LesionSamples, samples_in
from inference.training.contrasts.recipe import Recipe
from inference.training.contrasts.samples import Subset
from inference.training.contrasts.table import lesion_scores, offers
from inference.training.contrasts.task import BEST, Material, train_network
from inference.training.engine import Settings
from inference.training.engine.settings import device_of
from inference.training.split_sets import Split, patient_hash


@dataclass(frozen=True)
class Run:
    """One of the 35 × 10.

    Attributes
    ----------
    folder
        Its own.
    patches
        Folder of prepared lesions.
    seeds
        Examinations of the search.
    """

    folder: Path
    patches: Path
    seeds: tuple[int, ...]
    split: Split
    subset: Subset


def run_one(run: Run, recipe: Recipe, settings: Settings, progress: Progress) -> dict[str, Any]:
    """Train a network and read the lesions of the test side; its checkpoints are removed then (255 MB each).

    Returns
    -------
    dict
        ``test``: seed, label and score of each lesion; ``epoch`` kept, ``seconds``, ``images_per_s``.
    """
    lesions = _lesions(run.patches, run.seeds)
    train, validation, test = (on_side(lesions, run.split, side) for side in ("train", "validation", "test"))
    material = Material(train, validation, run.subset)
    network, outcome = train_network(run.folder, material, recipe, settings, progress.part(0, 0.95))
    usable = [one for one in test if offers(one, run.subset)]
    scores = lesion_scores(network.to(device_of(settings)), usable, run.subset) if usable else ()
    for path in run.folder.glob("*.safetensors"):
        path.unlink()
    return {
        "test": [[one.seed, int(one.malignant), float(score)] for one, score in zip(usable, scores, strict=True)],
        "epoch": outcome.values.get(BEST, (0.0, 0))[1],
        "seconds": outcome.seconds,
        "images_per_s": recipe.batch * outcome.steps / max(outcome.seconds, 1e-9),
    }


def on_side(lesions: Sequence[LesionSamples], split: Split, side: str) -> list[LesionSamples]:
    """Return the lesions of the patients on one side of a split."""
    wanted = set(getattr(split, side))
    return [one for one in lesions if patient_hash(str(one.seed)) in wanted]


@lru_cache(maxsize=1)
def _lesions(patches: Path, seeds: tuple[int, ...]) -> tuple[LesionSamples, ...]:
    return tuple(samples_in(patches, seeds))
