"""Messages that appear over the window for a while, about jobs that ended and about errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QPropertyAnimation, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from studio.i18n import tr
from studio.model import settings
from studio.ui.parts import button, named, text_label
from studio.ui.quiet_place import MARGIN, head, places, quietest

SHOWN_MS, SHOWN_BAD_MS = 7000, 20_000  # errors also stay in the status bar
_FADE_MS = 160
_MOST_WIDE, _NARROW = 460, 320
_SOON_MS = 50  # delay after a view or panel has appeared, until it is laid out


def motion() -> bool:
    """Whether animations are allowed: by the person's setting, or that of the system."""
    chosen = settings.value("motion")
    if chosen == "system":
        return QApplication.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) > 0
    return bool(chosen == "full")


class Toast(QFrame):
    """A message with at most one button. It closes by itself, but not under a moving pointer or while it has the focus."""

    def __init__(
        self, parent: QWidget, text: str, bad: bool, verb: str, run: Callable[[], object] | None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setProperty("bad", bad)
        self.words = text_label(text)
        self.words.setWordWrap(True)
        self.end = button("×", tr("Close this message"), "quiet")
        self.end.setAccessibleName(tr("Close"))
        self.end.setFixedWidth(32)
        self.end.clicked.connect(self.close)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.words, 1)
        row.addWidget(self.end, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 8, 8)
        column.setSpacing(4)
        column.addLayout(row)
        self.verb = None
        if run is not None:
            self.verb = button(verb, text)
            self.verb.clicked.connect(run)
            self.verb.clicked.connect(self.close)
            column.addWidget(self.verb, 0, Qt.AlignmentFlag.AlignRight)
        named(self, text, "")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._pointer = QCursor.pos()
        self._time = QTimer(self)
        self._time.setInterval(SHOWN_BAD_MS if bad else SHOWN_MS)
        self._time.timeout.connect(self._time_is_up)
        self._time.start()

    def _time_is_up(self) -> None:
        # It may have appeared under a resting pointer, which does not count as hovering.
        before, self._pointer = self._pointer, QCursor.pos()
        held = self.underMouse() and self._pointer != before
        if not held and not self.isAncestorOf(self.window().focusWidget() or self.window()):
            self.close()

    def size_at(self, width: int) -> QSize:
        """Set the width and return the size that the whole message needs then."""
        self.setFixedWidth(width)
        for one in (self, *self.findChildren(QWidget)):
            one.ensurePolished()  # applies the stylesheet's fonts and margins before it is shown
        layout = self.layout()
        assert layout is not None
        layout.invalidate()
        return QSize(width, max(layout.totalHeightForWidth(width), layout.totalSizeHint().height()))

    def appear(self) -> None:
        """Show it, fading in if animations are allowed."""
        self.show()
        self.raise_()
        if motion():
            effect = QGraphicsOpacityEffect(self)
            self.setGraphicsEffect(effect)
            fade = QPropertyAnimation(effect, b"opacity", self)
            fade.setDuration(_FADE_MS)
            fade.setStartValue(0.0)
            fade.setEndValue(1.0)
            fade.finished.connect(lambda: self.setGraphicsEffect(None))  # type: ignore[arg-type]
            fade.start(QPropertyAnimation.DeletionPolicy.DeleteWhenStopped)


class Toasts(QObject):
    """Shows at most one toast in a window, where it covers least."""

    def __init__(self, window: QWidget, over: Sequence[QWidget]) -> None:
        """`over` : the widgets that it may cover, the preferred one first."""
        super().__init__(window)
        self._window, self._over = window, over
        self.shown: Toast | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self._place)
        for widget in (window, *over):
            widget.installEventFilter(self)

    def show(
        self, text: str, bad: bool = False, verb: str = "", run: Callable[[], object] | None = None
    ) -> None:
        """Show a message in place of the previous one. `run` : called by a button with the text `verb`."""
        if self.shown is not None:
            self.shown.close()
        self.shown = toast = Toast(self._window, text, bad, verb, run)
        toast.destroyed.connect(lambda: self._gone(toast))
        self._place()
        toast.appear()

    def place_anew(self) -> None:
        """Find the best place again, for example in another view, once it is laid out."""
        if self.shown is not None:
            self._soon.start()

    def _gone(self, toast: Toast) -> None:
        if self.shown is toast:
            self.shown = None

    def _place(self) -> None:
        if self.shown is None:
            return
        candidates: list[QRect] = []
        for over in self._over:
            if over.isVisibleTo(self._window):
                size = self.shown.size_at(min(_MOST_WIDE, over.width() - 2 * MARGIN))
                candidates += places(over, self._window, size)
        candidates += [head(self._window, self.shown.size_at(width)) for width in (_MOST_WIDE, _NARROW)]
        place = quietest(self._window, candidates, self.shown)
        self.shown.setFixedWidth(place.width())
        self.shown.setGeometry(place)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide):
            self.place_anew()
        return False
