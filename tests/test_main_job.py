"""The main job in a real window: open, see, analyse, box, close, find all again; driven by its own mouse and keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

pytestmark = [pytest.mark.xvfb, pytest.mark.slow, pytest.mark.timeout(600)]


def review(out: Path, *paths: Path) -> dict[str, object]:
    """Run ``breastlens review`` in its own process and home; return what it wrote."""
    environment = {**os.environ, "BREASTLENS_HOME": str(out / "home")}
    done = subprocess.run(
        [sys.executable, "-m", "app", "review", *map(str, paths), "--out", str(out)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return json.loads((out / "review.json").read_text())


def assert_pictures_are_real(out: Path, document: dict[str, object]) -> None:
    """Each screenshot has the window's size and is not one flat colour."""
    for name in document["pictures"]:
        picture = QImage(str(out / name)).convertToFormat(QImage.Format.Format_Grayscale8)
        assert picture.width() >= 1200
        pixels = np.frombuffer(picture.constBits(), np.uint8)
        assert pixels.std() > 5, name


def test_demo_studies(tmp_path: Path) -> None:
    document = review(tmp_path)
    steps = " | ".join(document["steps"])
    assert "opened Demo^MRI" in steps
    assert "opened Demo^Mammogram" in steps
    assert steps.count("drew a box with the mouse") == 2
    assert steps.count("closed and reopened") == 2
    scores = [set(study["scores"]) for study in document["studies"]]
    assert {"malignant", "normal", "OB", "IDC", "OM"} in scores  # system 000 on slices
    assert {"nodule", "calcification"} in scores  # system 001 on the mammogram
    assert_pictures_are_real(tmp_path, document)


@pytest.mark.real_data
def test_real_dce_exam(tmp_path: Path, shared_data: Path) -> None:
    document = review(tmp_path, shared_data / "mri" / "duke-153")
    (study,) = document["studies"]
    assert study["state"] in ("findings", "no finding")
    assert set(study["scores"]) == {"malignant", "normal", "OB", "IDC", "OM"}
    assert document["steps"][-1].startswith("closed and reopened")
    assert_pictures_are_real(tmp_path, document)
