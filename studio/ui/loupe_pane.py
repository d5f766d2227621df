"""A pane with one image: fitted, or zoomed and panned together with the other panes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QCursor,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from studio.i18n import tr
from studio.model.loupe import Loupe
from studio.model.scaling import scaled, whole_factor
from studio.theme.theme import current
from studio.theme.tokens import CORNER_IMAGE, SMALL

_CAPTION = 26
_STEP = 1.25  # zoom factor per notch of the wheel


class LoupePane(QWidget):
    """Paints one image. Zoom and position belong to the `Loupe`; dragging and the wheel change them for all panes."""

    pressed = Signal()
    clicked = Signal()  # pressed and released without dragging
    zoomed = Signal()
    resized = Signal()

    def __init__(self, loupe: Loupe, zooms: bool = True) -> None:
        """`zooms` : whether a double click toggles between fit and 100 %; False where a click is an answer."""
        super().__init__()
        self._loupe, self._zooms = loupe, zooms
        self._image: QImage | None = None
        self._caption = ""
        self._marked = False
        self._fitted: QPixmap | None = None
        self._fitted_for: tuple[object, ...] = ()
        self._drag: QPointF | None = None
        self._began = QPointF()
        self.pixel_art = False
        self.setMinimumSize(96, 96)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover, not zooms)  # where a click is an answer, hovering shows a ring

    def sizeHint(self) -> QSize:
        return QSize(480, 480)

    def show_image(self, image: QImage | None, caption: str, marked: bool) -> None:
        """Show an image (None: not drawn yet) with a caption. `marked` : whether it has the ring of the image that keys apply to."""
        self._image, self._caption, self._marked = image, caption, marked
        self.setAccessibleName(caption)
        self.update()

    # -- geometry ----------------------------------------------------------------------------------------------------

    def _room(self) -> QRectF:
        return QRectF(6, 6, self.width() - 12, self.height() - 12 - _CAPTION)

    def scale(self) -> float:
        """Return the current number of device pixels per image pixel."""
        if self._loupe.zoom is not None:
            return self._loupe.zoom
        return self._fitting()

    def _fitting(self) -> float:
        """Return the scale at which the whole image fits into the pane."""
        if self._image is None:
            return 1.0
        room, ratio = self._room(), self.devicePixelRatioF()
        fits = min(room.width() / self._image.width(), room.height() / self._image.height()) * ratio
        if self.pixel_art and fits >= 1:
            return float(whole_factor(self._image.width(), int(fits * self._image.width())))
        return fits

    def target(self) -> QRectF:
        """Return the rectangle of the whole image, in logical pixels of this widget."""
        room, ratio = self._room(), self.devicePixelRatioF()
        if self._image is None:
            side = min(room.width(), room.height())
            return QRectF(room.center().x() - side / 2, room.center().y() - side / 2, side, side)
        factor = self.scale() / ratio
        width, height = self._image.width() * factor, self._image.height() * factor
        x, y = self._loupe.centre
        left = _kept_in(room.left(), room.width(), room.center().x() - x * width, width)
        top = _kept_in(room.top(), room.height(), room.center().y() - y * height, height)
        # Aligned to device pixels: an offset of half a pixel would blur all edges.
        return QRectF(round(left * ratio) / ratio, round(top * ratio) / ratio, width, height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    # -- painting ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        room, target = self._room(), self.target()
        if self._image is None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.control))
            painter.drawRoundedRect(target, CORNER_IMAGE, CORNER_IMAGE)
        else:
            seen = room.intersected(target)
            shape = QPainterPath()
            if self._loupe.zoom is None:
                shape.addRoundedRect(seen, CORNER_IMAGE, CORNER_IMAGE)
            else:  # without round corners, which would hide pixels
                shape.addRect(seen)
            painter.setClipPath(shape)
            self._paint_image(painter, self._image, room, target)
            painter.setClipping(False)
            if self._marked or self._asks():
                painter.setPen(QPen(QColor(tokens.accent if self._marked else tokens.quiet), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(seen.adjusted(-2, -2, 2, 2), CORNER_IMAGE + 2, CORNER_IMAGE + 2)
        font = painter.font()
        font.setPixelSize(SMALL)
        painter.setFont(font)
        painter.setPen(QColor(tokens.text if self._marked else tokens.quiet))
        below = QRectF(6, min(target.bottom(), room.bottom()) + 6, self.width() - 12, _CAPTION - 4)
        words = painter.fontMetrics().elidedText(
            self._caption, Qt.TextElideMode.ElideRight, int(below.width())
        )
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, words)

    def _asks(self) -> bool:
        """Whether the pointer is on a pane on which a click is an answer."""
        # Qt alone still says so of a pane that was laid out elsewhere while the pointer rested.
        return not self._zooms and self.underMouse() and self.rect().contains(self.mapFromGlobal(QCursor.pos()))

    def _paint_image(self, painter: QPainter, image: QImage, room: QRectF, target: QRectF) -> None:
        if self._loupe.zoom is None:
            painter.drawPixmap(target.topLeft(), self._fit(image, target))
            return
        seen = target.intersected(room)
        if seen.isEmpty():
            return
        across = image.width() / target.width()
        source = QRectF(
            (seen.x() - target.x()) * across,
            (seen.y() - target.y()) * across,
            seen.width() * across,
            seen.height() * across,
        )
        exact = self._loupe.zoom == 1.0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not self.pixel_art and not exact)
        painter.drawImage(seen, image, source)

    def _fit(self, image: QImage, target: QRectF) -> QPixmap:
        ratio = self.devicePixelRatioF()
        key = (image.cacheKey(), round(target.width() * ratio), ratio, self.pixel_art)
        if self._fitted is None or self._fitted_for != key:
            self._fitted = QPixmap.fromImage(scaled(image, round(target.width()), ratio, self.pixel_art))
            self._fitted_for = key
        return self._fitted

    # -- hands -------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self.pressed.emit()
            self._drag = self._began = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag is None or self._loupe.zoom is None or self._image is None:
            return
        moved, target, middle = event.position() - self._drag, self.target(), self._room().center()
        self._drag = event.position()
        self._loupe.pan_to(
            (middle.x() - target.x() - moved.x()) / target.width(),
            (middle.y() - target.y() - moved.y()) / target.height(),
        )

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        still = (place - self._began).manhattanLength() < QApplication.startDragDistance()
        if self._drag is not None and event.button() == Qt.MouseButton.LeftButton and still:
            self.clicked.emit()
        self._drag = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if not self._zooms:
            return
        if self._loupe.zoom is None:
            self._zoom_at(event.position(), 1.0)
        else:
            self._loupe.zoom_to(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y() / 120
        if turned and self._image is not None:
            self._zoom_at(event.position(), self.scale() * _STEP**turned)
        event.accept()

    def step_zoom(self, steps: int) -> None:
        """Zoom in (positive `steps`) or out around the centre."""
        self._zoom_at(self._room().center(), self.scale() * _STEP ** (2 * steps))

    def _zoom_at(self, point: QPointF, zoom: float) -> None:
        """Set the zoom, keeping what is under `point` in place; at least 100 %, or the fitting scale if that is smaller."""
        zoom = max(zoom, min(1.0, self._fitting()))
        before = self.target()
        x, y = (point.x() - before.x()) / before.width(), (point.y() - before.y()) / before.height()
        self._loupe.zoom_to(zoom)
        after, middle = self.target(), self._room().center()
        self._loupe.pan_to(
            x - (point.x() - middle.x()) / after.width(), y - (point.y() - middle.y()) / after.height()
        )
        self.zoomed.emit()


def _kept_in(start: float, room: float, wanted: float, length: float) -> float:
    """Return the start of an image of `length` in the `room` from `start`: centred if it is shorter, else near `wanted` without a gap."""
    if length <= room:
        return start + (room - length) / 2
    return min(start, max(start + room - length, wanted))


def percent(scale: float) -> str:
    """Return a scale as a percentage."""
    return tr("{n} %", n=round(100 * scale))
