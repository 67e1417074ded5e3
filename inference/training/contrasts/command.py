"""Train system 002: one network for all 35 trios, ranked on patients held out and published; or the paper's search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from inference.errors import EngineError
from inference.prepare.contrast_settings import ContrastPreprocessing, names
from inference.progress import Progress
from inference.training.contrasts.initial import found_weights
from inference.training.contrasts.patches import LesionSamples, cached
from inference.training.contrasts.publish import MODEL, Evidence, publish
from inference.training.contrasts.recipe import Recipe, recipe_of
from inference.training.contrasts.runs import on_side
from inference.training.contrasts.search import known_search, search
from inference.training.contrasts.sides import check, held_out
from inference.training.contrasts.table import SubsetArea, lesion_scores, offers, sweep
from inference.training.contrasts.task import Material, train_network
from inference.training.engine.settings import device_of
from inference.training.reproduce import command_of
from inference.training.request import Report, Request

Listen = Callable[[dict[str, Any]], None] | None


def train(request: Request, progress: Progress, listen: Listen = None) -> Report:
    """Train, or go on; rank the trios on the lesions held out; publish where asked. With ``folds``, search instead."""
    recipe = recipe_of(request.changes, request.settings.seed)
    recipe = replace(recipe, weights=found_weights(recipe, request.data))
    settings = ContrastPreprocessing.from_card({"preset": recipe.preset})
    patches = request.work / ("patches" if recipe.preset == "default" else f"patches-{recipe.preset}")
    lesions = samples(request.folder("exams"), patches, settings, progress.part(0, 0.1))
    if request.folds or request.fold:
        return search(request, recipe, lesions, patches, progress.part(0.1, 1))
    return _hold_out(request, (recipe, settings), lesions, progress.part(0.1, 1), listen)


def samples(exams: Path, cache: Path, settings: ContrastPreprocessing, progress: Progress) -> list[LesionSamples]:
    """Return the lesions of every examination in a folder, prepared; those prepared before come from the cache."""
    found: list[LesionSamples] = []
    paths = sorted(exams.glob("*.npz"))
    if not paths:
        raise EngineError(f"{exams} holds no phantom examinations.", "python -m inference.training.phantom_exams DIR")
    for number, path in enumerate(paths):
        progress.report(number / len(paths), f"Lesions of examination {path.stem}")
        found += cached(path, cache, settings)
    return found


def _hold_out(
    request: Request,
    how: tuple[Recipe, ContrastPreprocessing],
    lesions: list[LesionSamples],
    progress: Progress,
    listen: Listen,
) -> Report:
    recipe, splits = how[0], held_out(lesions)
    check(lesions, splits, progress.part(0, 0.02))
    splits.write(request.work / "splits.json")
    known, test = (on_side(lesions, splits.splits[0], side) for side in ("train", "test"))
    folder, part = request.work / "all-subsets", progress.part(0.02, 0.9)
    network, outcome = train_network(folder, Material(known), recipe, request.settings, part, listen)
    progress.report(0.9, f"Ranking the trios on {len(test)} lesions")
    network.to(device_of(request.settings))
    table = sweep(network, test)
    speed = {
        "seconds": round(outcome.seconds, 1),
        "images_per_s": round(recipe.batch * outcome.steps / max(outcome.seconds, 1e-9), 1),
        "device": device_of(request.settings),
    }
    rows = tuple(_row(rank, one) for rank, one in enumerate(table, 1))
    rows = ({**rows[0], "s": speed["seconds"], "images/s": speed["images_per_s"]}, *rows[1:])
    if request.out is None:
        return Report(rows, (f"Checkpoints: {request.work}",))
    usable = [one for one in test if offers(one, table[0].contrasts)]
    scores = lesion_scores(network, usable, table[0].contrasts)
    evidence = Evidence(
        lesions=tuple(lesions),
        table=tuple(table),
        recipe=recipe,
        settings=how[1],
        splits=splits,
        command=command_of(request, "002", MODEL),
        best=tuple((one.seed, bool(one.malignant), float(p)) for one, p in zip(usable, scores, strict=True)),
        speed=speed,
        search=known_search(request.work, recipe),
    )
    publish(request.out, network.cpu(), evidence)
    return Report(rows, (), request.out)


def _row(rank: int, one: SubsetArea) -> dict[str, Any]:
    return {
        "rank": rank,
        "contrasts": names(one.contrasts),
        "AUC": one.area.value,
        "95 %": f"{one.area.low:.3f} to {one.area.high:.3f}",
        "sensitivity": one.sensitivity,
        "specificity": one.specificity,
    }
