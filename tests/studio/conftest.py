"""Fixtures of the window's tests: a project of one's own, a worker without a process, hands."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import getAllValidWrappers
from window_support import Hands

from studio.project.recent import HOME_VARIABLE
from studio.theme.theme import Theme, current


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The offscreen platform has no window manager to pass sizes on to, and says so.
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("propagateSizeHints", extend=True))


def _alive() -> list[QObject]:
    """Widgets that nothing holds, and timers that run on and on; one that fires once ends by itself."""
    return [
        one
        for one in getAllValidWrappers()
        if (isinstance(one, QWidget) and one.parent() is None)
        or (isinstance(one, QTimer) and one.isActive() and not one.isSingleShot())
    ]


@pytest.fixture(autouse=True)
def nothing_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread or a timer running, a window on screen, or a widget of its own alive."""
    threads = set(threading.enumerate())
    before = {id(one) for one in _alive()}
    yield
    app = QApplication.instance()
    if app is None:
        return
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    if left := [one for one in _alive() if id(one) not in before]:
        gc.collect()  # what only a cycle keeps alive is not left behind
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        left = [one for one in _alive() if id(one) not in before]
    assert not left, f"left alive: {left}"
    windows = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
    assert windows == [], f"left on screen: {windows}"
    deadline = time.monotonic() + 5
    while left := [one for one in set(threading.enumerate()) - threads if one.is_alive() and not one.daemon]:
        assert time.monotonic() < deadline, f"left running: {left}"
        time.sleep(0.01)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for projects and preferences that belongs to the test."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The application's theme, dark; the tests after it get it as it was."""
    found = current()
    found.set_mode("dark")
    yield found
    found.set_mode("dark")


@pytest.fixture
def open_studio(qtbot: QtBot, home: Path, theme: Theme) -> Iterator[Callable[[], Hands]]:
    """Open the same project as often as asked; what is open at the end is closed."""
    opened: list[Hands] = []

    def open_it() -> Hands:
        opened.append(Hands(qtbot, home / "Evening series"))
        return opened[-1]

    yield open_it
    for hands in opened:
        hands.close()
        hands.window.deleteLater()


@pytest.fixture
def hands(open_studio: Callable[[], Hands]) -> Hands:
    """A window with its first grid on show."""
    made = open_studio()
    made.first_grid()
    return made
