"""Arguments of ``breastlens phantom``."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(commands: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    phantom = commands.add_parser("phantom", help="write one phantom exam as DICOM, with the truth beside it")
    phantom.add_argument("--kind", choices=("dce", "mammogram"), default="dce", help="(default dce)")
    phantom.add_argument("--seed", type=int, default=1, help="the same seed gives the same woman (default 1)")
    phantom.add_argument("--variant", metavar="NAME", help="how the files are laid out; a wrong name lists them")
    phantom.add_argument("--detector", metavar="COLUMNSxROWS", default="1914x2294", help="matrix of a mammogram")
    choice = phantom.add_mutually_exclusive_group()
    choice.add_argument(
        "--lesion", action="append", metavar="SIDE:NAME", help="a lesion such as L:IDC or 'R:oval mass'; repeatable"
    )
    choice.add_argument("--normal", action="store_true", help="no lesion; without either, lesions are drawn")
    phantom.add_argument("--out", type=Path, required=True, metavar="DIR")
