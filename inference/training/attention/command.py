"""Train system 000: the model that is published, or a cross-validation of three shuffles."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from inference import devices
from inference.errors import EngineError
from inference.progress import Progress
from inference.training.attention.cross_validation import rows_of, run_fold
from inference.training.attention.localisation import TOLERANCE_PX
from inference.training.attention.one_split import Plan, Trained, train_on
from inference.training.attention.publish import Evidence, publish
from inference.training.attention.recipe import Amounts, Recipe
from inference.training.attention.sides import FOLDS, SHUFFLES, folds, hold_out, items
from inference.training.attention.slices import phantom_slices, real_slices
from inference.training.attention.validation import summarise
from inference.training.cluster import Workers, run_all
from inference.training.engine import Settings
from inference.training.leaks import refuse_leaks
from inference.training.request import Report, Request, changed

_FLOOR = (
    f"Pointing game on real slices: the centre of the highest cell lies within {TOLERANCE_PX:.0f} pixels of the mask "
    "(512 pixels a side); the floor is the brightest point after a Gaussian of 3 pixels, on the same slices."
)
_OPTIMISTIC = (
    "Checkpoints chosen by the evaluation fold itself, as in the paper, are optimistic; by an inner split not."
)


def train(request: Request, progress: Progress, listen: Callable[[dict[str, Any]], None] | None = None) -> Report:
    """Train, or go on; measure on patients held out; publish where asked. With folds: cross-validate."""
    plan = plan_of(request)
    if request.folds or request.fold:
        return _cross_validate(request, plan, progress)
    return _hold_out(request, plan, progress, listen)


def plan_of(request: Request) -> Plan:
    """Return the recipe and the amounts with the user's changes; the seed is that of the settings."""
    names = {field.name for field in fields(Amounts)}
    amounts = changed(Amounts(), {key: value for key, value in request.changes.items() if key in names})
    rest = {key: value for key, value in request.changes.items() if key not in names}
    return Plan(request.folder("data"), changed(Recipe(seed=request.settings.seed), rest), amounts, request.settings)


def command_line(request: Request) -> str:
    """Return the command that makes this request."""
    usual, given = Settings(), request.settings
    words = ["breastlens", "train", "000", "--data", str(request.data), "--work", str(request.work)]
    for name in ("seed", "device", "precision", "accumulate", "patience"):
        if getattr(given, name) != getattr(usual, name):
            words += [f"--{name}", str(getattr(given, name))]
    for key, value in request.changes.items():
        words += ["--set", f"{key}={value}"]
    if request.out is not None:
        words += ["--out", str(request.out)]
    return shlex.join(words)


def _hold_out(
    request: Request, plan: Plan, progress: Progress, listen: Callable[[dict[str, Any]], None] | None
) -> Report:
    start = time.perf_counter()
    progress.report(0.0, "Reading slices and drawing phantoms")
    real = real_slices(plan.data, plan.recipe)
    drawn = phantom_slices(plan.amounts, plan.recipe.seed)
    splits = hold_out(real, drawn, plan.amounts, plan.recipe.seed)
    samples, split = [*real, *drawn], splits.splits[0]
    refuse_leaks(items(samples, split))
    splits.write(request.work / "splits.json")
    trained = train_on(samples, split, plan, request.work, progress.part(0.05, 0.98), listen)
    summary = summarise(trained.features, trained.rows, trained.scores, trained.maps, trained.pointed)
    rows = _table(summary, trained)
    notes = (_FLOOR, "The checkpoints were chosen on the same patients, so the values are optimistic.")
    if request.out is None:
        return Report(rows, (*notes, f"Checkpoints: {request.work}"))
    seconds = max(trained.seconds, time.perf_counter() - start)
    publish(request.out, Evidence(trained, summary, splits, plan, command_line(request), seconds))
    return Report(rows, notes, request.out)


def _table(summary: dict[str, Any], trained: Trained) -> tuple[dict[str, Any], ...]:
    rows: list[dict[str, Any]] = []
    for group in ("all", "phantom", "real"):
        for name, area in summary["auc"][group].items():
            if area is not None:
                low, high = area["interval_95"]
                cases = f"{area['n_positive']} of {area['n_positive'] + area['n_negative']}"
                rows.append(
                    {"slices": group, "measure": f"AUC {name}", "value": area["auc"]} | _interval(low, high, cases)
                )
    if summary["challenge_score"] is not None:
        rows.append({"slices": "all", "measure": "challenge score, eq. (3)", "value": summary["challenge_score"]})
    for plane, row in summary["pointing_real"].items():
        low, high = row["interval_95"]
        interval = _interval(low, high, f"{row['hits']} of {row['slices']}")
        extra = {"floor": row["floor"], "energy": row["energy"], "chance": row["uniform"]}
        rows.append({"slices": plane, "measure": "pointing game", "value": row["hit_rate"]} | interval | extra)
    for name, of in summary["calibration"].items():
        error = of["expected_calibration_error"]
        rows.append({"slices": "all", "measure": f"calibration error {name}", "value": error})
    rows.append({"slices": "", "measure": "seconds of training", "value": round(trained.seconds, 1)})
    for half, speed in trained.images_per_second.items():
        if speed is not None:
            rows.append({"slices": "", "measure": f"images per second, {half}", "value": speed})
    return tuple(rows)


def _interval(low: float, high: float, cases: str) -> dict[str, str]:
    return {"95 %": f"{low:.3f} to {high:.3f}", "cases": cases}


def _cross_validate(request: Request, plan: Plan, progress: Progress) -> Report:
    if request.out is not None:
        raise EngineError("A cross-validation publishes no model.", "Leave --out away, or --folds and --fold.")
    samples = [*real_slices(plan.data, plan.recipe), *phantom_slices(plan.amounts, plan.recipe.seed)]
    plan, work = replace(plan, data=plan.data.resolve()), request.work.resolve()  # workers start elsewhere
    made = folds(samples, plan.recipe.seed, request.folds or FOLDS, plan.recipe.select)
    rows: list[dict[str, Any]] = []
    for number, (select, splits) in enumerate(made):
        splits.write(work / f"splits-{select}.json")
        part = progress.part(number / len(made), (number + 1) / len(made))
        runs = run_all(
            run_fold,
            [
                {
                    "folder": work / f"{select}-{place}",
                    "split": splits.splits[place - 1],
                    "plan": plan,
                }
                for place in splits.numbers(request.fold)
            ],
            ray=request.ray or None,
            progress=part,
            workers=Workers(gpus=float(devices.choose(plan.settings.device)[0] == "cuda")),
            done=work / "done",
        )
        rows += rows_of(select, runs)
    runs_of = "one run" if request.fold else f"{SHUFFLES} × {request.folds or FOLDS} runs"
    return Report(tuple(rows), (f"Mean (SD) of {runs_of}, by patient.", _FLOOR, _OPTIMISTIC))
