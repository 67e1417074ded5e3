"""``breastlens register``: NIfTI that another reader puts in the same place, and the report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from app.__main__ import main
from app.studies.demo import write_dce
from app.studies.load import load_stack
from app.studies.scan import scan
from inference.phantoms.mri import Course, make_dce

COURSE = Course(seconds=(100.0,), motion_mm=6.0, with_t2=False)


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("moved")
    phantom = make_dce(5, size=(10, 64, 64), spacing_mm=(8.0, 5.0, 5.0), lesions=("IDC",), course=COURSE)
    write_dce(folder, phantom)
    return folder


def test_phases_and_report_are_written(exam: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["register", str(exam), "--out", str(out), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((out / "registration.json").read_text())
    (phase,) = document["phases"]
    assert phase["verdict"] in ("better", "no better")
    study = scan(exam).studies[0]
    pre = load_stack(study, document["pre"]["stack"]).volume
    for file in (document["pre"]["file"], phase["file"]):
        image = sitk.ReadImage(str(out / file))
        assert image.GetSize() == pre.spatial_shape[::-1]
        for index in ((0, 0, 0), (9, 4, 2), (63, 63, 9)):
            place = image.TransformIndexToPhysicalPoint(index)  # SimpleITK works in LPS
            wanted = pre.affine @ [index[2], index[1], index[0], 1]
            np.testing.assert_allclose(place, wanted[:3], atol=1e-3)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(out / "pre.nii.gz"))), pre.array)


@pytest.mark.parametrize(("options", "sentence"), [(["--dynamic", "2"], "no dynamic series 2"), ([], "no dynamic")])
def test_what_cannot_be_registered_is_answered_by_a_sentence(
    exam: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    path = exam if options else next(exam.rglob("*.dcm"))
    assert main(["register", str(path), "--out", str(tmp_path), *options]) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
