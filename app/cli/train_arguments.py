"""Arguments of ``breastlens train``."""

from __future__ import annotations

import argparse
from pathlib import Path

from inference.training.systems import SYSTEMS


def add_arguments(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    listed = "; ".join(f"{one.number}: {one.title} (--{', --'.join(one.needs)})" for one in SYSTEMS.values())
    train = commands.add_parser(
        "train",
        help="train one of the five systems; the same command goes on where it was stopped",
        description=f"Train a system on this computer. {listed}.",
        epilog="Ctrl+C stops after a checkpoint; the same command goes on. Several processes: torchrun -m app train …",
    )
    train.add_argument("system", choices=tuple(SYSTEMS), help="number of the system")
    train.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder of checkpoints and run.jsonl")
    train.add_argument("--data", type=Path, metavar="DIR", help="real images: README.md, mri/, mini-mias/, weights/")
    train.add_argument(
        "--exams", type=Path, metavar="DIR", help="phantom examinations: python -m inference.training.phantom_exams DIR"
    )
    train.add_argument("--out", type=Path, metavar="DIR", help="publish the model, weights and card, to this folder")
    train.add_argument("--folds", type=int, default=0, metavar="K", help="patient-wise cross-validation in K folds")
    train.add_argument("--fold", type=int, default=0, metavar="N", help="train fold N alone, from 1")
    train.add_argument("--minutes", type=float, default=0.0, help="stop after a checkpoint when so long was trained")
    train.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a field of the recipe; repeatable"
    )
    train.add_argument("--seed", type=int, default=1)
    train.add_argument("--device", default="auto", help="auto, cpu or cuda")
    train.add_argument("--precision", default="auto", help="auto, float32, bfloat16 or float16")
    train.add_argument("--accumulate", type=int, default=1, metavar="N", help="read each batch in N parts (memory)")
    train.add_argument("--patience", type=int, default=0, metavar="N", help="end after N epochs without a better score")
    train.add_argument(
        "--ray", nargs="?", const="local", default="", metavar="ADDRESS", help="send independent runs to Ray (local)"
    )
    train.add_argument("--threads", type=int, default=0, help="processor threads (default: all)")
    train.add_argument("--json", action="store_true", help="print the events as JSON lines, then the table as JSON")
