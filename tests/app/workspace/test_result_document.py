"""Result documents: every part of a result comes back, large maps in steps, and what older programs wrote."""

from __future__ import annotations

import io
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from highdicom import Volume

from app.workspace import result_document
from app.workspace.store import Workspace
from inference.result import (
    CutOff,
    Fact,
    Finding,
    Grade,
    Heatmap,
    Profile,
    Provenance,
    Quantity,
    Result,
    Score,
    Segmentation,
    Status,
)

STUDY = "1.2.840.1"
PLACE = (STUDY, "1.2.840.2", "1.2.840.3", -1)
AFFINE = np.array([[0, 0, 0.6, -100.3], [0, 0.7, 0, 1 / 3], [3.5, 0, 0, 7], [0, 0, 0, 1]])
# What app/workspace/results.py wrote at commit 8b8cff6 (format 1), byte for byte.
FORMAT_1: dict[str, Any] = {
    "format": 1,
    "status": "findings",
    "scores": [
        {"name": "malignant", "title": "Malignant", "value": 0.25, "operating_point": 0.5, "checkpoint": "B"},
        {"name": "normal", "title": "Normal", "value": 1.0, "operating_point": None, "checkpoint": ""},
    ],
    "findings": [
        {
            "name": "attention",
            "score": 0.3,
            "frame_of_reference_uid": "1.2.840.4",
            "corner_mm": [0.1, 0.2, 0.3],
            "opposite_mm": [1.0, 2.0, 3.0],
            "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        }
    ],
    "warnings": ["a warning"],
    "provenance": {
        "model_id": "mri-attention-000",
        "model_version": "0.1.0-provisional",
        "model_title": "Title",
        "model_note": "note",
        "weights_sha256": "ab" * 32,
        "app_version": "0.1.0",
        "device": "cpu",
        "created": "2026-11-20T10:00:00+00:00",
        "seconds": {"predict": 0.5},
    },
    "heatmaps": [
        {
            "name": "attention",
            "title": "Attention",
            "unit": "probability",
            "value_range": [0.0, 0.75],
            "coordinate_system": "PATIENT",
            "frame_of_reference_uid": "1.2.840.4",
        }
    ],
}


def volume(array: np.ndarray) -> Volume:
    return Volume(array, AFFINE, coordinate_system="PATIENT", frame_of_reference_uid="1.2.840.4")


def provenance(model_id: str = "004") -> Provenance:
    return Provenance(model_id, "1", "Title", "note", "ab" * 32, "0.1.0", "cpu", "2026-01-01T00:00:00", {"a": 0.1})


def full(*maps: np.ndarray) -> Result:
    """A result with something in every part."""
    mask = np.zeros((3, 5, 7), np.uint8)
    mask[1, 2:4, 3:6] = 1
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    cut_offs = (CutOff(6, 0.9, 0.2, 1.0, "specificity 1"), CutOff(3, 0.1, 0.95, 0.5, "sensitivity ≥ 0.95"))
    return Result(
        status=Status.FINDINGS,
        scores=(
            Score("malignant", "Malignant", 0.1 + 0.2, 0.5),
            Score("malignant-R", "R", 0.3, subject="Right breast"),
        ),
        heatmaps=tuple(Heatmap(f"map{n}", "Map", volume(array)) for n, array in enumerate(maps)),
        findings=(Finding("box", 0.7, "1.2.840.4", (1.0, 2, 3), (4.0, 5, 6), axes, "Tumour", (2.0, 3.0, 4.0)),),
        warnings=("T2 is missing",),
        provenance=provenance(),
        masks=(Segmentation("tumour", "Tumour", volume(mask), "p ≥ 0.5"),),
        quantities=(Quantity("volume", "Volume", 1 / 3, "ml", "voxels"),),
        grades=(Grade("nodule", "Nodule", 5, 0.95, cut_offs, 12, 30, ((0.9, 0.2, 1.0), (0.1, 0.95, 0.5)), ("few",)),),
        profiles=(Profile("box-1", "Box 1", ((1.0, 2.0, 3.0), (1.0, 2.0, 6.5)), (0.25, 0.75)),),
        facts=(Fact("Images read", "pre; post 1"),),
    )


def assert_same(got: Result, expected: Result) -> None:
    for part in fields(Result):
        if part.name not in ("heatmaps", "masks"):
            assert getattr(got, part.name) == getattr(expected, part.name), part.name
    for name in ("heatmaps", "masks"):
        pairs = list(zip(getattr(got, name), getattr(expected, name), strict=True))
        for one, other in pairs:
            assert replace(one, volume=None) == replace(other, volume=None)
            assert one.volume.array.dtype == other.volume.array.dtype
            np.testing.assert_array_equal(one.volume.array, other.volume.array)
            np.testing.assert_array_equal(one.volume.affine, other.volume.affine)
            assert one.volume.frame_of_reference_uid == other.volume.frame_of_reference_uid


def test_every_part_of_a_result_comes_back_after_a_restart(folder: Path) -> None:
    some = np.random.default_rng(0).random((2, 4, 5)).astype(np.float32)
    some[0, 0, 0] = np.nan
    written = full(some, np.arange(6.0).reshape(1, 2, 3))
    with Workspace.open(folder) as workspace:
        workspace.save_result(*PLACE, written)
    with Workspace.open(folder) as workspace:
        (stored,) = workspace.results(STUDY)
        assert stored.slice_index == -1
        assert_same(stored.result, written)
        assert workspace.check() == ()


def test_what_older_programs_wrote_is_still_read() -> None:
    values = (np.arange(6, dtype=np.float32) / 8).reshape(1, 2, 3)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, array0=values, affine0=AFFINE)
    result = result_document.result_of(FORMAT_1, buffer.getvalue())
    assert [score.value for score in result.scores] == [0.25, 1.0]
    assert result.scores[0].subject == ""
    assert result.findings[0].corner_mm == (0.1, 0.2, 0.3)
    assert (result.findings[0].title, result.findings[0].spot_mm) == ("", None)
    assert result.heatmaps[0].value_range == (0.0, 0.75)
    np.testing.assert_array_equal(result.heatmaps[0].volume.array, values)
    assert (result.masks, result.grades, result.facts) == ((), (), ())
    newer = {**FORMAT_1, "format": 4}
    with pytest.raises(ValueError, match="newer"):
        result_document.result_of(newer)


