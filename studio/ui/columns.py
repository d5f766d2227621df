"""Scrolling pages of text and controls in one column that is narrow enough to read."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QWidget

WIDTH = 720  # of the column, in pixels
FRAME = QSize(48, 48)  # approximate size of a window manager's frame around a dialog, in pixels


class Page(QScrollArea):
    """A scroll area in which Home and End work too; Qt's own leaves them to the scroll bar, which never has the focus."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        bar = self.verticalScrollBar()
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if plain and event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            bar.setValue(bar.minimum() if event.key() == Qt.Key.Key_Home else bar.maximum())
        else:
            super().keyPressEvent(event)


def downwards(body: QWidget) -> QScrollArea:
    """Return a scroll area that makes `body` as wide as itself and scrolls only vertically."""
    area = Page()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(body)
    return area


def scrolled(body: QWidget) -> QScrollArea:
    """Return a vertical scroll area with a column at its left, no wider than the column's maximum width."""
    holder = QWidget()
    across = QHBoxLayout(holder)
    across.setContentsMargins(0, 0, 0, 0)
    across.addWidget(body, 1)
    across.addStretch(0)
    return downwards(holder)


class CurrentStack(QStackedWidget):
    """A stack with the size hints of its current page, so that it scrolls only if that page needs it."""

    def __init__(self) -> None:
        super().__init__()
        self.currentChanged.connect(lambda _: self.updateGeometry())

    def sizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.sizeHint() if page is not None else super().sizeHint()

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.minimumSizeHint() if page is not None else super().minimumSizeHint()

    def heightForWidth(self, width: int) -> int:
        page = self.currentWidget()
        return page.heightForWidth(width) if page is not None else -1


class ViewStack(CurrentStack):
    """A stack that takes the available space, without height-for-width, so that hidden pages are not laid out.

    A plain QStackedWidget asks all its pages whenever anything beside it appears or disappears, and they lay out their controls to answer.
    """

    def hasHeightForWidth(self) -> bool:
        return False

    def heightForWidth(self, _: int) -> int:
        return -1


class Ground(QWidget):
    """The widget behind a window's bars and views. Emits `escaped` for an Esc that the focused widget does not handle."""

    escaped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ground")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)
