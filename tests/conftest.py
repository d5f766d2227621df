"""What holds for every test: no screen, nobody's files, nothing left running."""

import multiprocessing
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

import pytest

_PATIENCE = 5.0  # seconds that a thread or child may take to end after its test
_HOME = tempfile.mkdtemp(prefix="tastemaker-tests-")

# Before anything is imported that looks at them; child processes inherit them.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["TASTEMAKER_HOME"] = _HOME
for _name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_DOCUMENTS_DIR"):
    os.environ[_name] = os.path.join(_HOME, _name)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    # On a server without Qt the library's tests run with `-p no:pytest-qt`: its settings must not count as typing mistakes.
    if not pluginmanager.has_plugin("pytest-qt"):
        for name in ("qt_api", "qt_log_level_fail"):
            parser.addini(name, "of pytest-qt, which is off")


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


def _running() -> set[object]:
    threads = {thread for thread in threading.enumerate() if thread.is_alive() and not thread.daemon}
    return threads | set(multiprocessing.active_children())


def _visible_windows() -> list[str]:
    widgets = sys.modules.get("PySide6.QtWidgets")
    app = widgets.QApplication.instance() if widgets else None
    return [repr(widget) for widget in app.topLevelWidgets() if widget.isVisible()] if app and widgets else []


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """Fail a test that leaves a thread, a child process or a window behind, and name it."""
    before = _running()
    yield
    deadline = time.monotonic() + _PATIENCE
    while (left := _running() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left, f"still running: {left}"
    assert not (windows := _visible_windows()), f"still open: {windows}"
