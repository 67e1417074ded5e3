"""The command line as a user meets it: output, files written, exit status, sentences for bad input."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_voi_lut

from app.__main__ import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.real_data
def test_scan_finds_the_dynamic_series_in_order(capsys: pytest.CaptureFixture[str], shared_data: Path) -> None:
    status, out, _ = run(capsys, "scan", shared_data / "mri" / "duke-153", "--json")
    (study,) = json.loads(out)["studies"]
    (dynamic,) = study["dynamics"]
    assert status == 0
    assert dynamic["pre_index"] == 0
    assert [round(phase["seconds"]) for phase in dynamic["phases"]] == [0, 1371, 1493, 1615, 1737]


def test_scan_lists_each_skipped_file_with_its_reason(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "page.dcm").write_text("<!DOCTYPE html><html></html>")
    (tmp_path / "model.dcm").write_bytes(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94.")
    status, out, _ = run(capsys, "scan", tmp_path)
    assert status == 1
    assert "Skipped 2" in out
    assert "page.dcm: " in out
    assert "model.dcm: " in out


@pytest.mark.parametrize(
    "command", [("scan",), ("render", "--out", "x.png"), ("analyse", "--model", "m", "--out", "d")]
)
def test_a_path_that_is_not_there_is_answered_by_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: tuple[str, ...]
) -> None:
    status, out, error = run(capsys, command[0], tmp_path / "nowhere", *command[1:])
    assert status == 1
    assert out == ""
    assert error.startswith("breastlens: ")
    assert "Traceback" not in error


@pytest.mark.real_data
@pytest.mark.parametrize("bits", [8, 16])
def test_render_agrees_with_pydicom(
    capsys: pytest.CaptureFixture[str], shared_data: Path, tmp_path: Path, bits: int
) -> None:
    """Independent oracle: pydicom's own VOI transformation of the same file, scaled to the output range."""
    source = shared_data / "mammography-dicom" / "nema_wg04_MG1_film_LMLO_j2k_lossy.dcm"
    out = tmp_path / "film.png"
    assert run(capsys, "render", source, "--out", out, "--bits", bits)[0] == 0
    image = pydicom.dcmread(source)
    pixels = image.pixel_array
    span = 2**image.BitsStored - 1
    expected = apply_voi_lut(pixels, image) / span * (2**bits - 1)
    ours = cv2.imread(str(out), cv2.IMREAD_UNCHANGED).astype(float)
    assert ours.shape == pixels.shape
    assert np.abs(ours - expected).max() <= 1.01


