"""A project gets another name from its window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog, QLineEdit, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot
from window_support import StandIn

from studio.app import Studio
from studio.project import recent
from studio.project.store import Project
from studio.theme.theme import Theme, current
from studio.ui.window import StudioWindow

CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def studio(qtbot: QtBot, home: Path, theme: Theme, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A studio on a project called "My taste" with one rating."""
    monkeypatch.setattr("studio.worker.client.WorkerClient", StandIn)
    made = Studio()
    window = made.open(Project(home / "My taste", seed=5))
    window.actions_.worker.be_ready()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: window.actions_.state.counts.shown > 0)
    window.actions_.rate("stars", 4, 0)
    with qtbot.waitActive(window):
        window.activateWindow()
    yield made
    window_of(made).close()
    window_of(made).deleteLater()


def window_of(studio: Studio) -> StudioWindow:
    assert studio.window is not None
    return studio.window


def give(studio: Studio, name: str) -> None:
    """Press the key, type a name over the one that is there, and Enter."""
    QTest.keyClick(window_of(studio), Qt.Key.Key_R, CTRL_SHIFT)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QInputDialog) and dialog.textValue() == window_of(studio).actions_.state.project_name
    field = dialog.findChild(QLineEdit)
    assert field is not None and field.selectedText() == dialog.textValue()
    QTest.keyClicks(field, name)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_the_folder_and_the_window_have_the_new_name(qtbot: QtBot, studio: Studio, home: Path) -> None:
    first = window_of(studio)
    first.show_view("timeline")
    give(studio, "Warm evenings")
    qtbot.waitUntil(lambda: studio.window is not None and studio.window is not first)
    window = window_of(studio)
    assert window.actions_.project.folder == home / "Warm evenings" and not (home / "My taste").exists()
    assert window.actions_.state.counts.rated == 1 and window.view == "timeline"
    assert window.windowTitle() == "Warm evenings – Tastemaker" and window.top_bar.project.full_text() == "Warm evenings"
    assert recent.recent_projects() == [home / "Warm evenings"]


def test_what_enter_does_is_said_by_a_verb(studio: Studio) -> None:
    QTest.keyClick(window_of(studio), Qt.Key.Key_R, CTRL_SHIFT)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, QInputDialog)
    buttons = {made.property("role"): made for made in dialog.findChildren(QPushButton)}
    assert buttons["primary"].text() == "Rename" and buttons["primary"].isDefault()
    seen = buttons["primary"].grab().toImage()
    assert seen.pixelColor(8, seen.height() // 2) == QColor(current().tokens.accent), "and it looks like it"
    dialog.reject()


def test_what_cannot_be_renamed_is_said_and_stays_open(
    qtbot: QtBot, studio: Studio, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    first = window_of(studio)
    monkeypatch.setattr(Path, "rename", refuse)
    give(studio, "Warm evenings")
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), QMessageBox))
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox) and "My taste cannot be renamed: Permission denied." in box.text()
    box.close()
    assert window_of(studio) is not first and window_of(studio).actions_.project.folder == home / "My taste"


def test_a_project_that_is_gone_is_said_and_another_is_shown(
    qtbot: QtBot, studio: Studio, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Project(home / "Before").close()
    recent.remember(home / "Before")
    recent.remember(home / "My taste")
    first = window_of(studio)

    def close() -> None:
        StudioWindow.close(first)
        (home / "My taste").rename(home / "elsewhere")

    monkeypatch.setattr(first, "close", close)
    studio.reopen()
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox) and "My taste is not a Tastemaker project." in box.text()
    box.close()
    assert window_of(studio).actions_.project.folder == home / "Before" and not (home / "My taste").exists()
    assert QApplication.quitOnLastWindowClosed()


def test_where_no_project_can_be_shown_the_studio_ends(
    studio: Studio, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, said, ended = window_of(studio), list[str](), list[bool]()
    other = list[Project]()

    def close() -> None:
        StudioWindow.close(first)
        other.append(Project(home / "My taste"))  # as another Tastemaker might

    monkeypatch.setattr(first, "close", close)
    monkeypatch.setattr("studio.app.tell", said.append)
    monkeypatch.setattr(QApplication, "quit", lambda: ended.append(True))
    studio.reopen()
    assert "open in another Tastemaker" in said[0] and ended and studio.window is None
    assert QApplication.quitOnLastWindowClosed()
    other[0].close()
    studio.window = first  # for the end of the test


@pytest.mark.parametrize("name", ["My taste", "   "])
def test_the_same_name_or_none_changes_nothing(qtbot: QtBot, studio: Studio, name: str) -> None:
    first = window_of(studio)
    give(studio, name)
    qtbot.wait(50)
    assert studio.window is first and first.isVisible()


@pytest.mark.parametrize("running", ["round", "exports"])
def test_what_runs_is_waited_for(studio: Studio, running: str) -> None:
    window = window_of(studio)
    getattr(window.actions_, running).running = True
    QTest.keyClick(window, Qt.Key.Key_R, CTRL_SHIFT)
    assert QApplication.activeModalWidget() is None
    assert window.status.message.full_text() == "Wait until what runs has ended"
    getattr(window.actions_, running).running = False
