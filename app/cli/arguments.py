"""Arguments of the ``breastlens`` command."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.cli.analyse_arguments import add_arguments as analyse_arguments
from app.cli.kinetics_arguments import add_arguments as kinetics_arguments
from app.cli.phantom_arguments import add_arguments as phantom_arguments
from app.cli.train_arguments import add_arguments as train_arguments

VERSION = "0.1.0"
RESEARCH_USE = "Research use only, not for diagnosis."


def parser() -> argparse.ArgumentParser:
    """Return the parser of every subcommand; each sets ``command``."""
    top = argparse.ArgumentParser(
        prog="breastlens",
        description=f"Breast MRI and mammography workstation with research models, run locally. {RESEARCH_USE}",
        epilog="breastlens PATH … opens the window on files, folders, zips or a DICOMDIR.",
    )
    top.add_argument("--version", action="version", version=f"BreastLens {VERSION}. {RESEARCH_USE}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _window(commands)
    _scan(commands)
    _hang(commands)
    _render(commands)
    _models(commands)
    analyse_arguments(commands)
    _subtract(commands)
    _register(commands)
    _doctor(commands)
    _measurements(commands)
    _demo(commands)
    _review(commands)
    kinetics_arguments(commands)
    phantom_arguments(commands)
    train_arguments(commands)
    return top


COMMANDS = (
    "window",
    "scan",
    "hang",
    "render",
    "models",
    "analyse",
    "subtract",
    "register",
    "doctor",
    "demo",
    "review",
    "measurements",
    "kinetics",
    "phantom",
    "train",
)


def _window(commands: argparse._SubParsersAction) -> None:
    window = commands.add_parser("window", help="open the window (the default)")
    window.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="file, folder, zip or DICOMDIR to open")
    window.add_argument("--demo", action="store_true", help="open the demo studies, written on first use")


def _scan(commands: argparse._SubParsersAction) -> None:
    scan = commands.add_parser("scan", help="say what was found, what was skipped and why")
    scan.add_argument("path", type=Path)
    scan.add_argument("--json", action="store_true", help="print JSON instead of text")


def _hang(commands: argparse._SubParsersAction) -> None:
    hang = commands.add_parser("hang", help="say which image hangs in which pane at each step, with priors")
    hang.add_argument("path", type=Path)
    hang.add_argument("--framed", action="store_true", help="read the pixels too and say how each image is turned")
    hang.add_argument("--json", action="store_true", help="print JSON instead of text")


def _render(commands: argparse._SubParsersAction) -> None:
    render = commands.add_parser("render", help="write the pixels a pane shows at 1:1 to a PNG")
    render.add_argument("file", type=Path)
    render.add_argument("--out", type=Path, required=True, metavar="PNG")
    render.add_argument("--frame", type=int, default=1, help="frame or slice, from 1 (default 1)")
    render.add_argument("--series", help="series or stack UID, or series number, where the path holds several")
    choice = render.add_mutually_exclusive_group()
    choice.add_argument("--voi", help="window or VOI LUT of the file: its number from 1, or its explanation")
    choice.add_argument("--window", nargs=2, type=float, metavar=("CENTER", "WIDTH"), help="another window")
    render.add_argument(
        "--function", choices=("LINEAR", "LINEAR_EXACT", "SIGMOID"), default="LINEAR", help="function of --window"
    )
    render.add_argument("--invert", action="store_true", help="invert what the file asks for")
    render.add_argument("--bits", type=int, choices=(8, 16), default=8)
    render.add_argument("--list", action="store_true", help="print the window choices of the file and stop")


def _models(commands: argparse._SubParsersAction) -> None:
    models = commands.add_parser("models", help="list the models with what they accept and how they were measured")
    models.add_argument("--json", action="store_true")


def _subtract(commands: argparse._SubParsersAction) -> None:
    subtract = commands.add_parser("subtract", help="subtract the pre-contrast phase; writes NIfTI and projections")
    subtract.add_argument("path", type=Path)
    subtract.add_argument("--out", type=Path, required=True, metavar="DIR")
    subtract.add_argument("--dynamic", type=int, default=1, metavar="N", help="dynamic series, from 1 (default 1)")
    subtract.add_argument("--phase", type=int, metavar="N", help="phase from 1; without it every one after contrast")
    subtract.add_argument("--json", action="store_true", help="print JSON instead of text")


def _register(commands: argparse._SubParsersAction) -> None:
    register = commands.add_parser("register", help="correct motion between phases; writes NIfTI and a JSON report")
    register.add_argument("path", type=Path)
    register.add_argument("--out", type=Path, required=True, metavar="DIR")
    register.add_argument("--dynamic", type=int, default=1, metavar="N", help="dynamic series, from 1 (default 1)")
    register.add_argument("--json", action="store_true", help="also print the JSON")


def _doctor(commands: argparse._SubParsersAction) -> None:
    doctor = commands.add_parser("doctor", help="versions, devices, decoders, workspace health")
    doctor.add_argument("--json", action="store_true")


def _measurements(commands: argparse._SubParsersAction) -> None:
    stored = commands.add_parser("measurements", help="list the measurements stored in the workspace")
    stored.add_argument("path", nargs="?", type=Path, help="images whose measurements are listed")
    stored.add_argument("--study", metavar="UID", help="study, where its images are not at hand")
    form = stored.add_mutually_exclusive_group()
    form.add_argument("--csv", type=Path, metavar="FILE", help="write CSV with units, basis, points and UIDs")
    form.add_argument("--json", action="store_true", help="print JSON instead of text")


def _demo(commands: argparse._SubParsersAction) -> None:
    demo = commands.add_parser("demo", help="write the demo studies (phantoms) as DICOM")
    demo.add_argument("--out", type=Path, required=True, metavar="DIR")


def _review(commands: argparse._SubParsersAction) -> None:
    review = commands.add_parser("review", help="perform the demo review in the window and write screenshots")
    review.add_argument("path", nargs="?", type=Path, help="study to review (the demo studies when absent)")
    review.add_argument("--out", type=Path, required=True, metavar="DIR")
