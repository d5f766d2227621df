"""Live curves of a round, painted without a plotting library, which would take most of a second to import and tens of milliseconds
to paint, while the worker keeps the machine busy."""

from collections.abc import Callable, Sequence
from math import ceil

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.theme.theme import current
from studio.theme.tokens import TINY
from studio.ui.parts import Card, named, text_label

SMOOTHING = 0.35  # weight of the newest value in the moving average
Mark = Callable[[float], str]
_EDGE, _SIDE = 6.0, 4.0  # pixels; margins above and below, and at the sides, for the dot at the last point
_GAP = 6  # pixels between a rule and its value


def briefly(value: float) -> str:
    """Write the value of a rule."""
    return f"{value:.2g}"


def smooth(values: Sequence[float], weight: float = SMOOTHING) -> list[float]:
    """Return the bias-corrected exponential moving average of `values`."""
    smoothed, mean, total = [], 0.0, 0.0
    for value in values:
        mean = (1 - weight) * mean + weight * value
        total = (1 - weight) * total + weight
        smoothed.append(mean / total)
    return smoothed


def value_range(values: Sequence[float], least: float) -> tuple[float, float]:
    """Return the lowest and the highest value, widened evenly to span at least `least`."""
    low, high = min(values), max(values)
    spare = max(0.0, least - (high - low)) / 2
    return low - spare, high + spare


def thinned(values: Sequence[float], most: int) -> list[tuple[int, float]]:
    """Return at most about `most` of `values` with their places: of each run of equal length, the lowest and the highest.

    More points than pixels look the same and take longer to paint. The last value is always there.
    """
    if len(values) <= most:
        return list(enumerate(values))
    run = ceil(2 * len(values) / max(2, most))
    found: set[int] = {len(values) - 1}
    for start in range(0, len(values), run):
        places = range(start, min(start + run, len(values)))
        found |= {min(places, key=values.__getitem__), max(places, key=values.__getitem__)}
    return [(place, values[place]) for place in sorted(found)]


class Curve(QWidget):
    """A thin line of the raw values, a thick one of their moving average in the curve's dash style, and rules at a baseline and a limit.

    The value of each rule is at its right, so that heights can be read.
    """

    def __init__(self, token: str, dash: Qt.PenStyle, least_span: float, hint: str = "", mark: Mark = briefly) -> None:
        """Create a curve.

        `least_span` : smallest range of the vertical axis, in the curve's unit. `hint` : text shown while there are no values.
        `mark` : writes the values of the rules.
        """
        super().__init__()
        self._token, self._dash, self._least_span = token, dash, least_span
        self._values: list[float] = []
        self._steps, self._baseline = 1, 0.0
        self._limit: float | None = None
        self._smoothing = SMOOTHING
        self._hint, self._mark = hint, mark
        self._small = self.font()
        self._small.setPixelSize(TINY)
        self._right = self._high = self._unit = 0.0  # where the rules end; the value at the top; pixels to a unit
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(72)
        self._measure()

    def show_values(
        self, values: Sequence[float], steps: int, baseline: float, limit: float | None, smoothing: float = SMOOTHING
    ) -> None:
        shown = (list(values), steps, baseline, limit, smoothing)
        if shown != (self._values, self._steps, self._baseline, self._limit, self._smoothing):
            self._values, self._steps, self._baseline, self._limit, self._smoothing = shown
            self._measure()
            self.update()

    def points(self, values: Sequence[float]) -> QPolygonF:
        """Return the positions of `values` in this widget; the first is at the left edge, the value of step `steps` where the rules end."""
        return QPolygonF([QPointF(self._x(place), self._y(value)) for place, value in thinned(values, self.width())])

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._measure()

    def _measure(self) -> None:
        """Find out once what every point depends on."""
        metrics = QFontMetricsF(self._small)
        self._right = self.width() - _GAP - max(metrics.horizontalAdvance(self._mark(value)) for value in self._rules())
        low, self._high = value_range([*self._rules(), *self._values], self._least_span)
        self._unit = (self.height() - 2 * _EDGE) / (self._high - low)

    def _rules(self) -> list[float]:
        return [self._baseline, *([] if self._limit is None else [self._limit])]

    def _x(self, place: int) -> float:
        return _SIDE + (self._right - 2 * _SIDE) * place / max(1, self._steps - 1)

    def _y(self, value: float) -> float:
        return _EDGE + self._unit * (self._high - value)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        painter = QPainter(self)
        if not self._values and self._hint:
            painter.setPen(QColor(tokens.quiet))
            room = self.rect().adjusted(int(_SIDE), 0, -int(_SIDE), 0)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._hint)
            return
        self._rule(painter, self._baseline, QPen(QColor(tokens.line), 1))
        if self._limit is not None:
            self._rule(painter, self._limit, QPen(QColor(tokens.quiet), 1, Qt.PenStyle.DashLine))
        self._write_values(painter, QColor(tokens.quiet))
        if not self._values:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(getattr(tokens, self._token))
        averaged = self.points(smooth(self._values, self._smoothing))
        thin = QColor(colour)
        thin.setAlpha(110)
        painter.setPen(QPen(thin, 1))
        painter.drawPolyline(self.points(self._values))
        pen = QPen(colour, 2, self._dash)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPolyline(averaged)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        last = averaged.at(averaged.count() - 1)
        painter.drawEllipse(QRectF(last.x() - 3, last.y() - 3, 6, 6))

    def _rule(self, painter: QPainter, value: float, pen: QPen) -> None:
        y = round(self._y(value)) + 0.5  # the centre of a row of pixels, so that the line is sharp
        painter.setPen(pen)
        painter.drawLine(QPointF(0, y), QPointF(self._right, y))

    def _write_values(self, painter: QPainter, colour: QColor) -> None:
        painter.setPen(colour)
        painter.setFont(self._small)
        height = QFontMetricsF(self._small).height()
        taken: list[float] = []
        for value in reversed(self._rules()):  # where both do not fit, the limit matters more
            top = min(max(0.0, self._y(value) - height / 2), self.height() - height)
            if all(abs(top - other) >= height for other in taken):
                taken.append(top)
                room = QRectF(self._right + _GAP, top, self.width(), height)
                painter.drawText(room, Qt.AlignmentFlag.AlignLeft, self._mark(value))


class Chart(Card):
    """One curve with its name and its last value in words."""

    def __init__(self, name: str, tip: str, token: str, dash: Qt.PenStyle, least_span: float, mark: Mark = briefly) -> None:
        """Create a chart; `token` is the curve's colour in the theme, the rest as of a `Curve`."""
        super().__init__()
        self.title, self.value = text_label(name, "title"), text_label("")
        self.curve = Curve(token, dash, least_span, tip, mark)
        named(self, name, tip)
        line = QHBoxLayout()
        line.addWidget(self.title)
        line.addStretch(1)
        line.addWidget(self.value)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 10)
        column.setSpacing(4)
        column.addLayout(line)
        column.addWidget(self.curve, 1)

    def show_values(
        self, values: Sequence[float], steps: int, baseline: float, limit: float | None = None, smoothing: float = SMOOTHING
    ) -> None:
        """Draw `values` along a round of `steps` steps, with lines at `baseline` and `limit`. `smoothing` : 1 means none."""
        self.curve.show_values(values, steps, baseline, limit, smoothing)

    def set_words(self, words: str) -> None:
        """Show the last value in words, also to screen readers."""
        self.value.setText(words)
        self.setAccessibleDescription(words or tr("no values yet"))
