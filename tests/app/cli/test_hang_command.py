"""``breastlens hang``: the steps with titles, files and notes, for a reader and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest

from app.__main__ import main
from app.studies import demo


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's mammograms twice, as the exams of two years; the left MLO view of the later one is missing."""
    folder = tmp_path_factory.mktemp("exam")
    demo.write_mammograms(folder / "demo", reduction=8)
    for path in sorted((folder / "demo").rglob("*.dcm")):
        image = pydicom.dcmread(path)
        if image.Modality != "MG":
            continue
        view = (image.ImageLaterality, "CC" if image.ViewCodeSequence[0].CodeValue == "399162004" else "MLO")
        for year in ("2023", "2025"):
            image.StudyDate, image.StudyInstanceUID = f"{year}0301", f"1.2.{year}"
            image.SeriesInstanceUID = image.SOPInstanceUID = f"1.2.{year}.{'RL'.index(view[0])}.{len(view[1])}"
            image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
            if (year, *view) != ("2025", "L", "MLO"):
                (folder / "two").mkdir(exist_ok=True)
                image.save_as(folder / "two" / f"{year}-{'-'.join(view)}.dcm")
    return folder / "two"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_the_steps_are_told_with_files_missing_views_and_priors(capsys, exam) -> None:
    status, out, _ = run(capsys, "hang", exam)
    assert status == 0
    assert "1  Overview  (2x2)" in out
    assert f"R CC: {exam / '2025-R-CC.dcm'}" in out
    assert "L MLO: not in this exam" in out
    assert "With the prior exam of 20230301:" in out
    assert "1  Overview  (2x4)" in out
    assert f"Prior 2023-03-01 L MLO: {exam / '2023-L-MLO.dcm'}" in out


def test_json_names_every_pane(capsys, exam) -> None:
    status, out, _ = run(capsys, "hang", exam, "--json")
    assert status == 0
    earlier, later = json.loads(out)["studies"]
    assert (earlier["priors"], [prior["date"] for prior in later["priors"]]) == ([], ["20230301"])
    panes = later["steps"][0]["panes"]
    assert [pane["title"] for pane in panes] == ["R CC", "L CC", "R MLO", "L MLO"]
    assert [pane["chest_wall"] for pane in panes] == ["right", "left"] * 2
    assert (panes[3]["uid"], panes[3]["files"]) == (None, [])
    assert later["with_priors"][0]["steps"][0]["panes"][7]["files"] == [str(exam / "2023-L-MLO.dcm")]


def test_framed_says_how_the_pictures_are_turned_and_what_contradicts(capsys, exam, tmp_path) -> None:
    image = pydicom.dcmread(exam / "2025-R-CC.dcm")
    image.PixelData = image.pixel_array[:, ::-1].tobytes()
    image.save_as(tmp_path / "mirrored.dcm")
    status, out, _ = run(capsys, "hang", tmp_path, "--framed")
    assert status == 0
    assert "R CC: mirrored left to right, chest wall right" in out
    assert "note: Orientation tag: chest wall right; picture: left. Hung mirrored." in out
    assert "R CC: as stored, chest wall right" in run(capsys, "hang", exam, "--framed")[1]


def test_nothing_to_hang(capsys, tmp_path) -> None:
    (tmp_path / "page.dcm").write_text("<!DOCTYPE html>")
    status, out, _ = run(capsys, "hang", tmp_path)
    assert status == 1
    assert "0 studies" in out
    assert "page.dcm" in out
    status, _, error = run(capsys, "hang", tmp_path / "nowhere")
    assert status == 1
    assert error.startswith("breastlens: ")
