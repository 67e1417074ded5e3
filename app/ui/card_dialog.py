"""Card dialog: a model's card as a page to read, search and copy, with its calibration plot."""

from __future__ import annotations

import base64
from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QTextBrowser, QWidget

from app.ui import theme
from app.ui.parts import Dialog, button
from inference.card import ModelCard
from inference.card_text import Section, plot_of, sections_of

_SIZE = (720, 640)


class CardDialog(Dialog):
    """What a model is, reads, learned from, and how it was measured; nothing of it is a claim about a patient."""

    def __init__(self, card: ModelCard, parent: QWidget | None = None) -> None:
        super().__init__(card.title, f"{card.id} · research model, not for diagnosis", parent)
        self.setModal(False)
        self.resize(*_SIZE)
        self.page = QTextBrowser()
        self.page.setAccessibleName(f"Card of {card.title}")
        self.page.setOpenLinks(False)
        colours = theme.colour("text"), theme.colour("text_quiet")
        self.page.setHtml(html_of(sections_of(card), plot_of(card), *colours))
        self.body.addWidget(self.page, 1)
        copy = button("Copy text", lambda: QGuiApplication.clipboard().setText(self.page.toPlainText()), icon="copy")
        self.foot.insertWidget(0, copy)
        self.add_buttons("Close", cancel="")


def show_card(card: ModelCard, parent: QWidget) -> CardDialog:
    """Open a card beside the images; it stays open while the user works on."""
    dialog = CardDialog(card, parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()
    return dialog


def html_of(sections: tuple[Section, ...], plot: str, text: str, quiet: str) -> str:
    """Return the page; every value is escaped, a card may be anybody's."""
    parts = [f'<div style="color:{text}">']
    for section in sections:
        parts.append(f'<h3 style="margin-top:14px;margin-bottom:4px">{escape(section.title)}</h3>')
        if section.rows:
            rows = "".join(
                f'<tr><td style="padding:2px 14px 2px 0;color:{quiet}">{escape(name)}</td>'
                f'<td style="padding:2px 0">{escape(value)}</td></tr>'
                for name, value in section.rows
            )
            parts.append(f"<table>{rows}</table>")
        parts += [f'<p style="margin:4px 0">{escape(one)}</p>' for one in section.texts]
        if plot and section.title == "How it was measured":
            data = base64.b64encode(plot.encode()).decode()
            parts.append(f'<p><img alt="Calibration plot" src="data:image/svg+xml;base64,{data}"/></p>')
    return "".join((*parts, "</div>"))
