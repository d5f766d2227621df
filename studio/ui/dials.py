"""Sliders with their value in words, and sliders with a neutral middle."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSlider, QStyle, QVBoxLayout, QWidget

from studio.i18n import signed, tr
from studio.theme.theme import current
from studio.ui.parts import hold_still, named, text_label

_KNOB = 12  # pixels, as in the stylesheet


class TwoWaySlider(QSlider):
    """A slider that is filled from 0, its neutral position, to the knob."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setProperty("role", "two-way")

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        middle, knob = self._place(0), self._place(self.value())
        left, right = (middle, knob - _KNOB / 2) if knob > middle else (knob + _KNOB / 2, middle)
        if not self.isEnabled() or right <= left:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(QRectF(left, self.height() / 2 - 2, right - left, 4), QColor(current().tokens.quiet))

    def _place(self, value: int) -> float:
        """Position of the knob's centre for a value, in pixels."""
        reach = self.width() - _KNOB
        backwards = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        return _KNOB / 2 + QStyle.sliderPositionFromValue(self.minimum(), self.maximum(), value, reach, backwards)


class Dial(QWidget):
    """A named slider with its value in words at the right; a double click resets it to the initial value."""

    def __init__(self, name: str, tip: str, low: int, high: int, value: int) -> None:
        super().__init__()
        self._usual = value
        self.slider = TwoWaySlider() if low < 0 else QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(low, high)
        self.slider.setPageStep(max(1, (high - low) // 10))
        self.slider.setValue(value)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        hold_still(self.slider)
        named(self.slider, name, tip)
        self.slider.installEventFilter(self)
        self._value = text_label("", "quiet")
        line = QHBoxLayout()
        line.addWidget(text_label(name))
        line.addStretch(1)
        line.addWidget(self._value)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self.slider)

    def set_words(self, words: str) -> None:
        """Show the value in words, also to screen readers."""
        self._value.setText(words)
        self.slider.setAccessibleDescription(words)

    def set_weight(self, weight: float, missing: str = "") -> None:
        """Show a weight of the reward. If something that it needs is missing, show that (`missing`) instead and disable the slider."""
        self.slider.setEnabled(not missing)
        self.set_words(missing or weight_words(weight, sign=self.slider.minimum() < 0))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.slider.isEnabled():
            self.slider.setValue(self._usual)
        event.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonDblClick and isinstance(event, QMouseEvent):
            self.mouseDoubleClickEvent(event)
            return True
        return False


def weight_words(weight: float, sign: bool = False) -> str:
    """Return a weight of the reward as text. `sign` : whether positive weights have a sign too."""
    return f"{signed(weight) if sign else f'{weight:.1f}'} ×" if weight else tr("off")
