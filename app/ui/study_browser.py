"""Study browser: patients, studies, series and phases with thumbnails and badges; drag or double-click to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtCore import QByteArray, QMimeData, Qt, Signal
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.session import Session
from app.ui import theme
from app.ui.badges import badge_text, badges
from app.ui.browse import Row, browser_rows
from app.ui.browser_row import BADGES, IMAGE, ROW, SHOWN, RowDelegate
from app.ui.drops import STACK_MIME


class StudyTree(QTreeWidget):
    """The tree itself; a dragged row carries its stack uid."""

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderHidden(True)
        self.setIndentation(8)
        self.setDragEnabled(True)
        self.setMouseTracking(True)
        self.setRootIsDecorated(True)
        self.setUniformRowHeights(False)
        self.setItemDelegate(RowDelegate(self))
        self.setAccessibleName("Studies")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def mimeData(self, items: Sequence[QTreeWidgetItem]) -> QMimeData:
        """Carry the stack uid of the dragged row."""
        data = QMimeData()
        row: Row = items[0].data(0, ROW)
        if row.kind == "stack":
            data.setData(STACK_MIME, QByteArray(row.uid.encode()))
        return data


class StudyBrowser(QWidget):
    """Left column: the tree, and below it what was skipped.

    Attributes
    ----------
    stack_chosen
        Study uid and stack uid to show.
    study_chosen
        Study uid to open.
    dynamic_chosen
        Uid of a dynamic acquisition whose phases the user wants to see.
    """

    stack_chosen = Signal(str, str)
    study_chosen = Signal(str)
    dynamic_chosen = Signal(str)
    skipped_chosen = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("leftPanel")
        self.setMinimumWidth(220)
        self.session = session
        self.tree = StudyTree()
        self._images: dict[str, QPixmap] = {}
        self.skipped = QPushButton()
        self.skipped.setProperty("quiet", True)
        theme.dress(self.skipped, "file-x")
        self.skipped.setToolTip("List every file that was not taken, with its reason")
        self.skipped.clicked.connect(self.skipped_chosen)
        head = QHBoxLayout()
        head.setContentsMargins(16, 12, 8, 8)
        head.addWidget(theme.label("STUDIES", "section"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        self.empty = theme.label(
            "Nothing is open.\n\nOpen a folder, a file, a zip or a DICOMDIR, or drop it here.", "empty", wrap=True
        )
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.empty, 1)
        layout.addWidget(self.tree, 1)
        layout.addWidget(self.skipped)
        self.tree.itemActivated.connect(self._activate)
        session.library.changed.connect(self.rebuild)
        session.library.study_changed.connect(self.rebuild)
        session.images.thumbnail_ready.connect(self._take_thumbnail)
        session.annotations.changed.connect(self.mark)
        session.readings.changed.connect(self.mark)
        self.rebuild()

    def rebuild(self) -> None:
        """Fill the tree from the session's studies; the open study carries the user's own phases."""
        current = self.session.study
        studies = tuple(
            current if current and study.uid == current.uid else study for study in self.session.library.studies
        )
        self.tree.clear()
        for row in browser_rows(studies):
            self._add(self.tree.invisibleRootItem(), row)
        self.tree.setVisible(bool(studies))
        self.empty.setVisible(not studies)
        count = len(self.session.library.skipped)
        self.skipped.setVisible(count > 0)
        self.skipped.setText(f"Skipped files: {count}")
        self.mark()
        self._show_current()

    def _show_current(self) -> None:
        """Scroll to the open study."""
        current = self.session.study
        for item in self.items() if current is not None else ():
            row: Row = item.data(0, ROW)
            if row.kind == "study" and current is not None and row.uid == current.uid:
                last = item.child(item.childCount() - 1)
                self.tree.scrollToItem(last or item)
                self.tree.scrollToItem(item)

    def _add(self, parent: QTreeWidgetItem, row: Row) -> None:
        item = QTreeWidgetItem(parent)
        item.setData(0, ROW, row)
        item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{row.title} {row.subtitle}")
        item.setToolTip(0, tip_of(row))
        if row.uid in self._images:
            item.setData(0, IMAGE, self._images[row.uid])
        for child in row.children:
            self._add(item, child)
        current = self.session.study
        open_row = row.kind == "patient" or (current is not None and row.study_uid == current.uid)
        item.setExpanded(open_row)

    def items(self) -> Iterator[QTreeWidgetItem]:
        """Yield every item of the tree."""
        waiting = [self.tree.topLevelItem(n) for n in range(self.tree.topLevelItemCount())]
        while waiting:
            item = waiting.pop()
            if item is not None:
                yield item
                waiting.extend(item.child(n) for n in range(item.childCount()))

    def mark(self, shown: list[str | None] | None = None) -> None:
        """Update badges; ``shown`` lists the stacks on show, None leaves that as it is."""
        annotated = {box.stack_uid for box in self.session.annotations.boxes}
        for item in self.items():
            row: Row = item.data(0, ROW)
            if row.kind != "stack":
                continue
            state, drawn = self.session.readings.of_stack(row.uid), row.uid in annotated
            item.setData(0, BADGES, badges(state, drawn))
            item.setToolTip(0, "\n".join(part for part in (tip_of(row), badge_text(state, drawn)) if part))
            if shown is not None:
                item.setData(0, SHOWN, row.uid in shown)

    def _take_thumbnail(self, uid: str, image: np.ndarray) -> None:
        grey = np.ascontiguousarray(image)
        height, width = grey.shape[:2]
        colour = QImage.Format.Format_RGB888 if grey.ndim == 3 else QImage.Format.Format_Grayscale8
        pixmap = QPixmap.fromImage(QImage(grey.data, width, height, grey.strides[0], colour).copy())
        self._images[uid] = pixmap
        for item in self.items():
            if item.data(0, ROW).uid == uid:
                item.setData(0, IMAGE, pixmap)

    def _activate(self, item: QTreeWidgetItem) -> None:
        row: Row = item.data(0, ROW)
        if row.kind == "stack":
            self.stack_chosen.emit(row.study_uid, row.uid)
        elif row.kind == "study":
            self.study_chosen.emit(row.uid)
        elif row.kind == "dynamic":
            self.dynamic_chosen.emit(row.uid)


def tip_of(row: Row) -> str:
    """Return the tool tip of a row."""
    return row.tip or f"{row.title}\n{row.subtitle}".strip()
