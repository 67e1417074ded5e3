"""``breastlens train``: from phantoms to a published model, stopped and gone on with, and bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.__main__ import main
from inference.card import load_card
from inference.training.phantom_exams import is_held_out, make_exam, write_exam


@pytest.fixture(scope="module")
def exams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small phantom examinations, of which some are held out."""
    folder = tmp_path_factory.mktemp("exams")
    for seed in range(10_000, 10_008):
        write_exam(folder / f"{seed}.npz", make_exam(seed, (12, 128, 128)))
    assert 0 < sum(is_held_out(int(path.stem)) for path in folder.glob("*.npz")) < 8
    return folder


def tiny(exams: Path, tmp_path: Path, *more: str) -> list[str]:
    sizes = ("width=4", "steps=4", "epoch_steps=2", "batch=1")
    changes = [part for size in sizes for part in ("--set", size)]
    return ["train", "004", "--exams", str(exams), "--work", str(tmp_path / "work"), "--device", "cpu", *changes, *more]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_model_is_trained_measured_and_published(exams: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(tiny(exams, tmp_path, "--out", str(tmp_path / "model"))) == 0
    printed = capsys.readouterr().out
    assert "median Dice" in printed
    card = load_card(tmp_path / "model")
    assert card.training["steps"] == 4
    assert card.training["recipe"]["width"] == 4
    assert "breastlens train 004" in card.metrics["command"]
    # again: nothing is trained, the same is measured
    stamp = (tmp_path / "work" / "last.safetensors").stat().st_mtime_ns
    assert main(tiny(exams, tmp_path, "--json")) == 0
    *events, table = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [event["event"] for event in events] == ["resume", "end"]
    assert table["rows"][0]["median Dice"] == card.metrics["acceptance"]["median_dice"]
    assert (tmp_path / "work" / "last.safetensors").stat().st_mtime_ns == stamp


def test_a_training_that_was_given_minutes_stops_and_says_how_to_go_on(
    exams: Path, tmp_path: Path, capsys: Any
) -> None:
    assert main([*tiny(exams, tmp_path), "--set", "steps=100000", "--minutes", "0.02"]) == 0
    assert "the same command goes on" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--set", "wdth=4"], "no 'wdth'"),
        (["--set", "width=four"], "a whole number"),
        (["--set", "width"], "is no change"),
        (["--precision", "float8"], "no precision 'float8'"),
        (["--exams", "/nowhere"], "not a folder"),
    ],
)
def test_bad_input_is_a_sentence(exams: Path, tmp_path: Path, capsys: Any, change: list[str], said: str) -> None:
    assert main(tiny(exams, tmp_path, *change)) == 1
    assert said in capsys.readouterr().err


def test_what_a_system_needs_is_asked_for(tmp_path: Path, capsys: Any) -> None:
    assert main(["train", "004", "--work", str(tmp_path)]) == 1
    assert "--exams" in capsys.readouterr().err