@pytest.mark.real_data
def test_render_inverts_and_takes_another_window(
    capsys: pytest.CaptureFixture[str], shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "transfer-syntaxes" / "RG3_J2KR.dcm"
    plain, inverted, narrow = tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png"
    run(capsys, "render", source, "--out", plain)
    run(capsys, "render", source, "--out", inverted, "--invert")
    run(capsys, "render", source, "--out", narrow, "--window", 500, 10)
    first, second, third = (
        cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(int) for path in (plain, inverted, narrow)
    )
    assert np.abs(first + second - 255).max() <= 1
    assert np.isin(third, (0, 255)).mean() > 0.9


@pytest.mark.real_data
def test_render_refuses_a_frame_that_is_not_there(
    capsys: pytest.CaptureFixture[str], shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "mini-mias" / "mdb001.dcm"
    status, _, error = run(capsys, "render", source, "--out", tmp_path / "x.png", "--frame", 2)
    assert status == 1
    assert "There is no frame 2" in error
    assert not (tmp_path / "x.png").exists()


@pytest.mark.real_data
def test_render_lists_the_windows_of_the_file(
    capsys: pytest.CaptureFixture[str], shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "mammography-dicom" / "fodicom_GH133_GE_RMLO_jpegll.dcm"
    _, out, _ = run(capsys, "render", source, "--out", tmp_path / "x.png", "--list")
    assert out.count("SIGMOID") == 3
    assert not (tmp_path / "x.png").exists()


def test_models_lists_what_a_model_accepts_and_its_standing(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "models", "--json")
    assert status == 0
    listed = {card["id"]: card for card in json.loads(out)["models"]}
    assert listed["mri-attention-000"]["note"] == "provisional, demonstration only"
    assert [o["name"] for o in listed["mri-attention-000"]["outputs"]] == ["malignant", "normal", "OB", "IDC", "OM"]


@pytest.mark.real_data
@pytest.mark.slow
def test_analyse_writes_json_and_overlay_with_the_map_on_its_place(
    capsys: pytest.CaptureFixture[str], shared_data: Path, tmp_path: Path
) -> None:
    status, _, error = run(
        capsys, "analyse", shared_data / "mri" / "duke-153", "--model", "mri-attention-000",
        "--out", tmp_path, "--slice", 31, "--phase", 2,
    )  # fmt: skip
    assert status == 0, error
    (written,) = tmp_path.glob("*/result.json")
    (image,) = json.loads(written.read_text())["images"]
    assert {score["name"] for score in image["scores"]} == {"malignant", "normal", "OB", "IDC", "OM"}
    assert all(0 <= score["value"] <= 1 for score in image["scores"])
    assert len(image["provenance"]["weights_sha256"]) == 64
    affine = np.array(image["heatmaps"][0]["affine_lps_mm"])
    assert np.array(image["heatmaps"][0]["values"]).shape == (1, 8, 11)
    # 448 columns of 0.7589 mm on 345: a cell of 32 input pixels is 32 x 448 / 345 x 0.7589 mm wide
    assert np.linalg.norm(affine[:3, 2]) == pytest.approx(32 * 448 / 345 * 0.7589, rel=1e-3)
    assert cv2.imread(str(written.parent / image["overlays"][0])) is not None


@pytest.mark.real_data
def test_analyse_refuses_a_mammogram_with_the_reason(
    capsys: pytest.CaptureFixture[str], shared_data: Path, tmp_path: Path
) -> None:
    source = shared_data / "mini-mias" / "mdb001.dcm"
    status, _, error = run(capsys, "analyse", source, "--model", "mri-attention-000", "--out", tmp_path)
    assert status == 1
    assert "could read nothing" in error
    assert "slices of breast MRI" in error


def test_analyse_names_the_models_when_asked_for_another(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, _, error = run(capsys, "analyse", tmp_path, "--model", "no-such-model", "--out", tmp_path)
    assert status == 1
    assert "mri-attention-000" in error


@pytest.mark.real_data
def test_a_zip_is_scanned_like_a_folder(capsys: pytest.CaptureFixture[str], shared_data: Path, tmp_path: Path) -> None:
    packed = tmp_path / "films.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("mdb001.dcm", "mdb002.dcm"):
            archive.write(shared_data / "mini-mias" / name, f"films/{name}")
    _, out, _ = run(capsys, "scan", packed, "--json")
    (study,) = json.loads(out)["studies"]
    assert sorted(series["label"] for series in study["series"]) == ["L MLO", "R MLO"]


def test_doctor_reports_versions_decoders_and_workspace(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "doctor", "--json")
    report = json.loads(out)
    assert status == 0, report["problems"]
    assert report["problems"] == []
    assert len(report["decoders"]) >= 12
    assert all(report["decoders"].values())
    assert "cpu" in report["devices"]


def test_help_and_version_state_research_use(capsys: pytest.CaptureFixture[str]) -> None:
    for argument in ("--help", "--version"):
        with pytest.raises(SystemExit) as stop:
            main([argument])
        assert stop.value.code == 0
        assert "Research use only" in capsys.readouterr().out


def test_the_window_without_a_display_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    status, _, error = run(capsys, "window")
    assert status == 1
    assert "make run" in error
