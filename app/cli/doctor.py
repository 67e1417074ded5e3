"""``breastlens doctor``: versions, devices, decoders, workspace health."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import psutil

from app.cli.arguments import RESEARCH_USE, VERSION
from app.settings import home, workspace_folder
from app.studies.pixels.syntaxes import DecoderStatus, report
from app.workspace.store import Workspace
from inference.devices import available, describe
from inference.registry import find_cards_and_problems

LIBRARIES = (
    "PySide6-Essentials", "pyqtgraph", "torch", "torchvision", "numpy", "scipy", "pydicom", "highdicom", "SimpleITK",
    "nibabel", "opencv-python-headless", "safetensors", "SQLAlchemy", "alembic",
)  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Print a health report; exit status 1 where something needs attention."""
    findings = examine()
    print(json.dumps(findings, indent=2) if options.json else text(findings))
    return 1 if findings["problems"] else 0


def examine() -> dict[str, Any]:
    """Return versions, devices, decoders, models, workspace and every problem found."""
    cards, broken = find_cards_and_problems([home() / "models"])
    decoders = report()
    workspace, damaged = _workspace()
    problems = [*map(str, broken), *damaged]
    problems += [f"No decoder for {d.name}: {d.package} is missing." for d in decoders if not d.available]
    return {
        "breastlens": VERSION,
        "python": platform.python_version(),
        "system": platform.platform(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "devices": {name: describe(name) for name in available()},
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "decoders": {d.name: _package(d) for d in decoders},
        "models": {card.id: card.version for card in cards},
        "workspace": workspace,
        "problems": problems,
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _package(decoder: DecoderStatus) -> str | None:
    """Return package and version, None where files of the syntax cannot be shown."""
    if not decoder.available:
        return None
    return decoder.package if decoder.package == "built in" else f"{decoder.package} {decoder.version}"


def _workspace() -> tuple[dict[str, Any], list[str]]:
    """Open the workspace, check it whole, and say how it is."""
    folder = workspace_folder()
    with Workspace.open(folder) as workspace:
        problems = [*workspace.notices, *workspace.check()]
        free = round(shutil.disk_usage(folder).free / 1e9, 1)
        return {"folder": str(folder), "studies": len(workspace.recent(1000)), "free_gb": free}, problems


def text(findings: dict[str, Any]) -> str:
    """Return the report as lines for a reader."""
    lines = [f"BreastLens {findings['breastlens']}. {RESEARCH_USE}"]
    lines.append(f"Python {findings['python']} on {findings['system']}, {findings['memory_gb']} GB of memory")
    for title in ("libraries", "devices", "decoders", "models", "workspace"):
        lines.append(f"{title.capitalize()}:")
        lines += [f"  {name}: {value if value is not None else 'MISSING'}" for name, value in findings[title].items()]
    lines += [f"PROBLEM: {problem}" for problem in findings["problems"]] or ["No problem found."]
    return "\n".join(lines)