def test_a_large_map_is_stored_in_steps_and_shown_as_stored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_document, "LARGE", 1000)
    values = np.random.default_rng(1).random((4, 20, 30)).astype(np.float32)
    values[0, 0, :3] = np.nan  # not read
    values[1, 2, 3], values[1, 2, 4] = 1.0, 0.9999  # told apart
    beyond = np.full((4, 20, 30), 1e6, np.float32)
    with Workspace.open(folder) as workspace:
        saved = workspace.save_result(*PLACE, full(values, beyond))
        (stored,) = workspace.results(STUDY)
        (file,) = (folder / "arrays").iterdir()
    assert_same(stored.result, saved.result)
    shown = stored.result.heatmaps[0].volume.array
    assert shown.dtype == np.float32
    assert 0 < np.nanmax(np.abs(shown - values)) <= 1e-5
    np.testing.assert_array_equal(np.isnan(shown), np.isnan(values))
    assert shown[1, 2, 3] == 1.0 > shown[1, 2, 4]
    np.testing.assert_array_equal(stored.result.heatmaps[1].volume.array, beyond)
    with np.load(file) as arrays:
        assert arrays["array0"].dtype == np.uint16
        assert arrays["mask0"].nbytes == -(-3 * 5 * 7 // 8)


def test_only_the_newest_of_an_image_and_model_is_read_when_asked(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        old = workspace.save_result(*PLACE, full(np.zeros((1, 2, 2))))
        other = workspace.save_result(*PLACE, replace(full(), provenance=provenance("003")))
        new = workspace.save_result(*PLACE, full(np.ones((1, 2, 2))))
        slice_ = workspace.save_result(*PLACE[:3], 4, full())
        assert [one.uid for one in workspace.results(STUDY)] == [old.uid, other.uid, new.uid, slice_.uid]
        assert [one.uid for one in workspace.results(STUDY, newest=True)] == [other.uid, new.uid, slice_.uid]
