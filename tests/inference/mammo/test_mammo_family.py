"""A whole run of system 001 with random weights: scores, grades, maps and boxes in place, and honest silence."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inference import run as engine
from inference.card import ModelCard, load_card
from inference.errors import CardError, EngineError, OutOfScopeError
from inference.families import mammo_patches
from inference.families.mammo_patches import Prediction, Prepared
from inference.grading import scale_of
from inference.nets.attention_resnet import Trunk
from inference.nets.patch_resnet import PatchResNet, PatchTail, probability
from inference.prepare.mammogram_map import merged, probability_map
from inference.prepare.windows import Windows, patch_tensor
from inference.progress import Cancelled, Progress
from inference.reading import Reading
from inference.result import Status


def half(module: torch.nn.Module, prefix: str = "") -> dict[str, torch.Tensor]:
    return {prefix + key: tensor.half() for key, tensor in module.state_dict().items() if "num_batches" not in key}


def grading() -> dict[str, Any]:
    random = np.random.default_rng(0)
    labels = np.arange(200) < 100
    return {name: scale_of(random.normal(0.4 + 0.2 * labels, 0.1), labels).entry() for name in mammo_patches.MODULES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights, written as a real one is."""
    torch.manual_seed(5)
    place = tmp_path_factory.mktemp("models") / "toy"
    place.mkdir()
    tails = {name: PatchTail() for name in mammo_patches.MODULES}
    save_file(half(Trunk()), place / "trunk.safetensors")
    save_file(
        {key: value for name, tail in tails.items() for key, value in half(tail, f"{name}.").items()},
        place / "tails.safetensors",
    )
    return place


