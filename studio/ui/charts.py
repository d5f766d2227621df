"""Live curves of a round. pyqtgraph takes most of a second to import, so nothing here imports it before it is needed."""

import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from studio.i18n import tr
from studio.theme.theme import current
from studio.ui.parts import Card, named, text_label

SMOOTHING = 0.15  # weight of the newest value in the thick line


def preload() -> threading.Thread:
    """Import pyqtgraph off the window's thread, so that the first Teach view opens at once."""
    thread = threading.Thread(
        target=import_module, args=("pyqtgraph",), daemon=True, name="preload pyqtgraph"
    )
    thread.start()
    return thread


def smooth(values: Sequence[float], weight: float = SMOOTHING) -> list[float]:
    """Return the bias-corrected exponential moving average of `values`."""
    smoothed, mean, total = [], 0.0, 0.0
    for value in values:
        mean = (1 - weight) * mean + weight * value
        total = (1 - weight) * total + weight
        smoothed.append(mean / total)
    return smoothed


class Chart(Card):
    """One named curve: the raw values thin, their average thick and dashed its own way, the last one in words."""

    def __init__(self, name: str, tip: str, token: str, dash: Qt.PenStyle, least_span: float) -> None:
        """Take the `token` of the curve's colour and the least height, in the curve's unit, that fills the chart."""
        super().__init__()
        import pyqtgraph as pg

        self._token, self._dash, self._least_span = token, dash, least_span
        self._limit: float | None = None
        self.title, self.value = text_label(name, "title"), text_label("")
        self.setMinimumHeight(112)
        named(self, name, tip)
        line = QHBoxLayout()
        line.addWidget(self.title)
        line.addStretch(1)
        line.addWidget(self.value)
        self.plot: Any = pg.PlotWidget(background=None)
        self.plot.setAntialiasing(True)
        self.plot.setMouseEnabled(False, False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.hideAxis("left")
        self.plot.hideAxis("bottom")
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.setFrameShape(Card.Shape.NoFrame)
        self.plot.viewport().setAutoFillBackground(False)
        self.plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.plot.getPlotItem().setContentsMargins(0, 0, 0, 0)
        self._zero = pg.InfiniteLine(angle=0, movable=False)
        self._ceiling = pg.InfiniteLine(angle=0, movable=False)
        self._ceiling.hide()
        self.plot.addItem(self._zero, ignoreBounds=True)
        self.plot.addItem(self._ceiling, ignoreBounds=True)
        self._raw, self._smooth = self.plot.plot([], []), self.plot.plot([], [])
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 10)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(self.plot, 1)
        current().changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        tokens = current().tokens
        colour = QColor(getattr(tokens, self._token))
        thin = QColor(colour)
        thin.setAlpha(115)
        self._raw.setPen(_pen(thin, 1.0))
        self._smooth.setPen(_pen(colour, 2.0, self._dash))
        self._zero.setPen(_pen(QColor(tokens.line), 1.0))
        self._ceiling.setPen(_pen(QColor(tokens.quiet), 1.0, Qt.PenStyle.DashLine))

    def show_values(
        self, values: Sequence[float], steps: int, baseline: float, limit: float | None = None
    ) -> None:
        """Draw `values` along a round of `steps` steps, with lines at `baseline` and at `limit`."""
        self._raw.setData(list(range(len(values))), list(values))
        self._smooth.setData(list(range(len(values))), smooth(values))
        seen = [baseline, *values, *([limit] if limit is not None else [])]
        low, high = min(seen), max(seen)
        spare = max(0.0, self._least_span - (high - low)) / 2
        self.plot.setXRange(0, max(steps - 1, 1), padding=0.01)
        self.plot.setYRange(low - spare, high + spare, padding=0.08)
        self._zero.setValue(baseline)
        self._ceiling.setVisible(limit is not None)
        if limit is not None:
            self._ceiling.setValue(limit)

    def set_words(self, words: str) -> None:
        """Say the last value."""
        self.value.setText(words)
        self.setAccessibleDescription(words or tr("no values yet"))


def _pen(colour: QColor, width: float, dash: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    pen = QPen(colour, width, dash)
    pen.setCosmetic(True)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    return pen
