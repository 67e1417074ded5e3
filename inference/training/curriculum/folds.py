"""Cross-validation of system 003: curriculum and naive training in folds by patient, as independent runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from inference.progress import Progress
from inference.training.cluster import Workers, run_all
from inference.training.curriculum.breasts import Breast, Images
from inference.training.curriculum.measures import (
    advantage,
    area_of_breasts,
    calibrated,
    figures,
    measured,
    temperature_of,
    with_temperature,
)
from inference.training.curriculum.reading import BreastRead
from inference.training.curriculum.recipe import Recipe
from inference.training.curriculum.runs import reads_of, run_one
from inference.training.curriculum.sides import check, in_folds
from inference.training.engine.settings import device_of
from inference.training.json_files import read_json, write_json
from inference.training.request import Report, Request
from inference.training.statistics.reliability_plot import reliability_svg

FOLDS = 5  # paper 003, section 3.2
FILE, SPLITS_FILE = "folds.json", "splits.json"
KINDS = ("curriculum", "naive")
_ON_A_CARD = 0.5  # two runs share a graphics card
_Result = Mapping[str, Any]


def cross_validate(
    request: Request, recipe: Recipe, breasts: Sequence[Breast], prepared: Path, progress: Progress
) -> Report:
    """Train both networks in every fold, or in one, where they are not trained yet; measure them.

    Parameters
    ----------
    prepared
        Folder of the breasts.
    """
    splits = in_folds(breasts, request.folds or FOLDS, recipe.seed)
    numbers = splits.numbers(request.fold)
    check(breasts, Images(prepared), splits, progress.part(0, 0.02))
    work = request.work.resolve()
    splits.write(work / SPLITS_FILE)
    runs = [
        {
            "folder": work / f"fold-{number}" / kind,
            "breasts": prepared.resolve(),
            "split": splits.splits[number - 1],
            "recipe": recipe if kind == "curriculum" else recipe.naive(),
            "settings": request.settings,
        }
        for number in numbers
        for kind in KINDS
    ]
    workers = Workers(gpus=_ON_A_CARD if device_of(request.settings) == "cuda" else 0)
    done, part = work / "done", progress.part(0.02, 1)
    results = run_all(run_one, runs, ray=request.ray or None, workers=workers, progress=part, done=done)
    of = {kind: results[place :: len(KINDS)] for place, kind in enumerate(KINDS)}
    rows = [row for place, number in enumerate(numbers) for row in _rows(number, [of[kind][place] for kind in KINDS])]
    if request.fold:
        return Report(tuple(rows), (f"One fold of {len(splits.splits)}; checkpoints: {work}",))
    summary = _summary(of, work)
    write_json(work / FILE, {"recipe": asdict(recipe), "folds": len(splits.splits), **summary})
    rows += [_pooled(kind, of[kind]) for kind in KINDS]
    return Report(tuple(rows), tuple(_notes(summary, work, request)))


def known_folds(work: Path, recipe: Recipe) -> dict[str, Any] | None:
    """Return what a cross-validation of the same recipe in this folder found, None where there was none."""
    if not (work / FILE).is_file():
        return None
    content = read_json(work / FILE)
    same = content.pop("recipe") == asdict(recipe)
    return content if same else None


def _tests(results: Sequence[_Result]) -> list[BreastRead]:
    return [one for result in results for one in reads_of(result["test"])]


def _rows(number: int, results: Sequence[_Result]) -> Iterator[dict[str, Any]]:
    for kind, result in zip(KINDS, results, strict=True):
        reads = reads_of(result["test"])
        yield {"fold": number, "network": kind, **measured(reads), **_speeds([result])}


def _pooled(kind: str, results: Sequence[_Result]) -> dict[str, Any]:
    return {"fold": "all", "network": kind, **measured(_tests(results)), **_speeds(results)}


def _speeds(results: Sequence[_Result]) -> dict[str, Any]:
    names = {"s": "seconds", "patches/s": "patches_per_s", "breasts/s": "breasts_per_s"}
    return {short: round(float(np.mean([one[name] for one in results])), 1) for short, name in names.items()}


def _summary(of: Mapping[str, Sequence[_Result]], work: Path) -> dict[str, Any]:
    """Return for each network its figures over all folds, and how much better the curriculum is."""
    found: dict[str, Any] = {}
    for kind, results in of.items():
        areas = [one.value for result in results if (one := area_of_breasts(reads_of(result["test"]))) is not None]
        scaled, before, after = _calibrated(results)
        (work / f"calibration-{kind}.svg").write_text(reliability_svg(after, before, f"{kind}, all folds"))
        found[kind] = {
            **figures(_tests(results), 0.5),
            "auc_breast_mean_of_folds": round(float(np.mean(areas)), 3) if areas else None,
            "auc_breast_sd_of_folds": round(float(np.std(areas, ddof=1)), 3) if len(areas) > 1 else None,
            "calibration": scaled,
            "seconds_per_fold": round(float(np.mean([one["seconds"] for one in results])), 1),
        }
    difference = advantage(_tests(of["curriculum"]), _tests(of["naive"]))
    return {**found, "curriculum_minus_naive": None if difference is None else difference.as_dict()}


def _calibrated(results: Sequence[_Result]) -> Any:
    """Return calibration over all folds; every fold has the temperature of its own validation side."""
    before, after = [], []
    for result in results:
        temperature = temperature_of(reads_of(result["validation"]))
        reads = reads_of(result["test"])
        before += reads
        after.append(with_temperature(reads, temperature))
    return calibrated(before, np.concatenate(after))


def _notes(summary: Mapping[str, Any], work: Path, request: Request) -> Iterator[str]:
    better = summary["curriculum_minus_naive"]
    if better is not None:
        low, high = better["interval_95"]
        yield (
            f"Curriculum minus naive, area per breast, paired over patients: {better['difference']:+.3f} "
            f"({low:+.3f} to {high:+.3f}), p = {better['p']}."
        )
    for kind in KINDS:
        one = summary[kind]
        before, after = (one["calibration"][when]["expected_calibration_error"] for when in ("before", "after"))
        yield (
            f"{kind}: mean of folds {one['auc_breast_mean_of_folds']} (SD {one['auc_breast_sd_of_folds']}); "
            f"calibration error {before:.3f}, with temperature scaling {after:.3f}."
        )
    yield f"Checkpoints, {FILE}, {SPLITS_FILE} and calibration plots: {work}"
    if request.out is not None:
        yield "Folds publish nothing: the same command without --folds does, and its card takes these figures along."
