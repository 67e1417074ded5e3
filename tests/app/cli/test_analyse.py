"""``breastlens analyse`` over many studies: what is written, going on after an interruption, sentences, exit status."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own examples use

from app.__main__ import main
from app.settings import home

MODELS = "fake-slice,fake-mammo,fake-dce,fake-lesion"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def studies(mri_exams: ModuleType, dce_source: Any, write_mammogram: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder with a dynamic breast MRI and the films of two women."""
    folder = tmp_path / "studies"
    mri_exams.write("companions", dce_source, folder / "mri")
    for patient in ("MG-1", "MG-2"):
        for side in "RL":
            write_mammogram(folder / patient, side, PatientID=patient)
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run ``breastlens analyse``; return exit status, output and errors."""

    def run_it(*arguments: object) -> tuple[int, str, str]:
        status = main(["analyse", *(str(argument) for argument in arguments), "--device", "cpu"])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run_it


def documents(out: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(out.glob("*/result.json"))]


def table(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "table.csv").read_text("utf-8-sig").splitlines()))


def test_a_batch_is_written_once_and_goes_on(studies, run, fake_family, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, printed, error = run(studies, "--model", MODELS, "--out", out)
    assert status == 0, error
    films_1, films_2, mri = sorted(documents(out), key=lambda one: (len(one["images"]), one["patient"]))
    folder = next(path.parent for path in out.glob("*/result.json") if json.loads(path.read_text()) == mri)

    # mammograms: grade, finding, map in JSON, a picture each
    assert (films_1["patient"], films_2["patient"]) == ("MG-1", "MG-2")
    assert [image["model"] for image in films_1["images"]] == ["fake-mammo"] * 2
    assert {image["subject"] for image in films_1["images"]} == {"R CC", "L CC"}
    assert films_1["images"][0]["grades"][0]["value"] == 3
    assert np.array(films_1["images"][0]["heatmaps"][0]["values"]).shape == (1, 12, 8)
    assert {one["model"] for one in films_1["refused"]} == {"fake-slice", "fake-dce", "fake-lesion"}

    # MRI: one picture of the slices, mask and map of the whole examination as NIfTI at their place, lesions of the mask
    by_model = {model: [one for one in mri["images"] if one["model"] == model] for model in MODELS.split(",")}
    assert sum(len(one["overlays"]) for one in by_model["fake-slice"]) == 1
    (whole,) = by_model["fake-dce"]
    assert whole["slice"] is None
    mask = sitk.ReadImage(str(folder / whole["masks"][0]["file"]))
    array = sitk.GetArrayFromImage(mask)
    place = np.argwhere(array).mean(axis=0)[::-1]
    centre = mask.TransformContinuousIndexToPhysicalPoint([float(v) for v in place])
    assert centre == pytest.approx((66.0, 0.0, 2.0), abs=2.0)  # the lesion of dce_source
    assert sitk.ReadImage(str(folder / whole["heatmaps"][0]["file"])).GetSize() == mask.GetSize()
    assert [score["subject"] for score in by_model["fake-lesion"][0]["scores"]] == ["", "Tumour 1 (fake-dce)"]
    for image in mri["images"]:
        for name in image["overlays"]:
            assert cv2.imread(str(folder / name)) is not None
    assert not list(out.rglob(".*"))

    rows = table(out)
    assert [row["model"] for row in rows if row["status"] != "out of scope"].count("fake-mammo") == 4
    assert any("(highest score)" in row["subject"] and row["model"] == "fake-slice" for row in rows)
    assert "MG-2" in printed
    assert "Research use only" in printed

    # again: nothing is read, nothing is written
    runs, times = len(fake_family.runs), {path: path.stat().st_mtime_ns for path in out.glob("*/*")}
    assert run(studies, "--model", MODELS, "--out", out)[0] == 0
    assert len(fake_family.runs) == runs
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/*")} == times
    assert {row["run"] for row in table(out)} == {"before", ""}

    # an image that changed is read again, the others are not; --fresh reads all
    os.utime(studies / "MG-1" / "R-CC.dcm", (1, 1))
    assert run(studies, "--model", MODELS, "--out", out)[0] == 0
    assert len(fake_family.runs) == runs + 1
    assert run(studies / "MG-1", "--model", "fake-mammo", "--out", out, "--fresh")[0] == 0
    assert len(fake_family.runs) == runs + 3


def test_another_card_is_another_result(studies, run, fake_family, fakes, tmp_path: Path) -> None:
    command = (studies / "MG-1", "--model", "fake-mammo", "--out", tmp_path / "out")
    run(*command)
    fakes.write_cards(home() / "models", ("fake-mammo",), modality=["MG", "CR"])
    run(*command)
    assert len(fake_family.runs) == 4


def test_a_damaged_record_is_read_again(studies, run, fake_family, tmp_path: Path) -> None:
    command = (studies / "MG-1", "--model", "fake-mammo", "--out", tmp_path / "out")
    run(*command)
    first, second = sorted((tmp_path / "out").rglob("records/*/*.json"))
    first.write_text(first.read_text()[:-30])
    arrays = second.with_suffix(".npz")
    arrays.write_bytes(arrays.read_bytes()[:-1])
    assert run(*command)[0] == 0
    assert len(fake_family.runs) == 4


def test_a_series_phase_and_slice_can_be_named(studies, run, fake_family, tmp_path: Path) -> None:
    command = (studies / "mri", "--model", "fake-slice", "--out", tmp_path / "out", "--json")
    status, out, _ = run(*command, "--phase", 3, "--slice", 5)
    assert status == 0
    (image,) = json.loads(out)["studies"][0]["images"]
    assert image["slice"] == 5
    status, out, _ = run(*command, "--series", 6)
    assert len(json.loads(out)["studies"][0]["images"]) > 5
    status, _, error = run(*command, "--phase", 3, "--slice", 500)
    assert status == 1
    assert "no slice 500" in error
    status, _, error = run(*command, "--phase", 1)
    assert status == 1
    assert "before" in error
    status, _, error = run(*command, "--series", 99)
    assert status == 1
    assert "no series '99'" in error


def test_a_point_is_a_lesion_to_ask_about(studies, run, fake_family, tmp_path: Path) -> None:
    command = (studies / "mri", "--model", "fake-lesion", "--out", tmp_path / "out")
    status, _, error = run(*command)
    assert status == 1
    assert "none is marked" in error
    status, out, _ = run(*command, "--point=66,0,2", "--json")
    assert status == 0
    (image,) = json.loads(out)["studies"][0]["images"]
    assert image["scores"][1]["subject"] == "Lesion at the cross"


def test_a_study_that_no_model_reads_is_exit_status_1_and_its_reason(
    run, fake_family, write_mammogram, tmp_path
) -> None:
    write_mammogram(tmp_path / "a", PatientID="A")
    write_mammogram(tmp_path / "b", PatientID="B", BreastImplantPresent="YES")
    status, printed, _ = run(tmp_path / "a", tmp_path / "b", "--model", "fake-mammo", "--out", tmp_path / "out")
    assert status == 1
    assert "out of scope: B" in printed
    assert "implant" in printed
    assert len(documents(tmp_path / "out")) == 1
    status, _, error = run(tmp_path / "b", "--model", "fake-mammo", "--out", tmp_path / "out2")
    assert status == 1
    assert "could read nothing" in error


def test_a_model_that_fails_does_not_stop_the_others(studies, run, fake_family, tmp_path, monkeypatch) -> None:
    from inference.errors import EngineError

    real = fake_family.interpret

    def sometimes(card: Any, exam: Any, prepared: Any, value: Any) -> object:
        if card.id == "fake-dce":
            raise EngineError("The weights were altered.", "Install the model again.")
        return real(card, exam, prepared, value)

    monkeypatch.setattr(fake_family, "interpret", sometimes)
    status, printed, _ = run(studies / "mri", "--model", "fake-dce,fake-slice", "--out", tmp_path / "out")
    assert status == 1
    assert "failed:" in printed
    assert "The weights were altered. Install the model again." in printed
    (document,) = documents(tmp_path / "out")
    assert {image["model"] for image in document["images"]} == {"fake-slice"}


@pytest.fixture
def server(fakes: ModuleType, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that runs commands in forked children; see ``tests/fake_models.py``."""
    place = tmp_path / "home"
    fakes.write_cards(place / "models")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BREASTLENS_HOME": str(place), "FAKE_STEPS": "4"}
    with subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "fake_models.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, cwd=ROOT, env=environment,
    ) as program:  # fmt: skip
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        yield program
        assert program.stdin is not None
        program.stdin.close()


