"""One run of system 003's validation: one network of one fold, trained and measured anywhere; its result is JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inference.progress import Progress
from inference.training.curriculum.breasts import Images, read_breasts
from inference.training.curriculum.networks import train_network
from inference.training.curriculum.reading import BreastRead, read
from inference.training.curriculum.recipe import Recipe
from inference.training.curriculum.sides import on_side
from inference.training.curriculum.tasks import Material
from inference.training.engine import Settings
from inference.training.split_sets import Split


def run_one(
    folder: Path, breasts: Path, split: Split, recipe: Recipe, settings: Settings, progress: Progress
) -> dict[str, Any]:
    """Train a network on one side of a split, in a folder of its own, and read the others.

    Parameters
    ----------
    breasts
        Folder of prepared breasts.

    Returns
    -------
    dict
        ``validation`` and ``test``: readings of breasts; ``seconds``, ``patches_per_s``, ``breasts_per_s``, ``epochs``.
    """
    known, images = read_breasts(breasts), Images(breasts)
    train, validation, test = (on_side(known, split, side) for side in ("train", "validation", "test"))
    material = Material(train, validation, images)
    trained = train_network(folder, material, recipe, settings, progress.part(0, 0.95))
    progress.report(0.95, "Reading the breasts of the test side")
    return {
        "validation": [asdict(one) for one in read(trained.network, validation, images, with_t2=True)],
        "test": [asdict(one) for one in read(trained.network, test, images, with_t2=True)],
        "seconds": trained.seconds,
        "patches_per_s": trained.patches_per_s,
        "breasts_per_s": trained.breasts_per_s,
        "epochs": list(trained.epochs),
    }


def reads_of(values: Sequence[Mapping[str, Any]]) -> tuple[BreastRead, ...]:
    """Return the readings of a result."""
    return tuple(BreastRead(**one) for one in values)
