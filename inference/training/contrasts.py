"""Train the provisional model of system 002 on phantoms: ``python -m inference.training.contrasts --help``.

The examinations come from ``python -m inference.training.phantom_exams EXAMS --first 10000 --count 160``.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
from pathlib import Path

import torch

from inference.prepare.contrast_settings import ContrastPreprocessing
from inference.training.contrast_card import Evidence, publish
from inference.training.contrast_loop import Recipe, gathered, train
from inference.training.contrast_patches import LesionSamples, cached
from inference.training.contrast_table import sweep

_log = logging.getLogger(__name__)
UNFINISHED = 3  # exit code: time was up, call again


def samples(exams: Path, cache: Path, settings: ContrastPreprocessing) -> list[LesionSamples]:
    """Return the lesions of every examination in a folder, prepared; those prepared before come from the cache."""
    found = []
    for number, path in enumerate(sorted(exams.glob("*.npz"))):
        found += cached(path, cache, settings)
        if number % 20 == 0:
            _log.info("prepared %s", path.name)
    return found


def main(argv: list[str] | None = None) -> int:
    """Prepare the phantoms, train, measure all 35 subsets on the held-out ones, write weights and card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exams", type=Path, required=True, help="folder of phantom examinations (.npz)")
    parser.add_argument("--work", type=Path, required=True, help="folder for prepared patches and the checkpoint")
    parser.add_argument("--out", type=Path, required=True, help="folder for card.json and weights")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop then, with exit code 3; call again")
    parser.add_argument(
        "--stages",
        type=_stage,
        nargs="+",
        default=Recipe.stages,
        metavar="PIXELS:STEPS",
        help="such as 112:1500 224:300",
    )
    parser.add_argument(
        "--preprocessing", type=json.loads, default={}, metavar="JSON", help='keys of the card, such as {"shrink": 8}'
    )
    chosen = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(chosen.threads)
    settings = ContrastPreprocessing.from_card(chosen.preprocessing)
    recipe = Recipe(stages=tuple(chosen.stages), seed=chosen.seed)
    lesions = samples(chosen.exams, chosen.work / "patches", settings)
    network = train(gathered([one for one in lesions if not one.is_held_out]), recipe, chosen.work, chosen.minutes)
    if network is None:
        return UNFINISHED
    table = sweep(network, [one for one in lesions if one.is_held_out])
    publish(chosen.out, network, Evidence(tuple(lesions), tuple(table), recipe, settings))
    return 0


def _stage(text: str) -> tuple[int, int]:
    size, _, steps = text.partition(":")
    return int(size), int(steps)


if __name__ == "__main__":
    sys.exit(main())
