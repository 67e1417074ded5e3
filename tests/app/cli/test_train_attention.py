"""``breastlens train 000``: a tiny folder of images to a published model, gone on with, cross-validated, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from app.__main__ import main
from inference.card import load_card
from inference.nets.attention_resnet import Tail, Trunk

SIZES = (
    "trunk_steps=1", "trunk_batch=1", "epochs=1", "per_epoch=4", "batch=4", "phantoms=6", "phantoms_held_out=4",
    "per_breastdm=0", "planted=1", "per_contralateral=0", "per_ispy1=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Slices of six women in the folders of the real ones, and a ResNet-50 with weights drawn at random."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    names = ["benign_277", "malignant_4111", "malignant_4223"]
    write_slices(folder / "mri/breastdm_slices_512", names, rng)
    write_slices(folder / "mri/ispy1_slices_512", ["10001_17", "10003_24", "10004_24"], rng)
    torch.manual_seed(0)
    trunk, tail = Trunk().state_dict(), Tail().block.state_dict()
    state = {**trunk, **{f"layer4.2.{key}": value for key, value in tail.items()}}
    (folder / "weights").mkdir()
    half = {key: value.half() for key, value in state.items() if value.is_floating_point()}
    counts = {key: value for key, value in state.items() if not value.is_floating_point()}
    save_file({**half, **counts}, folder / "weights/resnet50_imagenet_v1_fp16.safetensors")
    return folder


def write_slices(folder: Path, names: list[str], rng: np.random.Generator) -> None:
    for name in names:
        image = rng.integers(0, 20, (96, 96), np.uint8)
        image[30:90, 10:40] = image[30:90, 56:86] = 80 + rng.integers(0, 30, (60, 30), np.uint8)
        mask = np.zeros_like(image)
        mask[50:62, 20:32] = 255
        image[mask > 0] = 250
        for kind, values in (("images", image), ("masks", mask)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / kind / f"{name}.png"), values)


def tiny(data: Path, work: Path, *more: str) -> list[str]:
    changes = [part for size in SIZES for part in ("--set", size)]
    return ["train", "000", "--data", str(data), "--work", str(work), "--device", "cpu", *changes, *more]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_model_is_trained_measured_and_published(data: Path, tmp_path: Path, capsys: Any) -> None:
    work, out = tmp_path / "work", tmp_path / "model"
    assert main(tiny(data, work, "--out", str(out))) == 0
    printed = capsys.readouterr().out
    assert "AUC normal" in printed
    assert "pointing game" in printed
    card = load_card(out)
    said = card.metrics["command"]
    assert said.startswith(f"breastlens train 000 --data {data} --work {work} --device cpu --set trunk_steps=1")
    assert said.endswith(f"--out {out}")
    assert card.training["data"]["breastdm"]["patients_held_out"] == 1
    assert card.metrics["pointing_real"]["axial"]["slices"] == 1
    assert json.loads((work / "splits.json").read_text())["splits"] == json.loads(
        json.dumps(card.training["splits"]["splits"])
    )
    # again: nothing is trained, the same is measured
    stamps = {path: path.stat().st_mtime_ns for path in work.rglob("*.safetensors")}
    assert main(tiny(data, work, "--json")) == 0
    *events, table = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [event["event"] for event in events] == ["resume", "end", "resume", "end"]
    values = {(row["slices"], row["measure"]): row.get("value") for row in table["rows"]}
    assert values["all", "AUC normal"] == card.metrics["auc"]["all"]["normal"]["auc"]
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*.safetensors")} == stamps


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_one_fold_is_trained_both_ways_and_kept(data: Path, tmp_path: Path, capsys: Any) -> None:
    wanted = tiny(data, tmp_path, "--fold", "2", "--set", "trunk_steps=0", "--json")
    assert main(wanted) == 0
    table = json.loads(capsys.readouterr().out.splitlines()[-1])
    rows = {(row["checkpoints by"], row["measure"]) for row in table["rows"]}
    assert {("fold", "AUC malignant"), ("inner", "AUC malignant"), ("inner", "seconds a run")} <= rows
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "done", "fold-2", "inner-2", "splits-fold.json", "splits-inner.json",
    ]  # fmt: skip
    assert main(wanted) == 0  # from the results that were kept
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == table


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--set", "epoch=4"], "no 'epoch'"),
        (["--set", "preset=stern"], "preset is default or strict"),
        (["--data", "/nowhere"], "not a folder"),
        (["--fold", "10"], "There is no fold 10"),
        (["--fold", "1", "--out", "/nowhere"], "publishes no model"),
    ],
)
def test_bad_input_is_a_sentence(data: Path, tmp_path: Path, capsys: Any, change: list[str], said: str) -> None:
    assert main([*tiny(data, tmp_path), *change]) == 1
    assert said in capsys.readouterr().err


def test_a_folder_without_slices_and_a_patient_on_both_sides_are_told(tmp_path: Path, capsys: Any) -> None:
    assert main(tiny(tmp_path, tmp_path / "work")) == 1
    assert "holds no slices" in capsys.readouterr().err
    rng = np.random.default_rng(1)
    write_slices(tmp_path / "mri/breastdm_slices_512", ["malignant_4223"], rng)
    other = tmp_path / "mri/breastdm_slices_512"
    for kind in ("images", "masks"):  # the same image under another woman's number
        (other / kind / "malignant_4359.png").write_bytes((other / kind / "malignant_4223.png").read_bytes())
    assert main(tiny(tmp_path, tmp_path / "work")) == 1
    assert "identical image" in capsys.readouterr().err
