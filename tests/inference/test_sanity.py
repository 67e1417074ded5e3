"""Pointing game, energy in the box and weight randomisation, against values worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import highdicom as hd
import numpy as np
import pytest
import torch

from inference import run as engine
from inference.errors import EngineError
from inference.result import Heatmap, Status
from inference.sanity import map_quality, randomisation_check
from inference.sanity.randomisation import shuffle


@dataclass(frozen=True)
class Box:
    corner_mm: tuple[float, float, float]
    opposite_mm: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float] = (1, 0, 0, 0, 1, 0)


def axial(array: np.ndarray, step: float = 10.0, between: float = 3.0) -> Heatmap:
    """Cells of ``step`` mm; the outer edge of the first cell lies at x = y = 0, slice 0 at z = 0."""
    affine = np.array([[0, 0, step, step / 2], [0, step, 0, step / 2], [between, 0, 0, 0], [0, 0, 0, 1]], float)
    return Heatmap("m", "Map", hd.Volume(array.astype(np.float32), affine, "PATIENT", frame_of_reference_uid="1.2"))


def test_a_uniform_map_has_the_energy_of_the_boxes_area() -> None:
    quality = map_quality(axial(np.ones((1, 8, 10))), [Box((20, 20, 0), (50, 40, 0))])
    assert quality.energy == pytest.approx(30 * 20 / (100 * 80))
    assert quality.uniform == pytest.approx(quality.energy)
    assert quality.gain == pytest.approx(1.0)


def test_the_maximum_is_hit_or_missed_by_its_distance() -> None:
    array = np.zeros((1, 8, 10))
    array[0, 3, 4] = 1.0  # centre at x = 45, y = 35
    hit = map_quality(axial(array), [Box((40, 30, 0), (50, 40, 0))])
    assert hit.hit
    assert hit.distance_mm == 0
    assert hit.maximum_mm == (45, 35, 0)
    missed = map_quality(axial(array), [Box((60, 30, 0), (80, 40, 0))])
    assert not missed.hit
    assert missed.distance_mm == pytest.approx(60 - 45)
    assert map_quality(axial(array), [Box((60, 30, 0), (80, 40, 0))], tolerance_mm=20).hit
    assert missed.energy == 0


@pytest.mark.parametrize("half", [0.2, 1.0, 2.0, 5.0, 12.0])
def test_a_box_around_the_maximum_is_a_hit_however_small(half: float) -> None:
    array = np.zeros((1, 8, 10))
    array[0, 3, 4] = 1.0
    quality = map_quality(axial(array), [Box((45 - half, 35 - half, 0), (45 + half, 35 + half, 0))])
    assert quality.hit
    assert quality.distance_mm == 0
    area = (2 * half) ** 2 / (100 * 80)
    assert quality.uniform == pytest.approx(area, rel=0.5)  # the finest points are a quarter of the box apart
    # a tent of 20 mm at the foot in each direction, whose integral is 10 mm; the box takes its middle
    across = 2 * half - half**2 / 10 if half <= 10 else 10
    assert quality.energy == pytest.approx((across / 10) ** 2, rel=0.15)


def test_a_box_in_another_plane_is_compared_in_that_plane() -> None:
    """Sagittal box on an axial map: cells of its column, cut finer along the slices."""
    array = np.zeros((5, 8, 10))
    array[2, 3, 4], array[2, 3, 8] = 1.0, 9.0
    sagittal = (0, 1, 0, 0, 0, -1)
    hit = map_quality(axial(array, between=9.0), [Box((45, 33, 20), (45, 37, 16), sagittal)])
    assert hit.hit
    assert hit.maximum_mm == (45, 35, 18)
    assert 0 < hit.uniform < 0.01
    missed = map_quality(axial(array, between=9.0), [Box((45, 33, 30), (45, 37, 26), sagittal)])
    assert missed.distance_mm == pytest.approx(8)


def test_of_a_repeated_last_cell_the_first_is_the_maximum() -> None:
    """Maps of system 003 repeat their last cells, so that they reach the end of the crop."""
    array = np.zeros((4, 4, 4))
    array[2, 2, 2] = 1.0
    repeated = np.pad(array[:3, :3, :3], (0, 1), mode="edge")
    quality = map_quality(axial(repeated), [Box((20, 20, 6), (30, 30, 6))])
    assert quality.hit
    assert quality.maximum_mm == (25, 25, 6)


def test_boxes_beside_the_map_are_left_out() -> None:
    array = np.zeros((1, 8, 10))
    array[0, 3, 4] = 1.0
    on, beside = Box((60, 30, 0), (80, 40, 0)), Box((46, 90, 0), (60, 99, 0))
    both, alone = map_quality(axial(array), [on, beside]), map_quality(axial(array), [on])
    assert both == alone
    assert both.boxes == 1
    with pytest.raises(EngineError, match="No box lies on the part"):
        map_quality(axial(array), [beside])
    array[0, :, 6:] = np.nan
    with pytest.raises(EngineError, match="No box lies on the part"):
        map_quality(axial(array), [on])  # on cells that were not read


def test_other_slices_are_left_out_and_an_oblique_frame_changes_nothing() -> None:
    array = np.zeros((3, 8, 10))
    array[0, 1, 1], array[1, 3, 4], array[2, 6, 8] = 5.0, 1.0, 9.0
    plain = map_quality(axial(array), [Box((40, 30, 3), (50, 40, 3))])
    assert plain.hit
    angle = np.deg2rad(25)
    turn = np.eye(4)
    turn[:3, :3] = [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    turn[:3, 3] = (7, -40, 12)
    heatmap = axial(array)
    turned = replace(heatmap, volume=hd.Volume(heatmap.volume.array, turn @ heatmap.volume.affine, "PATIENT"))
    corners = [tuple((turn @ [*corner, 1])[:3]) for corner in ((40, 30, 3), (50, 40, 3))]
    box = Box(corners[0], corners[1], (*turn[:3, 0], *turn[:3, 1]))
    oblique = map_quality(turned, [box])
    assert oblique.hit
    assert oblique.energy == pytest.approx(plain.energy)


def test_nan_is_not_read_and_negative_values_are_no_energy() -> None:
    array = np.full((1, 4, 4), np.nan)
    array[0, :2, :2] = 1.0
    array[0, 2:, 2:] = -3.0
    quality = map_quality(axial(array), [Box((0, 0, 0), (20, 10, 0))])
    assert quality.energy == pytest.approx(0.5, abs=0.12)  # interpolation to the negative corner takes a little
    with pytest.raises(EngineError, match="no box"):
        map_quality(axial(array), [])
    with pytest.raises(EngineError, match="No box lies"):
        map_quality(axial(array), [Box((0, 0, 90), (20, 10, 90))])
    with pytest.raises(EngineError, match="is empty"):
        map_quality(axial(np.zeros((1, 4, 4))), [Box((0, 0, 0), (20, 10, 0))])


class _Family:
    """A family whose first map is the network's and whose second is the image itself, whatever the weights."""

    def __init__(self, *, both: bool) -> None:
        self.both = both
        torch.manual_seed(0)
        self.network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.Conv2d(4, 1, 3, padding=1))

    def modules(self, model: Any) -> tuple[torch.nn.Module, ...]:
        return (model.network,)

    def prepare(self, _card: Any, exam: Any, _progress: Any) -> torch.Tensor:
        return torch.tensor(exam.image.array, dtype=torch.float32)[None]

    def predict(self, model: Any, prepared: torch.Tensor, _progress: Any) -> torch.Tensor:
        with torch.inference_mode():
            return model.network(prepared)[0]

    def interpret(self, _card: Any, exam: Any, _prepared: Any, prediction: torch.Tensor) -> Any:
        maps = [replace(axial(prediction.numpy()), name="learned")]
        if self.both:
            maps.append(replace(axial(exam.image.array), name="edges", title="Edges"))
        return SimpleNamespace(heatmaps=tuple(maps), status=Status.FINDINGS)


