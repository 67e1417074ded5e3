"""Boxes: the label that is armed, and every box of the study with label, slice, size and author."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeyEvent, QPixmap
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.display import Display
from app.ui.layers import UNLABELLED
from app.ui.parts import button, page
from app.ui.places import box_size_mm, length_unit
from app.workspace.box import Box
from app.workspace.taxonomy import Taxonomy, Term


class BoxesPanel(QWidget):
    """Tab “Boxes”."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display, self.session = display, display.session
        self.label = QComboBox()
        self.label.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.label.setAccessibleName("Label of new boxes")
        self.label.setToolTip("Label that new boxes get; with a box selected, its label")
        self.label.setMaxVisibleItems(24)
        self.label.activated.connect(lambda _: self._choose(self.label.currentData()))
        self.keys = theme.label(role="small", wrap=True)
        self.list = BoxList(self._delete)
        self.list.currentItemChanged.connect(lambda item, _: self._jump(item))
        self.list.itemActivated.connect(self._jump)
        self.empty = theme.label(
            "No boxes yet.\n\nPress B to draw a box by drag, X to click the four extreme points of a lesion, "
            "or K to make one from a finding.",
            "quiet",
            wrap=True,
        )
        self.remove = button(
            "Delete", self._delete, tip="Delete the selected box  (Del); Ctrl+Z brings it back", icon="trash"
        )
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.remove)
        area, layout = page()
        layout.addWidget(theme.label("LABEL", "section"))
        layout.addWidget(self.label)
        layout.addWidget(self.keys)
        layout.addSpacing(8)
        layout.addWidget(theme.label("BOXES OF THIS STUDY", "section"))
        layout.addWidget(self.empty)
        layout.addWidget(self.list, 1)
        layout.addLayout(foot)
        layout.addStretch(0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.session.annotations.label_changed.connect(self._fill_labels)
        self.session.annotations.changed.connect(self._fill)
        self.session.library.study_changed.connect(self._fill)
        display.marks.box_selected.connect(self._follow)
        self._fill_labels()
        self._fill()

    def _fill_labels(self) -> None:
        taxonomy = self.session.annotations.taxonomy
        self.label.clear()
        self.label.addItem("No label", "")
        for term in taxonomy.terms if taxonomy is not None else ():
            self.label.addItem(swatch(term.colour), term.title, term.code)
            self.label.setItemData(self.label.count() - 1, term.group, Qt.ItemDataRole.ToolTipRole)
        self.label.setCurrentIndex(max(0, self.label.findData(self.session.annotations.label)))
        self.keys.setText(group_keys_text(taxonomy))
        self.keys.setVisible(bool(self.keys.text()))

    def _choose(self, code: str) -> None:
        choose_label(self.display, code)

    def _fill(self) -> None:
        terms = (
            {term.code: term for term in self.session.annotations.taxonomy.terms}
            if self.session.annotations.taxonomy is not None
            else {}
        )
        unit = length_unit(self.display.pane.content)
        self.list.blockSignals(True)
        self.list.clear()
        for box in self.session.annotations.boxes:
            place = self.display.marks.place_of(box)
            item = QListWidgetItem(box_text(box, terms.get(box.label), place, unit))
            item.setIcon(swatch(terms[box.label].colour if box.label in terms else UNLABELLED))
            item.setData(Qt.ItemDataRole.UserRole, box.uid)
            item.setToolTip(box_tip(box))
            self.list.addItem(item)
            if box.uid == self.display.marks.selected:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self.list.setVisible(bool(self.session.annotations.boxes))
        self.remove.setVisible(bool(self.session.annotations.boxes))
        self.empty.setVisible(not self.session.annotations.boxes)

    def _jump(self, item: QListWidgetItem | None) -> None:
        box = self.session.annotations.box(item.data(Qt.ItemDataRole.UserRole)) if item is not None else None
        if box is not None:
            self.display.marks.jump(box, box.stack_uid)

    def _follow(self, uid: str) -> None:
        for n in range(self.list.count()):
            if self.list.item(n).data(Qt.ItemDataRole.UserRole) == uid:
                self.list.blockSignals(True)
                self.list.setCurrentRow(n)
                self.list.blockSignals(False)

    def _delete(self) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.session.annotations.delete(item.data(Qt.ItemDataRole.UserRole))


class BoxList(QListWidget):
    """The list of boxes; Del deletes."""

    def __init__(self, on_delete) -> None:
        super().__init__()
        self._on_delete = on_delete
        self.setAccessibleName("Boxes")
        self.setSpacing(1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete the selected box with Del or Backspace."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._on_delete()
        else:
            super().keyPressEvent(event)


def choose_label(display: Display, code: str) -> None:
    """Arm a label for new boxes and measurements, and give it to the selected one."""
    display.session.annotations.set_label(code)
    if display.marks.selected and display.session.annotations.mark(display.marks.selected) is not None:
        display.session.annotations.relabel(display.marks.selected, code)


def swatch(colour: str) -> QPixmap:
    """Return a small square of a label's colour."""
    pixmap = QPixmap(24, 24)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(QColor(colour))
    return pixmap


def box_text(box: Box, term: Term | None, place: str, unit: str) -> str:
    """Return two lines: label; place and size in ``unit``."""
    width, height = box_size_mm(box)
    title = term.title if term is not None else (box.label or "No label")
    return f"{title}\n{place}{' · ' if place else ''}{width:.1f} × {height:.1f} {unit}"


def box_tip(box: Box) -> str:
    """Return author, origin and time."""
    author = f"by {box.author}" if box.author else "author not set (see Preferences)"
    return f"{box.method.capitalize()}, {author}\nSource: {box.source}\n{box.created[:16].replace('T', ' ')} UTC"


def groups(taxonomy: Taxonomy | None) -> dict[str, list[Term]]:
    """Return the terms of a taxonomy by group, in order."""
    found: dict[str, list[Term]] = {}
    for term in taxonomy.terms if taxonomy is not None else ():
        found.setdefault(term.group, []).append(term)
    return found


def group_keys_text(taxonomy: Taxonomy | None) -> str:
    """Return which key arms which group of labels."""
    parts = (f"F{number} {group}" for number, group in enumerate(groups(taxonomy), start=2) if number <= 9)
    text = " · ".join(parts)
    return f"Keys: {text}. The same key again takes the next label of the group." if text else ""


def next_label(taxonomy: Taxonomy | None, group_number: int, current: str) -> str:
    """Return the label a group key arms: the first of the group, or the one after the current."""
    every = list(groups(taxonomy).values())
    if not 1 <= group_number <= len(every):
        return current
    codes = [term.code for term in every[group_number - 1]]
    return codes[(codes.index(current) + 1) % len(codes)] if current in codes else codes[0]
