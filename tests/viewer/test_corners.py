"""Corners: what stays and what goes when a pane of a mammogram is narrow."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QImage, QPainter

from viewer.furniture import corners
from viewer.layers.types import Corners


@pytest.fixture
def drawn(qapp, monkeypatch, make):
    """Draw the corners of a pane of some width; returns the lines as (text, x)."""

    def draw(width: int, outer: str, state: tuple[str, str] = ("AI: not run", "")) -> list[tuple[str, float]]:
        content = make.content(
            np.zeros((1, 8, 8), np.uint8),
            corners=Corners(("Anna Test", "P9", "2024-03-01"), ("Screening",), (), ("0.1 × 0.1 mm · detector plane",)),
            view_label="R MLO",
            ai_state=state[0],
            ai_brief=state[1],
            notes=("Orientation tag: chest wall right; picture: left. Hung mirrored. Check the marker.",),
        )
        said: list[tuple[str, float]] = []
        monkeypatch.setattr(corners, "draw_text", lambda _p, at, text, *_: said.append((text, at.x())))
        image = QImage(width, 400, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        corners.draw_corners(corners.Sheet(painter, width, 400, 1.0), content, ["W 4096  L 2048", "15 %"], "", outer)
        painter.end()
        return said

    return draw


@pytest.mark.parametrize("outer", ["left", "right"])
def test_a_narrow_pane_keeps_what_matters_whole(drawn, outer) -> None:
    lines = [text for text, _ in drawn(322, outer)]
    said = " ".join(lines)
    assert "R MLO" in lines
    assert "AI: not run" in lines
    assert not any("…" in line for line in lines)
    assert all(word in said for word in ("Anna Test", "P9", "2024-03-01", "Hung mirrored.", "W 4096", "15 %"))
    assert "detector plane" not in said
    assert "Screening" not in said


def test_a_wide_pane_says_everything(drawn) -> None:
    said = " ".join(text for text, _ in drawn(800, "left"))
    assert "0.1 × 0.1 mm · detector plane" in said
    assert "Screening" in said


@pytest.mark.parametrize("width", [322, 800])
def test_texts_keep_to_the_side_away_from_the_chest_wall(drawn, width) -> None:
    assert {x for _, x in drawn(width, "left")} == {corners.MARGIN}


def test_the_ai_line_is_shortened_where_it_would_need_two_lines(drawn) -> None:
    state = ("AI: findings · mri-curriculum-003 0.1.0-provisional · whole exam", "AI: findings · 003 · whole exam")
    assert state[0] in [text for text, _ in drawn(1400, "", state)]
    narrow = [text for text, _ in drawn(480, "", state)]
    assert state[0] not in narrow
    assert " ".join(text for text in narrow if text.startswith("AI:")) == state[1]
