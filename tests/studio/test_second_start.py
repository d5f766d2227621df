"""A project that cannot be opened, from a terminal and from an icon."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio import display
from studio.project.recent import HOME_VARIABLE
from studio.project.store import Project

# Starts the studio as from an icon, writes down what its dialog says, and closes it.
ICON = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from studio import app
qt = QApplication([])
def read():
    box = qt.activeModalWidget()
    print(box.windowTitle(), box.text(), *(button.text() for button in box.buttons()), sep="|")
    box.buttons()[0].click()
QTimer.singleShot(100, read)
app.only_a_window_is_seen = lambda: True
sys.exit(app.main(["--project", sys.argv[1]]))
"""


def start(script: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, HOME_VARIABLE: str(home), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, *script], capture_output=True, text=True, timeout=60, env=environment, check=False
    )


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_from_an_icon_a_dialog_says_that_the_project_is_open_already(home: Path, language: str) -> None:
    folder = home / "Evening series"
    (home / "preferences.json").write_text(json.dumps({"language": language}))
    with Project(folder):
        second = start(["-c", ICON, str(folder)], home)
    assert second.returncode == 2
    title, text, close = second.stdout.strip().split("|")
    said = f"{folder} is open in another Tastemaker; close it there first."
    assert second.stderr.startswith(f"tastemaker: {said}\n")
    assert title == "Tastemaker"
    if language == "en":
        assert (text, close) == (said, "Close")
    else:
        assert text == f"{folder} 已在另一个 Tastemaker 中打开；请先在那里关闭。"
        assert close == "关闭"


@pytest.mark.parametrize(("language", "name"), [("en", "My taste"), ("zh_CN", "我的品味")])
def test_the_first_project_has_a_name_in_ones_language(home: Path, language: str, name: str) -> None:
    (home / "preferences.json").write_text(json.dumps({"language": language}))
    script = "import studio.app as app; app.run = lambda project, *_: print(project.folder.name) or project.close(); app.main([])"
    first = start(["-X", "utf8", "-c", script], home)
    assert first.stdout.strip() == name and first.stderr == ""


def test_where_nobody_sees_a_window_nothing_waits_for_an_answer(home: Path) -> None:
    with Project(home / "Evening series"):
        second = start(["-m", "studio.app", "--project", str(home / "Evening series")], home)
    assert second.returncode == 2
    assert "is open in another Tastemaker" in second.stderr and second.stderr.count("\n") == 1


def test_a_terminal_is_answered_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        def __init__(self, terminal: bool) -> None:
            self.isatty = lambda: terminal

    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    for name in ("stdin", "stdout"):
        monkeypatch.setattr(sys, name, Stream(False))
    monkeypatch.setattr(sys, "stderr", None)  # Windows, without a console
    assert display.only_a_window_is_seen()
    monkeypatch.setattr(sys, "stdin", Stream(True))
    assert not display.only_a_window_is_seen()
    monkeypatch.setattr(sys, "stdin", Stream(False))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert not display.only_a_window_is_seen()
