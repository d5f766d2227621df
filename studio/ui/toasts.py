"""Messages that appear over the window for a while: what ended, and what went wrong, while one looks elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPropertyAnimation, Qt, QTimer
from PySide6.QtWidgets import QApplication, QFrame, QGraphicsOpacityEffect, QHBoxLayout, QStyle, QWidget

from studio.i18n import tr
from studio.model import settings
from studio.theme.tokens import STATUS_BAR
from studio.ui.parts import button, named, text_label

SHOWN_MS = 7000
_FADE_MS = 160
_MOST_WIDE = 460


def motion() -> bool:
    """Whether things may move: what the person chose, or else what the system is set to."""
    chosen = settings.value("motion")
    if chosen == "system":
        return QApplication.style().styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) > 0
    return bool(chosen == "full")


class Toast(QFrame):
    """One message, with at most one thing to do about it. It goes by itself; a bad one stays until it is closed."""

    def __init__(
        self, parent: QWidget, text: str, bad: bool, verb: str, run: Callable[[], object] | None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setProperty("bad", bad)
        self.words = text_label(text)
        self.words.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(12)
        row.addWidget(self.words, 1)
        self.verb = None
        if run is not None:
            self.verb = button(verb, text)
            self.verb.clicked.connect(run)
            self.verb.clicked.connect(self.close)
            row.addWidget(self.verb)
        self.end = button("×", tr("Close this message"), "quiet")
        self.end.setAccessibleName(tr("Close"))
        self.end.setFixedWidth(32)
        self.end.clicked.connect(self.close)
        row.addWidget(self.end)
        named(self, text, "")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if not bad:
            QTimer.singleShot(SHOWN_MS, self, self.close)

    def appear(self) -> None:
        """Show, fading in where things may move."""
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
    """Keeps one toast at the foot of a window."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.shown: Toast | None = None
        window.installEventFilter(self)

    def show(
        self, text: str, bad: bool = False, verb: str = "", run: Callable[[], object] | None = None
    ) -> None:
        """Show a message in place of the one before; `verb` names what `run` does."""
        if self.shown is not None:
            self.shown.close()
        self.shown = toast = Toast(self._window, text, bad, verb, run)
        toast.destroyed.connect(lambda: self._gone(toast))
        self._place()
        toast.appear()

    def _gone(self, toast: Toast) -> None:
        if self.shown is toast:
            self.shown = None

    def _place(self) -> None:
        if self.shown is None:
            return
        width = min(_MOST_WIDE, self._window.width() - 32)
        self.shown.setFixedWidth(width)
        for one in (self.shown, *self.shown.findChildren(QWidget)):
            one.ensurePolished()  # the stylesheet's fonts and margins count before it is on screen, too
        layout = self.shown.layout()
        assert layout is not None
        layout.invalidate()
        self.shown.resize(width, max(layout.totalHeightForWidth(width), layout.totalSizeHint().height()))
        self.shown.move(
            (self._window.width() - width) // 2, self._window.height() - STATUS_BAR - self.shown.height() - 16
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return False
