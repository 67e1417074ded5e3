"""Fixtures for the whole suite: real images where present, offscreen Qt, no network."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from pathlib import Path
from types import ModuleType

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "2")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images beside the checkout; the test skips where it is absent."""
    folder = Path(os.environ.get("BREASTLENS_SHARED_DATA", SHARED_DATA))
    if not (folder / "README.md").exists():
        pytest.skip(f"no real images at {folder} (they are never committed)")
    return folder


@pytest.fixture(scope="session")
def mri_exams() -> ModuleType:
    """Write breast MRI exams of many kinds; tests are not importable packages."""
    spec = importlib.util.spec_from_file_location("mri_exams", Path(__file__).with_name("mri_exams.py"))
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # data classes look their module up
    spec.loader.exec_module(made)
    return made


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """BreastLens opens no socket; a test that tries to connect to another host fails."""
    real_connect = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            raise AssertionError(f"a connection to {address!r} was tried")
        real_connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Settings and workspace of the person who runs the tests are never touched."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("BREASTLENS_HOME", str(home))
