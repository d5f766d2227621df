"""The window as a whole: its actions, its controls, how it starts and how it refuses to."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QScrollBar,
    QWidget,
)
from window_support import Hands, StandIn

from studio import display
from studio.app import MODEL, Studio, open_last, open_project
from studio.model import preferences
from studio.model.training import BUNDLED
from studio.project import recent
from studio.project.lock import ProjectInUse
from studio.project.store import Project, ProjectError
from studio.ui.parts import ElidedLabel
from studio.ui.shortcut_sheet import ShortcutSheet, groups
from studio.ui.teach_view import TeachView
from studio.ui.views import entries
from studio.ui.window_files import BUNDLE_FILES
from studio.worker import messages as m

CONTROLS = (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QPlainTextEdit)
K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def run(*arguments: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """The command `tastemaker`, with these environment variables set, or taken away."""
    changed = dict(os.environ)
    for name, value in environment.items():
        changed.pop(name, None)
        if value is not None:
            changed[name] = value
    command = [sys.executable, "-m", "studio.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=changed, check=False)


# -- how it is used ------------------------------------------------------------------------------------------------


def test_every_action_has_a_key_a_menu_and_a_tip(hands: Hands) -> None:
    in_menus = [
        action
        for menu in hands.window.commands.menus.values()
        for action in menu.actions()
        if not action.isSeparator()
    ]
    assert set(in_menus) == set(hands.window.commands.actions.values())
    for action in in_menus:
        assert action.text()
        assert action.toolTip()
        assert action.shortcuts(), action.text()
    commands = hands.window.commands
    for key in commands.table:
        for sequence in commands.keys(key):
            assert not commands.clashes(key, sequence), key
    assert {f"new.{name}" for name in BUNDLED} == {key for key in commands.table if key.startswith("new.")}


def test_every_control_has_a_name_and_a_tip(hands: Hands) -> None:
    for key in (entry.key for entry in entries()):
        hands.window.show_view(key)
    hands.window.export()
    dialogs: list[QWidget] = [hands.window]
    modal = QApplication.activeModalWidget()
    assert modal is not None
    dialogs.append(modal)
    seen = 0
    for window in dialogs:
        for control in window.findChildren(QWidget):
            if isinstance(control, CONTROLS) and not isinstance(control, QScrollBar):
                assert control.accessibleName(), control
                assert control.toolTip(), control.accessibleName()
                seen += 1
    assert seen > 20
    modal.close()


def test_whatever_takes_the_keys_has_a_name_for_a_screen_reader(hands: Hands) -> None:
    unnamed = []
    for entry in entries():
        hands.window.show_view(entry.key)
        QApplication.processEvents()
        assert QApplication.focusWidget() is not None, entry.key
        for widget in hands.window.findChildren(QWidget):
            takes_keys = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
            if takes_keys and widget.isVisible() and widget.isEnabled():
                named = QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)
                if not named:
                    unnamed.append((entry.key, widget))
    assert unnamed == []


def test_every_view_opens_by_its_key_and_by_the_rail(hands: Hands) -> None:
    for entry in entries():
        hands.press(hands.window.rail.buttons[entry.key])
        assert hands.window.view == entry.key
        assert hands.window.rail.buttons[entry.key].isChecked()
    hands.key(K.Key_G)
    assert hands.window.view == "rate"
    hands.key(K.Key_2, CTRL)
    assert hands.window.view == "teach"
    hands.key(K.Key_5)  # stars are for images
    assert hands.project.counts().rated == 0


def test_enter_and_space_press_the_button_that_has_the_focus(hands: Hands) -> None:
    hands.first_grid()
    hands.click(0)
    for key, advances in ((K.Key_Return, True), (K.Key_Enter, False), (K.Key_Space, True)):  # which look closely elsewhere
        hands.window.rate_view.advance.setFocus(Qt.FocusReason.TabFocusReason)
        hands.key(key)
        assert hands.actions.state.auto_advance is advances
        assert hands.window.view == "rate"
    hands.grid.setFocus()
    hands.key(K.Key_Return)
    assert hands.window.view == "loupe"


def test_the_window_fills_the_screen_and_is_as_before(hands: Hands) -> None:
    window, action = hands.window, hands.window.commands["full_screen"]
    before = window.size()
    hands.key(K.Key_F11)
    assert window.isFullScreen() and action.isChecked()
    hands.key(K.Key_F11)
    assert not window.isFullScreen() and not action.isChecked()
    hands.qtbot.waitUntil(lambda: window.size() == before)


def test_the_side_panel_cannot_be_asked_for_where_there_is_none(hands: Hands) -> None:
    button = hands.window.top_bar.panel
    for view in hands.window.entry_keys():
        hands.window.show_view(view)
        has_one = hands.window.pages.panel(view) is not None
        assert button.isEnabled() == hands.window.commands["panel"].isEnabled() == has_one
        hands.key(K.Key_I)
        assert hands.window.panel_is_shown() is False
        hands.key(K.Key_I)
        assert hands.window.panel_is_shown() == has_one
    assert button.toolTip().endswith("(I)")


def test_the_side_panel_hides_and_makes_room_in_a_narrow_window(hands: Hands) -> None:
    assert hands.window.side.isVisible()
    width = hands.grid.width()
    hands.key(K.Key_I)
    assert not hands.window.side.isVisible()
    hands.qtbot.waitUntil(lambda: hands.grid.width() > width)
    assert preferences.read()["panel"] is False
    hands.press(hands.window.top_bar.panel)
    assert hands.window.side.isVisible()
    hands.window.resize(700, 600)
    hands.qtbot.waitUntil(lambda: not hands.window.side.isVisible())
    hands.key(K.Key_I)
    assert hands.window.side.isVisible()


@pytest.mark.parametrize("size", [(640, 480), (900, 600), (1440, 900)])
def test_nothing_is_cut_off(hands: Hands, size: tuple[int, int]) -> None:
    hands.window.resize(*size)
    for entry in entries():
        hands.window.show_view(entry.key)
        for _ in range(3):  # a text that follows a resize asks for one more layout
            QApplication.processEvents()
        for button in hands.window.findChildren(QAbstractButton):
            if button.isVisible():
                assert button.width() >= button.minimumSizeHint().width(), button.accessibleName()
                inside = button.mapTo(hands.window, button.rect().bottomRight())
                if button.parentWidget() is hands.window.top_bar:
                    assert hands.window.rect().contains(inside), button.accessibleName()


def test_the_sheet_lists_every_key(hands: Hands) -> None:
    hands.window.show_shortcuts()
    sheet = QApplication.activeModalWidget()
    assert isinstance(sheet, ShortcutSheet)
    lines = [line for lines in groups(hands.window.commands).values() for line in lines]
    assert ("Teach", "T") in lines
    assert ("New grid", "Ctrl+Enter") in lines
    assert ("Reject", "X or R") in lines
    assert all(keys for _, keys in lines)
    QTest.keyClick(sheet, K.Key_Escape)
    assert QApplication.activeModalWidget() is None


def test_a_theme_that_was_chosen_stays(hands: Hands) -> None:
    hands.window.commands["theme.light"].trigger()
    assert preferences.read()["theme"] == "light"
    grabbed = hands.window.grab().toImage()
    assert grabbed.pixelColor(grabbed.width() // 2, 20).name() == "#fbfbfa"
    hands.window.commands["theme.dark"].trigger()
    grabbed = hands.window.grab().toImage()
    assert grabbed.pixelColor(grabbed.width() // 2, 20).name() == "#232326"


def test_the_status_bar_says_what_goes_on(open_studio: Callable[[], Hands]) -> None:
    hands = open_studio()
    status = hands.window.status
    hands.worker.busy_changed.emit("loading")
    assert status.task.text() == "Loading the generator"
    hands.first_grid()
    assert status.task.text() == "Ready"
    assert status.device.text() == "CPU, 2 cores"
    hands.actions.state.seed = 1234567
    assert status.seed.text() == "seed 1234567 · 16 px"
    hands.worker.failed.emit("Worker", "The worker crashed twice. Your ratings are safe.", "Traceback ...")
    assert status.message.full_text() == "The worker crashed twice. Your ratings are safe."
    assert not hands.window.commands["new_grid"].isEnabled()
    hands.worker.busy_changed.emit("")
    assert status.task.text() == "The worker could not start"
    hands.key(K.Key_C, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert "Traceback ..." in QGuiApplication.clipboard().text()


def test_another_generator_in_the_place_of_the_project_s_is_told_of(open_studio: Callable[[], Hands]) -> None:
    hands = open_studio()
    hands.first_grid()
    hands.worker.be_ready()
    assert hands.actions.state.message is None
    hands.worker.ready.emit(m.Ready("CPU", "dreamscapes", 16, 8, "ffffffffff", False, True, 900_000, {}))
    message = hands.actions.state.message
    assert message is not None and message.kind == "bad" and "generator has changed" in message.text


def test_closing_ends_the_worker_and_lets_go_of_the_project(hands: Hands) -> None:
    hands.close()
    assert hands.worker.named("close")
    with Project(hands.folder, create=False) as again:
        assert again.counts().shown == 24


def test_another_project_that_cannot_be_opened_is_said_in_a_dialog(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    hands.key(K.Key_O, CTRL)
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    assert "not a Tastemaker project" in box.text()
    box.close()
    other = tmp_path / "newer"
    Project(other).close()
    _make_newer(other)
    studio = Studio()
    studio.window = hands.window
    hands.window.project_wanted.connect(studio.switch)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(other))
    hands.key(K.Key_O, CTRL)
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    assert "newer" in box.text()
    box.close()
    assert studio.window is hands.window


def test_the_project_on_show_is_not_opened_once_more(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[object] = []
    hands.window.project_wanted.connect(lambda *what: wanted.append(what))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(hands.folder / ".." / hands.folder.name))
    hands.key(K.Key_O, CTRL)
    assert not wanted and hands.window.status.message.full_text() == "This project is open already"


def test_another_project_opens_where_the_window_stood(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.worker.client.WorkerClient", StandIn)
    studio = Studio()
    studio.window = hands.window
    hands.window.setGeometry(20, 40, 740, 560)
    other = studio.open(Project(tmp_path / "Other"))
    try:
        assert other.geometry() == QRect(20, 40, 740, 560)
    finally:
        other.close()
        other.deleteLater()


# -- how it starts -------------------------------------------------------------------------------------------------


def test_the_window_loads_neither_torch_nor_what_it_does_not_show() -> None:
    script = (
        "import sys\n"
        "from PySide6.QtWidgets import QApplication\n"
        "app = QApplication([])\n"
        "import studio.app, studio.ui.window, studio.ui.rate_view, studio.ui.rate_panel, studio.worker.client\n"
        "print(' '.join(sys.modules))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(answer.stdout.split())
    for heavy in (
        "torch",
        "gan",
        "pyqtgraph",
        "PIL",
        "onnx",
        "studio.ui.teach_view",
        "studio.ui.export_dialog",
    ):
        assert heavy not in loaded


def test_without_a_project_the_last_or_a_new_one_opens(home: Path) -> None:
    with open_project(None) as first:
        assert first.model == MODEL
        recent.remember(first.folder)
    with open_project(None) as again:
        assert again.folder == first.folder
    with open_project(None, new=True) as other:
        assert other.folder != first.folder
    bundle = str(home / "Generators" / "tiles 64 px")
    with (
        open_project(None, new=True, model=bundle) as own,
        open_project(None, new=True, model=bundle) as second,
    ):
        assert (own.folder.name, second.folder.name) == ("tiles 64 px", "tiles 64 px 2")
        assert own.model == bundle
    with open_project(home / "named") as named:
        assert named.folder == home / "named"


def test_a_last_project_that_cannot_be_opened_keeps_nobody_out(home: Path) -> None:
    for name in ("older", "last"):
        Project(home / name).close()
        recent.remember(home / name)
    with open_last()[0] as last:
        assert last.folder == home / "last"
        with pytest.raises(ProjectInUse):
            open_last()
    _damage(home / "last")
    project, why = open_last()
    with project:
        assert project.folder == home / "older"
    assert "last" in why and "damaged" in why
    _make_newer(home / "older")
    project, why = open_last()
    with project:
        assert project.folder not in (home / "older", home / "last") and project.counts().shown == 0
    assert "damaged" in why


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
class TestNoDisplay:
    def test_none_named(self, tmp_path: Path) -> None:
        answer = run(
            "--project", str(tmp_path / "p"), DISPLAY=None, WAYLAND_DISPLAY=None, QT_QPA_PLATFORM=None
        )
        self.check(answer, tmp_path)

    def test_one_that_does_not_answer(self, tmp_path: Path) -> None:
        answer = run(
            "--project", str(tmp_path / "p"), DISPLAY=":4093", WAYLAND_DISPLAY=None, QT_QPA_PLATFORM=None
        )
        self.check(answer, tmp_path)
        answer = run(
            "--project", str(tmp_path / "p"), DISPLAY=":4093", WAYLAND_DISPLAY=None, QT_QPA_PLATFORM="xcb"
        )
        self.check(answer, tmp_path)

    @staticmethod
    def check(answer: subprocess.CompletedProcess[str], folder: Path) -> None:
        assert answer.returncode == 2
        assert answer.stdout == ""
        assert answer.stderr.startswith("tastemaker: no display")
        assert len(answer.stderr.splitlines()) == 1
        assert not (folder / "p").exists()

    def test_one_that_answers(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        name = f"wayland-{uuid.uuid4().hex[:6]}"
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        monkeypatch.setenv("WAYLAND_DISPLAY", name)
        monkeypatch.setenv("QT_QPA_PLATFORM", "")
        monkeypatch.delenv("DISPLAY", raising=False)
        assert display.no_display_reason() is not None
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(tmp_path / name))
            server.listen()
            assert display.no_display_reason() is None
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
        monkeypatch.delenv("WAYLAND_DISPLAY")
        assert display.no_display_reason() is None


def _make_newer(folder: Path) -> None:
    database = sqlite3.connect(folder / "project.sqlite")
    database.execute("PRAGMA user_version = 9999")
    database.close()


def _damage(folder: Path) -> None:
    (folder / "project.sqlite").write_bytes(b"this is no database" * 400)


@pytest.mark.parametrize(("spoil", "words"), [(_make_newer, "newer"), (_damage, "damaged")])
def test_a_project_that_cannot_be_opened_is_one_line_and_stays_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    folder = tmp_path / "project"
    Project(folder).close()
    spoil(folder)
    before = (folder / "project.sqlite").read_bytes()
    answer = run("--project", str(folder), QT_QPA_PLATFORM="offscreen")
    assert answer.returncode == 2
    assert answer.stderr.startswith("tastemaker: ")
    assert words in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert (folder / "project.sqlite").read_bytes() == before


def test_a_project_below_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    answer = run("--project", str(tmp_path / "file" / "project"), QT_QPA_PLATFORM="offscreen")
    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1


def test_a_bug_is_written_down_and_said_and_the_window_goes_on(hands: Hands, tmp_path: Path) -> None:
    studio = Studio()
    studio.window = hands.window
    log = tmp_path / "crash.log"
    with open(log, "w", encoding="utf-8") as file:
        try:
            raise ZeroDivisionError("division by zero")
        except ZeroDivisionError as error:
            studio.tell_of_a_bug(file, type(error), error, error.__traceback__)
    assert "test_window.py" in log.read_text(encoding="utf-8")
    assert "division by zero" in hands.window.status.message.full_text()
    hands.click_star(0, 3)
    assert hands.stars(0) == 3


def test_a_project_that_cannot_be_read_is_said_once_and_is_no_bug(hands: Hands, tmp_path: Path) -> None:
    studio = Studio()
    studio.window = hands.window
    said: list[object] = []
    hands.actions.state.message_changed.connect(said.append)  # type: ignore[attr-defined]
    with open(tmp_path / "crash.log", "w", encoding="utf-8") as file:
        for _ in range(3):
            studio.tell_of_a_bug(file, ProjectError, ProjectError("The disk is full."), None)
    assert not (tmp_path / "crash.log").read_text(encoding="utf-8")
    assert hands.window.status.message.full_text() == "The disk is full."
    assert [one.text for one in said if one is not None] == ["The disk is full."]  # type: ignore[attr-defined]


def test_nothing_is_waited_for_where_the_worker_could_not_start(open_studio: Callable[[], Hands]) -> None:
    rated = open_studio()
    rated.first_grid()
    rated.rate_enough()
    rated.close()
    hands = open_studio()
    hands.worker.failed.emit("Open", "This project's generator is missing.", "")
    why = "The worker could not start; the line below says why."

    def texts(widget: QWidget) -> set[str]:
        shown = [label for label in widget.findChildren(QLabel) if label.isVisible()]
        return {label.full_text() if isinstance(label, ElidedLabel) else label.text() for label in shown}

    for key in ("rate", "taste", "explore"):
        hands.window.show_view(key)
        found = texts(hands.window.page(key)) | texts(hands.window.side)
        assert any(text.startswith(why) for text in found), key
        assert not any("still" in text or "reading" in text or "Looking" in text for text in found), found
    hands.window.show_view("rate")
    for command in ("export", "title"):
        hands.window.commands[command].trigger()
        dialog = hands.window.findChild(QDialog)
        assert dialog is not None and why in texts(dialog), command
        dialog.close()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    hands.worker.busy_changed.emit("starting")  # by hand
    assert "It is reading your ratings…" in texts(hands.window.side)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_command_opens_a_window_and_ends_when_asked(tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "studio.cli", "--project", str(tmp_path / "project")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        deadline = time.monotonic() + 60
        while not (home := Path(os.environ[recent.HOME_VARIABLE]) / "recent.json").exists() or str(
            tmp_path / "project"
        ) not in home.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(1.0)  # let the event loop begin
        process.terminate()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == ""
    with Project(tmp_path / "project", create=False) as project:
        assert project.counts().rated == 0


def test_a_worker_that_could_not_go_on_is_started_again_by_hand(hands: Hands) -> None:
    again = hands.window.status.again
    assert not again.isVisible() and not hands.window.commands["start_again"].isEnabled()
    hands.worker.failed.emit("Worker", "The worker crashed twice and was not started again.", "")
    toasts = hands.window.announcer.toasts
    assert toasts.shown is not None and toasts.shown.isVisible()
    assert again.isVisible() and "Ctrl+Alt+R" in again.toolTip()
    hands.key(Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    teach = hands.window.page("teach")
    assert isinstance(teach, TeachView)
    assert "could not start" in teach.status.full_text()
    opened = len(hands.worker.named("open"))
    hands.press(again)
    assert len(hands.worker.named("open")) == opened + 1
    hands.worker.busy_changed.emit("starting")
    hands.qtbot.waitUntil(lambda: toasts.shown is None)
    hands.worker.be_ready()
    assert hands.actions.state.loaded and not again.isVisible()
    assert hands.actions.state.message is None


@pytest.mark.parametrize("known", [True, False])
def test_a_generator_that_was_moved_is_located_by_hand(
    hands: Hands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    gone, now, locate = tmp_path / "there" / "mine", tmp_path / "here" / "mine", hands.window.status.locate
    hands.project.set_meta(model=str(gone))
    if not known:
        meta = hands.project.meta
        monkeypatch.setattr(hands.project, "meta", lambda key, default=None: None if key == "model_hash" else meta(key, default))
        for file in (hands.folder / "images").iterdir():
            file.unlink()
    assert not locate.isVisible() and not hands.window.commands["locate"].isEnabled()
    hands.worker.failed.emit("Open", "This project's generator is missing.", "")
    assert locate.isVisible() and hands.window.commands["locate"].isEnabled()
    assert "Ctrl+Alt+G" in locate.toolTip() and locate.accessibleName()
    toast = hands.window.announcer.toasts.shown
    assert toast is not None and toast.verb is not None and toast.verb.text() == "Locate…"
    picked = [str(tmp_path), str(now.parent)]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: picked.pop(0))
    told: list[str] = []
    monkeypatch.setattr(hands.window, "complain", told.append)
    hands.press(locate)
    assert told == [f"There is no generator in {tmp_path}."]
    now.mkdir(parents=True)
    for name in BUNDLE_FILES:
        (now / name).touch()
    opened = len(hands.worker.named("open"))
    hands.press(locate)  # the folder around it was picked
    if not known:
        box = hands.window.findChild(QMessageBox)
        assert isinstance(box, QMessageBox) and str(now) in box.text()
        assert len(hands.worker.named("open")) == opened
        QTest.mouseClick(next(one for one in box.buttons() if one.text() == "Use it"), Qt.MouseButton.LeftButton)
    assert len(hands.worker.named("open")) == opened + 1 and hands.worker.moved == now
    assert hands.project.model == str(gone), "not before the worker has found it"
    hands.worker.failed.emit("Open", "The generator is not this project's.", "")
    assert hands.project.model == str(gone) and locate.isVisible()
    hands.actions.start_again()
    assert hands.worker.moved is None
    hands.worker.failed.emit("Open", "This project's generator is missing.", "")
    hands.actions.locate(now)
    hands.worker.busy_changed.emit("starting")
    hands.worker.be_ready()
    assert hands.project.model == str(now) and not locate.isVisible()
    assert str(now) in hands.window.status.message.full_text()
