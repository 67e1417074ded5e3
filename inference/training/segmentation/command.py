"""Train system 004 on phantom examinations: set some aside, train, score those held out, publish."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from inference.errors import EngineError
from inference.nets.unet_v4 import UNetV4, folded
from inference.prepare.segmentation_keys import SegmentationPreprocessing
from inference.progress import Progress
from inference.training.engine import Outcome, fit, load_networks
from inference.training.phantom_exams import is_held_out
from inference.training.request import Report, Request, changed
from inference.training.segmentation.breasts import read_cases
from inference.training.segmentation.evaluate import evaluate, summary
from inference.training.segmentation.publish import publish
from inference.training.segmentation.task import NETWORK, SMALL, SMALL_SAMPLING, SegmentationTask

INNER = 10  # every so manieth examination of the training side chooses the epoch
MOST_INNER = 8
_REMARKS = (
    "Tumour means malignant lesion of the phantom; benign lesions were taught as not tumour.",
    "Small preset: thick patches labelled in all their slices, half of them on tumours, Adam from 1e-3.",
)


def train(request: Request, progress: Progress, listen: Callable[[dict[str, Any]], None] | None = None) -> Report:
    """Train, or go on; score the examinations held out; publish where asked."""
    known, inner, held_out = split(sorted(request.folder("exams").glob("*.npz")))
    recipe = changed(SMALL, request.changes)
    progress.report(0.0, f"Reading {len(known)} examinations")
    cases = read_cases(known, SegmentationPreprocessing())
    task = SegmentationTask(cases, recipe, SMALL_SAMPLING, inner)
    outcome = fit(task, request.work, request.settings, progress.part(0.05, 0.9), listen)
    network = chosen(task, outcome)
    progress.report(0.9, f"Scoring {len(held_out)} examinations held out")
    plain = folded(copy.deepcopy(network)).to(memory_format=torch.channels_last_3d)
    scores = evaluate(plain, held_out, SegmentationPreprocessing())
    if not scores:
        raise EngineError("No examination held out has a malignant lesion, so nothing can be measured.")
    metrics = summary(scores)
    row = {"median Dice": metrics["acceptance"]["median_dice"], **_flat(metrics["acceptance"])}
    if request.out is None:
        return Report((row,), (f"Checkpoints: {request.work}",))
    training = {
        "examinations": len(known),
        "examinations_inner": len(inner),
        "examinations_held_out": len(held_out),
        "epoch": outcome.values.get("dice", (None, None))[1],
        "steps": outcome.steps,
        "minutes": round(outcome.seconds / 60, 1),
        "recipe": asdict(recipe),
        "sampling": asdict(SMALL_SAMPLING),
        "torch": torch.__version__,
        "remarks": list(_REMARKS),
    }
    publish(request.out, network, training, metrics)
    return Report((row,), (), request.out)


def split(paths: list[Path]) -> tuple[list[Path], list[Path], list[Path]]:
    """Return the examinations trained on, those that choose the epoch, and those held out.

    Raises
    ------
    EngineError
        Where one of the first and the last has none.
    """
    held_out = [path for path in paths if is_held_out(int(path.stem))]
    rest = [path for path in paths if not is_held_out(int(path.stem))]
    inner = rest[INNER - 1 :: INNER][:MOST_INNER]
    known = [path for path in rest if path not in inner]
    if not known or not held_out:
        raise EngineError(
            f"{len(paths)} phantom examinations are too few to train on some and measure on others.",
            "Write more: python -m inference.training.phantom_exams FOLDER --count 40",
        )
    return known, inner, held_out


def chosen(task: SegmentationTask, outcome: Outcome) -> UNetV4:
    """Return the network of the best epoch, or the last where none was chosen, in evaluation mode."""
    load_networks(outcome.best.get("dice", outcome.last), {NETWORK: task.network.cpu()})
    return task.network.eval()


def _flat(acceptance: dict[str, Any]) -> dict[str, Any]:
    low, high = acceptance["interval_95"]
    return {"95 %": f"{low:.3f} to {high:.3f}", "breasts": acceptance["lesions"]}