def _checked(monkeypatch: pytest.MonkeyPatch, *, both: bool) -> Any:
    family = _Family(both=both)
    monkeypatch.setattr(engine, "family_of", lambda _card: family)
    monkeypatch.setattr(engine, "model_of", lambda *_: SimpleNamespace(network=family.network))
    monkeypatch.setattr(engine, "check_scope", lambda *_: None)
    image = axial(np.random.default_rng(3).random((1, 12, 12))).volume
    before = [weight.clone() for weight in family.network.parameters()]
    outcome = randomisation_check(SimpleNamespace(title="Toy"), SimpleNamespace(image=image), device="cpu")  # type: ignore[arg-type]
    for was, now in zip(before, family.network.parameters(), strict=True):
        torch.testing.assert_close(was, now)  # the model itself stays as it was
    return outcome


def test_a_map_of_the_weights_passes_and_one_of_the_image_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    good = _checked(monkeypatch, both=False)
    assert good.passed
    assert len(good.maps[0].correlations) == len(good.steps) == 3
    bad = _checked(monkeypatch, both=True)
    assert not bad.passed
    assert bad.maps[1].correlations == pytest.approx((1.0, 1.0, 1.0))
    assert "Edges" in bad.verdict


def test_shuffling_begins_at_the_last_layer_and_is_repeatable() -> None:
    def network() -> torch.nn.Sequential:
        torch.manual_seed(1)
        return torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 8))

    last, whole, again = network(), network(), network()
    shuffle((last,), 0.0)
    shuffle((whole,), 1.0)
    shuffle((again,), 1.0)
    fresh = network()
    torch.testing.assert_close(last[0].weight, fresh[0].weight)
    assert not torch.equal(last[2].weight, fresh[2].weight)
    assert not torch.equal(whole[0].weight, fresh[0].weight)
    torch.testing.assert_close(whole[0].weight, again[0].weight)
    torch.testing.assert_close(whole[0].weight.flatten().sort().values, fresh[0].weight.flatten().sort().values)
