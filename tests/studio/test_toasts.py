"""Messages over the window: how long they stay, and what they lie over."""

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QComboBox,
    QLineEdit,
    QWidget,
)
from window_support import Hands

from studio.model import preferences
from studio.ui.loupe_pane import LoupePane
from studio.ui.toasts import Toast
from studio.ui.views import entries

CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSlider, QComboBox, QLineEdit, LoupePane)


def test_a_failure_goes_by_itself_and_stays_in_the_status_bar(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.ui.toasts.SHOWN_BAD_MS", 30)
    hands.worker.failed.emit("Propose", "There is not enough memory for this.", "Traceback ...")
    assert hands.window.announcer.toasts.shown is not None
    hands.qtbot.waitUntil(lambda: hands.window.announcer.toasts.shown is None)
    assert "not enough memory" in hands.window.status.message.full_text()


def test_a_message_at_hand_stays_until_it_is_closed(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.ui.toasts.SHOWN_MS", 20)
    toasts = hands.window.announcer.toasts
    toasts.show("Exported")
    toast = toasts.shown
    assert toast is not None
    toast.end.setFocus()
    hands.qtbot.wait(80)
    assert toasts.shown is toast
    hands.window.rail.setFocus()
    hands.press(toast.end)
    hands.qtbot.waitUntil(lambda: toasts.shown is None)


def test_a_message_stays_under_a_pointer_that_moves_and_not_where_one_was_left_lying(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.ui.toasts.SHOWN_MS", 150)
    toasts = hands.window.announcer.toasts
    toasts.show("Exported")
    toast = toasts.shown
    assert toast is not None
    toast.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    for step in range(24):
        QCursor.setPos(toast.mapToGlobal(QPoint(20 + step, 10)))
        hands.qtbot.wait(20)
        assert toasts.shown is toast, step
    hands.qtbot.waitUntil(lambda: toasts.shown is None)


def covered(window: QWidget, toast: Toast) -> list[QWidget]:
    """The controls and images of a window that a message lies over."""
    place = QRect(toast.mapToGlobal(QPoint()), toast.size())
    toast.hide()  # what is under it counts as seen
    found = []
    for widget in window.findChildren(QWidget):
        if isinstance(widget, CONTROLS) and widget.isVisible() and not toast.isAncestorOf(widget):
            shown = widget.viewport() if isinstance(widget, QAbstractItemView) else widget
            area = shown.visibleRegion().boundingRect()
            if not (area.translated(shown.mapToGlobal(QPoint())) & place).isEmpty():
                found.append(widget)
    toast.show()
    return found


@pytest.mark.parametrize("size", [(1200, 750), (1440, 900)], ids=["small", "large"])
def test_a_message_covers_no_control_and_no_image(hands: Hands, size: tuple[int, int]) -> None:
    hands.rate_enough()
    hands.window.resize(*size)
    toasts = hands.window.announcer.toasts
    toasts.show("Cannot write the project.", bad=True)
    toast = toasts.shown
    assert toast is not None
    for entry in entries():
        hands.window.show_view(entry.key)
        hands.qtbot.wait(80)  # it follows when the view is laid out
        assert hands.window.rect().contains(toast.geometry())
        assert covered(hands.window, toast) == [], entry.key
    hands.window.show_view("rate")
    hands.window.toggle_panel()
    hands.qtbot.wait(80)
    assert hands.window.rect().contains(toast.geometry())
    toast.close()


def test_good_news_goes_by_itself_and_moves_only_where_wanted(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.ui.toasts.SHOWN_MS", 40)
    preferences.keep(motion="reduced")
    toasts = hands.window.announcer.toasts
    toasts.show("Exported")
    assert toasts.shown is not None
    assert toasts.shown.graphicsEffect() is None
    hands.qtbot.waitUntil(lambda: toasts.shown is None)
    preferences.keep(motion="full")
    toasts.show("Exported")
    assert toasts.shown.graphicsEffect() is not None
    hands.qtbot.waitUntil(lambda: toasts.shown is None)
