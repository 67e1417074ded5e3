"""``breastlens subtract`` on real phases; what is written is read back by SimpleITK and OpenCV."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own examples use

from app.__main__ import main
from app.studies.load import load_stack
from app.studies.scan import scan

MASS_MM = (-93.26, -107.42, -40.83)


@pytest.mark.real_data
@pytest.mark.slow
def test_a_subtraction_lies_where_its_phases_lie(
    shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = shared_data / "mri" / "duke-153"
    assert main(["subtract", str(path), "--phase", "2", "--out", str(tmp_path), "--json"]) == 0
    (made,) = json.loads(capsys.readouterr().out)["subtractions"]
    assert made["motion"] == "Not motion-corrected"
    image = sitk.ReadImage(made["file"])
    study = scan(path).studies[0]
    pre, post = (load_stack(study, phase.stack_uid).volume for phase in study.dynamics[0].phases[:2])
    k, j, i = np.linalg.solve(pre.affine[:3, :3], np.subtract(MASS_MM, pre.affine[:3, 3])).round().astype(int)
    expected = float(post.array[k, j, i]) - float(pre.array[k, j, i])
    assert image[image.TransformPhysicalPointToIndex(MASS_MM)] == expected
    assert expected > 200
    shapes = {Path(name).stem.rsplit("-", 1)[1]: cv2.imread(name).shape[:2] for name in made["projections"]}
    through = round(60 * 1.1 / 0.7589)  # pixels are square: slices are 1.1 mm, pixels 0.76 mm
    assert shapes["axial"] == (448, 448)
    assert abs(shapes["sagittal"][0] - through) <= 1
    assert abs(shapes["coronal"][0] - through) <= 1


def test_what_cannot_be_subtracted_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["subtract", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "no dynamic series" in capsys.readouterr().err.lower()
