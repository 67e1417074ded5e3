"""Model cards and the registry: strict, clear, and free of torch."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inference import registry
from inference.card import ModelCard, load_card
from inference.errors import CardError


def content(**changes: Any) -> dict[str, Any]:
    card: dict[str, Any] = {
        "id": "toy-1",
        "family": "mri_attention",
        "version": "1",
        "title": "Toy",
        "paper": "none",
        "note": "a test",
        "accepts": {},
        "preprocessing": {},
        "outputs": [{"name": "normal", "title": "Normal", "operating_point": 0.25, "checkpoint": "a"}],
        "training": {},
        "metrics": {},
        "weights": [{"file": "w.safetensors", "sha256": "0" * 64, "bytes": 4}],
        "licence": "none",
    }
    card.update(changes)
    return card


def write(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.json").write_text(json.dumps(content(**changes)), encoding="utf-8")
    (folder / "w.safetensors").write_bytes(b"abcd")
    return folder


def test_a_card_is_read_from_its_folder_or_file(tmp_path: Path) -> None:
    card = load_card(write(tmp_path / "toy"))
    assert isinstance(card, ModelCard)
    assert card == load_card(tmp_path / "toy" / "card.json")
    assert card.output("normal").operating_point == 0.25
    assert card.folder == tmp_path / "toy"
    line = "0" * 64 + "  w.safetensors\n"
    assert card.weights_sha256 == hashlib.sha256(line.encode()).hexdigest()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "../x"}, "id"),
        ({"family": "os.path"}, "family"),
        ({"family": 3}, "family"),
        ({"title": " "}, "title"),
        ({"accepts": []}, "accepts"),
        ({"outputs": []}, "outputs"),
        ({"outputs": [{"name": "a", "title": "A", "operating_point": 1.5}]}, "operating_point"),
        ({"outputs": [{"name": "a", "title": "A", "operating_point": True}]}, "operating_point"),
        ({"outputs": [{"name": "a", "title": "A"}, {"name": "a", "title": "B"}]}, "same name"),
        ({"outputs": [{"name": "a", "title": "A", "threshold": 1}]}, "threshold"),
        ({"weights": [{"file": "../w.safetensors", "sha256": "0" * 64, "bytes": 4}]}, "plain name"),
        ({"weights": [{"file": "w.pth", "sha256": "0" * 64, "bytes": 4}]}, "plain name"),
        ({"weights": [{"file": "w.safetensors", "sha256": "00", "bytes": 4}]}, "sha256"),
        ({"weights": [{"file": "w.safetensors", "sha256": "0" * 64, "bytes": -1}]}, "length"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_wrong_card_says_what_is_wrong(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(CardError, match=said):
        load_card(write(tmp_path / "toy", **changes))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_a_card_that_is_no_card(tmp_path: Path, text: str) -> None:
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(CardError):
        load_card(tmp_path)


def test_a_missing_card_and_a_missing_key(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="cannot be read"):
        load_card(tmp_path / "nowhere")
    short = content()
    del short["licence"]
    (tmp_path / "card.json").write_text(json.dumps(short))
    with pytest.raises(CardError, match="lacks licence"):
        load_card(tmp_path)


def test_a_broken_user_model_is_reported_and_the_others_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "good", id="good")
    write(tmp_path / "broken", id="BAD ID")
    write(tmp_path / "shorter", id="shorter")
    (tmp_path / "shorter" / "w.safetensors").write_bytes(b"abc")
    write(tmp_path / "without", id="without")
    (tmp_path / "without" / "w.safetensors").unlink()
    write(tmp_path / "zz-again", id="good")
    cards, problems = registry.find_cards_and_problems([tmp_path])
    assert "good" in {card.id for card in cards}
    assert {"shorter", "without"}.isdisjoint(card.id for card in cards)
    said = " ".join(str(problem) for problem in problems)
    for words in ("BAD ID", "wrong length", "missing", "already there"):
        assert words in said


def test_an_unknown_model_names_those_at_hand(tmp_path: Path) -> None:
    write(tmp_path / "good", id="good")
    assert registry.card("good", [tmp_path]).title == "Toy"
    with pytest.raises(CardError, match="no model 'other'") as caught:
        registry.card("other", [tmp_path])
    assert "good" in caught.value.hint


def test_listing_models_and_checking_scope_import_no_torch() -> None:
    code = (
        "import sys, inference.run, inference.devices; from inference.registry import find_cards; find_cards();"
        "assert not {'torch', 'highdicom', 'SimpleITK'} & set(sys.modules), 'a slow import'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
