"""Colour labels: each also has its own shape and letter, so that they can be told apart without colour."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton

from studio.i18n import tr
from studio.model.grid_model import label_name
from studio.theme.theme import current
from studio.theme.tokens import CORNER_CONTROL
from studio.ui.parts import named

FILLS = (
    "#e8777d",
    "#e9c250",
    "#82c685",
    "#7db2ec",
)  # red, yellow, green, blue; near-black text has a contrast of 7:1 on each
INK = "#161618"
FIRST_KEY = 6  # the number key of label 1


def letter(label: int) -> str:
    """Return the letter of label 1..4."""
    return (tr("R"), tr("Y"), tr("G"), tr("B"))[label - 1]


def paint_label(painter: QPainter, label: int, box: QRectF) -> None:
    """Paint label 1..4 into a square box: a disc, a triangle, a square or a diamond, with its letter."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(20, 20, 22, 150), 1))  # an outline, for images of the same colour
    painter.setBrush(QColor(FILLS[label - 1]))
    middle, half = box.center(), box.width() / 2
    text = QRectF(box)
    if label == 1:
        painter.drawEllipse(box.adjusted(0.5, 0.5, -0.5, -0.5))
    elif label == 2:
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(middle.x(), box.top() - 1),
                    box.bottomRight() + QPointF(1, 0),
                    box.bottomLeft() - QPointF(1, 0),
                ]
            )
        )
        text.translate(0, box.height() * 0.16)
    elif label == 3:
        painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 2, 2)
    else:
        points = [QPointF(0, -half), QPointF(half, 0), QPointF(0, half), QPointF(-half, 0)]
        painter.drawPolygon(QPolygonF([middle + point for point in points]))
    font = QFont(painter.font())
    font.setPixelSize(max(8, round(box.height() * 0.56)))
    font.setBold(True)
    painter.setFont(font)
    painter.setPen(QColor(INK))
    if letter(label).isascii():  # other scripts are too dense at this size, and the shape says the same
        painter.drawText(text, Qt.AlignmentFlag.AlignCenter, letter(label))
    painter.restore()


class LabelButton(QAbstractButton):
    """A checkable button that shows a colour label."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label = label
        self.setCheckable(True)
        self.setFixedSize(32, 30)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        name = label_name(label).capitalize()
        named(
            self,
            name,
            tr("{name} ({key}); the same again takes it away", name=name, key=label + FIRST_KEY - 1),
        )

    def sizeHint(self) -> QSize:
        return self.size()

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = current().tokens
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shape = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        line = tokens.accent if self.hasFocus() else tokens.text if self.isChecked() else None
        painter.setPen(QPen(QColor(line), 1.5) if line else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.control_hover if self.underMouse() else tokens.control))
        painter.drawRoundedRect(shape, CORNER_CONTROL, CORNER_CONTROL)
        if not self.isEnabled():
            painter.setOpacity(0.4)
        paint_label(painter, self.label, QRectF(self.width() / 2 - 8, self.height() / 2 - 8, 16, 16))
