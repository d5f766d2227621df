"""A row of images."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.model.scaling import scaled
from studio.theme.theme import current
from studio.theme.tokens import CORNER_IMAGE

GAP = 6
_AT_ONCE = 4  # images enlarged in one paint: each takes a few ms, and the window should not stop for all of them
SLACK = 16  # pixels; a little more than the width of a scroll bar


def settled(width: int, before: int) -> int:
    """Return the width to fill with images whose height depends on it; unchanged if only the width of a scroll bar was gained.

    Otherwise they would grow, bring the scroll bar back, shrink, and so on without end.
    """
    return before if before <= width < before + SLACK else width


class Strip(QWidget):
    """`places` images side by side, as large as the width allows and never larger than `largest`."""

    def __init__(self, places: int = 8, largest: int = 160) -> None:
        super().__init__()
        self._places, self._largest = places, largest
        self._images: list[QImage] = []
        self._pixmaps: dict[int, QPixmap] = {}  # by the image's cacheKey()
        self._drawn_for: tuple[int, float, bool] | None = None
        self._last: dict[int, QPixmap] = {}  # by place: what was there when it was painted last
        self._rest = QTimer(self, singleShot=True, interval=0)
        self._rest.timeout.connect(self.update)
        self.pixel_art = False
        self.room = 0  # width that the images fill, in pixels
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(96)

    @property
    def images(self) -> list[QImage]:
        return list(self._images)

    def show_images(self, images: Sequence[QImage]) -> None:
        """Show these images; places without one are grey."""
        self._images = list(images[: self._places])
        self._last = {place: shown for place, shown in self._last.items() if place < len(self._images)}
        self.update()

    def side(self, width: int) -> int:
        """Return the side of one image in a strip `width` pixels wide."""
        return max(8, min(self._largest, (width - GAP * (self._places - 1)) // self._places))

    def resizeEvent(self, event: QResizeEvent) -> None:
        # Not height-for-width, which a scroll area ignores, so that it would cut the images off.
        self.room = settled(event.size().width(), self.room)
        self.setFixedHeight(self.side(self.room))

    def areas(self, side: float) -> list[QRectF]:
        """Return the rectangles of all places, each `side` pixels wide."""
        return [QRectF(place * (side + GAP), 0, side, side) for place in range(self._places)]

    def placed(self, side: int, ratio: float) -> list[tuple[QRectF, QPixmap]]:
        """Return the images scaled to `side` logical pixels, each with the rectangle to draw it in. `ratio` : device pixel ratio.

        Only a few are scaled at a time. The others follow in the next paints; until then, their places show what they showed before.
        """
        if self._drawn_for != (side, ratio, self.pixel_art):
            self._pixmaps, self._drawn_for = {}, (side, ratio, self.pixel_art)
        known, made = self._pixmaps, 0  # while a round runs, half of the images stay the same
        self._pixmaps, found = {}, []
        for place, (area, image) in enumerate(zip(self.areas(side), self._images, strict=False)):
            pixmap = known.get(key := image.cacheKey())
            if pixmap is None and made < _AT_ONCE:
                pixmap, made = QPixmap.fromImage(scaled(image, side, ratio, self.pixel_art)), made + 1
            if pixmap is not None:
                self._pixmaps[key] = self._last[place] = pixmap
            elif place in self._last:
                pixmap = QPixmap(self._last[place])
                pixmap.setDevicePixelRatio(pixmap.width() / side)  # it may have been made for another size
            else:
                continue
            size = pixmap.width() / pixmap.devicePixelRatio()
            spare = round((side - size) / 2 * ratio) / ratio
            found.append((QRectF(area.x() + spare, spare, size, size), pixmap))
        if len(self._pixmaps) < len({image.cacheKey() for image in self._images}):
            self._rest.start()
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side, ratio = self.side(self.room), self.devicePixelRatioF()
        placed = self.placed(side, ratio)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(current().tokens.control))
        for area in self.areas(side):
            if not any(area.intersects(taken) for taken, _ in placed):
                painter.drawRoundedRect(area, CORNER_IMAGE, CORNER_IMAGE)
        for area, pixmap in placed:
            shape = QPainterPath()
            shape.addRoundedRect(area, CORNER_IMAGE, CORNER_IMAGE)
            painter.setClipPath(shape)
            painter.drawPixmap(area.topLeft(), pixmap)
            painter.setClipping(False)
