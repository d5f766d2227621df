"""Painting of one image in a grid, and the positions of its stars."""

from collections import OrderedDict

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetrics,
    QImage,
    QLinearGradient,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
)
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.i18n import tr
from studio.model.grid_model import Cell, CellRole
from studio.model.scaling import scaled
from studio.theme.theme import current
from studio.theme.tokens import CORNER_IMAGE, TINY
from studio.ui.labels import paint_label

_Index = QModelIndex | QPersistentModelIndex
_WORDED = 136  # side of a cell from which the word "rejected" fits beside the label, the tags and the sign of a note
_KEPT = 512  # scaled pixmaps in the cache; 24 of 168 px at a device pixel ratio of 2 take 11 MB

# A five-pointed star of radius 1 around the origin, pointing up.
STAR = QPolygonF(
    [
        QPointF(x, y)
        for x, y in (
            (0.0, -1.0), (0.2351, -0.3236), (0.9511, -0.309), (0.3804, 0.1236), (0.5878, 0.809),
            (0.0, 0.4), (-0.5878, 0.809), (-0.3804, 0.1236), (-0.9511, -0.309), (-0.2351, -0.3236),
        )
    ]
)  # fmt: skip


def star_step(cell: int) -> int:
    """Return the distance between the centres of two stars in a cell whose side is `cell`."""
    return 16 if cell >= 104 else max(10, cell // 7)


def star_box(rect: QRect, star: int) -> QRect:
    """Return the clickable area of star 1..5 in a cell, which is taller than the star."""
    step = star_step(rect.width())
    return QRect(rect.left() + 8 + (star - 1) * step, rect.bottom() + 1 - step - 10, step, step + 10)


def star_at(rect: QRect, point: QPoint) -> int:
    """Return the star 1..5 of a cell under `point`, or 0."""
    return next((star for star in range(1, 6) if star_box(rect, star).contains(point)), 0)


class ImageDelegate(QStyledItemDelegate):
    """Paints a `Cell`: the image, its stars, tags and other marks, and the ring."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.hovered_star = 0
        self.pixel_art = False
        self._kept: OrderedDict[tuple[object, ...], QPixmap] = OrderedDict()

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return option.rect.size()

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        cell: Cell = index.data(CellRole)
        state = option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        hovered = bool(state & QStyle.StateFlag.State_MouseOver)
        rect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if not cell.drawn:
            self._paint_placeholder(painter, rect)
        else:
            area = self._paint_image(painter, rect, cell)
            if hovered or chosen or cell.stars:
                self._paint_stars(painter, rect, area, cell.stars, self.hovered_star if hovered else 0)
            end = float(rect.right())  # where the marks at the left must end
            if cell.flag:
                # Beside the marks, a small image has no room for the word.
                word = tr("rejected") if rect.width() >= _WORDED else "×"
                end = self._paint_tag(painter, rect, word if cell.flag == "reject" else "P")
            self._paint_marks(painter, rect, cell, end - 6)
        if chosen:
            self._paint_ring(painter, rect, 255 if state & QStyle.StateFlag.State_Active else 150)
        painter.restore()

    def _paint_placeholder(self, painter: QPainter, rect: QRect) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(current().tokens.control))
        painter.drawRoundedRect(rect, CORNER_IMAGE, CORNER_IMAGE)

    def _paint_image(self, painter: QPainter, rect: QRect, cell: Cell) -> QRectF:
        ratio = painter.device().devicePixelRatio()
        pixmap = self._pixmap(cell, rect.width(), ratio)
        side = pixmap.width() / pixmap.devicePixelRatio()
        # Aligned to device pixels: an offset of half a pixel would blur all edges.
        spare = round((rect.width() - side) / 2 * ratio) / ratio
        area = QRectF(rect.x() + spare, rect.y() + spare, side, side)
        shape = QPainterPath()
        shape.addRoundedRect(area, CORNER_IMAGE, CORNER_IMAGE)
        painter.setClipPath(shape)
        painter.setOpacity(0.45 if cell.flag == "reject" else 1.0)
        painter.drawPixmap(area.topLeft(), pixmap)
        painter.setOpacity(1.0)
        painter.setClipping(False)
        return area

    def _pixmap(self, cell: Cell, room: int, ratio: float) -> QPixmap:
        image = cell.pixels
        assert image is not None
        key = (image.cacheKey(), room, ratio, self.pixel_art, cell.flag == "reject")
        found = self._kept.get(key)
        if found is None:
            if cell.flag == "reject":
                image = image.convertToFormat(QImage.Format.Format_Grayscale8)
            found = QPixmap.fromImage(scaled(image, room, ratio, self.pixel_art))
            self._kept[key] = found
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _paint_stars(self, painter: QPainter, rect: QRect, area: QRectF, stars: int, hovered: int) -> None:
        step = star_step(rect.width())
        shade_top = area.bottom() - step - 26
        gradient = QLinearGradient(0, shade_top, 0, area.bottom())
        gradient.setColorAt(0.0, QColor(0, 0, 0, 0))
        gradient.setColorAt(1.0, QColor(0, 0, 0, 165))
        shape = QPainterPath()
        shape.addRoundedRect(area, CORNER_IMAGE, CORNER_IMAGE)
        painter.setClipPath(shape)
        painter.fillRect(
            QRectF(area.left(), shade_top, area.width(), area.bottom() - shade_top), QBrush(gradient)
        )
        painter.setClipping(False)
        painter.setPen(Qt.PenStyle.NoPen)
        shown = hovered or stars
        for star in range(1, 6):
            middle = QRectF(star_box(rect, star)).center()
            painter.save()
            painter.translate(middle)
            painter.scale(step * 0.42, step * 0.42)
            filled = QColor(current().tokens.accent) if hovered else QColor(255, 255, 255)
            painter.setBrush(filled if star <= shown else QColor(255, 255, 255, 90))
            painter.drawPolygon(STAR)
            painter.restore()

    def _paint_tag(self, painter: QPainter, rect: QRect, text: str) -> float:
        """Write a badge at the top right; returns its left edge."""
        font = QFont(painter.font())
        font.setPixelSize(TINY)
        painter.setFont(font)
        width = QFontMetrics(font).horizontalAdvance(text) + 12
        box = QRectF(rect.right() + 1 - width - 6, rect.top() + 6, width, 17)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 22, 205))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor("#f4f4f6"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        return box.left()

    def _paint_marks(self, painter: QPainter, rect: QRect, cell: Cell, end: float) -> None:
        """Paint the colour label at the top left, then the first tag, the number of further ones, and three lines if there is a note."""
        left, top = rect.left() + 6.0, rect.top() + 6.0
        if cell.label:
            paint_label(painter, cell.label, QRectF(left, top + 0.5, 16, 16))
            left += 22
        if not cell.tags and not cell.note:
            return
        font = QFont(painter.font())
        font.setPixelSize(TINY)
        painter.setFont(font)
        lines = 9 if cell.note else 0
        more = f" +{len(cell.tags) - 1}" if len(cell.tags) > 1 else ""
        metrics = QFontMetrics(font)
        room = int(end - left) - 12 - (lines and lines + 5) - metrics.horizontalAdvance(more)
        text = metrics.elidedText(cell.tags[0], Qt.TextElideMode.ElideRight, max(0, room)) + more if cell.tags else ""
        words = metrics.horizontalAdvance(text)
        box = QRectF(left, top, words + lines + 12 + (5 if words and lines else 0), 17)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 22, 205))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QPen(QColor("#f4f4f6"), 1))
        painter.drawText(
            box.adjusted(6, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text
        )
        right = box.right() - 6
        for row in range(3 if lines else 0):
            y = box.top() + 5.5 + 3 * row
            painter.drawLine(QPointF(right - lines, y), QPointF(right - (4 if row == 2 else 0), y))

    def _paint_ring(self, painter: QPainter, rect: QRect, alpha: int) -> None:
        colour = QColor(current().tokens.accent)
        colour.setAlpha(alpha)
        painter.setPen(QPen(colour, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # The ring is entirely outside the image, with a gap of one pixel.
        painter.drawRoundedRect(QRectF(rect).adjusted(-2, -2, 2, 2), CORNER_IMAGE + 2, CORNER_IMAGE + 2)
