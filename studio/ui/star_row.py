"""A row of five stars to rate a title or an image in the Loupe."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from studio.i18n import tr
from studio.theme.theme import current
from studio.ui.image_delegate import STAR
from studio.ui.parts import named

_STEP = 22  # pixels between the centres of neighbouring stars
_HEIGHT = 28


class StarRow(QWidget):
    """Shows 0..5 stars; emits `chosen` when a star is clicked or typed."""

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._stars = self._hovered = 0
        self._of: object = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        return QSize(5 * _STEP + 8, _HEIGHT)

    def show_stars(self, of: object, stars: int, title: str, tip: str) -> None:
        """Show the stars of the object `of`; `title` : its name for people. `tip` : the tooltip."""
        if of != self._of:
            self._hovered = 0  # the pointer is on the stars of another object now
        self._of, self._stars = of, stars
        words = tr("{title}: {stars} of 5 stars", title=title, stars=stars) if stars else tr("{title}: no stars", title=title)
        named(self, words, tip)
        self.update()

    def star_place(self, star: int) -> QPointF:
        """Return the centre of star 1..5."""
        return QPointF(4 + _STEP * (star - 0.5), _HEIGHT / 2)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(min(5, max(1, int((event.position().x() - 4) // _STEP) + 1)))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.mouseMoveEvent(event)
            self.chosen.emit(self._hovered)

    def leaveEvent(self, event: object) -> None:
        self._hover(0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1}
        if (step := steps.get(Qt.Key(event.key()))) and 1 <= self._stars + step <= 5:
            self.chosen.emit(self._stars + step)
        else:
            super().keyPressEvent(event)

    def _hover(self, star: int) -> None:
        if star != self._hovered:
            self._hovered = star
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hasFocus():
            painter.setPen(QPen(QColor(tokens.focus), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        shown = self._hovered or self._stars
        filled = QColor(tokens.accent if self._hovered else tokens.text)
        faint = QColor(tokens.quiet)
        faint.setAlpha(80)
        for star in range(1, 6):
            painter.save()
            painter.translate(self.star_place(star))
            painter.scale(7.5, 7.5)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(filled if star <= shown else faint)
            painter.drawPolygon(STAR)
            painter.restore()
