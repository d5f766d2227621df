"""A training run: live curves, and samples beside the training pictures that are nearest to them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import tr, whole
from studio.model.property import bind
from studio.model.scaling import centred, scaled
from studio.model.training import Training
from studio.theme.theme import current
from studio.ui.charts import Chart
from studio.ui.parts import Card, named, quiet_note, text_label
from studio.ui.strip import settled

_GAP, _LEAST, _LARGEST = 12, 52, 128  # gap between pairs; smallest and largest side of an image; in logical pixels


class Pairs(QWidget):
    """Pairs of a sample and the training picture nearest to it; a frame marks those that look copied."""

    def __init__(self) -> None:
        super().__init__()
        self._pairs: list[tuple[QImage, QImage]] = []
        self._copied: list[bool] = []
        self._pixmaps: list[tuple[QPixmap, QPixmap]] = []
        self._drawn_for: tuple[int, float] | None = None
        self._pixel_art = False
        self._room = 0  # width that they fill, in pixels
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_LEAST)

    def show_pairs(
        self, drawn: Sequence[QImage], nearest: Sequence[QImage], copied: Sequence[bool], pixel_art: bool = False
    ) -> None:
        """Show the samples `drawn`, each beside its nearest training picture; `copied` marks those that look copied."""
        self._pixel_art = pixel_art
        self._pairs = list(zip(drawn, nearest, strict=True))
        self._copied = list(copied)
        self._drawn_for = None
        self._fit()
        self.update()

    @property
    def count(self) -> int:
        return len(self._pairs)

    def columns(self) -> int:
        """Return the number of pairs in a row: the fewest with images of at most `_LARGEST`, or up to two more if that fills all rows."""
        least = 1
        while self._side(least) > _LARGEST:
            least += 1
        return next((count for count in range(least, least + 3) if self.count and self.count % count == 0), least)

    def _side(self, columns: int) -> int:
        return max(_LEAST // 2, (self._room - _GAP * (columns - 1)) // columns // 2)

    def area(self, place: int) -> QRectF:
        """Return the rectangle of pair number `place`."""
        columns = self.columns()
        side = self._side(columns)
        return QRectF(
            place % columns * (2 * side + _GAP), place // columns * (side + _GAP), 2 * side, side
        )

    def _fit(self) -> None:
        columns = self.columns()
        rows = -(-max(1, self.count) // columns)
        self.setFixedHeight(rows * (self._side(columns) + _GAP) - _GAP)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._room = settled(event.size().width(), self._room)
        self._fit()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = next((p for p in range(self.count) if self.area(p).contains(event.pos())), None)
            if place is not None:
                words = tr("Seed {seed}: drawn at the left, the nearest of your pictures at the right", seed=place)
                if self._copied[place]:
                    words += "\n" + tr("They are so near that this looks like a copy")
                QToolTip.showText(event.globalPos(), words, self)
                return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        painter = QPainter(self)
        side, ratio = self._side(self.columns()), self.devicePixelRatioF()
        if self._drawn_for != (side, ratio):
            self._pixmaps = [
                (
                    QPixmap.fromImage(scaled(one, side, ratio, self._pixel_art)),
                    QPixmap.fromImage(scaled(two, side, ratio, self._pixel_art)),
                )
                for one, two in self._pairs
            ]
            self._drawn_for = (side, ratio)
        for place, (one, two) in enumerate(self._pixmaps):
            area = self.area(place)
            for pixmap, left in ((one, area.x()), (two, area.center().x())):
                painter.drawPixmap(centred(pixmap, QRectF(left, area.y(), side, side)), pixmap)
            painter.setPen(QPen(QColor(tokens.ground), 2))
            painter.drawLine(QPointF(area.center().x(), area.y()), QPointF(area.center().x(), area.bottom()))
            if self._copied[place]:
                painter.setPen(QPen(QColor(tokens.bad), 2))
                painter.drawRect(area.adjusted(1, 1, -1, -1))


class RunPage(QScrollArea):
    """A page with the curves and the pairs."""

    def __init__(self, training: Training) -> None:
        super().__init__()
        self._training = training
        style = Qt.PenStyle
        self.charts = {
            "generator": Chart(
                tr("Generator"),
                tr("Its loss; 0.7 when the two networks are even"),
                "taste",
                style.SolidLine,
                0.5,
            ),
            "discriminator": Chart(
                tr("Discriminator"),
                tr("Its loss; 0.7 when the two networks are even"),
                "realism",
                style.DashLine,
                0.5,
            ),
            "gap": Chart(
                tr("Told apart"),
                tr("The discriminator's mean on your pictures less its mean on drawn ones; near 0 is good"),
                "variety",
                style.DotLine,
                0.5,
            ),
        }
        curves = QGridLayout()
        curves.setSpacing(12)
        for place, chart in enumerate(self.charts.values()):
            chart.setMinimumHeight(132)
            curves.addWidget(chart, 0, place)
            curves.setColumnStretch(place, 1)
        self.pairs = Pairs()
        named(
            self.pairs,
            tr("What it draws, beside the nearest of your pictures"),
            tr("Each pair: a drawn image, and the picture of yours that is nearest to it"),
        )
        self.pairs.setToolTip("")  # each pair has its own tooltip
        self.pairs_note = text_label("", "quiet")
        self.copied_note = quiet_note()
        card = Card()
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 10, 16, 14)
        column.setSpacing(8)
        line = QHBoxLayout()
        line.addWidget(text_label(tr("What it draws, beside the nearest of your pictures"), "title"))
        line.addStretch(1)
        line.addWidget(self.pairs_note)
        column.addLayout(line)
        column.addWidget(self.pairs)
        column.addWidget(self.copied_note)
        self.note = quiet_note()
        body = QWidget()
        inner = QVBoxLayout(body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(12)
        inner.addLayout(curves)
        inner.addWidget(card)
        inner.addWidget(self.note)
        inner.addStretch(1)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(body)
        training.stepped.connect(self._step)
        training.drawn.connect(self._draw)
        bind(training, "phase", self._draw)
        bind(training, "note", self._say)
        self._step()

    def _say(self, note: str) -> None:
        self.note.setText(tr(note))
        self.note.setVisible(bool(note))

    def _step(self) -> None:
        progress = self._training.progress
        for name, chart in self.charts.items():
            values = self._training.series[name]
            steps = len(values) / progress.fraction if progress and progress.fraction > 0 else 1
            baseline = 0.0 if name == "gap" else math.log(2)  # the value at which the two networks are even
            chart.show_values(values, max(2, len(values), round(min(steps, 20 * len(values)))), baseline)
            chart.set_words(f"{values[-1]:.2f}" if values else "")

    def _draw(self, _: object = None) -> None:
        training = self._training
        self.pairs.show_pairs(training.samples, training.nearest, training.copies, training.pixel_art)
        self.pairs_note.setText(
            tr("after {n} images", n=whole(training.samples_at))
            if training.samples
            else tr("the first come after half a minute")
            if training.phase == "training"
            else ""
        )
        copied = sum(training.copies)
        self.copied_note.setText(
            ""
            if not training.samples
            else tr("None of them looks copied from a picture of yours.")
            if not copied
            else tr(
                "{n} of {all} look copied, marked by a frame: with few pictures a generator learns them by heart.",
                n=copied,
                all=len(training.copies),
            )
        )
        self.copied_note.setVisible(bool(training.samples))
