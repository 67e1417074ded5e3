"""Cross-validation of system 000: three shuffles of three folds, independent trainings, mean (SD) of the nine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from inference.families.mri_attention import OUTPUT_NAMES
from inference.progress import Progress
from inference.training.attention.localisation import Pointed, pointed_rows
from inference.training.attention.one_split import Plan, train_on
from inference.training.attention.score import areas, score_of
from inference.training.attention.sides import items
from inference.training.attention.slices import phantom_slices, real_slices
from inference.training.leaks import refuse_leaks
from inference.training.split_sets import Split
from inference.training.statistics.calibration import calibration
from inference.training.statistics.roc import area_with_interval

Row = dict[str, Any]


def run_fold(folder: Path, split: Split, plan: Plan, progress: Progress | None = None) -> Row:
    """Train on one split in a folder of its own and return all that is reported about it, as JSON values.

    Parameters
    ----------
    folder
        Gets the checkpoints of this training.
    """
    progress = progress or Progress()
    samples = [*real_slices(plan.data, plan.recipe), *phantom_slices(plan.amounts, plan.recipe.seed)]
    refuse_leaks(items(samples, split))
    trained = train_on(samples, split, plan, folder, progress)
    features, rows = trained.features, trained.rows
    truth = features.targets[rows]
    by_name = areas(truth, trained.scores)
    found = {
        "name": split.name,
        "areas": {name: _known(value) for name, value in by_name.items()},
        "challenge_score": _known(score_of(by_name)),
        "epochs": trained.epochs,
        "slice": features.name[rows].tolist(),
        "patient": features.patient[rows].tolist(),
        "truth": [[_known(value) for value in row] for row in truth.tolist()],
        "scores": trained.scores.tolist(),
        "pointed": [asdict(one) for one in trained.pointed],
        "seconds": round(trained.seconds, 1),
        "images_per_second": trained.images_per_second,
    }
    shutil.rmtree(folder / "features", ignore_errors=True)  # hundreds of megabytes; the results are kept
    return found


def _known(value: float) -> float | None:
    """Return a value JSON has."""
    return None if np.isnan(value) else value


def rows_of(select: str, runs: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the lines of the table for the runs of one way to choose the checkpoints.

    Mean (SD) is over the runs. The interval, by bootstrap over patients, is of the area of all slices, the scores of a
    slice averaged over the runs that tested it.
    """
    slices = _averaged(runs)
    table = []
    for k, name in enumerate(OUTPUT_NAMES):
        values = np.array([run["areas"][name] for run in runs], float)
        pooled = area_with_interval(slices["truth"][:, k], slices["scores"][:, k], slices["patient"])
        row = {"checkpoints by": select, "measure": f"AUC {name}", **_mean_sd(values)}
        if pooled is not None:
            row |= {"pooled": round(pooled.value, 3), "95 %": f"{pooled.low:.3f} to {pooled.high:.3f}"}
            row["cases"] = f"{pooled.positive} of {pooled.positive + pooled.negative}"
        table.append(row)
    scores = np.array([run["challenge_score"] for run in runs], float)
    table.append({"checkpoints by": select, "measure": "challenge score, eq. (3)", **_mean_sd(scores)})
    for name in ("malignant", "normal"):
        k = OUTPUT_NAMES.index(name)
        error = calibration(slices["truth"][:, k], slices["scores"][:, k]).error
        table.append({"checkpoints by": select, "measure": f"calibration error {name}", "pooled": round(error, 3)})
    table += _pointing_rows(select, runs)
    seconds = np.array([run["seconds"] for run in runs], float)
    table.append({"checkpoints by": select, "measure": "seconds a run", **_mean_sd(seconds, 1)})
    for half in ("trunk", "tails"):
        speed = np.array([run["images_per_second"][half] for run in runs], float)  # None becomes NaN
        table.append({"checkpoints by": select, "measure": f"images per second, {half}", **_mean_sd(speed, 1)})
    return table


def _pointing_rows(select: str, runs: Sequence[Mapping[str, Any]]) -> list[Row]:
    found = [Pointed(**one) for run in runs for one in run["pointed"]]
    table = []
    for plane, row in pointed_rows(found).items():
        low, high = row["interval_95"]
        table.append(
            {
                "checkpoints by": select,
                "measure": f"pointing game, {plane}",
                "pooled": row["hit_rate"],
                "95 %": f"{low:.3f} to {high:.3f}",
                "cases": f"{row['hits']} of {row['slices']}",
                "floor": row["floor"],
                "energy": row["energy"],
                "chance": row["uniform"],
            }
        )
    return table


def _averaged(runs: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """Return truth (n, 5), mean scores (n, 5) and patient (n,) of every slice that was tested."""
    scores: dict[str, list[Any]] = {}
    about: dict[str, tuple[Any, str]] = {}
    for run in runs:
        for name, truth, score, patient in zip(run["slice"], run["truth"], run["scores"], run["patient"], strict=True):
            scores.setdefault(name, []).append(score)
            about[name] = (truth, patient)
    return {
        "truth": np.array([truth for truth, _ in about.values()], float),
        "scores": np.array([np.mean(scores[name], axis=0) for name in about]),
        "patient": np.array([patient for _, patient in about.values()]),
    }


def _mean_sd(values: np.ndarray, digits: int = 3) -> Row:
    known = values[~np.isnan(values)]
    if not known.size:
        return {"mean": "not known"}
    spread = f" ({known.std(ddof=1):.{digits}f})" if known.size > 1 else ""
    return {"mean": f"{known.mean():.{digits}f}{spread}"}
