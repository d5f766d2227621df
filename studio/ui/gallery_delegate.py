"""Painting of images in the gallery, from tiles of the image cache that have the right size and round corners."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from studio.model.grid_model import Cell
from studio.model.image_cache import ImageCache
from studio.theme.theme import current
from studio.theme.tokens import CORNER_IMAGE
from studio.ui.image_delegate import ImageDelegate


class GalleryDelegate(ImageDelegate):
    """Paints cells from cached tiles; it never waits for a file."""

    def __init__(self, cache: ImageCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cache = cache

    def _paint_image(self, painter: QPainter, rect: QRect, cell: Cell) -> QRectF:
        ratio = painter.device().devicePixelRatio()
        rejected = cell.flag == "reject"
        tile = self._cache.tile(cell.image, rect.width(), ratio, self.pixel_art, rejected)
        if tile is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(current().tokens.control))
            painter.drawRoundedRect(rect, CORNER_IMAGE, CORNER_IMAGE)
            return QRectF(rect)
        side = min(tile.width() / tile.devicePixelRatio(), rect.width())
        if tile.width() != round(side * ratio):  # of another size, until the right one is made
            side = float(rect.width())
        spare = round((rect.width() - side) / 2 * ratio) / ratio
        area = QRectF(rect.x() + spare, rect.y() + spare, side, side)
        painter.setOpacity(0.45 if rejected else 1.0)
        painter.drawImage(area, tile)
        painter.setOpacity(1.0)
        return area