def stopped(server: subprocess.Popen[str], command: list[str], records: Path, more: int, how: int) -> str:
    """Run a command, send a signal once so many more records are there, and return how it ended."""
    assert server.stdin is not None
    assert server.stdout is not None
    wanted = len(list(records.rglob("records/*/*.json"))) + more
    server.stdin.write(json.dumps(command) + "\n")
    child = int(server.stdout.readline().split()[1])
    for _ in range(12_000):
        if len(list(records.rglob("records/*/*.json"))) >= wanted:
            break
        time.sleep(0.01)
    os.kill(child, how)
    lines = []
    while not lines or not lines[-1].startswith("ended"):
        lines.append(server.stdout.readline())
        assert lines[-1], "the server ended"
    return "".join(lines)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")
def test_a_run_that_is_killed_loses_one_image_at_most(
    server, dce_source, mri_exams, run, fake_family, tmp_path: Path
) -> None:
    folder, out = mri_exams.write("axial", dce_source, tmp_path / "mri"), tmp_path / "out"
    command = ["analyse", str(folder), "--model", "fake-slice", "--out", str(out), "--device", "cpu"]
    for more in (1, 3, 2):
        ended = stopped(server, command, out, more, signal.SIGKILL)
        assert f"ended {int(signal.SIGKILL)}" in ended
        for record in out.rglob("records/*/*.json"):  # none is there by halves
            assert json.loads(record.read_text())["document"]["scores"]
    known = len(list(out.rglob("records/*/*.json")))
    assert known >= 6
    ended = stopped(server, command, out, 2, signal.SIGINT)
    assert "ended 33280" in ended  # exit status 130
    assert "fake-slice" not in ended or "Research use only" in ended
    known = len(list(out.rglob("records/*/*.json")))

    os.environ["FAKE_STEPS"] = "0"
    status, printed, error = run(folder, "--model", "fake-slice", "--out", out)
    assert status == 0, error
    slices = len(list(out.rglob("records/*/*.json")))
    assert slices > known
    assert len(fake_family.runs) >= slices - known
    (document,) = documents(out)
    assert len(document["images"]) == slices
    assert not [path for path in out.rglob(".*") if path.is_file()]
    assert "fake-slice" in printed
