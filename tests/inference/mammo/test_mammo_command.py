"""``breastlens train 001`` on a tiny data folder: folds, one fold alone, gone on with, published, and bad input."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import torch
from safetensors.torch import save_file

from app.__main__ import main
from inference.card import load_card
from inference.nets.patch_resnet import PatchTail
from inference.training.mammo.dataset import MODULES, films
from inference.training.mammo.features import pooled
from inference.training.mammo.part import start_tail
from inference.training.mammo.tables import EXTRA, NATURAL

WOMEN = 20
#: Corners of a window that holds the lesion at (25, 25) mm, of one that does not, and their side of 40 or 20 mm.
CORNERS = {"nodule": (100, 2000), "calcification": (300, 2000)}
COLUMNS = ("file", "patient_id", "laterality", "tissue", "finding", "severity", "x_px", "y_px", "radius_px")


def finding_of(woman: int) -> str:
    return {0: "SPIC", 1: "CALC", 2: "MISC"}.get(woman % 5, "NORM")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like that of the real images: films of two pixels that matter to nobody, and a random bottleneck."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "mini-mias").mkdir()
    rng, rows = np.random.default_rng(1), []
    for woman in range(WOMEN):
        for side in "LR":
            name = f"mdb{2 * woman + (side == 'R') + 1:03}.dcm"
            sitk.WriteImage(
                sitk.GetImageFromArray(rng.integers(0, 255, (16, 12), np.uint8)), str(folder / "mini-mias" / name)
            )
            finding = finding_of(woman) if side == "L" else "NORM"
            place = ("B" if finding == "MISC" else "M", 125, 125, 25) if finding != "NORM" else ("", "", "", "")
            rows.append((name, f"MIAS-{woman:03}", side, "F", finding, *place))
    with (folder / "mini-mias" / "annotations.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    torch.manual_seed(1)
    (folder / "weights").mkdir()
    state = {f"layer4.2.{key}": value.half() for key, value in PatchTail().block.state_dict().items()}
    save_file(state, folder / "weights" / "resnet50_imagenet_v1_fp16.safetensors")
    return folder


@pytest.fixture
def work(data: Path, tmp_path: Path) -> Path:
    """A work folder whose features are there already, two windows a film and one more for training."""
    cache = tmp_path / "work" / "features"
    cache.mkdir(parents=True)
    start = start_tail(data)
    for film in films(data):
        for module in MODULES:
            rng = np.random.default_rng((2, int(film.path.stem[3:]), MODULES.index(module)))
            inside, outside = CORNERS[module]
            corners = np.array([(inside, inside), (outside, outside), (inside, inside)], np.int16)
            features = np.abs(rng.normal(0, 1, (3, 2048, 1, 1))).astype(np.float16)
            if film.is_case(module):
                features[[0, 2], :64] += 2
            origin = np.array([NATURAL, NATURAL, EXTRA])
            file = cache / f"{film.path.stem}-{module}"
            np.savez(f"{file}.npz", features=features, corners=corners, origin=origin, mm_per_pixel=0.05)
            np.save(f"{file}-seen.npy", pooled(start, features))
    return tmp_path / "work"


def asked(data: Path, work: Path, *more: str) -> list[str]:
    sizes = ("nodule_epochs=1", "calcification_epochs=1", "draws=16", "batch=8")
    changes = [part for size in sizes for part in ("--set", size)]
    common = ["--folds", "2", "--device", "cpu", "--precision", "float32"]
    return ["train", "001", "--data", str(data), "--work", str(work), *common, *changes, *more]


def results(work: Path) -> dict[str, Any]:
    found = [json.loads(path.read_text())["result"] for path in (work / "results").glob("*.json")]
    return {f"{one['module']} {one['split']}": one for one in found}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_both_modules_are_trained_measured_and_published(data: Path, work: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(asked(data, work, "--out", str(tmp_path / "model"), "--set", "bundle=tail")) == 0
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("patch", "image", "grade 6", "difference", "0.955", "0.9"))
    card = load_card(tmp_path / "model")
    assert card.metrics["command"].startswith(
        "breastlens train 001 --data ../shared/data --work WORK --seed 1 --folds 2"
    )
    assert "--set bundle=tail --out resources/models/mammo-patches-001" in card.metrics["command"]
    (folds,) = (card.training["data"]["mini-mias"]["folds"],)
    assert sum(map(len, folds)) == len({name for fold in folds for name in fold}) == WOMEN
    for module in MODULES:
        metrics, grading = card.metrics[module], card.interpretation["grading"][module]
        assert metrics["bundled"] == "tail"
        assert metrics["image"] == metrics["trained"]["image"]
        assert metrics["image"]["n_positive"] == grading["cases"] == 4
        assert [row["grade"] for row in metrics["cut_offs"]] == [6, 5, 4, 3]
        assert len(metrics["seconds_per_fold"]) == 2
    stamps = {path: path.stat().st_mtime_ns for path in work.rglob("last.safetensors")}
    assert len(stamps) == 6, "two folds and all patients, for each module"
    assert main(asked(data, work, "--json", "--set", "bundle=tail")) == 0
    *_, table = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    row = next(row for row in table["rows"] if (row["module"], row["level"]) == ("nodule", "image"))
    assert row["AUC"] == card.metrics["nodule"]["image"]["auc"]
    assert stamps == {path: path.stat().st_mtime_ns for path in work.rglob("last.safetensors")}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_fold_trained_alone_is_that_of_the_whole_run(data: Path, work: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(asked(data, work, "--json")) == 0
    everything = results(work)
    assert len(everything) == 4
    other = tmp_path / "other"
    other.mkdir()
    (other / "features").symlink_to(work / "features")
    assert main(asked(data, other, "--fold", "2", "--json")) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"start", "epoch", "end"} <= {event.get("event") for event in events}
    alone = results(other)
    assert set(alone) == {"nodule fold 2 of 2", "calcification fold 2 of 2"}
    for name, one in alone.items():
        assert one["scores"] == everything[name]["scores"]
        assert one["baseline"] == everything[name]["baseline"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--fold", "3"], "There is no fold 3"),
        (["--fold", "1", "--out", "model"], "from all folds"),
        (["--set", "split=thirds"], "split cannot be 'thirds'"),
        (["--folds", "200"], "20 patients cannot be split into 200"),
    ],
)
def test_bad_input_is_a_sentence(data: Path, tmp_path: Path, capsys: Any, change: list[str], said: str) -> None:
    assert main(asked(data, tmp_path / "work", *change)) == 1
    assert said in capsys.readouterr().err


def test_a_folder_without_films_is_said(tmp_path: Path, capsys: Any) -> None:
    assert main(asked(tmp_path, tmp_path / "work")) == 1
    assert "annotations.csv" in capsys.readouterr().err


def test_features_of_another_seed_are_refused(data: Path, work: Path, capsys: Any) -> None:
    from inference.training.engine.state import identify

    identify(work / "features", {"seed": 5})
    assert main(asked(data, work)) == 1
    assert "another training" in capsys.readouterr().err
