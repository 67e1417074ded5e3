"""Row of the study browser: thumbnail, title, quiet second line, badges at the right."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.ui import theme
from app.ui.browse import Row

ROW, BADGES, SHOWN, IMAGE = (Qt.ItemDataRole.UserRole + n for n in range(4))
HEIGHTS = {"patient": 40, "study": 40, "dynamic": 40, "stack": 56}
THUMB = 48
Index = QModelIndex | QPersistentModelIndex


class RowDelegate(QStyledItemDelegate):
    """Draws a row: thumbnail, title, quiet second line, badges at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of a row's kind."""
        row = index.data(ROW)
        return QSize(160, HEIGHTS[row.kind] if row is not None else 32)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one row."""
        row: Row = index.data(ROW)
        rect: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(theme.colour("selection")))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(theme.colour("hover")))
        left = rect.left() + 4
        if row.kind == "stack":
            self._thumbnail(painter, QRect(left, rect.top() + 4, THUMB, THUMB), index)
            left += THUMB + 8
        right = self._badges(painter, rect, index.data(BADGES) or ())
        self._texts(painter, QRect(left, rect.top(), right - left, rect.height()), row, option.font)
        painter.restore()

    def _thumbnail(self, painter: QPainter, frame: QRect, index: Index) -> None:
        painter.fillRect(frame, QColor(theme.colour("pane")))
        image = index.data(IMAGE)
        if isinstance(image, QPixmap):
            size = image.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
            inner = QRect(frame.topLeft(), size)
            inner.moveCenter(frame.center())
            painter.drawPixmap(inner, image)
        if index.data(SHOWN):
            painter.setPen(QPen(QColor(theme.colour("accent")), 1.5))
            painter.drawRect(frame.adjusted(0, 0, -1, -1))

    def _badges(self, painter: QPainter, rect: QRect, badges: tuple[tuple[str, str], ...]) -> int:
        right = rect.right() - 8
        for icon, tone in badges:
            right -= 16
            theme.icon(icon, tone).paint(painter, QRect(right, rect.center().y() - 8, 16, 16))
            right -= 4
        return right

    def _texts(self, painter: QPainter, area: QRect, row: Row, font: QFont) -> None:
        title_font = QFont(font)
        title_font.setPixelSize(13)
        title_font.setBold(row.kind == "patient")
        small = QFont(font)
        small.setPixelSize(11)
        half = area.height() // 2
        lines = [(row.title, title_font, "text"), (row.subtitle, small, "text_quiet")]
        if not row.subtitle:
            lines, half = lines[:1], area.height()
        for number, (text, line_font, tone) in enumerate(lines):
            painter.setFont(line_font)
            painter.setPen(QColor(theme.colour(tone)))
            where = QRect(area.left(), area.top() + number * half, area.width(), half)
            one_line = len(lines) == 1
            vertical = Qt.AlignmentFlag.AlignVCenter if one_line else (_BOTTOM if number == 0 else _TOP)
            where.adjust(0, 0 if one_line or number == 0 else 2, 0, -1 if number == 0 and not one_line else 0)
            shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, where.width())
            painter.drawText(where, Qt.AlignmentFlag.AlignLeft | vertical, shown)


_BOTTOM, _TOP = Qt.AlignmentFlag.AlignBottom, Qt.AlignmentFlag.AlignTop
