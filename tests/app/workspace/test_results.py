"""Results: bit for bit after a restart; without their maps, they still say what is known and what is lost."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom import RGB_COLOR_CHANNEL_DESCRIPTOR, Volume
from hypothesis import given
from hypothesis import strategies as st

from app.workspace import result_document
from app.workspace.errors import WorkspaceError
from app.workspace.store import Workspace
from inference.result import Finding, Heatmap, Provenance, Result, Score, Status

STUDY = "1.2.840.1"
PLACE = (STUDY, "1.2.840.2#1", "1.2.840.3", 17)
AFFINE = np.array([[0.0, 0.1, 0.6, -100.3], [0.0, 0.7, 0.2, 1 / 3], [3.5, 0.0, 0.0, 7.0], [0.0, 0.0, 0.0, 1.0]])
AFFINE[:3, :3] = np.diag([3.5, 0.7, 0.6])[[2, 1, 0]][:, [0, 1, 2]]


def volume(array: np.ndarray) -> Volume:
    return Volume(array, AFFINE, coordinate_system="PATIENT", frame_of_reference_uid="1.2.840.4")


def result(*arrays: np.ndarray, seed: float = 0.1) -> Result:
    heatmaps = tuple(
        Heatmap(f"map{n}", f"Map {n}", volume(array), "probability", (0.0, 0.3 + seed))
        for n, array in enumerate(arrays)
    )
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    return Result(
        status=Status.FINDINGS,
        scores=(Score("malignant", "Malignant", seed / 3, 0.5, "B"), Score("MG", "Normal", 1.0)),
        heatmaps=heatmaps,
        findings=(Finding("attention", 0.1 + 0.2, "1.2.840.4", (0.1, 0.2, 0.3), (1.0, 2.0, 3.0), axes),),
        warnings=("Sehr ungewöhnlich",),
        provenance=Provenance(
            "000", "1", "Title", "note", "ab" * 32, "0.1.0", "cpu", "2026-01-01T00:00:00", {"a": 0.1}
        ),
    )


def assert_same(got: Result, expected: Result) -> None:
    assert replace(got, heatmaps=()) == replace(expected, heatmaps=())
    assert isinstance(got.status, Status)
    assert len(got.heatmaps) == len(expected.heatmaps)
    for one, other in zip(got.heatmaps, expected.heatmaps, strict=True):
        assert replace(one, volume=None) == replace(other, volume=None)  # type: ignore[arg-type]
        assert one.volume.array.dtype == other.volume.array.dtype
        np.testing.assert_array_equal(one.volume.array, other.volume.array)
        np.testing.assert_array_equal(one.volume.affine, other.volume.affine)
        assert one.volume.frame_of_reference_uid == other.volume.frame_of_reference_uid
        assert one.volume.coordinate_system == other.volume.coordinate_system


def test_a_result_comes_back_bit_for_bit_after_a_restart(folder: Path) -> None:
    noise = np.random.default_rng(0).random((1, 8, 11)).astype(np.float32)
    first = result(noise, np.arange(24, dtype=np.uint16).reshape(2, 3, 4))
    second = result(seed=0.7)
    with Workspace.open(folder) as workspace:
        saved = workspace.save_result(*PLACE, first)
        assert (saved.study_uid, saved.stack_uid, saved.sop_instance_uid, saved.slice_index) == PLACE
        assert saved.result is first
        workspace.save_result(*PLACE, second)
    with Workspace.open(folder) as workspace:
        one, two = workspace.results(STUDY)
        assert replace(one, result=first) == saved
        assert_same(one.result, first)
        assert_same(two.result, second)
        assert workspace.results("another study") == ()
        assert workspace.check() == ()
        assert workspace.notices == ()


@given(value=st.floats(allow_nan=False), low=st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_survives_the_document(value: float, low: float) -> None:
    written = replace(result(seed=0.5), scores=(Score("a", "A", value, low),))
    assert result_document.result_of(result_document.document_of(written)) == written


@pytest.mark.parametrize("loss", ["missing", "altered", "cut"])
def test_a_result_without_its_maps_keeps_its_scores(loss: str, workspace: Workspace, folder: Path) -> None:
    whole = result(np.ones((1, 8, 11), np.float32))
    workspace.save_result(*PLACE, whole)
    (file,) = (folder / "arrays").iterdir()
    content = file.read_bytes()
    if loss == "missing":
        file.unlink()
    else:
        file.write_bytes(content[:-20] if loss == "cut" else content[:200] + bytes([content[200] ^ 1]) + content[201:])
    (stored,) = workspace.results(STUDY)
    assert stored.result.scores == whole.scores
    assert stored.result.heatmaps == ()
    assert stored.result.warnings[:-1] == whole.warnings
    assert str(file) in stored.result.warnings[-1]
    assert ("cannot be read" if loss == "missing" else "was altered") in stored.result.warnings[-1]
    assert workspace.check() == (stored.result.warnings[-1],)


def test_nothing_is_unpickled(workspace: Workspace, folder: Path) -> None:
    """Even a file whose hash somebody made fit."""
    workspace.save_result(*PLACE, result(np.ones((1, 2, 2))))
    (file,) = (folder / "arrays").iterdir()
    np.savez(file, array0=np.array([[[None]]], dtype=object), affine0=AFFINE)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as other, other:
        other.execute("UPDATE results SET arrays_sha256 = ?", (digest,))
    assert workspace.results(STUDY) == ()
    assert "allow_pickle=False" in workspace.notices[0]


def test_a_map_with_channels_is_refused(workspace: Workspace, folder: Path) -> None:
    colours = Volume(
        np.zeros((1, 2, 2, 3), np.uint8),
        AFFINE,
        coordinate_system="PATIENT",
        channels={RGB_COLOR_CHANNEL_DESCRIPTOR: ["R", "G", "B"]},
    )
    with pytest.raises(WorkspaceError, match="has channels"):
        workspace.save_result(*PLACE, replace(result(), heatmaps=(Heatmap("a", "A", colours),)))
    assert not (folder / "arrays").exists()


def test_deleting_a_result_takes_its_file_along(workspace: Workspace, folder: Path) -> None:
    keep = workspace.save_result(*PLACE, result(np.zeros((1, 2, 2))))
    drop = workspace.save_result(*PLACE, result(np.ones((1, 2, 2))))
    workspace.delete_result(drop.uid)
    workspace.delete_result("unknown")
    assert [stored.uid for stored in workspace.results(STUDY)] == [keep.uid]
    assert [file.stem for file in (folder / "arrays").iterdir()] == [keep.uid]


def test_a_result_of_a_newer_program_is_skipped_and_said_once(workspace: Workspace, folder: Path) -> None:
    workspace.save_result(*PLACE, result(seed=0.1))
    workspace.save_result(*PLACE, result(seed=0.2))
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as other, other:
        other.execute("UPDATE results SET document = json_set(document, '$.format', 4) WHERE id = 1")
    for _ in range(2):
        assert [stored.result.scores[0].value for stored in workspace.results(STUDY)] == [0.2 / 3]
        assert len(workspace.notices) == 1
    assert "cannot be read by this version" in workspace.notices[0]


def test_a_full_disk_saves_nothing_by_halves(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(WorkspaceError, match="No space left"):
            workspace.save_result(*PLACE, result(np.zeros((1, 2, 2))))
    assert list((folder / "arrays").iterdir()) == []
    assert workspace.results(STUDY) == ()
    workspace.save_result(*PLACE, result(np.zeros((1, 2, 2))))
    assert len(workspace.results(STUDY)) == 1
