"""A whole run: scope, three checkpoints in one pass, cancelling, memory, altered weights, and the bundled model."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from inference import devices
from inference import run as engine
from inference.card import ModelCard, load_card
from inference.errors import CardError, EngineError, OutOfScopeError
from inference.exam import Mammogram, MriSlice
from inference.families import mri_attention
from inference.nets.attention_resnet import AttentionResNet, Tail, Trunk
from inference.progress import Cancelled, Progress
from inference.result import Status

NAMES = ("malignant", "normal", "OB", "IDC", "OM")


def half(module: torch.nn.Module, prefix: str = "") -> dict[str, torch.Tensor]:
    return {prefix + key: tensor.half() for key, tensor in module.state_dict().items() if "num_batches" not in key}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    """A model with random weights, written as a real one is."""
    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("models") / "toy"
    folder.mkdir()
    tails = {name: Tail() for name in mri_attention.CHECKPOINTS}
    for tail in tails.values():
        torch.nn.init.normal_(tail.fc.bias)
    save_file(half(Trunk()), folder / "trunk.safetensors")
    save_file(
        {k: v for name, tail in tails.items() for k, v in half(tail, f"{name}.").items()}, folder / "tails.safetensors"
    )
    return rewrite(folder)


def rewrite(folder: Path, normal_point: float = 1.0) -> ModelCard:
    weights = []
    for name in ("trunk.safetensors", "tails.safetensors"):
        data = (folder / name).read_bytes()
        weights.append({"file": name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    points = {"normal": normal_point}
    content = {
        **dict.fromkeys(("id", "version", "title", "paper", "note", "licence"), "toy"),
        "family": "mri_attention",
        "accepts": {"exam": "MriSlice", "modality": ["MR"], "orientation": ["axial", "sagittal"], "contrast": "post"},
        "preprocessing": {},
        "outputs": [{"name": name, "title": name, "operating_point": points.get(name, 0.5)} for name in NAMES],
        "training": {},
        "metrics": {},
        "weights": weights,
    }
    (folder / "card.json").write_text(json.dumps(content))
    return load_card(folder)


def axial(values: np.ndarray | None = None) -> MriSlice:
    if values is None:
        values = np.random.default_rng(0).integers(0, 4000, (96, 128)).astype(np.uint16)
    affine = np.array([[0, 0, 2.5, -150], [0, 2.5, 0, -120], [3, 0, 0, 10], [0, 0, 0, 1]], float)
    return MriSlice(hd.Volume(values[None], affine, "PATIENT", frame_of_reference_uid="1.2.3"), True, "axial")


@pytest.fixture(autouse=True)
def _fresh_memory() -> Any:
    yield
    engine.forget_models()


def test_one_pass_gives_what_three_whole_networks_give(toy: ModelCard) -> None:
    exam = axial()
    result = engine.run(toy, exam, device="cpu")
    model = mri_attention.load(toy, "cpu")
    images = mri_attention.prepare(toy, exam, Progress()).tensor()
    for score in result.scores:
        network = AttentionResNet(model.trunk, model.tails[score.checkpoint])
        with torch.inference_mode():
            logits, attention = network(images)
        assert score.value == pytest.approx(float(logits[0, NAMES.index(score.name)].sigmoid()), abs=1e-6)
        (heatmap,) = (item for item in result.heatmaps if item.name == f"attention-{score.checkpoint}")
        np.testing.assert_allclose(heatmap.volume.array[0], attention[0].sigmoid().numpy(), atol=1e-6)
    by_name = {score.name: score.checkpoint for score in result.scores}
    assert tuple(by_name) == NAMES
    assert by_name["normal"] == "detection"
    assert by_name["malignant"] == "malignancy"
    assert by_name["OB"] == by_name["IDC"] == by_name["OM"] == "characterisation"
    assert result.heatmaps[0].name == "attention-detection"


def test_the_result_says_where_its_numbers_come_from(toy: ModelCard) -> None:
    result = engine.run(toy, axial(), device="cpu")
    provenance = result.provenance
    assert provenance.model_id == "toy"
    assert provenance.weights_sha256 == toy.weights_sha256
    assert provenance.device.startswith("CPU")
    assert list(provenance.seconds) == ["prepare", "load", "predict", "interpret"]
    assert all(np.isfinite(score.value) and 0 <= score.value <= 1 for score in result.scores)
    assert result.warnings == ()
    volume = result.heatmaps[0].volume
    assert volume.frame_of_reference_uid == "1.2.3"
    assert volume.shape == (1, 8, 11)
    np.testing.assert_allclose(volume.spacing[1:], [32 * 96 * 2.5 / 240, 32 * 128 * 2.5 / 345])


def test_a_finding_only_where_a_lesion_is_detected(toy: ModelCard) -> None:
    exam = axial()
    found = engine.run(toy, exam, device="cpu")  # operating point 1: whatever is below is a lesion
    assert found.status is Status.FINDINGS
    assert found.findings
    never = dataclasses.replace(toy, outputs=tuple(dataclasses.replace(o, operating_point=0.0) for o in toy.outputs))
    none = engine.run(never, exam, device="cpu")
    assert none.status is Status.NO_FINDING
    assert none.findings == ()
    assert none.heatmaps


def replaced(exam: MriSlice, **changes: Any) -> MriSlice:
    return dataclasses.replace(exam, **changes)


def test_what_is_out_of_scope_is_refused_with_the_reason(toy: ModelCard) -> None:
    exam = axial()
    colour = hd.Volume(
        np.zeros((1, 20, 20, 3), np.uint8),
        np.eye(4),
        "PATIENT",
        channels={hd.RGB_COLOR_CHANNEL_DESCRIPTOR: ["R", "G", "B"]},
    )
    three = hd.Volume(np.zeros((3, 20, 20)), np.eye(4), "PATIENT")
    for wrong, said in (
        (Mammogram(exam.image), "a mammogram"),
        (replaced(exam, modality="CT"), "is CT"),
        (replaced(exam, orientation="coronal"), "coronal"),
        (replaced(exam, is_post_contrast=False), "before"),
        (replaced(exam, image=colour), "colour"),
        (replaced(exam, image=three), "one slice"),
    ):
        with pytest.raises(OutOfScopeError, match=said):
            engine.check_scope(toy, wrong)
        with pytest.raises(OutOfScopeError, match=said):
            engine.run(toy, wrong)


def test_what_is_unknown_is_a_warning(toy: ModelCard) -> None:
    exam = MriSlice(axial().image, None, "", "", has_spacing=False)
    warnings = engine.run(toy, exam, device="cpu").warnings
    assert len(warnings) == 4
    for word in ("contrast", "spacing", "lies in the patient", "modality"):
        assert any(word in warning for warning in warnings), word


@pytest.mark.parametrize(
    "values",
    [
        np.full((96, 128), np.nan, np.float32),
        np.zeros((96, 128), np.uint16),
        np.ones((2, 2), np.uint8),
        np.arange(40.0)[None],
    ],
)
def test_degenerate_images_are_refused_with_a_sentence(toy: ModelCard, values: np.ndarray) -> None:
    with pytest.raises(EngineError, match="pixel") as caught:
        engine.run(toy, axial(values), device="cpu")
    assert caught.value.hint


def test_padding_and_bit_depth_do_not_matter(toy: ModelCard) -> None:
    values = np.random.default_rng(1).random((96, 128))
    padded = values.astype(np.float32)
    padded[:10] = np.nan
    for image in (padded, (values * 255).astype(np.uint8), (values * 4095).astype(np.int16)):
        scores = engine.run(toy, axial(image), device="cpu").scores
        assert all(np.isfinite(score.value) for score in scores)


def test_a_cancelled_run_stops_at_its_next_look(toy: ModelCard) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        engine.run(toy, axial(), progress)
    seen: list[str] = []

    def stop_at_prediction(_: float, text: str) -> None:
        seen.append(text)
        if "predict" in text:
            stopping.cancel()

    stopping = Progress(stop_at_prediction)
    with pytest.raises(Cancelled):
        engine.run(toy, axial(), stopping)
    assert not any("interpret" in text for text in seen)


def test_cancelling_does_not_wait_for_weights_that_load_slowly(toy: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    started, release = threading.Event(), threading.Event()

    def slow(card: ModelCard, device: str) -> object:
        started.set()
        release.wait(60)
        raise CardError("never needed")

    monkeypatch.setattr(mri_attention, "load", slow)
    progress = Progress()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(engine.run, toy, axial(), progress, "cpu")
        assert started.wait(60)
        progress.cancel()
        try:
            with pytest.raises(Cancelled):
                running.result(timeout=30)
        finally:
            release.set()


def test_progress_only_grows_and_ends_at_one(toy: ModelCard) -> None:
    seen: list[float] = []
    engine.run(toy, axial(), Progress(lambda fraction, _: seen.append(fraction)), "cpu")
    assert seen == sorted(seen)
    assert seen[0] == 0
    assert seen[-1] == 1


def test_weights_are_read_once_even_by_two_threads(toy: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    real, loads = mri_attention.load, []

    def counted(card: ModelCard, device: str) -> object:
        loads.append(card.id)
        return real(card, device)

    monkeypatch.setattr(mri_attention, "load", counted)
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: engine.run(toy, axial(), device="cpu"), range(3)))
    assert loads == ["toy"]
    assert len({tuple(score.value for score in result.scores) for result in results}) == 1


def test_out_of_memory_on_the_card_falls_back_to_the_processor(toy: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    real = mri_attention.load

    def crowded(card: ModelCard, device: str) -> object:
        if device == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(card, device)

    monkeypatch.setattr(mri_attention, "load", crowded)
    monkeypatch.setattr(devices, "available", lambda: ("cuda", "cpu"))
    result = engine.run(toy, axial())
    assert any("memory" in warning for warning in result.warnings)
    assert result.provenance.device.startswith("CPU")


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes")]
)
def test_out_of_memory_on_the_processor_is_a_sentence(
    toy: ModelCard, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def crowded(*_: object) -> object:
        raise error

    monkeypatch.setattr(mri_attention, "predict", crowded)
    with pytest.raises(EngineError, match="more memory than this computer") as caught:
        engine.run(toy, axial(), device="cpu")
    assert caught.value.hint


def test_a_score_that_is_no_number_is_no_result(toy: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    real = mri_attention.interpret

    def broken(*given: object) -> object:
        reading = real(*given)  # type: ignore[arg-type]
        return replace(reading, scores=(replace(reading.scores[0], value=float("nan")), *reading.scores[1:]))

    monkeypatch.setattr(mri_attention, "interpret", broken)
    with pytest.raises(EngineError, match="gave no number"):
        engine.run(toy, axial(), device="cpu")


def test_other_failures_of_the_network_are_not_hidden(toy: ModelCard, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(mri_attention, "predict", broken)
    with pytest.raises(RuntimeError, match="shapes differ"):
        engine.run(toy, axial(), device="cpu")


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "cpu" in devices.available()
    assert devices.choose("cpu") == ("cpu", ())
    with pytest.raises(EngineError, match="tpu"):
        devices.choose("tpu")
    monkeypatch.setattr(devices, "available", lambda: ("cpu",))
    assert devices.choose("auto") == ("cpu", ())
    device, (warning,) = devices.choose("cuda")
    assert device == "cpu"
    assert "No CUDA" in warning


def copied(toy: ModelCard, folder: Path) -> Path:
    folder.mkdir()
    for path in toy.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_altered_weights_are_refused(toy: ModelCard, tmp_path: Path) -> None:
    folder = copied(toy, tmp_path / "copy")
    trunk = folder / "trunk.safetensors"
    data = bytearray(trunk.read_bytes())
    data[-1] ^= 1
    trunk.write_bytes(data)
    with pytest.raises(CardError, match="altered"):
        engine.run(load_card(folder), axial(), device="cpu")
    trunk.write_bytes(data[:-1])
    with pytest.raises(CardError, match="length"):
        engine.run(load_card(folder), axial(), device="cpu")
    trunk.unlink()
    with pytest.raises(CardError, match="cannot be read"):
        engine.run(load_card(folder), axial(), device="cpu")


def test_a_pickle_is_not_weights(toy: ModelCard, tmp_path: Path) -> None:
    folder = copied(toy, tmp_path / "copy")
    torch.save({"x": torch.zeros(1)}, folder / "trunk.safetensors")
    with pytest.raises(CardError, match="not a safetensors"):
        engine.run(rewrite(folder), axial(), device="cpu")


@pytest.mark.parametrize("spoil", ["missing", "left over", "shape", "checkpoint"])
def test_weights_must_fit_key_by_key(toy: ModelCard, tmp_path: Path, spoil: str) -> None:
    folder = copied(toy, tmp_path / "copy")
    state = {k: v for name in mri_attention.CHECKPOINTS for k, v in half(Tail(), f"{name}.").items()}
    if spoil == "missing":
        del state["detection.fc.bias"]
    elif spoil == "left over":
        state["detection.extra"] = torch.zeros(1)
    elif spoil == "shape":
        state["detection.fc.bias"] = torch.zeros(6)
    else:
        state["fourth.fc.bias"] = torch.zeros(5)
    save_file(state, folder / "tails.safetensors")
    with pytest.raises(CardError, match=r"do not fit|unknown checkpoint"):
        engine.run(rewrite(folder), axial(), device="cpu")


def test_a_family_this_version_does_not_have(toy: ModelCard) -> None:
    with pytest.raises(CardError, match="mri_future"):
        engine.run(dataclasses.replace(toy, family="mri_future"), axial(), device="cpu")
