"""Train the provisional model of system 003 on phantoms, compare it with naive training, and publish it.

``python -m inference.training.curriculum WORK --out resources/models/mri-curriculum-003`` does all of it: phantom
examinations, breasts, both trainings, weights and card. Interrupted, or stopped after ``--minutes``, the same command
goes on where it was. About an hour on two quiet cores, half of it for 160 examinations; ``--exams`` takes those that
``python -m inference.training.phantom_exams`` has written already.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from inference.prepare.breast_crop import BreastPreprocessing
from inference.training.breast_data import Breast, Images, prepare_all, read_breasts
from inference.training.checkpoint import read_checkpoint, write_checkpoint
from inference.training.curriculum_publish import Evidence, publish
from inference.training.curriculum_stages import Recipe, Run, resume, start, train
from inference.training.phantom_exams import is_held_out, write_exams

_log = logging.getLogger(__name__)
_FIRST_SEED = 10_000
_SAVE_EVERY_S = 60.0
_SMOOTH = 0.05  # weight of a step in the loss that is logged


class OutOfTimeError(Exception):
    """The turn's minutes are over; the same command goes on."""


def split(breasts: Sequence[Breast]) -> tuple[list[Breast], list[Breast], list[Breast]]:
    """Return breasts to train on, to choose the operating point with, and to measure with; split by examination."""
    held_out = [breast for breast in breasts if is_held_out(breast.seed)]
    validation = [breast for breast in breasts if breast.seed % 8 == 2]
    used = {breast.seed for breast in (*held_out, *validation)}
    return [breast for breast in breasts if breast.seed not in used], validation, held_out


def examinations(folder: Path, count: int, until: float) -> list[Path]:
    """Write the phantom examinations that are not there yet and return all; raises OutOfTimeError."""
    found = []
    for path in write_exams(folder, range(_FIRST_SEED, _FIRST_SEED + count)):
        found.append(path)
        _in_time(until)
    return found


def breasts_of(exams: Sequence[Path], folder: Path, until: float) -> list[Breast]:
    """Prepare the examinations that are not prepared yet and return all breasts; raises OutOfTimeError."""
    for seed in prepare_all(exams, folder, BreastPreprocessing()):
        _log.info("breasts of examination %d", seed)
        _in_time(until)
    return read_breasts(folder)


def trained(path: Path, recipe: Recipe, breasts: Sequence[Breast], images: Images, until: float) -> Run:
    """Return a finished run, from its checkpoint as far as it goes; raises OutOfTimeError."""
    run = resume(recipe, read_checkpoint(path)) if path.exists() else start(recipe)
    path.parent.mkdir(parents=True, exist_ok=True)
    _log.info("%s: %d breasts, stage %d, step %d", path.stem, len(breasts), run.stage, run.step)
    saved = time.monotonic()
    smooth: list[float] = []

    def may_go_on(now: Run, loss: float) -> bool:
        nonlocal saved
        smooth.append(loss if not smooth else smooth[-1] + _SMOOTH * (loss - smooth[-1]))
        if now.step % (50 if now.stage == 1 else 10) == 0:
            _log.info("%s, stage %d, step %d: loss %.3f", path.stem, now.stage, now.step, smooth[-1])
        if time.monotonic() - saved > _SAVE_EVERY_S:
            saved = time.monotonic()
            write_checkpoint(path, now.state())
        return time.monotonic() < until

    done = train(run, breasts, images, may_go_on)
    write_checkpoint(path, run.state())
    if not done:
        raise OutOfTimeError
    return run


def _in_time(until: float) -> None:
    if time.monotonic() >= until:
        raise OutOfTimeError


def make(options: argparse.Namespace, until: float) -> None:
    """Do all that is not done yet; the card is written after the curriculum and again after the naive training."""
    exams = sorted(options.exams.glob("*.npz")) if options.exams else None
    if exams is None:
        exams = examinations(options.work / "exams", options.count, until)
    breasts = breasts_of(exams, options.work / "breasts", until)
    chosen, validation, held_out = split(breasts)
    images = Images(options.work / "breasts")
    recipe = Recipe(
        patch_steps=options.patch_steps,
        breast_steps=options.breast_steps,
        breast_batch=options.batch,
        seed=options.seed,
    )
    run = trained(options.work / "curriculum.safetensors", recipe, chosen, images, until)
    if not (options.out / "card.json").exists() or not options.compare:
        publish(options.out, Evidence(run, None, validation, held_out, images, len(chosen)))
    if options.compare:
        naive = trained(options.work / "naive.safetensors", recipe.naive(), chosen, images, until)
        publish(options.out, Evidence(run, naive, validation, held_out, images, len(chosen)))


def main(argv: list[str] | None = None) -> None:
    """Train and publish, as far as the minutes go."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("work", type=Path, help="folder for examinations, breasts and checkpoints; 12 GB for 160")
    parser.add_argument("--out", type=Path, required=True, help="folder for card.json and weights")
    parser.add_argument("--exams", type=Path, help="folder of examinations that are already written")
    parser.add_argument("--count", type=int, default=160, help="examinations to make where --exams is not given")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--no-naive", dest="compare", action="store_false", help="leave the comparison out")
    parser.add_argument("--patch-steps", type=int, default=Recipe.patch_steps)
    parser.add_argument("--breast-steps", type=int, default=Recipe.breast_steps)
    parser.add_argument("--batch", type=int, default=Recipe.breast_batch, help="whole breasts a step")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        make(options, time.monotonic() + 60 * options.minutes)
    except OutOfTimeError:
        _log.info("the minutes are over; the same command goes on from here")
    else:
        _log.info("done: %s", options.out)


if __name__ == "__main__":
    main()
