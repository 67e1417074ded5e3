"""Fixtures for tests of the conductor: models without networks, and small studies written as DICOM."""

from __future__ import annotations

import importlib.util
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
import pytest

from app.settings import home
from app.studies.scan import scan
from app.studies.study import Study
from inference.card import ModelCard
from inference.registry import card as find_card

MG = "1.2.840.10008.5.1.4.1.1.1.2"


@pytest.fixture(scope="session")
def fakes() -> ModuleType:
    """The module ``tests/fake_models.py``; tests are not importable packages."""
    spec = importlib.util.spec_from_file_location("fake_models", Path(__file__).parents[1] / "fake_models.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def fake_family(fakes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The fake family in the place of one with networks, and its cards in the user's folder of models."""
    made = fakes.family()
    monkeypatch.setitem(sys.modules, made.__name__, made)
    monkeypatch.setattr("inference.devices.describe", lambda device: device.upper())  # torch is not imported
    monkeypatch.setattr("inference.run._models", OrderedDict())
    fakes.write_cards(home() / "models")
    return made


@pytest.fixture
def fake_card(fake_family: ModuleType) -> Callable[[str], ModelCard]:
    """Return one of the fake models' cards by its id."""
    return lambda model_id: find_card(model_id, [home() / "models"])


@pytest.fixture(scope="session")
def dce_source(mri_exams: ModuleType) -> Any:
    """Two breasts as blocks in air, five phases, a lesion in the left one (x > 0) that washes out."""
    k, j, i = np.indices((20, 40, 64))
    inside = (j > 4) & ((np.abs(i - 16) < 13) | (np.abs(i - 48) < 13))
    lesion = (k - 10) ** 2 + (j - 20) ** 2 + (i - 48) ** 2 < 20
    pre = np.where(inside, 300 + 2 * j + k, 0)
    phases = [np.where(inside, pre + n * 3, 0) + lesion * gain for n, gain in enumerate((0, 500, 460, 400, 360))]
    affine = np.array([[0, 0, 4.0, -126], [0, 4.0, 0, -80], [4.0, 0, 0, -38], [0, 0, 0, 1]])
    return mri_exams.Source(tuple(values.astype(np.uint16) for values in phases), affine, (0, 120, 210, 300, 390))


@pytest.fixture
def dce_study(mri_exams: ModuleType, dce_source: Any, tmp_path: Path) -> Callable[[str], Study]:
    """Write an exam of a kind of ``tests/mri_exams.py`` and scan it."""

    def make(kind: str = "axial") -> Study:
        (study,) = scan(mri_exams.write(kind, dce_source, tmp_path / kind)).studies
        return study

    return make


@pytest.fixture
def write_mammogram() -> Callable[..., Path]:
    """Write one mammogram as DICOM; keyword arguments are attributes, ``pixels`` the stored values."""

    def write(folder: Path, side: str = "R", view: str = "CC", **values: Any) -> Path:
        pixels = values.pop("pixels", None)
        if pixels is None:
            pixels = (np.add.outer(np.arange(96), np.arange(64)) * 20).astype(np.uint16)
        made = pydicom.Dataset()
        made.SOPClassUID, made.Modality = MG, "MG"
        made.PatientName, made.PatientID = "Test^Mammogram", values.pop("PatientID", "MG-1")
        made.StudyInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[made.PatientID])
        made.SeriesInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[made.PatientID, side, view])
        made.SOPInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[made.PatientID, side, view, str(sorted(values))])
        made.StudyDate, made.StudyTime, made.SeriesNumber = "20240102", "101500", 1
        made.ImageLaterality, made.ViewPosition = side, view
        made.ImagerPixelSpacing, made.PresentationIntentType = [0.1, 0.1], "FOR PRESENTATION"
        made.WindowCenter, made.WindowWidth, made.PhotometricInterpretation = 1500, 3000, "MONOCHROME2"
        made.Rows, made.Columns, made.SamplesPerPixel, made.PixelRepresentation = *pixels.shape, 1, 0
        made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
        for keyword, value in values.items():
            setattr(made, keyword, value)
        made.add_new("PixelData", "OW", pixels.tobytes())
        meta = pydicom.dataset.FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        made.file_meta = meta
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{side}-{view}.dcm"
        pydicom.dcmwrite(path, made, enforce_file_format=True)
        return path

    return write
