"""Train system 003: prepare breasts, hold patients out, train curriculum and naive network, publish; or in folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inference.errors import EngineError
from inference.prepare.breast_crop import BreastPreprocessing
from inference.progress import Progress
from inference.training.curriculum.breasts import Breast, Images, prepare_all, read_breasts
from inference.training.curriculum.folds import SPLITS_FILE, cross_validate, known_folds
from inference.training.curriculum.measures import measured
from inference.training.curriculum.networks import Listen, train_network
from inference.training.curriculum.publish import MODEL, Evidence, operating_point, publish, rounded
from inference.training.curriculum.reading import BreastRead, read
from inference.training.curriculum.recipe import Recipe
from inference.training.curriculum.sides import check, held_out, on_side
from inference.training.curriculum.tasks import Material
from inference.training.engine.settings import device_of
from inference.training.reproduce import command_of
from inference.training.request import Report, Request, changed


def train(request: Request, progress: Progress, listen: Listen = None) -> Report:
    """Train, or go on; measure the breasts held out; publish where asked. With ``folds``, validate instead."""
    recipe = changed(Recipe(seed=request.settings.seed), request.changes)
    prepared = request.work / "breasts"
    breasts = breasts_of(request.folder("exams"), prepared, progress.part(0, 0.1))
    if request.folds or request.fold:
        return cross_validate(request, recipe, breasts, prepared, progress.part(0.1, 1))
    return _hold_out(request, recipe, breasts, progress.part(0.1, 1), listen)


def breasts_of(exams: Path, prepared: Path, progress: Progress) -> list[Breast]:
    """Prepare the examinations of a folder that are not prepared yet, and return their breasts."""
    paths = sorted(exams.glob("*.npz"))
    if not paths:
        raise EngineError(f"{exams} holds no phantom examinations.", "python -m inference.training.phantom_exams DIR")
    progress.report(0, f"Breasts of {len(paths)} examinations")
    for number, seed in enumerate(prepare_all(paths, prepared, BreastPreprocessing())):
        progress.report(min(number / len(paths), 1.0), f"Breasts of examination {seed}")
    there = {path.stem for path in paths}
    return [breast for breast in read_breasts(prepared) if str(breast.seed) in there]


def _hold_out(
    request: Request, recipe: Recipe, breasts: Sequence[Breast], progress: Progress, listen: Listen
) -> Report:
    images, splits = Images(request.work / "breasts"), held_out(breasts)
    check(breasts, images, splits, progress.part(0, 0.02))
    splits.write(request.work / SPLITS_FILE)
    split = splits.splits[0]
    known, validation, test = (on_side(breasts, split, side) for side in ("train", "validation", "test"))
    material, settings = Material(known, validation, images), request.settings
    until = 0.5 if recipe.compare else 0.95
    part = progress.part(0.02, until)
    trained = train_network(request.work / "curriculum", material, recipe, settings, part, listen)
    trained = replace(trained, network=rounded(trained.network))
    naive = None
    if recipe.compare:
        part = progress.part(until, 0.95)
        other = train_network(request.work / "naive", material, recipe.naive(), settings, part, listen)
        naive = read(other.network, test, images, with_t2=True)
    progress.report(0.95, f"Reading {len(test)} breasts held out")
    evidence = Evidence(
        trained,
        recipe,
        splits,
        command_of(request, "003", MODEL),
        read(trained.network, validation, images, with_t2=True),
        read(trained.network, test, images, with_t2=True),
        read(trained.network, test, images, with_t2=False),
        naive,
        len(known),
        device_of(settings),
        known_folds(request.work, recipe),
    )
    rows = tuple(_rows(evidence))
    if request.out is None:
        return Report(rows, (f"Checkpoints: {request.work}",))
    publish(request.out, evidence)
    return Report(rows, (), request.out)


def _rows(evidence: Evidence) -> list[dict[str, Any]]:
    """Return one row for each way of reading the breasts held out."""
    point = operating_point(evidence.validation)
    sets: dict[str, Sequence[BreastRead] | None] = {
        "curriculum": evidence.held_out,
        "curriculum without T2": evidence.without_t2,
        "naive": evidence.naive,
    }
    rows = [{"network": name, **measured(reads)} for name, reads in sets.items() if reads is not None]
    speed = {"s": round(evidence.trained.seconds, 1), "patches/s": round(evidence.trained.patches_per_s, 1)}
    rows[0] |= {"positive from": point, **speed, "breasts/s": round(evidence.trained.breasts_per_s, 2)}
    return rows
