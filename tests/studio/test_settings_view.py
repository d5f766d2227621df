"""Settings, the keys a person chooses, and the Help page, by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox
from pytestqt.qtbot import QtBot
from shiboken6 import isValid
from window_support import Hands, StandIn

from studio import i18n
from studio.app import Studio
from studio.model import keymap, preferences, settings
from studio.project.recent import data_folder
from studio.project.store import Project
from studio.theme.theme import Theme, current
from studio.ui.help_view import HelpView
from studio.ui.settings_keys import KeyButton, KeysPage
from studio.ui.settings_view import SettingsView
from studio.ui.shortcut_sheet import ShortcutSheet, groups

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def settings_of(hands: Hands) -> SettingsView:
    hands.key(K.Key_Comma, CTRL)
    view = hands.window.page("settings")
    assert isinstance(view, SettingsView)
    return view


def keys_of(hands: Hands) -> KeysPage:
    view = settings_of(hands)
    view.show_page(1)
    QApplication.processEvents()
    assert view.keys is not None
    return view.keys


def press(
    hands: Hands, at: KeyButton, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    hands.press(at)
    assert at.text() == "Press a key…"
    at.setFocus()
    QTest.keyClick(at, key, modifiers)


def test_every_setting_has_a_row_that_shows_its_default(hands: Hands) -> None:
    view = settings_of(hands)
    assert list(view.rows) == [one.key for one in settings.settings()]
    for one in settings.settings():
        if not one.project:
            assert settings.value(one.key) == one.default


def test_a_choice_is_kept_and_acts_at_once(hands: Hands) -> None:
    box = settings_of(hands).rows["theme"].control
    assert isinstance(box, QComboBox)
    assert hands.window.focusWidget() is box
    QTest.keyClick(box, K.Key_Down)
    QTest.keyClick(box, K.Key_Down)
    assert settings.value("theme") == "light"
    assert current().mode == "light"
    assert hands.window.commands["theme.light"].isChecked()
    hands.key(K.Key_D, CTRL | Qt.KeyboardModifier.AltModifier)
    assert box.currentData() == "dark"


def test_a_switch_of_the_project_and_its_command_are_one(hands: Hands) -> None:
    switch = settings_of(hands).rows["auto_advance"].control
    hands.press(switch)
    assert hands.actions.state.auto_advance
    assert hands.window.commands["auto_advance"].isChecked()
    hands.actions.set_option("auto_advance", False)
    assert not switch.isChecked()  # type: ignore[attr-defined]


def test_another_device_starts_the_worker_anew_on_it(hands: Hands) -> None:
    preferences.keep(device="cpu")
    assert hands.worker.named("open")[-1] == ("open", "cpu")
    assert not hands.actions.state.loaded  # what waits for an answer asks again once it is
    hands.worker.be_ready()
    hands.rate_enough()
    hands.actions.teach()
    preferences.keep(device="auto")
    assert hands.worker.named("open")[-1] == ("open", "cpu")
    assert "next start" in hands.window.status.message.full_text()


def test_another_device_waits_for_an_export_that_runs(hands: Hands, tmp_path: Path) -> None:
    before = hands.worker.named("open")
    hands.actions.export(tmp_path / "out", format="bundle")
    preferences.keep(device="cpu")
    assert hands.worker.named("open") == before  # a worker that is replaced would never say how the export ended
    assert "next start" in hands.window.status.message.full_text()
    hands.worker.exported.emit(str(tmp_path / "out"))


def test_a_grid_that_was_asked_for_comes_from_the_other_device(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(hands.worker, "propose", lambda count: asked.append(count) or len(asked))
    hands.key(K.Key_G)
    hands.actions.new_grid()
    preferences.keep(device="cpu")
    assert asked == [24] and not hands.actions.state.drawing
    hands.worker.be_ready()
    assert asked == [24, 24] and hands.actions.state.drawing
    hands.worker.be_ready()  # as after a crash: it is on its way
    assert asked == [24, 24]


@pytest.mark.parametrize("kept", [{"theme": "sepia", "cache_mb": -3, "implicit": 7}, ["no", "object"], "{"])
def test_damaged_preferences_count_as_not_chosen(hands: Hands, kept: object) -> None:
    file = data_folder() / "preferences.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(kept if isinstance(kept, str) else json.dumps(kept), encoding="utf-8")
    for one in settings.settings():
        if not one.project:
            assert settings.value(one.key) == one.default


def test_a_key_is_changed_by_pressing_another(hands: Hands, open_studio: Callable[[], Hands]) -> None:
    page = keys_of(hands)
    press(hands, page.buttons["like"], K.Key_L)
    assert page.buttons["like"].text() == "L"
    assert keymap.read() == {"like": ("L",)}
    hands.key(K.Key_G)
    hands.grid.setFocus()
    hands.key(K.Key_P)
    assert hands.flag(0) is None
    hands.key(K.Key_L)
    assert hands.flag(0) == "like"
    hands.window.show_shortcuts()
    sheet = QApplication.activeModalWidget()
    assert isinstance(sheet, ShortcutSheet)
    assert ("Like", "L") in groups(hands.window.commands)["Image"]
    sheet.close()
    hands.close()
    again = open_studio()
    assert again.window.commands.keys("like") == ("L",)


def test_a_key_that_is_taken_is_refused_and_can_be_taken_over(hands: Hands) -> None:
    page = keys_of(hands)
    places = [made.pos() for made in page.buttons.values()]
    top = page.buttons["like"].mapTo(page, QPoint()).y()
    press(hands, page.buttons["like"], K.Key_T)
    assert page.buttons["like"].text() == "P"
    assert "Teach" in page.note.text()
    QApplication.processEvents()
    assert page.take.isVisible()
    assert page.buttons["like"].mapTo(page, QPoint()).y() == top, "nothing moves away from under the pointer"
    assert [made.pos() for made in page.buttons.values()] == places
    hands.press(page.take)
    assert page.buttons["like"].text() == "T"
    assert page.buttons["teach"].text() == "none"
    assert hands.window.commands["teach"].shortcuts() == []
    hands.press(page.reset)
    assert page.buttons["teach"].text() == "T"
    assert page.buttons["like"].text() == "P"
    assert keymap.read() == {}


def test_keys_taken_given_and_reset_are_undone_one_by_one(hands: Hands) -> None:
    page, undo = keys_of(hands), hands.window.commands["undo"]
    assert not undo.isEnabled()
    press(hands, page.buttons["like"], K.Key_T)
    hands.press(page.take)
    press(hands, page.buttons["reject"], K.Key_Backspace)
    assert undo.text() == "Undo: key of “Reject”"
    hands.press(page.reset)
    assert keymap.read() == {} and page.note.text().endswith("Ctrl+Z brings yours back.")
    hands.key(K.Key_Z, CTRL)
    chosen = {"like": ("T",), "teach": (), "reject": ()}
    assert keymap.read() == chosen and page.buttons["like"].text() == "T"
    assert hands.window.commands["teach"].shortcuts() == []
    hands.key(K.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert keymap.read() == {} and page.buttons["like"].text() == "P"
    for _ in range(3):
        hands.key(K.Key_Z, CTRL)
    assert keymap.read() == {} and not undo.isEnabled() and page.buttons["teach"].text() == "T"
    hands.press(page.reset)
    assert not undo.isEnabled() and page.note.text() == "Every action has the key it came with."
    hands.window.actions_.rate("stars", 3, 0)
    assert not undo.isEnabled(), "a rating is not what is on show"
    settings_of(hands).show_page(0)
    assert undo.isEnabled()


def test_the_answer_to_a_clash_comes_next_on_the_keyboard(hands: Hands) -> None:
    page = keys_of(hands)
    like, reject = page.buttons["like"], page.buttons["reject"]
    like.setFocus()
    for key in (K.Key_Space, K.Key_T, K.Key_Tab):
        hands.key(key)
    assert page.take.hasFocus()
    hands.key(K.Key_Tab)
    assert reject.hasFocus()
    hands.key(K.Key_Backtab)
    hands.key(K.Key_Space)
    assert like.hasFocus() and like.text() == "T" and not page.take.isVisible()
    hands.key(K.Key_Tab)
    assert reject.hasFocus()


def test_escape_keeps_a_key_backspace_takes_it_away_and_leaving_keeps_it(hands: Hands) -> None:
    page = keys_of(hands)
    press(hands, page.buttons["like"], K.Key_Escape)
    assert page.buttons["like"].text() == "P"
    press(hands, page.buttons["reject"], K.Key_Backspace)
    assert page.buttons["reject"].text() == "none"
    hands.press(page.buttons["like"])
    page.buttons["like"].setFocus()
    page.search.setFocus()
    assert page.buttons["like"].text() == "P"


def test_a_letter_of_one_view_may_be_another_command_elsewhere(hands: Hands) -> None:
    commands = hands.window.commands
    assert commands.clashes("explore.go", "Space") == []  # elsewhere it looks closely, or pauses
    assert [other.key for other in commands.clashes("like", "Ctrl+Z")] == ["undo"]


def test_actions_are_found_by_name_and_by_key(hands: Hands) -> None:
    page = keys_of(hands)
    QTest.keyClicks(page.search, "quit")
    shown = [key for key, made in page.buttons.items() if made.isVisible()]
    assert shown == ["quit"]
    page.search.clear()
    QTest.keyClicks(page.search, "ctrl+q")
    assert [key for key, made in page.buttons.items() if made.isVisible()] == ["quit"]


def test_help_says_what_each_view_is_for(hands: Hands) -> None:
    hands.key(K.Key_F1)
    view = hands.window.page("help")
    assert isinstance(view, HelpView)
    assert hands.window.focusWidget() is view.page
    hands.window.resize(900, 500)
    bar = view.page.verticalScrollBar()
    hands.qtbot.waitUntil(lambda: bar.maximum() > 0)
    hands.key(K.Key_End)
    assert bar.value() == bar.maximum()
    hands.key(K.Key_Home)
    assert bar.value() == 0
    hands.press(view.sheet)
    sheet = QApplication.activeModalWidget()
    assert isinstance(sheet, ShortcutSheet)
    sheet.close()


def test_another_language_opens_the_window_anew_on_the_same_project(
    qtbot: QtBot, home: Path, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.worker.client.WorkerClient", StandIn)
    studio = Studio()
    first = studio.open(Project(home / "Evening series", seed=5))
    first.actions_.worker.be_ready()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: first.actions_.state.counts.shown > 0)
    first.actions_.rate("stars", 4, 0)
    first.show_view("settings")
    try:
        preferences.keep(language="en")  # which it is
        qtbot.wait(50)
        assert studio.window is first
        preferences.keep(language="zh_CN")
        qtbot.waitUntil(lambda: studio.window is not None and studio.window is not first)
        assert studio.window is not None
        assert studio.window.isVisible()
        qtbot.waitUntil(lambda: not isValid(first))  # it is let go of
        assert studio.window.actions_.project.folder == home / "Evening series"
        assert studio.window.actions_.state.counts.rated == 1
        assert studio.window.view == "settings"
        assert studio.window.commands["teach"].text() == i18n.catalogue("zh_CN")["Teach"]
    finally:
        i18n.load("en")
        assert studio.window is not None
        studio.window.close()
        studio.window.deleteLater()
