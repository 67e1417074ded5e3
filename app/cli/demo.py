"""``breastlens demo``: writes the demo studies (phantoms) as DICOM."""

from __future__ import annotations

import argparse

from app.cli.outcome import meter, meter_done
from app.studies.demo import write_demo
from inference.progress import Progress


def run(options: argparse.Namespace) -> int:
    """Write the demo studies and print where they are."""
    folder = write_demo(options.out, Progress(meter))
    meter_done()
    print(f"Demo studies (phantoms, no patient): {folder}")
    return 0