@pytest.fixture
def card(folder: Path, making: Any) -> ModelCard:
    weights = []
    for name in ("trunk.safetensors", "tails.safetensors"):
        data = (folder / name).read_bytes()
        weights.append({"file": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    names = {"nodule": "Malignant nodule", "calcification": "Malignant microcalcifications"}
    content = {
        **dict.fromkeys(("id", "version", "title", "paper", "note", "licence"), "toy"),
        "family": "mammo_patches",
        "accepts": {"exam": "Mammogram", "modality": ["MG"], "views": ["CC", "MLO"], "partial": False},
        "preprocessing": {**making[3], "clahe_clip": 0},
        "outputs": [{"name": name, "title": title, "operating_point": 0.6} for name, title in names.items()],
        "training": {},
        "metrics": {},
        "weights": weights,
        "interpretation": {"grading": grading()},
    }
    (folder / "card.json").write_text(json.dumps(content))
    return load_card(folder)


@pytest.fixture(autouse=True)
def _fresh_memory() -> Any:
    yield
    engine.forget_models()


def spotted(making: Any) -> np.ndarray:
    """Return even tissue with one bright mass and one calcification, far apart.

    Even, for on a slope of brightness the brightest window does not lie over the mass itself.
    """
    grey = making[0](texture=0)
    y, x = np.mgrid[: grey.shape[0], : grey.shape[1]]
    mass = 26_000 * np.exp(-(((y - 380) / 30) ** 2 + ((x - 140) / 30) ** 2))
    grey = np.minimum(grey + mass, 62_000).astype(np.uint16)
    grey[150:153, 90:93] = 65_000
    return grey


def brightness_as_probability(prepared: Prepared) -> Prediction:
    """Let the networks have learned brightness: the windows' own, scaled so that the brightest is 0.9."""
    found = {}
    for name, windows in prepared.windows.items():
        found[name] = np.empty(0, np.float32)
        if not len(windows):
            continue
        low, high = windows.brightness.min(), windows.brightness.max()
        found[name] = (0.05 + 0.85 * (windows.brightness - low) / max(high - low, 1e-6)).astype(np.float32)
        if high == low:
            found[name][:] = 0.9
    return Prediction(found)


def read(card: ModelCard, exam: Any) -> tuple[Prepared, Prediction, Reading]:
    prepared = mammo_patches.prepare(card, exam, Progress())
    prediction = brightness_as_probability(prepared)
    return prepared, prediction, mammo_patches.interpret(card, exam, prepared, prediction)


def test_a_planted_spot_comes_back_in_millimetres(card: ModelCard, making: Any) -> None:
    exam = making[1](spotted(making))
    prepared, _, reading = read(card, exam)
    places = {"nodule": (380.0, 140.0), "calcification": (151.0, 91.0)}  # source pixels
    cell_mm = {"nodule": 10 * 0.25, "calcification": 100 * 0.25}  # a step of the sweep, half a window
    for heatmap in reading.heatmaps:
        volume = heatmap.volume
        assert volume.frame_of_reference_uid == "1.2.3.4"
        where = np.unravel_index(np.nanargmax(volume.array), volume.array.shape)
        maximum = volume.map_indices_to_reference(np.array([where], float))[0]
        planted = exam.image.map_indices_to_reference(np.array([[0.0, *places[heatmap.name]]]))[0]
        assert np.abs(maximum - planted).max() <= cell_mm[heatmap.name]
        first = next(finding for finding in reading.findings if finding.name == heatmap.name)
        assert first.spot_mm == pytest.approx(maximum, abs=1e-6)
        low, high = np.sort([first.corner_mm, first.opposite_mm], axis=0)
        assert ((low - 1e-6 <= planted) & (planted <= high + 1e-6)).all()
        side_mm = prepared.windows[heatmap.name].side * 0.25
        np.testing.assert_allclose((high - low)[:2], side_mm, atol=1e-6)


def test_scores_status_and_grades_follow_the_windows(card: ModelCard, making: Any) -> None:
    _, prediction, reading = read(card, making[1](spotted(making)))
    assert reading.status is Status.FINDINGS
    by_name = {score.name: score for score in reading.scores}
    assert {name: score.value for name, score in by_name.items()} == {
        name: pytest.approx(float(values.max())) for name, values in prediction.probabilities.items()
    }
    assert by_name["nodule"].title == "Malignant nodule"
    assert [grade.name for grade in reading.grades] == ["nodule", "calcification"]
    assert all(grade.value == 6 for grade in reading.grades)
    facts = {fact.title: fact.text for fact in reading.facts}
    assert facts["Image grade"].startswith("6: the higher of nodule 6, microcalcifications 6")
    assert "Score 0.9000 ≥" in facts["Grade, nodule"]
    assert "1,024 × 768 pixels of 0.250 mm, enlarged 1.60 times" in facts["Image read"]
    assert "of 4,731 windows of 200 × 200 pixels (50 mm) read" in facts["Windows, nodule"]
    never = tuple(dataclasses.replace(output, operating_point=1.0) for output in card.outputs)
    prepared = mammo_patches.prepare(card, making[1](spotted(making)), Progress())
    quiet = mammo_patches.interpret(dataclasses.replace(card, outputs=never), None, prepared, prediction)  # type: ignore[arg-type]
    assert quiet.status is Status.NO_FINDING
    assert quiet.findings == ()
    assert quiet.heatmaps


def test_the_first_score_exceeds_its_operating_point_most(card: ModelCard, making: Any) -> None:
    points = {"nodule": 0.8, "calcification": 0.2}
    for one, other in (("nodule", "calcification"), ("calcification", "nodule")):
        outputs = tuple(
            dataclasses.replace(o, operating_point=points["calcification" if o.name == one else "nodule"])
            for o in card.outputs
        )
        _, _, reading = read(dataclasses.replace(card, outputs=outputs), making[1](spotted(making)))
        assert [score.name for score in reading.scores] == [one, other]


def test_a_module_without_windows_says_so(card: ModelCard, making: Any) -> None:
    keys = {**card.preprocessing, "maximum": "dtype_max", "brightness": 1.0}  # nothing is as bright as the type allows
    silent = dataclasses.replace(card, preprocessing=keys)
    _, _, reading = read(silent, making[1](making[0]()))
    assert [score.name for score in reading.scores] == ["nodule"]
    assert [heatmap.name for heatmap in reading.heatmaps] == ["nodule"]
    (warning,) = reading.warnings
    assert warning.startswith("Microcalcifications: none of the 266 windows")
    with pytest.raises(EngineError, match="says nothing") as caught:
        read(dataclasses.replace(silent, preprocessing={**keys, "least_breast": 1.1}), making[1](making[0]()))
    assert caught.value.hint


def test_map_is_the_highest_of_the_windows_and_nan_beyond(prepared: Any, making: Any) -> None:
    grid = prepared(making[0]()).grid
    corners = np.array([[100, 100], [150, 150], [600, 400]])
    windows = Windows(corners, np.zeros(3, np.float32), 100, 50, 266)
    values = np.array([0.3, 0.8, 0.5], np.float32)
    volume = probability_map(grid, windows, values)
    cells = volume.array[0]
    to_cell = np.linalg.inv(volume.affine) @ grid.affine
    for row, column, expected in ((199.5, 199.5, 0.8), (149.5, 149.5, 0.3), (649.5, 449.5, 0.5), (300, 600, math.nan)):
        place = (to_cell @ [0, row, column, 1])[1:3]
        value = cells[tuple(np.rint(place).astype(int))]
        assert value == pytest.approx(expected, rel=0.05, nan_ok=True)  # within the fade towards the edges
    assert np.nanmax(cells) == pytest.approx(0.8)
    assert np.isfinite(cells).mean() < 0.1


def test_overlapping_positive_windows_are_merged() -> None:
    corners = np.array([[0, 0], [0, 50], [50, 50], [0, 300], [0, 310]])
    windows = Windows(corners, np.zeros(5, np.float32), 100, 50, 99)
    kept = merged(windows, np.array([0.7, 0.9, 0.8, 0.6, 0.2]), 0.5)
    # [0, 0] and [50, 50] share a third of their union with [0, 50]: more than 0.3. The last one is not positive.
    assert kept.tolist() == [1, 3]
    assert merged(windows, np.full(5, 0.1), 0.5).tolist() == []


def test_a_run_gives_what_the_whole_networks_give_window_by_window(card: ModelCard, making: Any) -> None:
    exam = making[1](spotted(making))
    result = engine.run(card, exam, device="cpu")
    model = mammo_patches.load(card, "cpu")
    prepared = mammo_patches.prepare(card, exam, Progress())
    for name, windows in prepared.windows.items():
        network = PatchResNet(model.trunk, model.tails[name])
        with torch.inference_mode():
            patches = patch_tensor(prepared.mammogram, windows)
            naive = np.array([float(probability(network(patch[None]))) for patch in patches])
        score = next(score for score in result.scores if score.name == name)
        assert score.value == pytest.approx(naive.max(), abs=0.02)  # bfloat16 has eight bits
        (heatmap,) = (one for one in result.heatmaps if one.name == name)
        assert np.nanmax(heatmap.volume.array) == pytest.approx(score.value, abs=1e-6)
    assert result.provenance.model_id == "toy"
    assert mammo_patches.modules(model) == (model.trunk, *model.tails.values())


def test_scope_and_cancelling(card: ModelCard, making: Any) -> None:
    exam = making[1](making[0]())
    for changes, said in (({"is_partial": True}, "partial"), ({"view": "ML"}, "views"), ({"modality": "MR"}, "is MR")):
        with pytest.raises(OutOfScopeError, match=said):
            engine.run(card, dataclasses.replace(exam, **changes), device="cpu")

    def stop(_: float, text: str) -> None:
        if "window 9" in text:
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        engine.run(card, exam, progress, "cpu")


def test_weights_of_another_module_are_refused(card: ModelCard, tmp_path: Path) -> None:
    states = half(PatchTail(), "asymmetry.")
    save_file(states, tmp_path / "tails.safetensors")
    data = (tmp_path / "tails.safetensors").read_bytes()
    item = dataclasses.replace(card.weights[1], sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
    (tmp_path / "trunk.safetensors").write_bytes((card.folder / "trunk.safetensors").read_bytes())
    wrong = dataclasses.replace(card, folder=tmp_path, weights=(card.weights[0], item))
    with pytest.raises(CardError, match="unknown module 'asymmetry'"):
        mammo_patches.load(wrong, "cpu")
