"""Where something can lie over a window and be in nobody's way."""

from collections.abc import Iterable, Iterator

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QScrollArea,
    QWidget,
)

MARGIN = 12  # pixels to the edges of what it lies over
_CONTROLS = (QAbstractButton, QAbstractScrollArea, QComboBox, QLineEdit)  # whole, whatever they are made of
_GROUNDS = (QWidget, QFrame)  # nothing to see but what lies on them
_IN_USE, _READ = 10, 1  # how much worse a pixel of a control or an image is to cover than one of a text


def places(over: QWidget, window: QWidget, size: QSize) -> Iterator[QRect]:
    """The corners at the foot of a widget, right before left, then those at its head; in coordinates of the window."""
    area = QRect(over.mapTo(window, QPoint()), over.size()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    for top in (area.bottom() + 1 - size.height(), area.top()):
        for left in (area.right() + 1 - size.width(), area.left()):
            yield QRect(QPoint(left, top), size)


def head(window: QWidget, size: QSize) -> QRect:
    """The middle of a window's upper edge: bars and headings have their things at their ends."""
    return QRect(QPoint((window.width() - size.width()) // 2, MARGIN // 3), size)


def quietest(window: QWidget, candidates: Iterable[QRect], leave: QWidget) -> QRect:
    """Return the first of the candidates that covers least of what is used and read in a window; `leave` does not count."""
    seen = list(_seen(window, leave))

    def covered(candidate: QRect) -> int:
        parts = ((candidate & area, weight) for area, weight in seen)
        return sum(weight * part.width() * part.height() for part, weight in parts if not part.isEmpty())

    return min(candidates, key=covered)


def _seen(window: QWidget, leave: QWidget) -> Iterator[tuple[QRect, int]]:
    """What is on show in a window, and how bad it is to cover: controls and images, and texts."""
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget is leave or leave.isAncestorOf(widget):
            continue
        if isinstance(widget, QLabel):
            yield _shown(widget, window), _READ if widget.text() else 0
        elif isinstance(widget, _CONTROLS) and not isinstance(widget, QScrollArea):
            yield _shown(widget, window), _IN_USE
        elif type(widget) not in _GROUNDS and not any(
            isinstance(child, QWidget) for child in widget.children()
        ):
            yield _shown(widget, window), _IN_USE  # a slider, or something that paints itself


def _shown(widget: QWidget, window: QWidget) -> QRect:
    """The part of a widget that no ancestor cuts off, in coordinates of the window."""
    area, at = widget.rect(), widget
    while at is not window and (around := at.parentWidget()) is not None:
        area = area.translated(at.pos()) & around.rect()
        at = around
    return area
