"""Train system 001 on mini-MIAS: features once, independent folds, both modules measured beside a baseline, publish."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from inference.errors import EngineError
from inference.prepare.mammogram import MammogramPreprocessing
from inference.progress import Progress
from inference.training.cluster import run_all
from inference.training.engine.state import identify
from inference.training.mammo.counts import data_of
from inference.training.mammo.dataset import MODULES, Film, films
from inference.training.mammo.features import Source, extract_film, pool_film
from inference.training.mammo.folds import everybody, refuse_leaking, splits_of_films
from inference.training.mammo.part import Runs, listener, module_table, start_tail, tails_of, train_part
from inference.training.mammo.publish import Evidence, publish
from inference.training.mammo.recipe import BASELINE, Recipe
from inference.training.mammo.report import notes_of, rows_of
from inference.training.mammo.tables import feature_file, is_needed, seen_file
from inference.training.mammo.trunk import fast, shared_trunk, trunk_hash
from inference.training.mammo.validation import validation_of
from inference.training.request import Report, Request, changed
from inference.training.split_sets import Split

_EXTRACTED, _TRAINED = 0.4, 0.95  # shares of the whole, on two cores


def train(request: Request, progress: Progress, listen: Callable[[dict[str, Any]], None] | None = None) -> Report:
    """Train, or go on; score every patient by tails that did not see her; publish where asked.

    Raises
    ------
    EngineError
        Where data are missing, a patient or an image is on both sides of a split, or a fold cannot be published alone.
    """
    if request.fold and request.out is not None:
        raise EngineError("A model is published from all folds, not from one.", "Leave out --fold, or --out.")
    recipe = replace(changed(Recipe(), request.changes), seed=request.settings.seed)
    data, started = request.folder("data"), time.perf_counter()
    chosen = _films(data)
    splits = splits_of_films(chosen, recipe, request.folds)
    wanted = tuple(splits.splits[number - 1] for number in splits.numbers(request.fold))
    progress.report(0.0, f"Looking for the same film on both sides among {len(chosen)}")
    refuse_leaking(chosen, splits)
    splits.write(request.work / "splits.json")
    runs = Runs(data, request.work, recipe, request.settings)
    extract(runs, chosen, progress.part(0.02, _EXTRACTED))
    everyone = everybody(chosen)
    final = () if request.out is None else (everyone,)
    parts = _run(runs, (*wanted, *final), request.ray or None, progress.part(_EXTRACTED, _TRAINED), listen)
    found = {
        module: validation_of(module_table(runs, module), wanted, own[: len(wanted)]) for module, own in parts.items()
    }
    bundled = {module: one.bundled(recipe) for module, one in found.items()}
    metrics = {module: one.metrics(bundled[module]) for module, one in found.items()}
    rows = tuple(row for module, own in metrics.items() for row in rows_of(module, own))
    notes = tuple(note for module, own in metrics.items() for note in notes_of(module, own))
    if request.out is None:
        return Report(rows, (*notes, f"Checkpoints: {request.work}"))
    progress.report(_TRAINED, "Publishing")
    evidence = Evidence(
        metrics=metrics,
        grading={module: one.grading(bundled[module]) for module, one in found.items()},
        data=data_of(chosen, splits, {module: one.table for module, one in found.items()}, recipe),
        recipe=recipe,
        request=request,
        keys=MammogramPreprocessing(),
        seconds=time.perf_counter() - started,
    )
    tails = {module: tails_of(runs, module, everyone)[bundled[module] == BASELINE] for module in MODULES}
    publish(request.out, tails, evidence)
    said = tuple(f"{module}: the {which} is published." for module, which in bundled.items())
    return Report(rows, (*notes, *said), request.out)


def extract(runs: Runs, chosen: Sequence[Film], progress: Progress) -> None:
    """Fill the cache of features; what is there already is not made again.

    Raises
    ------
    EngineError
        Where the cache was made with another trunk, preprocessing, seed or other extra windows.
    """
    recipe, cache, keys, extras = runs.recipe, runs.cache, MammogramPreprocessing(), runs.recipe.extras
    made_with = {"trunk": trunk_hash(), "preprocessing": asdict(keys), "extras": asdict(extras), "seed": recipe.seed}
    identify(cache, made_with)
    wanted = {
        film: [module for module in MODULES if is_needed(film, module, all_films=recipe.all_films)] for film in chosen
    }
    missing = [film for film, modules in wanted.items() if not _is_there(cache, film, modules)]
    if not missing:
        return
    source = Source(fast(shared_trunk()), start_tail(runs.data), keys, extras, cache, recipe.seed)
    for number, film in enumerate(missing):
        progress.report(number / len(missing), f"Features of film {number + 1} of {len(missing)}")
        extract_film(film, source, wanted[film])
        pool_film(film, source, wanted[film])


def _is_there(cache: Path, film: Film, modules: Sequence[str]) -> bool:
    return all(file(cache, film, module).exists() for module in modules for file in (feature_file, seen_file))


def _films(data: Path) -> tuple[Film, ...]:
    try:
        return films(data)
    except (OSError, KeyError, ValueError) as error:
        raise EngineError(
            f"The list of films cannot be read: {error}.",
            "Give --data a folder that holds mini-mias/annotations.csv.",
        ) from error


def _run(
    runs: Runs,
    splits: Sequence[Split],
    ray: str | None,
    progress: Progress,
    listen: Callable[[dict[str, Any]], None] | None,
) -> dict[str, list[Mapping[str, Any]]]:
    """Return for each module the results of the splits, in their order."""
    tasks = [{"runs": runs, "module": module, "split": split} for module in MODULES for split in splits]
    token = listener.set(listen)
    try:
        results = run_all(train_part, tasks, ray=ray, progress=progress, done=runs.work / "results")
    finally:
        listener.reset(token)
    return {module: [one for one in results if one["module"] == module] for module in MODULES}
