"""Texts on a pane: a sentence is broken between words, and nothing of it is lost while it fits."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from viewer.furniture.text import width_of, wrapped

SENTENCE = "AI: out of scope · Supervised attention reads a slice of breast MRI; this is a mammogram."


@pytest.mark.parametrize("ratio", [1.0, 1.5, 2.0])
def test_a_sentence_is_broken_between_words(qtbot: QtBot, ratio: float) -> None:
    room = width_of(SENTENCE, ratio) * 0.6
    lines = wrapped(SENTENCE, room, ratio)
    assert len(lines) == 2
    assert " ".join(lines) == SENTENCE
    assert all(width_of(line, ratio) <= room for line in lines)


def test_only_what_does_not_fit_at_all_is_cut(qtbot: QtBot) -> None:
    room = width_of(SENTENCE, 1.0) * 0.3
    lines = wrapped(SENTENCE, room, 1.0)
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert wrapped("", room, 1.0) == []
    assert wrapped("short", room, 1.0) == ["short"]
