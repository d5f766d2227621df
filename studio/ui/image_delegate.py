"""Painting of one image in a grid, and the positions of its stars."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import floor
from typing import TypeVar

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontMetrics,
    QImage,
    QLinearGradient,
    QPainter,
    QPen,
    QPixmap,
    QPolygonF,
)

from studio.i18n import tr
from studio.model.grid_model import Cell
from studio.model.image_cache import ImageCache, make_tile
from studio.theme.theme import current
from studio.theme.tokens import CORNER_IMAGE, TINY
from studio.ui.labels import paint_label

_WORDED = 136  # side of a cell from which the word "rejected" fits beside the label, the tags and the sign of a note
_Kept = TypeVar("_Kept", QImage, QPixmap)
_KEPT = 512  # tiles in the cache; 24 of 168 px at a device pixel ratio of 2 take 11 MB
_OVERLAYS = 256  # of stars and marks in the cache
_MARKS = 26  # height of the strip with the marks
RING = 3  # logical pixels around an image that its ring may touch

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


@dataclass(frozen=True)
class Look:
    """How a cell is shown besides what it holds."""

    current: bool = False
    selected: bool = False
    hovered: bool = False
    star: int = 0  # 1..5 under the pointer


class ImageDelegate:
    """Paints a `Cell`: the image, its stars, tags and other marks, and the ring.

    Stars and marks are painted once for all cells that have the same ones: while a person scrolls, only pixmaps are copied.
    """

    def __init__(self) -> None:
        self.pixel_art = False
        self._tiles: OrderedDict[tuple[object, ...], QImage] = OrderedDict()
        self._overlays: OrderedDict[tuple[object, ...], QPixmap] = OrderedDict()

    def paint(self, painter: QPainter, rect: QRect, cell: Cell, look: Look) -> None:
        """Paint `cell` into the square `rect`, with its ring up to `RING` pixels outside."""
        ratio = painter.device().devicePixelRatio()
        if cell.drawn:
            area = self._paint_image(painter, rect, cell, ratio)
            if look.hovered or look.selected or cell.stars:
                self._paint_stars(painter, rect, area, cell.stars, look.star, ratio)
            if cell.flag or cell.label or cell.tags or cell.note:
                self._paint_marks(painter, rect, cell, ratio)
        else:
            self._paint_placeholder(painter, rect, ratio)
        if look.selected:
            self._paint_ring(painter, rect, 255 if look.current else 150)

    def _paint_placeholder(self, painter: QPainter, rect: QRect, ratio: float) -> None:
        side, colour = rect.width(), current().tokens.control

        def draw(onto: QPainter) -> None:
            onto.setPen(Qt.PenStyle.NoPen)
            onto.setBrush(QColor(colour))
            onto.drawRoundedRect(0, 0, side, side, CORNER_IMAGE, CORNER_IMAGE)

        painter.drawPixmap(rect.topLeft(), self._overlay(("none", side, ratio, colour), side, side, ratio, draw))

    def _paint_image(self, painter: QPainter, rect: QRect, cell: Cell, ratio: float) -> QRectF:
        """Paint the image in the middle of `rect`, and return where it is."""
        tile = self._tile(cell, rect.width(), ratio)
        if tile is None:
            self._paint_placeholder(painter, rect, ratio)
            return QRectF(rect)
        area, wanted = QRectF(rect), round(rect.width() * ratio)
        if self.pixel_art and tile.width() < wanted:
            # Aligned to device pixels: an offset of half a pixel would blur all edges.
            spare, side = (wanted - tile.width()) // 2 / ratio, tile.width() / ratio
            area = QRectF(rect.x() + spare, rect.y() + spare, side, side)
        painter.setOpacity(0.45 if cell.flag == "reject" else 1.0)
        if tile.width() == wanted or area.width() < rect.width():
            painter.drawImage(area.topLeft(), tile)
        else:  # of another size, until the right one is made
            painter.drawImage(area, tile)
        painter.setOpacity(1.0)
        return area

    def _tile(self, cell: Cell, side: int, ratio: float) -> QImage | None:
        """Return the image of a cell for a square of `side` logical pixels, with round corners; None if there is none yet."""
        image, grey = cell.pixels, cell.flag == "reject"
        assert image is not None
        key = (image.cacheKey(), side, ratio, self.pixel_art, grey)
        found = self._tiles.get(key)
        if found is None:
            found = make_tile((cell.image, side, ratio, self.pixel_art, grey), image)
            assert found is not None
            _keep(self._tiles, key, found, _KEPT)
        return found

    def _overlay(
        self, key: tuple[object, ...], width: float, height: float, ratio: float, paint: Callable[[QPainter], None]
    ) -> QPixmap:
        """Return a transparent pixmap of logical pixels with what `paint` paints into it, from the cache if it is there."""
        found = self._overlays.get(key)
        if found is None:
            found = QPixmap(round(width * ratio), round(height * ratio))
            found.setDevicePixelRatio(ratio)
            found.fill(Qt.GlobalColor.transparent)
            painter = QPainter(found)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint(painter)
            painter.end()
            _keep(self._overlays, key, found, _OVERLAYS)
        return found

    def _paint_stars(
        self, painter: QPainter, rect: QRect, area: QRectF, stars: int, hovered: int, ratio: float
    ) -> None:
        accent = current().tokens.accent if hovered else ""
        shade = star_step(rect.width()) + 26.0
        x, y = area.x() - rect.x(), area.y() - rect.y()
        # From a whole device pixel on, so that it is copied and not resampled.
        top = floor(max(0.0, y + area.height() - shade) * ratio) / ratio
        box = QRect(0, 0, rect.width(), rect.height())

        def draw(onto: QPainter) -> None:
            onto.translate(0, -top)
            _draw_stars(onto, box, QRectF(x, y, area.width(), area.height()), hovered or stars, shade, accent)

        key = ("stars", rect.width(), x, area.width(), ratio, hovered or stars, accent)
        painter.drawPixmap(QPointF(rect.x(), rect.y() + top), self._overlay(key, rect.width(), rect.height() - top, ratio, draw))

    def _paint_marks(self, painter: QPainter, rect: QRect, cell: Cell, ratio: float) -> None:
        box = QRect(0, 0, rect.width(), rect.height())

        def draw(onto: QPainter) -> None:
            end = float(box.right())  # where the marks at the left must end
            if cell.flag:
                # Beside the marks, a small image has no room for the word.
                word = tr("rejected") if box.width() >= _WORDED else "×"
                end = _draw_flag(onto, box, word if cell.flag == "reject" else "P")
            _draw_marks(onto, box, cell, end - 6)

        key = ("marks", rect.width(), ratio, cell.flag, cell.label, cell.tags, bool(cell.note))
        painter.drawPixmap(rect.topLeft(), self._overlay(key, rect.width(), _MARKS, ratio, draw))

    def _paint_ring(self, painter: QPainter, rect: QRect, alpha: int) -> None:
        colour = QColor(current().tokens.accent)
        colour.setAlpha(alpha)
        painter.setPen(QPen(colour, 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # The ring is entirely outside the image, with a gap of one pixel.
        painter.drawRoundedRect(QRectF(rect).adjusted(-2, -2, 2, 2), CORNER_IMAGE + 2, CORNER_IMAGE + 2)


class CachedDelegate(ImageDelegate):
    """Paints cells without pixels, from tiles of the image cache; it never waits for a file."""

    def __init__(self, cache: ImageCache) -> None:
        super().__init__()
        self._cache = cache

    def _tile(self, cell: Cell, side: int, ratio: float) -> QImage | None:
        return self._cache.tile(cell.image, side, ratio, self.pixel_art, cell.flag == "reject")


def _keep(kept: OrderedDict[tuple[object, ...], _Kept], key: tuple[object, ...], made: _Kept, most: int) -> None:
    kept[key] = made
    while len(kept) > most:
        kept.popitem(last=False)


def _draw_stars(painter: QPainter, rect: QRect, area: QRectF, stars: int, shade: float, accent: str) -> None:
    """Draw five stars over a shade that ends in the round corners of `area`; `accent`: colour of those under the pointer, if any."""
    gradient = QLinearGradient(0, area.bottom() - shade, 0, area.bottom())
    gradient.setColorAt(0.0, QColor(0, 0, 0, 0))
    gradient.setColorAt(1.0, QColor(0, 0, 0, 165))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QBrush(gradient))
    painter.drawRoundedRect(area, CORNER_IMAGE, CORNER_IMAGE)
    size = star_step(rect.width()) * 0.42
    for star in range(1, 6):
        painter.save()
        painter.translate(QRectF(star_box(rect, star)).center())
        painter.scale(size, size)
        painter.setBrush(QColor(accent or "#ffffff") if star <= stars else QColor(255, 255, 255, 90))
        painter.drawPolygon(STAR)
        painter.restore()


def _draw_flag(painter: QPainter, rect: QRect, text: str) -> float:
    """Draw a badge at the top right; returns its left edge."""
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


def _draw_marks(painter: QPainter, rect: QRect, cell: Cell, end: float) -> None:
    """Draw the colour label at the top left, then the first tag, the number of further ones, and three lines if there is a note."""
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
