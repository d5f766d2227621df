"""The steps of a random walk through the studio: what hands, a system and a worker can do to its window."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QEventLoop, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QKeySequence, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from shiboken6 import isValid
from walk_support import Worker

from studio.model import preferences
from studio.model.training import Training
from studio.ui.window import StudioWindow

Step = list[Any]  # its name, then what it needs; can be written as JSON
BUTTONS = {"left": Qt.MouseButton.LeftButton, "right": Qt.MouseButton.RightButton, "middle": Qt.MouseButton.MiddleButton}


class Steps:
    """Takes one step at a time; the method of a step is named after it."""

    things: list[Path]  # that can be dropped into the window

    @property
    def window(self) -> StudioWindow:
        """The one on show."""
        raise NotImplementedError

    def take(self, step: Step) -> None:
        """Do what a step says to what is on top."""
        name, *what = step
        getattr(self, "_take_" + name.replace(" ", "_"))(*what)

    def top(self) -> QWidget:
        """What hears the mouse and the keyboard."""
        window = self.window
        return QApplication.activePopupWidget() or QApplication.activeModalWidget() or self._sheet(window) or window

    def _sheet(self, window: StudioWindow) -> QWidget | None:
        active = QApplication.activeWindow()
        return active if active is not window and active is not None and active.isVisible() else None

    def _handle(self) -> Any:
        # A menu's own window comes and goes, and PySide may hand out the one before it at the same address.
        top = self.top()
        handle = None if isinstance(top, QMenu) else top.windowHandle()
        return handle if handle is not None and isValid(handle) else top

    def _take_key(self, key: str) -> None:
        combined = QKeySequence(key)[0]
        QTest.keyClick(self._handle(), combined.key(), combined.keyboardModifiers())

    def _take_command(self, key: str) -> None:
        # A menu or a dialog keeps the window's actions out of reach.
        if self.top() is self.window and (action := self.window.commands[key]).isEnabled():
            action.trigger()

    def _take_click(self, button: str, x: int, y: int, modifier: str = "") -> None:
        QTest.mouseClick(self._handle(), BUTTONS[button], _modifiers(modifier), QPoint(x, y))

    def _take_double(self, x: int, y: int) -> None:
        QTest.mouseDClick(self._handle(), Qt.MouseButton.LeftButton, _modifiers(""), QPoint(x, y))

    def _take_move(self, x: int, y: int) -> None:
        QTest.mouseMove(self._handle(), QPoint(x, y))

    def _take_wheel(self, x: int, y: int, turned: int, modifier: str = "") -> None:
        top = self.top()
        at = top.childAt(QPoint(x, y)) or top
        place = at.mapFrom(top, QPoint(x, y))
        event = QWheelEvent(
            QPointF(place),
            QPointF(at.mapToGlobal(place)),
            QPoint(),
            QPoint(0, turned),
            Qt.MouseButton.NoButton,
            _modifiers(modifier),
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(at, event)

    def _take_drag(self, x: int, y: int, to_x: int, to_y: int) -> None:
        handle, left, none = self._handle(), Qt.MouseButton.LeftButton, _modifiers("")

        def if_there(act: Callable[..., None], *place: Any) -> None:
            if isValid(handle):  # a menu closes where the button goes down beside it
                act(handle, *place)

        over = QTimer(singleShot=True)  # a drag of images is in a loop of its own until the button is let go
        over.timeout.connect(lambda: if_there(QTest.mouseRelease, left, none, QPoint(to_x, to_y)))
        QTest.mousePress(handle, left, none, QPoint(x, y))
        over.start(20)
        for part in (1, 2, 3):
            if_there(QTest.mouseMove, QPoint(x + (to_x - x) * part // 3, y + (to_y - y) * part // 3))
        while over.isActive():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)

    def _take_type(self, text: str) -> None:
        if (focus := QApplication.focusWidget()) is not None:
            for letter in text:  # QTest knows the letters of ASCII alone
                if isValid(focus):
                    QApplication.sendEvent(focus, QKeyEvent(QEvent.Type.KeyPress, 0, _modifiers(""), letter))

    def _take_resize(self, width: int, height: int) -> None:
        self.window.resize(width, height)

    def _take_theme(self, mode: str) -> None:
        preferences.keep(theme=mode)

    def _take_language(self, language: str) -> None:
        preferences.keep(language=language)

    def _take_wait(self, milliseconds: int) -> None:
        QTest.qWait(milliseconds)

    def _take_close_dialog(self) -> None:
        if (top := self.top()) is not self.window:
            top.close()

    def _take_drop(self, which: int) -> None:
        # The system's drags reach a window that a dialog blocks as little as its clicks do.
        if self.top() is not self.window:
            return
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(self.things[which]))])
        place, action, left, none = QPoint(600, 400), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, _modifiers("")
        at = self.window.childAt(place) or self.window
        while at is not self.window and not at.acceptDrops():
            at = at.parentWidget()
        QApplication.sendEvent(at, QDragEnterEvent(place, action, data, left, none))
        QApplication.sendEvent(at, QDropEvent(QPointF(place), action, data, left, none))

    def _take_event(self, what: str) -> None:
        actions = self.window.actions_
        worker, training = actions.worker, actions.findChild(Training)
        told: dict[str, Callable[[], object]] = {}
        if not isinstance(worker, Worker):
            if worker._link is not None:
                told["crash"] = worker._link.kill
        else:
            told = self._said_by(worker)
        if training is not None:
            told["train"] = training._client.go_on
            told["train fails"] = lambda: training._client.failed.emit("The disk is full.", "")
        told.get(what, int)()

    @staticmethod
    def _said_by(worker: Worker) -> dict[str, Callable[[], object]]:
        return {
            "step": worker.go_on,
            "keep": lambda: worker.end(True),
            "reject": lambda: worker.end(False),
            "crash": worker.fall_over,
            "fail": lambda: worker.failed.emit("Predict", "The device has no memory left.", "detail"),
            "notice": lambda: worker.notice.emit("The CPU is used: the other device is not there."),
            "exported": worker.end_export,
        }


def _modifiers(names: str) -> Qt.KeyboardModifier:
    known = {"": "NoModifier", "Shift": "ShiftModifier", "Ctrl": "ControlModifier"}
    return getattr(Qt.KeyboardModifier, known[names])
