"""Pages of text and controls: one column, narrow enough to read, that scrolls."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QWidget

WIDTH = 720  # pixels of the column
FRAME = QSize(48, 48)  # pixels that a window manager puts around a dialog, about


def downwards(body: QWidget) -> QScrollArea:
    """Return a scroll area as wide as `body` is given room, which scrolls downwards alone."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(body)
    return area


def scrolled(body: QWidget) -> QScrollArea:
    """Return a scroll area that holds a column at its left and never scrolls sideways."""
    holder = QWidget()
    across = QHBoxLayout(holder)
    across.setContentsMargins(0, 0, 0, 0)
    across.addWidget(body, 1)
    across.addStretch(0)
    return downwards(holder)


class CurrentStack(QStackedWidget):
    """A stack as large as the page on show, so that it scrolls only where that one needs it."""

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
    """A stack that takes what room there is: no page needs a height for its width, and those that are hidden are not asked at all.

    A plain stack asks each of them whenever anything beside it comes or goes, and lays out their controls to tell.
    """

    def hasHeightForWidth(self) -> bool:
        return False

    def heightForWidth(self, _: int) -> int:
        return -1


class Ground(QWidget):
    """What a window's bars and views stand on. Tells of Esc where nothing that has the keyboard wanted it."""

    escaped = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ground")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)
