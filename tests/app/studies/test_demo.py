"""The demo studies: what they hold, that they are valid DICOM, and that writing them can be stopped and repeated."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from app.studies import demo
from app.studies.demo import DCE_LAYOUTS, write_dce, write_demo, write_mammograms
from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.mammo import Detector, make_mammogram
from inference.phantoms.mri import DcePhantom, make_dce
from inference.progress import Cancelled, Progress


@pytest.fixture(scope="module")
def phantom() -> DcePhantom:
    return make_dce(1, size=(5, 48, 48), spacing_mm=(12.0, 7.0, 7.0), lesions=("IDC",))


@pytest.fixture(scope="module")
def mammograms(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return write_mammograms(tmp_path_factory.mktemp("mg"), reduction=4)


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch, phantom: DcePhantom) -> None:
    """The demo at a size that takes a second."""

    def mammograms(folder: Path, progress: Progress | None = None) -> tuple[Path, ...]:
        return write_mammograms(folder, progress, reduction=8)

    def examination(*_args: object, progress: Progress | None = None, **_options: object) -> DcePhantom:
        (progress or Progress()).report(0.5, "slice")
        return phantom

    monkeypatch.setattr(demo, "write_mammograms", mammograms)
    monkeypatch.setattr(demo, "make_dce", examination)


def read_all(folder: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]


def test_four_views_with_their_tags(mammograms: tuple[Path, ...]):
    images = [pydicom.dcmread(path) for path in mammograms]
    views = {(d.ImageLaterality, d.ViewCodeSequence[0].CodeValue): d for d in images}
    assert set(views) == {(side, code) for side in "RL" for code in ("399162004", "399368009")}
    assert len({d.StudyInstanceUID for d in images}) == 1
    assert len({d.SOPInstanceUID for d in images}) == 4
    for d in images:
        assert "BREASTLENS PHANTOM" in d.SeriesDescription
        assert d.PatientName == "Demo^Mammogram"
        assert [float(v) for v in d.ImagerPixelSpacing] == pytest.approx([0.3764, 0.3764])
        assert (d.BitsAllocated, d.BitsStored) == (16, 12)
        assert d.pixel_array.max() <= 4095
    assert views["L", "399368009"].PatientOrientation == ["A", "FR"]
    assert views["R", "399162004"].PatientOrientation == ["P", "L"]
    assert {d.get("VOILUTFunction") for d in images} == {"LINEAR", "SIGMOID"}


def test_the_inverted_view_shows_the_same_picture(mammograms: tuple[Path, ...]):
    d = next(d for d in map(pydicom.dcmread, mammograms) if d.PhotometricInterpretation == "MONOCHROME1")
    assert d.PresentationLUTShape == "INVERSE"
    detector = Detector(d.pixel_array.shape, 0.0941 * 4)
    picture = make_mammogram(demo._MAMMOGRAM_SEED, "R", "MLO", detector=detector, lesions=()).image.array[0]
    assert np.array_equal(4095 - d.pixel_array, picture)


def test_one_series_per_phase(tmp_path: Path, phantom: DcePhantom):
    write_dce(tmp_path, phantom)
    images = read_all(tmp_path)
    dynamic = [d for d in images if "dyn" in d.SeriesDescription]
    assert len({d.SeriesInstanceUID for d in dynamic}) == 5
    assert len({d.FrameOfReferenceUID for d in images}) == 1
    assert len(dynamic) == 25
    assert len(images) - 25 == phantom.t2.array.shape[0]
    times = sorted({d.AcquisitionTime for d in dynamic})
    assert times[0] == "101500.000000"
    assert times[1] == "101645.000000"  # 105 s later
    for d in dynamic:
        phase = d.TemporalPositionIdentifier - 1
        volume = (phantom.pre, *phantom.posts)[phase]
        assert ("ContrastBolusAgent" in d) == (phase > 0)
        index = d.InstanceNumber - 1
        assert np.array_equal(d.pixel_array, volume.array[index])
        np.testing.assert_allclose(
            [float(v) for v in d.ImagePositionPatient], (volume.affine @ (index, 0, 0, 1))[:3], atol=1e-3
        )


def test_layouts_differ_as_archives_do(tmp_path: Path, phantom: DcePhantom):
    read = {}
    for number, (name, layout) in enumerate(DCE_LAYOUTS.items()):
        write_dce(tmp_path / str(number), phantom, layout)
        images = read_all(tmp_path / str(number))
        assert len({d.SOPInstanceUID for d in images}) == len(images)
        assert len({d.StudyInstanceUID for d in images}) == 1
        read[name] = [d for d in images if "dyn" in d.SeriesDescription]
    assert len({d.SeriesInstanceUID for d in read["all phases in one series"]}) == 1
    assert all("TriggerTime" in d for d in read["trigger times"])
    assert not any("TriggerTime" in d or "TemporalPositionIdentifier" in d for d in read["missing trigger times"])
    assert not any("AcquisitionTime" in d or "TemporalPositionIdentifier" in d for d in read["no times at all"])
    shuffled = sorted(read["shuffled"], key=lambda d: d.InstanceNumber)
    heights = [float(d.ImagePositionPatient[2]) for d in shuffled]
    assert heights != sorted(heights)
    assert len({d.InstanceNumber for d in shuffled}) == 25


@pytest.mark.usefixtures("small_demo")
def test_writing_twice_changes_nothing(tmp_path: Path):
    folder = write_demo(tmp_path / "demo")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert len(list(folder.rglob("*.dcm"))) > 20
    assert write_demo(folder) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert [p.name for p in tmp_path.iterdir()] == ["demo"]


@pytest.mark.usefixtures("small_demo")
def test_another_version_is_replaced_and_other_files_stay(tmp_path: Path):
    old = tmp_path / "demo" / "phantoms-0" / "mri"
    old.mkdir(parents=True)
    (old / "old.dcm").write_bytes(b"old")
    (tmp_path / "demo" / "thesis.txt").write_text("mine")
    folder = write_demo(tmp_path / "demo")
    assert sorted(p.name for p in folder.iterdir()) == [f"phantoms-{GENERATOR_VERSION}", "thesis.txt"]
    assert len(list(folder.rglob("mammogram/*.dcm"))) == 4


@pytest.mark.usefixtures("small_demo")
@pytest.mark.parametrize("stop", [0.1, 0.5, 0.95])
def test_cancel_leaves_nothing_behind(tmp_path: Path, stop: float):
    progress = Progress(lambda fraction, _text: progress.cancel() if fraction >= stop else None)
    with pytest.raises(Cancelled):
        write_demo(tmp_path / "demo", progress)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian package dicom3tools) is not installed")
def test_headers_pass_the_dicom_validator(tmp_path: Path, phantom: DcePhantom, mammograms: tuple[Path, ...]):
    written = write_dce(tmp_path, phantom)
    for path in (*mammograms, written[0], written[-1], written[12]):
        checked = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
        complaints = [
            line for line in (checked.stdout + checked.stderr).splitlines() if "Error" in line or "Warning" in line
        ]
        assert complaints == [], path.name
