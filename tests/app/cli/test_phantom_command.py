"""``breastlens phantom``: files, truth and refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.__main__ import main
from app.cli import phantom
from app.studies import demo_exams
from app.studies.demo_exams import Grid
from inference.phantoms.mammo import Detector


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_exams, "AXIAL_GRID", Grid((4, 40, 40), (18.0, 9.0, 9.0)))
    monkeypatch.setitem(phantom.DETECTORS, "small", Detector((143, 120), 1.5))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in ("phantom", *arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def truth_of(folder: Path) -> dict:
    return json.loads((folder / "truth" / "truth.json").read_text())


def test_a_dynamic_examination(capsys, tmp_path):
    status, out, _ = run(capsys, "--seed", 4, "--variant", "shuffled", "--lesion", "L:IDC", "--out", tmp_path)
    assert status == 0
    assert str(tmp_path / "dicom") in out
    assert [one["kind"] for one in truth_of(tmp_path)["lesions"]] == ["IDC"]
    assert len(list((tmp_path / "dicom").glob("*.dcm"))) > 20  # shuffled: all files in one folder


def test_a_mammogram(capsys, tmp_path):
    status, _, _ = run(
        capsys, "--kind", "mammogram", "--detector", "small", "--lesion", "R:oval mass", "--out", tmp_path
    )
    assert status == 0
    views = truth_of(tmp_path)["views"]
    assert [len(one["lesions"]) for one in views] == [1, 0, 1, 0]
    assert len(list((tmp_path / "dicom").glob("*.dcm"))) == 4


def test_a_normal_exam(capsys, tmp_path):
    assert run(capsys, "--normal", "--out", tmp_path)[0] == 0
    assert truth_of(tmp_path)["lesions"] == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--variant", "upside down"), "There is no variant 'upside down'"),
        (("--kind", "mammogram", "--variant", "shuffled"), "There is no variant 'shuffled'"),
        (("--kind", "mammogram", "--detector", "1x1"), "There is no detector '1x1'"),
        (("--lesion", "IDC"), "names no breast"),
        (("--lesion", "L:wart"), "'wart' is neither a lesion type"),
        (("--kind", "mammogram", "--detector", "small", "--lesion", "L:wart"), "'wart' is not a lesion"),
    ],
)
def test_what_is_not_known_is_refused_in_a_sentence(capsys, tmp_path, arguments, sentence):
    status, _, error = run(capsys, *arguments, "--out", tmp_path)
    assert status == 1
    assert sentence in error
    assert "Try: " in error
