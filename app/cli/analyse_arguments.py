"""Arguments of ``breastlens analyse``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    analyse = commands.add_parser(
        "analyse",
        help="run models on studies; writes JSON, pictures and masks, and a table",
        description="Runs models on every study in the given paths. Started again with the same folder it goes on "
        "where it was interrupted: what was read is read again only where images, model or program changed.",
        epilog="Exit status: 0 all was read, 1 a study gave no result or a model failed, 2 wrong arguments, "
        "130 interrupted.",
    )
    analyse.add_argument("studies", nargs="+", type=Path, metavar="STUDY", help="file, folder, zip or DICOMDIR")
    analyse.add_argument(
        "--model", required=True, metavar="ID[,ID…]", help="models to run, or all that fit; see breastlens models"
    )
    analyse.add_argument("--out", type=Path, required=True, metavar="DIR", help="one folder per study is made in it")
    analyse.add_argument("--series", help="series or stack UID, or series number")
    analyse.add_argument("--phase", type=int, help="phase of a dynamic series, from 1, for models that read slices")
    analyse.add_argument("--slice", type=int, dest="slice_number", help="slice from 1; without it every slice is read")
    analyse.add_argument("--point", type=_point, metavar="X,Y,Z", help="a lesion to ask about, place in LPS mm")
    analyse.add_argument(
        "--workspace", action="store_true", help="take boxes, phases and spacing that the user gave in the window"
    )
    analyse.add_argument("--device", default="auto", help="auto, cpu or cuda")
    analyse.add_argument("--fresh", action="store_true", help="read everything again")
    analyse.add_argument("--json", action="store_true", help="print JSON instead of the table")


def _point(text: str) -> tuple[float, float, float]:
    try:
        x, y, z = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not three numbers with commas between them") from error
    return x, y, z
