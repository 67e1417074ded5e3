"""Arguments of ``breastlens kinetics``."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path


def add_arguments(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand ``kinetics``."""
    parser = commands.add_parser("kinetics", help="time-intensity curve, kinetic classes and maps of a breast MRI")
    parser.add_argument("path", type=Path)
    parser.add_argument("--dynamic", type=int, default=1, metavar="N", help="which dynamic series, from 1 (default 1)")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--point", type=_numbers(3), metavar="X,Y,Z", help="place in LPS mm")
    place.add_argument("--box", type=_numbers(6), metavar="X,Y,Z,X,Y,Z", help="two opposite corners in LPS mm")
    place.add_argument("--mask", type=Path, metavar="NIFTI", help="mask of any grid, sampled through its own affine")
    parser.add_argument(
        "--radius", type=float, default=0.0, metavar="MM", help="sphere around --point, else 3x3 voxels"
    )
    parser.add_argument("--peak", type=float, default=50.0, metavar="PERCENT", help="least enhancement (default 50)")
    parser.add_argument("--change", type=float, default=10.0, metavar="PERCENT", help="plateau is ± this (default 10)")
    parser.add_argument(
        "--injected", type=float, metavar="S", help="seconds from injection to the start of the first phase after it"
    )
    parser.add_argument("--maps", type=Path, metavar="DIR", help="write classes and parameter maps as NIfTI")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _numbers(count: int) -> Callable[[str], tuple[float, ...]]:
    def parse(text: str) -> tuple[float, ...]:
        try:
            values = tuple(float(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != count or not all(math.isfinite(value) for value in values):
            raise argparse.ArgumentTypeError(f"{text!r} is not {count} numbers with commas between them")
        return values

    return parse
