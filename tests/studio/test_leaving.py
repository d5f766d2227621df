"""A window in which something runs is not left by accident."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMessageBox
from window_support import Hands

from studio.model import preferences
from studio.model.training_access import training_of
from studio.project import recent
from studio.project.store import Project
from studio.ui.import_commands import open_sheet
from studio.ui.window import StudioWindow

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


class ByHand(QCloseEvent):
    """What comes of the button in a window's frame."""

    def spontaneous(self) -> bool:
        return True


def question() -> QMessageBox:
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    return box


def press(box: QMessageBox, words: str) -> None:
    button = next(one for one in box.buttons() if one.text() == words)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def teaching(hands: Hands) -> Hands:
    """A window in which a round runs."""
    hands.rate_enough()
    hands.key(K.Key_T)
    assert hands.actions.round.running
    return hands


def test_quitting_in_a_round_asks_and_enter_stays(teaching: Hands) -> None:
    window = teaching.window
    teaching.key(K.Key_Q, CTRL)
    box = question()
    assert box.text() == "A round is running. Leaving drops it; your ratings are kept."
    QTest.keyClick(box, K.Key_Return)
    assert window.isVisible() and teaching.actions.round.running
    teaching.key(K.Key_Q, CTRL)
    QTest.keyClick(question(), K.Key_Escape)
    assert window.isVisible()
    teaching.key(K.Key_Q, CTRL)
    press(question(), "Leave anyway")
    assert not window.isVisible()


def test_the_question_is_not_indented(teaching: Hands) -> None:
    teaching.key(K.Key_Q, CTRL)
    box = question()
    label = box.findChild(QLabel, "qt_msgbox_label")
    assert label is not None
    text = label.mapTo(box, label.contentsRect().topLeft()).x() + label.indent()
    right = max(one.mapTo(box, one.rect().topRight()).x() for one in box.buttons() if one.isVisible())
    assert text == box.width() - 1 - right, "both margins are the same"
    press(box, "Stay")


def test_a_round_can_be_kept_on_leaving(teaching: Hands) -> None:
    teaching.key(K.Key_Q, CTRL)
    press(question(), "Stop, keep and leave")
    assert teaching.window.isVisible() and teaching.worker.named("stop") == [("stop", True)]
    teaching.worker.finish()
    teaching.qtbot.waitUntil(lambda: not teaching.window.isVisible())


def test_the_question_says_so_when_the_round_has_ended_meanwhile(teaching: Hands) -> None:
    teaching.key(K.Key_Q, CTRL)
    box = question()
    teaching.worker.finish()
    assert box.text() == "It is done. You can leave now; nothing is lost."
    assert [one.text() for one in box.buttons() if one.isVisible()] == ["Leave anyway", "Stay"]
    press(box, "Stay")
    assert teaching.window.isVisible()


def test_who_stays_after_all_stays_when_the_round_ends(teaching: Hands) -> None:
    teaching.key(K.Key_Q, CTRL)
    press(question(), "Stop, keep and leave")
    teaching.key(K.Key_Q, CTRL)
    press(question(), "Stay")
    teaching.worker.finish()
    teaching.qtbot.wait(50)
    assert teaching.window.isVisible()


def test_the_button_in_the_frame_asks_too(teaching: Hands) -> None:
    event = ByHand()
    teaching.window.closeEvent(event)
    assert not event.isAccepted() and teaching.window.isVisible()
    press(question(), "Leave anyway")
    assert not teaching.window.isVisible()


def test_another_project_waits_for_the_answer(teaching: Hands, tmp_path: Path) -> None:
    other = tmp_path / "Other"
    Project(other).close()
    recent.remember(other)
    asked: list[tuple[object, object]] = []
    teaching.window.project_wanted.connect(lambda *what: asked.append(what))
    teaching.key(K.Key_N, CTRL)
    press(question(), "Stay")
    assert not asked
    teaching.window.files.recent_menu().actions()[0].trigger()
    assert not asked
    press(question(), "Leave anyway")
    assert asked == [(other, None)]


def test_another_language_waits_for_the_next_start(teaching: Hands) -> None:
    asked: list[bool] = []
    teaching.window.reopen_wanted.connect(lambda: asked.append(True))
    preferences.keep(language="zh_CN")
    assert not asked and teaching.actions.round.running
    said = teaching.actions.state.message
    assert said is not None and "from the next start on" in said.text


def test_an_imported_generator_waits_for_the_answer(teaching: Hands, tmp_path: Path) -> None:
    sheet = open_sheet(teaching.window, tmp_path / "nothing.pth")
    kept: list[bool] = []
    sheet._importing.keep = lambda: kept.append(True)  # type: ignore[method-assign]
    sheet.keep.setEnabled(True)
    QTest.mouseClick(sheet.keep, Qt.MouseButton.LeftButton)
    press(question(), "Stay")
    assert not kept and sheet.isVisible()
    QTest.mouseClick(sheet.keep, Qt.MouseButton.LeftButton)
    press(question(), "Leave anyway")
    assert kept
    sheet.reject()


def test_exports_and_training_are_asked_about(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    hands.actions.exports.running = True
    hands.key(K.Key_Q, CTRL)
    assert "nothing is written" in question().text()
    press(question(), "Stay")
    hands.actions.exports.running = False
    training_of(hands.actions).phase = "training"
    hands.key(K.Key_Q, CTRL)
    assert "you can go on from there later" in question().text()
    press(question(), "Stay")
    training_of(hands.actions).phase = "empty"


def test_where_nothing_runs_nothing_is_asked(hands: Hands) -> None:
    window: StudioWindow = hands.window
    event = ByHand()
    window.closeEvent(event)
    assert event.isAccepted() and not window.isVisible() and QApplication.activeModalWidget() is None
