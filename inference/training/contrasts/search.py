"""The search of system 002: all 35 trios in ten folds by patient as independent runs, ranked with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from inference.families.mri_contrasts import CUT_OFF
from inference.prepare.contrast_settings import names
from inference.progress import Progress
from inference.training.cluster import Workers, run_all
from inference.training.contrasts.patches import LesionSamples
from inference.training.contrasts.recipe import Recipe
from inference.training.contrasts.runs import Run, run_one
from inference.training.contrasts.samples import Subset
from inference.training.contrasts.sides import check, in_folds
from inference.training.contrasts.table import SubsetArea, by_time_points
from inference.training.engine.settings import device_of
from inference.training.json_files import read_json, write_json
from inference.training.request import Report, Request
from inference.training.statistics.points import point_at
from inference.training.statistics.roc import area, area_with_interval, drawn_areas

FOLDS = 10  # paper 002, Results
FILE, SPLITS_FILE = "search.json", "search-splits.json"
_ON_A_CARD = 0.25  # four runs share a graphics card
_DRAWS = 2000
_Result = Mapping[str, Any]


def search(
    request: Request, recipe: Recipe, lesions: Sequence[LesionSamples], patches: Path, progress: Progress
) -> Report:
    """Train and measure every trio in every fold, or in one, where that is not done yet; rank them.

    Parameters
    ----------
    patches
        Folder of prepared lesions.
    """
    splits = in_folds(lesions, request.folds or FOLDS, recipe.seed)
    numbers = splits.numbers(request.fold)
    check(lesions, splits, progress.part(0, 0.02))
    work, seeds = request.work.resolve(), tuple(sorted({one.seed for one in lesions}))
    splits.write(work / SPLITS_FILE)
    runs = [
        Run(work / "search" / f"fold-{n}" / "+".join(subset), patches.resolve(), seeds, splits.splits[n - 1], subset)
        for n in numbers
        for subset in recipe.subsets
    ]
    plain = {"recipe": recipe_of_a_run(recipe), "settings": request.settings}
    workers = Workers(gpus=_ON_A_CARD if device_of(request.settings) == "cuda" else 0)
    results = run_all(
        run_one,
        [{"run": run, **plain} for run in runs],
        ray=request.ray or None,
        workers=workers,
        progress=progress.part(0.02, 1),
        done=work / "search-done",
    )
    of: dict[Subset, list[_Result]] = {}
    for run, result in zip(runs, results, strict=True):
        of.setdefault(run.subset, []).append(result)
    rows, table = ranked(of)
    summary = {"folds": len(splits.splits), "subsets": rows, "by_time_points": by_time_points(table)}
    if not request.fold:
        write_json(work / FILE, {"recipe": asdict(recipe), **summary})
    return Report(tuple(_row(one) for one in rows), tuple(_notes(summary, work, request)))


def recipe_of_a_run(recipe: Recipe) -> Recipe:
    """Return the recipe without the choice of trios, so that a search of some is the beginning of a search of all."""
    return replace(recipe, only="")


def known_search(work: Path, recipe: Recipe) -> dict[str, Any] | None:
    """Return what a search with the same recipe in this folder found, None where there was none."""
    if not (work / FILE).is_file():
        return None
    content = read_json(work / FILE)
    return content if content.pop("recipe") == asdict(recipe) else None


def ranked(of: Mapping[Subset, Sequence[_Result]]) -> tuple[list[dict[str, Any]], list[SubsetArea]]:
    """Return trios by their area over the lesions of all folds, the highest first.

    Intervals and the share of draws in which a trio comes first are by bootstrap over patients. Scores of a trio's
    folds are pooled; the mean of the folds' own areas stands beside.
    """
    found = []
    for subset, results in of.items():
        seeds, truth, scores = _columns(results)
        there = area_with_interval(truth, scores, seeds, _DRAWS)
        if there is None:
            continue
        point = point_at(truth, scores, CUT_OFF)
        one = SubsetArea(subset, there, point.sensitivity.value, point.specificity.value)
        extra = {
            "accuracy": round(point.accuracy.value, 3),
            **_of_folds(results),
            "seconds_per_run": round(float(np.mean([result["seconds"] for result in results])), 1),
            "images_per_s": round(float(np.mean([result["images_per_s"] for result in results])), 1),
        }
        found.append((one, extra))
    found.sort(key=lambda pair: -pair[0].area.value)
    first = _first_in([of[one.contrasts] for one, _ in found])
    rows = [
        {"rank": place + 1, **one.as_dict(), **extra, "first_in": first[place]}
        for place, (one, extra) in enumerate(found)
    ]
    return rows, [one for one, _ in found]


def _columns(results: Sequence[_Result]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    lesions = [lesion for result in results for lesion in result["test"]]
    seeds, truth, scores = (np.array([lesion[place] for lesion in lesions]) for place in range(3))
    return seeds, truth.astype(float), scores.astype(float)


def _of_folds(results: Sequence[_Result]) -> dict[str, float | None]:
    """Return mean and standard deviation of the folds' areas, of folds with both classes."""
    areas = [area(truth, scores) for _, truth, scores in (_columns([result]) for result in results) if len(truth)]
    known = [value for value in areas if not np.isnan(value)]
    return {
        "mean_of_folds": round(float(np.mean(known)), 3) if known else None,
        "sd_of_folds": round(float(np.std(known, ddof=1)), 3) if len(known) > 1 else None,
    }


def _first_in(results: Sequence[Sequence[_Result]]) -> list[float | None]:
    """Return for each trio the share of draws of patients in which it ranks first; None where lesions differ."""
    columns = [_columns(one) for one in results]
    if not columns or any(not np.array_equal(columns[0][k], one[k]) for one in columns for k in (0, 1)):
        return [None] * len(columns)
    seeds, truth, _ = columns[0]
    drawn = drawn_areas(truth, np.stack([scores for *_, scores in columns]), seeds, _DRAWS)
    winners = np.bincount(drawn.argmax(axis=0), minlength=len(columns))
    return [round(float(count / drawn.shape[1]), 3) for count in winners]


def _row(one: Mapping[str, Any]) -> dict[str, Any]:
    low, high = one["interval_95"]
    return {
        "rank": one["rank"],
        "contrasts": names(tuple(one["contrasts"])),
        "AUC": one["auc"],
        "95 %": f"{low:.3f} to {high:.3f}",
        "mean of folds": "–" if one["mean_of_folds"] is None else one["mean_of_folds"],
        "first in": "–" if one["first_in"] is None else f"{one['first_in']:.0%}",
        **{name: one[name] for name in ("sensitivity", "specificity", "accuracy")},
        "s per run": one["seconds_per_run"],
        "images/s": one["images_per_s"],
    }


def _notes(summary: Mapping[str, Any], work: Path, request: Request) -> Iterator[str]:
    groups = summary["by_time_points"]
    for name, said in (("two_or_more", "two or more dynamics"), ("single", "one")):
        if name in groups:
            one = groups[name]
            yield f"Trios with {said}: {one['subsets']}, mean area {one['mean_auc']}, mean rank {one['mean_rank']}."
    yield "Choosing the first of a ranking on the lesions it was made on is optimistic; neighbours differ by chance."
    yield f"Runs and {SPLITS_FILE}: {work}" if request.fold else f"Runs, {FILE} and {SPLITS_FILE}: {work}"
    if request.out is not None:
        yield "The search publishes nothing: the same command without --folds does, and its card takes the table along."
