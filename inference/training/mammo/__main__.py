"""Train the provisional bundled model of system 001: ``python -m inference.training.mammo --data D --out O``."""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from inference.nets.patch_resnet import PatchTail
from inference.prepare.mammogram import MammogramPreprocessing
from inference.training.mammo.dataset import MODULES, NODULE, ROWS, SPACING_MM, Film, films
from inference.training.mammo.features import Extras, Source, WindowFeatures, extract_film, open_features
from inference.training.mammo.folds import fold_of_film, patients_of_folds
from inference.training.mammo.labels import CASE, CONTROL, LabelRules, can_be_case
from inference.training.mammo.publish import Evidence, publish
from inference.training.mammo.tails import Recipe
from inference.training.mammo.trunk import fast, imagenet_tail, shared_trunk
from inference.training.mammo.validation import Validation, cross_validate, final_tail

IMAGENET = "weights/resnet50_imagenet_v1_fp16.safetensors"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setting:
    """Everything that is decided before a film is opened."""

    data: Path
    cache: Path
    recipe: Recipe
    rules: LabelRules = field(default_factory=LabelRules)
    extras: Extras = field(default_factory=Extras)
    keys: MammogramPreprocessing = field(default_factory=MammogramPreprocessing)


def extract(setting: Setting, chosen: Sequence[Film]) -> None:
    """Fill the cache of features; what is there already is not made again."""
    source = Source(fast(shared_trunk()), setting.keys, setting.extras, setting.cache, setting.recipe.seed)
    for number, film in enumerate(chosen, start=1):
        extract_film(film, source)
        if number % 10 == 0:
            _log.info("features of %d of %d films", number, len(chosen))


def train_module(
    module: str, chosen: Sequence[Film], setting: Setting, start: PatchTail
) -> tuple[Validation, PatchTail, dict[str, Any]]:
    """Cross-validate one module, then train its tail on every film; returns both and the counts for the card."""
    windows = open_features(module, chosen, setting.cache, setting.keys, setting.rules)
    folds = fold_of_film(chosen, setting.recipe.seed)
    validation = cross_validate(module, chosen, windows, folds, start, setting.recipe)
    validation.save(setting.cache / f"scores-{module}.npz")
    _log.info("%s: %s", module, validation.metrics())
    tail = final_tail(validation, start, setting.recipe)
    return validation, tail, counts(module, chosen, windows, setting)


def counts(module: str, chosen: Sequence[Film], windows: WindowFeatures, setting: Setting) -> dict[str, Any]:
    """Return how many films, women, lesions and windows a module was trained on."""
    keys = setting.keys
    side_px = keys.nodule_side if module == NODULE else keys.calcification_side
    own = [
        (film, lesion)
        for film in chosen
        for lesion in film.lesions
        if lesion.is_malignant and lesion.belongs_to(module) and lesion.is_placed
    ]
    side_mm = side_px * ROWS * SPACING_MM / keys.height
    never = [film.path.stem for film, lesion in own if not can_be_case(module, lesion, side_mm, setting.rules)]
    natural = windows.natural
    return {
        "case_images": sum(film.is_case(module) for film in chosen),
        "malignant_lesions_placed": len(own),
        "lesions_no_window_can_hold": never,
        "lesions_without_position": sorted(
            film.path.stem for film in chosen if film.is_case(module) and not film.is_placed
        ),
        "windows_read": int(natural.sum()),
        "case_windows_read": int((natural & (windows.labels == CASE)).sum()),
        "control_windows_read": int((natural & (windows.labels == CONTROL)).sum()),
        "case_windows_added": int((~natural & (windows.labels == CASE)).sum()),
        "control_windows_added": int((~natural & (windows.labels == CONTROL)).sum()),
    }


def main(argv: list[str] | None = None) -> None:
    """Extract features, cross-validate both modules, train on all women, write weights and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="real images (README.md, mini-mias/, weights/)")
    parser.add_argument("--out", type=Path, required=True, help="folder for card.json and weights")
    parser.add_argument("--cache", type=Path, help="folder of features that an interrupted run goes on from")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--frozen", action="store_true", help="fit the classifiers only (no epochs): minutes, not an hour"
    )
    given = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    with tempfile.TemporaryDirectory() as scratch:
        cache = given.cache or Path(scratch)
        cache.mkdir(parents=True, exist_ok=True)
        recipe = Recipe(seed=given.seed)
        if given.frozen:
            recipe = replace(recipe, nodule_epochs=0, calcification_epochs=0)
        run(Setting(given.data, cache, recipe), given.out)


def run(setting: Setting, out: Path) -> None:
    """Do all that :func:`main` says."""
    started = time.perf_counter()
    chosen = films(setting.data)
    extract(setting, chosen)
    state = {key: tensor.float() for key, tensor in load_file(setting.data / IMAGENET).items()}
    start = imagenet_tail(state)
    done = {module: train_module(module, chosen, setting, start) for module in MODULES}
    data = {
        "mini-mias": {
            "films": len(chosen),
            "women": len({film.patient for film in chosen}),
            "control_images": sum(film.is_control for film in chosen),
            "folds": patients_of_folds(chosen, setting.recipe.seed),
            **{module: found for module, (_, _, found) in done.items()},
        }
    }
    evidence = Evidence(
        metrics={module: validation.metrics() for module, (validation, _, _) in done.items()},
        grading={module: validation.grading() for module, (validation, _, _) in done.items()},
        data=data,
        recipe=setting.recipe,
        rules=setting.rules,
        extras=setting.extras,
        keys=setting.keys,
        seconds=time.perf_counter() - started,
    )
    publish(out, {module: tail for module, (_, tail, _) in done.items()}, evidence)


if __name__ == "__main__":
    main()
