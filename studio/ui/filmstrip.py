"""A row of thumbnails around the image that is shown."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.i18n import tr
from studio.model.image_cache import ImageCache
from studio.theme.theme import current
from studio.theme.tokens import CORNER_IMAGE

_SIDE, _GAP, _EDGE = 52, 6, 4
_NOTCH = 120  # one notch of a mouse wheel, in eighths of a degree


class Filmstrip(QWidget):
    """Shows as many images of a list as fit, with the chosen one in the middle if possible; a click chooses another."""

    chosen = Signal(int)  # index in the list

    def __init__(self, cache: ImageCache) -> None:
        super().__init__()
        self._cache = cache
        self._images: Sequence[int] = ()
        self._position = 0
        self._turned = 0  # turn of the wheel since the last image, in eighths of a degree
        self.pixel_art = False
        self.setFixedHeight(_SIDE + 2 * _EDGE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Filmstrip"))
        cache.arrived.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(600, _SIDE + 2 * _EDGE)

    def show_images(self, images: Sequence[int], position: int) -> None:
        """Show the images of a list around `position`."""
        self._images, self._position = images, position
        self.update()

    def _first(self) -> int:
        """Return the index of the image at the left."""
        fitting = max(1, (self.width() - 2 * _EDGE + _GAP) // (_SIDE + _GAP))
        return max(0, min(self._position - fitting // 2, len(self._images) - fitting))

    def rect_of(self, place: int) -> QRect:
        """Return the rectangle in which the image at an index is painted."""
        return QRect(_EDGE + (place - self._first()) * (_SIDE + _GAP), _EDGE, _SIDE, _SIDE)

    def place_at(self, point: QPoint) -> int:
        """Return the index of the image under a point, or -1."""
        column, inside = divmod(point.x() - _EDGE, _SIDE + _GAP)
        place = self._first() + column
        return place if 0 <= place < len(self._images) and inside < _SIDE and column >= 0 else -1

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ratio = self.devicePixelRatioF()
        for place in range(self._first(), len(self._images)):
            rect = self.rect_of(place)
            if rect.right() + _EDGE > self.width():
                break
            tile = self._cache.tile(self._images[place], _SIDE, ratio, self.pixel_art)
            if tile is None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(tokens.control))
                painter.drawRoundedRect(rect, CORNER_IMAGE, CORNER_IMAGE)
            else:
                side = tile.width() / tile.devicePixelRatio()
                area = QRectF(0, 0, min(side, _SIDE), min(side, _SIDE))
                area.moveCenter(QRectF(rect).center())
                painter.drawImage(area, tile)
            if place == self._position:
                painter.setPen(QPen(QColor(tokens.accent), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(
                    QRectF(rect).adjusted(-2, -2, 2, 2), CORNER_IMAGE + 2, CORNER_IMAGE + 2
                )

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(event.position().toPoint())
        if place >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(place)

    def wheelEvent(self, event: QWheelEvent) -> None:
        # A touchpad sends many small turns: only whole notches move on.
        self._turned += event.angleDelta().y() or event.angleDelta().x()
        notches = int(self._turned / _NOTCH)
        self._turned -= notches * _NOTCH
        if notches:
            self.chosen.emit(max(0, min(self._position - notches, len(self._images) - 1)))
        event.accept()
