"""Train the provisional model of system 003 on phantoms, in turns that can be interrupted, and publish it.

``python -m inference.training.breast_data EXAMS BREASTS`` first; then, as often as it takes,
``python -m inference.training.curriculum BREASTS RUN [--naive] [--minutes 14]``, once with and once without
``--naive``; then ``python -m inference.training.curriculum BREASTS RUN --out resources/models/mri-curriculum-003``.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from inference.training.breast_data import Breast, Images, read_breasts
from inference.training.curriculum_publish import Evidence, publish
from inference.training.curriculum_stages import Recipe, Run, resume, start, train
from inference.training.phantom_exams import is_held_out

_log = logging.getLogger(__name__)
_SAVE_EVERY_S = 60.0
_SMOOTH = 0.05  # weight of a step in the loss that is logged


def split(breasts: Sequence[Breast]) -> tuple[list[Breast], list[Breast], list[Breast]]:
    """Return breasts to train on, to choose the operating point with, and to measure with; split by examination."""
    held_out = [breast for breast in breasts if is_held_out(breast.seed)]
    validation = [breast for breast in breasts if breast.seed % 8 == 2]
    used = {breast.seed for breast in (*held_out, *validation)}
    return [breast for breast in breasts if breast.seed not in used], validation, held_out


def recipe_of(options: argparse.Namespace) -> Recipe:
    """Return the recipe that the command line asks for."""
    recipe = Recipe(
        patch_steps=options.patch_steps,
        breast_steps=options.breast_steps,
        breast_batch=options.batch,
        seed=options.seed,
    )
    return recipe.naive() if options.naive else recipe


def checkpoint(folder: Path, *, naive: bool) -> Path:
    """Return where a run is kept."""
    return folder / ("naive.pt" if naive else "curriculum.pt")


def turn(options: argparse.Namespace) -> bool:
    """Train for a turn; return whether the run is done."""
    recipe, path = recipe_of(options), checkpoint(options.run, naive=options.naive)
    run = resume(recipe, torch.load(path, weights_only=True)) if path.exists() else start(recipe)
    chosen, _, _ = split(read_breasts(options.breasts))
    _log.info("%s: %d breasts, stage %d, step %d", path.stem, len(chosen), run.stage, run.step)
    begun = saved = time.monotonic()
    smooth: list[float] = []

    def may_go_on(now: Run, loss: float) -> bool:
        nonlocal saved
        smooth.append(loss if not smooth else smooth[-1] + _SMOOTH * (loss - smooth[-1]))
        if now.step % (50 if now.stage == 1 else 10) == 0:
            _log.info("stage %d, step %d: loss %.3f", now.stage, now.step, smooth[-1])
        if time.monotonic() - saved > _SAVE_EVERY_S:
            saved = time.monotonic()
            _save(now, path)
        return time.monotonic() - begun < 60 * options.minutes

    done = train(run, chosen, Images(options.breasts), may_go_on)
    _save(run, path)
    return done


def _save(run: Run, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(run.state(), path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def _finished(options: argparse.Namespace, *, naive: bool) -> Run:
    recipe = recipe_of(argparse.Namespace(**{**vars(options), "naive": naive}))
    return resume(recipe, torch.load(checkpoint(options.run, naive=naive), weights_only=True))


def main(argv: list[str] | None = None) -> None:
    """Train for a turn, or publish what was trained."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("breasts", type=Path, help="folder that inference.training.breast_data wrote")
    parser.add_argument("run", type=Path, help="folder for checkpoints")
    parser.add_argument("--naive", action="store_true", help="stage 2 alone, the same number of voxels")
    parser.add_argument("--minutes", type=float, default=14.0, help="of this turn")
    parser.add_argument("--out", type=Path, help="publish to this folder instead of training")
    parser.add_argument("--patch-steps", type=int, default=Recipe.patch_steps)
    parser.add_argument("--breast-steps", type=int, default=Recipe.breast_steps)
    parser.add_argument("--batch", type=int, default=Recipe.breast_batch, help="whole breasts a step")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.out is None:
        _log.info("done" if turn(options) else "to be continued")
        return
    _, validation, held_out = split(read_breasts(options.breasts))
    naive = _finished(options, naive=True) if checkpoint(options.run, naive=True).exists() else None
    trained = len(split(read_breasts(options.breasts))[0])
    evidence = Evidence(_finished(options, naive=False), naive, validation, held_out, Images(options.breasts), trained)
    publish(options.out, evidence)


if __name__ == "__main__":
    main()
