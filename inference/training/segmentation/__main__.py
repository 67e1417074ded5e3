"""Train system 004 on phantom examinations for some minutes, and publish it when asked to."""

from __future__ import annotations

import argparse
import copy
import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from inference.nets.unet_v4 import WIDTH, folded
from inference.prepare.segmentation_keys import SegmentationPreprocessing
from inference.training.phantom_exams import is_held_out
from inference.training.segmentation.breasts import read_cases
from inference.training.segmentation.evaluate import evaluate, summary
from inference.training.segmentation.loop import SMALL, SMALL_SAMPLING, Trainer
from inference.training.segmentation.publish import publish


def main(argv: list[str] | None = None) -> None:
    """Go on from the checkpoint where there is one; train; publish to ``--out``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--exams", type=Path, required=True, help="folder of <seed>.npz phantom examinations")
    parser.add_argument("--checkpoint", type=Path, required=True, help="file to go on from and to write")
    parser.add_argument("--minutes", type=float, default=0.0, help="how long to train; 0 trains no further")
    parser.add_argument("--steps", type=int, default=SMALL.steps)
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--held-out", type=int, default=1000, help="how many held-out examinations are scored at most")
    parser.add_argument("--out", type=Path, help="folder for card.json and weights")
    chosen = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(chosen.threads)
    paths = sorted(chosen.exams.glob("*.npz"))
    keys = SegmentationPreprocessing()
    known = [path for path in paths if not is_held_out(int(path.stem))]
    cases = read_cases(known, keys) if chosen.minutes > 0 else []
    trainer = Trainer(cases, replace(SMALL, width=chosen.width, steps=chosen.steps), SMALL_SAMPLING)
    if chosen.checkpoint.exists():
        trainer.resume(chosen.checkpoint)
    if chosen.minutes > 0:
        trainer.turn(chosen.minutes, chosen.checkpoint)
    if chosen.out is not None:
        held_out = [path for path in paths if is_held_out(int(path.stem))][: chosen.held_out]
        _publish(chosen.out, trainer, held_out, len(known))


def _publish(folder: Path, trainer: Trainer, held_out: list[Path], known: int) -> None:
    training: dict[str, Any] = {
        "examinations": known,
        "examinations_held_out": len(held_out),
        "steps": trainer.step,
        "minutes": round(trainer.seconds / 60, 1),
        "recipe": asdict(trainer.recipe),
        "sampling": asdict(trainer.sampling),
        "torch": torch.__version__,
        "remarks": [
            "Tumour means malignant lesion of the phantom; benign lesions were taught as not tumour.",
            "Small preset: thick patches labelled in all their slices, half of them on tumours, Adam from 1e-3.",
        ],
    }
    publish(folder, trainer.network.eval(), training, {})  # usable even if the scoring is interrupted
    network = folded(copy.deepcopy(trainer.network)).to(memory_format=torch.channels_last_3d)
    metrics = summary(evaluate(network, held_out, SegmentationPreprocessing()))
    publish(folder, trainer.network.eval(), training, metrics)


if __name__ == "__main__":
    main()
