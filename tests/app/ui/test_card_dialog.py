"""Card dialog: everything the card says, escaped, with its plot, and open beside the window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.ui.card_dialog import CardDialog, html_of
from app.ui.main_window import MainWindow
from inference.card_text import Section
from inference.registry import find_cards
from inference.training.statistics.calibration import calibration
from inference.training.statistics.reliability_plot import reliability_svg
from tests.app.ui.conftest import WAIT_MS

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # what offscreen cannot do


def test_a_card_is_read_and_copied(qtbot: QtBot) -> None:
    card = next(one for one in find_cards() if one.id == "mammo-patches-001")
    dialog = CardDialog(card)
    qtbot.addWidget(dialog)
    text = dialog.page.toPlainText()
    assert card.licence[:60] in text
    assert card.training["remarks"][0][:60] in text
    assert "AUC 0." in text
    next(one for one in dialog.findChildren(QPushButton) if one.text() == "Copy text").click()
    assert QGuiApplication.clipboard().text() == text
    assert not dialog.isModal()


def test_what_a_card_says_is_no_markup() -> None:
    page = html_of((Section("<b>", (("<i>", "<script>"),), ("<img src=x>",)),), "", "#fff", "#aaa")
    for tag in ("<b>", "<i>", "<script>", "<img"):
        assert tag not in page


def test_the_calibration_plot_is_drawn(qtbot: QtBot) -> None:
    truth = np.arange(200) % 2
    plot = reliability_svg(calibration(truth, np.clip(truth * 0.6 + 0.2, 0, 1)))
    card = find_cards()[0]
    heights = []
    for metrics in (card.metrics, {**card.metrics, "calibration_plot": plot}):
        dialog = CardDialog(replace(card, metrics=metrics))
        qtbot.addWidget(dialog)
        dialog.show()
        heights.append(dialog.page.document().size().height())
    assert heights[1] > heights[0] + 250  # the plot is 334 pixels high; words in its place would be one line


def test_the_command_opens_the_card_of_the_chosen_model(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: bool(window.session.readings.cards), timeout=WAIT_MS)
    window.session.readings.model_id = "mri-curriculum-003"
    window.commands.dispatch("ai.card")
    (dialog,) = window.findChildren(CardDialog)
    card = window.session.readings.card("mri-curriculum-003")
    assert card is not None
    assert dialog.windowTitle() == card.title
    dialog.close()
