"""``breastlens kinetics`` on real phases; maps are read back by SimpleITK."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own examples use

from app.__main__ import main

MASS_MM = (-93.26, -107.42, -40.83)


@pytest.mark.real_data
@pytest.mark.slow
def test_washout_of_the_mass(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    point = ",".join(f"{value}" for value in MASS_MM)
    command = ["kinetics", str(shared_data / "mri" / "duke-153"), f"--point={point}", "--json", "--maps", str(tmp_path)]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    curve = found["curve"]
    assert curve["type"] == "washout"
    np.testing.assert_allclose([p["signal"] for p in curve["phases"]], [138, 411, 369, 341, 322], rtol=0.05)
    assert found["region"]["worst_curve"] == "washout"
    assert "first phase after contrast" in found["time_base"]
    image = sitk.ReadImage(str(tmp_path / "classes.nii.gz"))
    index = image.TransformPhysicalPointToIndex(MASS_MM)
    assert image[index] == 3
    assert image.GetSize() == (448, 448, 60)
    peak = sitk.ReadImage(str(tmp_path / "initial_enhancement.nii.gz"))
    assert peak[peak.TransformPhysicalPointToIndex(MASS_MM)] == pytest.approx(189, abs=40)


def test_bad_input_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kinetics", str(tmp_path)]) == 1
    assert "no dynamic series" in capsys.readouterr().err.lower()
    assert main(["kinetics", str(tmp_path), "--peak", "-3"]) == 1
    assert "-3 %" in capsys.readouterr().err
    for text in ("1,2", "a,b,c", "1,2,nan"):
        with pytest.raises(SystemExit):
            main(["kinetics", str(tmp_path), "--point", text])
