"""The bundled model of system 000: its card, one phantom slice, and the real exam it never saw."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest

from inference import registry
from inference.exam import MriSlice
from inference.phantoms.mri import make_slice
from inference.result import Finding, Status
from inference.run import run

MODEL = "mri-attention-000"
# Centre of the mass of duke-153 in LPS mm, measured on the subtraction post-1 − pre: patient's right breast (x < 0).
MASS_MM = np.array([-93.0, -108.0, -41.0])


def test_the_card_is_honest_and_small() -> None:
    card = registry.card(MODEL)
    assert card.note == "provisional, demonstration only"
    assert tuple(output.name for output in card.outputs) == ("malignant", "normal", "OB", "IDC", "OM")
    assert card.training["data"]["phantom"]["patients"] > 0
    assert "provisional" in card.metrics["command"]
    assert all(item.bytes < 60_000_000 for item in card.weights)
    assert sum(item.bytes for item in card.weights) < 66_000_000


def test_a_phantom_slice_is_read() -> None:
    phantom = make_slice(9_000_001, kind="IDC", subtraction=False)
    result = run(registry.card(MODEL), MriSlice(phantom.image, True, phantom.plane), device="cpu")
    assert len(result.scores) == 5
    assert all(0 <= score.value <= 1 for score in result.scores)
    assert result.provenance.model_note == "provisional, demonstration only"
    size = np.array(phantom.image.spatial_shape)
    for finding in result.findings:
        corners = np.array([finding.corner_mm, finding.opposite_mm])
        index = phantom.image.map_reference_to_indices(corners)
        assert (index >= -0.51).all()
        assert (index <= size - 0.49).all()


def contains(finding: Finding, point: np.ndarray) -> bool:
    corners = np.array([finding.corner_mm, finding.opposite_mm])
    along = np.reshape(finding.orientation, (2, 3))
    inside = (corners @ along.T).round(6)
    return bool((inside.min(0) <= along @ point).all() and (along @ point <= inside.max(0)).all())


@pytest.mark.real_data
def test_attention_lies_on_the_mass_of_a_real_exam_never_seen(shared_data: Path) -> None:
    card = registry.card(MODEL)
    folder = shared_data / "mri/duke-153/04-ax_dyn_1st_pass"
    headers = {path: pydicom.dcmread(path, stop_before_pixels=True) for path in folder.iterdir()}
    path = min(headers, key=lambda path: abs(headers[path].ImagePositionPatient[2] - MASS_MM[2]))
    image = hd.image.Image.from_dataset(pydicom.dcmread(path)).get_volume()
    result = run(card, MriSlice(image, True, "axial"), device="cpu")
    assert result.status is Status.FINDINGS
    attention = result.heatmaps[0].volume
    peak = np.unravel_index(attention.array.argmax(), attention.shape)
    distance = attention.map_indices_to_reference(np.array([peak], float))[0] - MASS_MM
    assert np.abs(distance[:2]).max() < 40, "the highest cell is not the mass's or a neighbour"
    assert contains(result.findings[0], MASS_MM)
