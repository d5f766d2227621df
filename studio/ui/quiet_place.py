"""Finds a place over a window where a message covers little of importance."""

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

MARGIN = 12  # pixels to the edges of the widget below
_CONTROLS = (QAbstractButton, QAbstractScrollArea, QComboBox, QLineEdit)  # counted as a whole, with their children
_GROUNDS = (QWidget, QFrame)  # plain containers
_IN_USE, _READ = 10, 1  # cost of covering a pixel of a control or an image, and of a text


def places(over: QWidget, window: QWidget, size: QSize) -> Iterator[QRect]:
    """Yield the bottom corners of a widget, right before left, then the top ones, in coordinates of the window."""
    area = QRect(over.mapTo(window, QPoint()), over.size()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
    for top in (area.bottom() + 1 - size.height(), area.top()):
        for left in (area.right() + 1 - size.width(), area.left()):
            yield QRect(QPoint(left, top), size)


def head(window: QWidget, size: QSize) -> QRect:
    """The middle of a window's upper edge, since bars and headings have their contents at the ends."""
    return QRect(QPoint((window.width() - size.width()) // 2, MARGIN // 3), size)


def quietest(window: QWidget, candidates: Iterable[QRect], leave: QWidget) -> QRect:
    """Return the candidate that costs least to cover (the first of equals); the widget `leave` does not count."""
    seen = list(_seen(window, leave))

    def covered(candidate: QRect) -> int:
        parts = ((candidate & area, weight) for area, weight in seen)
        return sum(weight * part.width() * part.height() for part, weight in parts if not part.isEmpty())

    return min(candidates, key=covered)


def _seen(window: QWidget, leave: QWidget) -> Iterator[tuple[QRect, int]]:
    """Yield the visible areas of controls, images and texts in a window, each with its cost per pixel."""
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
            yield _shown(widget, window), _IN_USE  # a slider, or a widget with its own painting


def _shown(widget: QWidget, window: QWidget) -> QRect:
    """The part of a widget that its ancestors do not clip, in coordinates of the window."""
    area, at = widget.rect(), widget
    while at is not window and (around := at.parentWidget()) is not None:
        area = area.translated(at.pos()) & around.rect()
        at = around
    return area
