"""Cards in words: every figure once, areas with their intervals, limits and licence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inference.card import ModelCard
from inference.card_text import area_words, plot_of, rows_of, sections_of, words
from inference.registry import find_cards


@pytest.mark.parametrize("card", find_cards(), ids=lambda card: card.id)
def test_every_bundled_card_says_what_a_reader_must_know(card: ModelCard) -> None:
    found = {section.title: section for section in sections_of(card)}
    assert found["Known limits"].texts == tuple(card.training["remarks"])
    assert card.licence in found["Weights and licence"].texts
    assert card.metrics["command"] in found["How it was measured"].texts
    assert dict(found["What it is"].rows)["status"] == card.note
    assert len(found["Weights and licence"].rows) == len(card.weights)
    for section in found.values():
        for name, value in section.rows:
            assert name
            assert value
            assert not value.startswith(("{", "["))


def test_an_area_is_one_row_with_interval_and_counts() -> None:
    values = {"image": {"auc": 0.7964, "interval_95": [0.689, 0.884], "n_positive": 32, "n_negative": 168, "extra": 2}}
    assert list(rows_of({"nodule": values, "method": "said elsewhere"})) == [
        ("nodule · image", "AUC 0.796 (0.689 to 0.884), 32 with against 168 without"),
        ("nodule · image · extra", "2"),
    ]
    assert area_words({"auc": None}) == "AUC unknown"


def test_values_in_words() -> None:
    assert words(True) == "yes"
    assert words([0.02, 0.5]) == "0.02 to 0.5"
    assert words(["MG", "CR"]) == "MG, CR"
    assert words(list(range(50))) == "50 entries"
    assert words(0.123456) == "0.1235"


def test_a_plot_is_text_or_nothing() -> None:
    card = find_cards()[0]
    assert plot_of(replace(card, metrics={**card.metrics, "calibration_plot": "<svg/>"})) == "<svg/>"
    assert plot_of(replace(card, metrics={"calibration_plot": 3})) == ""
