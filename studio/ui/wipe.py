"""The same seeds of two versions in one place, with a movable line between before and after."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen

from studio.i18n import tr
from studio.theme.theme import current
from studio.ui.strip import GAP, Strip

_STEP = 0.05  # change of the share per key press


class Wipe(Strip):
    """A strip of the images "after"; left of the line, each shows the image "before".

    Dragging anywhere or the arrow keys move the line; Home and End show only one version.
    """

    moved = Signal(float)

    def __init__(self, places: int = 8, largest: int = 160) -> None:
        super().__init__(places, largest)
        self.under = Strip(places, largest)  # scales the images "before"; never shown itself
        self.under.setParent(self)
        self.under.hide()
        self.share = 0.5  # of each image, from the left, that shows "before"
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self._describe()

    def show_both(self, before: Sequence[QImage], after: Sequence[QImage]) -> None:
        """Show the same seeds of two versions."""
        self.under.show_images(before)
        self.show_images(after)

    def set_share(self, share: float) -> None:
        """Move the line: 0 shows only "after", 1 only "before"."""
        share = min(1.0, max(0.0, share))
        if share != self.share:
            self.share = share
            self._describe()
            self.update()
            self.moved.emit(share)

    def _describe(self) -> None:
        self.setAccessibleDescription(
            tr("{share} % of each image is from before", share=round(100 * self.share))
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        side, ratio = self.side(self.room), self.devicePixelRatioF()
        painter = QPainter(self)
        self.under.pixel_art = self.pixel_art
        for area, pixmap in self.under.placed(side, ratio):
            edge = round(area.width() * self.share * ratio) / ratio
            if edge > 0:
                painter.setClipRect(QRectF(area.x(), area.y(), edge, area.height()))
                painter.drawPixmap(area.topLeft(), pixmap)
                painter.setClipping(False)
            if 0 < self.share < 1:
                x = area.x() + edge
                painter.setPen(QPen(QColor(0, 0, 0, 120), 3))
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
                painter.setPen(QPen(QColor(255, 255, 255), 1))
                painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        if self.hasFocus():
            painter.setPen(QPen(QColor(current().tokens.focus), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._point(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._point(event.position())

    def _point(self, at: QPointF) -> None:
        side = self.side(self.room)
        for area in self.areas(side):
            if area.left() - GAP / 2 <= at.x() <= area.right() + GAP / 2:
                self.set_share((at.x() - area.left()) / area.width())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        to = {
            Qt.Key.Key_Left: self.share - _STEP,
            Qt.Key.Key_Right: self.share + _STEP,
            Qt.Key.Key_Home: 0.0,
            Qt.Key.Key_End: 1.0,
        }.get(Qt.Key(event.key()))
        if to is None:
            super().keyPressEvent(event)
        else:
            self.set_share(to)
