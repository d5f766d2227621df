"""Fixtures of the window's tests: a project of one's own, a worker without a process, hands."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from backend_support import LATENT
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import getAllValidWrappers
from window_support import Hands

from studio.app import Studio
from studio.project.recent import HOME_VARIABLE
from studio.project.store import NewImage, Project
from studio.theme.theme import Theme, current
from studio.ui.window import StudioWindow


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
def show(qtbot: QtBot, home: Path, theme: Theme) -> Iterator[Callable[[Project], StudioWindow]]:
    """Show a project in the studio, with a real worker; it is closed at the end."""
    opened: list[StudioWindow] = []

    def show_it(project: Project) -> StudioWindow:
        window = Studio().open(project)
        opened.append(window)
        window.resize(1440, 900)  # the offscreen screen has 800 pixels
        with qtbot.waitActive(window, timeout=10_000):
            window.activateWindow()
        return window

    yield show_it
    for window in opened:
        window.close()
        window.deleteLater()


@pytest.fixture
def project_folder(tmp_path: Path) -> Path:
    """A project of nine images that nobody said anything of."""
    with Project(tmp_path / "p") as project:
        project.add_grid([NewImage(LATENT) for _ in range(9)])
    return tmp_path / "p"


@pytest.fixture
def hands(open_studio: Callable[[], Hands]) -> Hands:
    """A window with its first grid on show."""
    made = open_studio()
    made.first_grid()
    return made
