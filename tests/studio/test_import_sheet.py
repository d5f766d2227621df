"""A stranger's file is opened, looked at and kept, with the real process that reads it."""

import time
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QLabel
from window_support import FRAMES

from studio.model.importing import Importing
from studio.ui import import_commands
from studio.ui.import_sheet import ImportSheet
from studio.worker import imports
from studio.worker.import_client import ImportClient


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A small DCGAN as a stranger would save it."""
    torch = pytest.importorskip("torch")
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        stack = nn.Sequential(
            nn.ConvTranspose2d(16, 24, 4, 1, 0, bias=False),
            nn.BatchNorm2d(24),
            nn.ReLU(),
            nn.ConvTranspose2d(24, 12, 4, 2, 1, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.ConvTranspose2d(12, 8, 4, 2, 1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False),
            nn.Tanh(),
        )
    path = tmp_path_factory.mktemp("foreign") / "netG.pth"
    torch.save(stack.state_dict(), path)
    return path


@pytest.fixture
def sheet(qtbot):
    client = ImportClient()
    importing = Importing(client)
    sheet = ImportSheet(importing)
    client.setParent(sheet)
    importing.setParent(sheet)
    sheet.keep_wanted.connect(importing.keep)
    qtbot.addWidget(sheet)
    sheet.show()
    yield sheet
    sheet.close()


def test_an_abandoned_file_that_cannot_be_read_says_nothing_of_the_next(qtbot, checkpoint, tmp_path):
    broken = tmp_path / "broken.pth"
    broken.write_bytes(b"not a generator")
    client, heard = ImportClient(), []
    client.read.connect(lambda event, pixels: heard.append("read"))
    client.failed.connect(lambda text, detail: heard.append(text))
    try:
        client.read_file(broken, {})
        client.read_file(checkpoint, {})
        qtbot.waitUntil(lambda: bool(heard), timeout=60_000)
        assert heard == ["read"]
    finally:
        client.close()


def test_a_generator_is_read_shown_and_kept(qtbot, sheet, checkpoint):
    importing = sheet._importing
    importing.open(checkpoint)
    assert not sheet.keep.isEnabled() and sheet.working.isVisible()
    qtbot.waitUntil(lambda: importing.phase in ("ready", "failed"), timeout=60_000)
    assert importing.phase == "ready", importing.error
    assert sheet.title.text() == "netG.pth" and "32 px" in sheet.what.text()
    assert len(sheet.strips[2].images) == 8 and isinstance(sheet.strips[0].images[0], QImage)
    assert "discriminator" in sheet.notes.text()
    kept: list[Path] = []
    importing.kept.connect(kept.append)
    assert sheet.focusWidget() is sheet.keep and not sheet.cancel.isDefault()
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(kept), timeout=30_000)
    assert not sheet.isVisible()
    import gan

    images = gan.load(kept[0]).sample(range(2))
    shown = importing.preview[0].convertToFormat(QImage.Format.Format_RGB888)
    first = np.array([[shown.pixelColor(x, y).getRgb()[:3] for x in range(32)] for y in range(32)])
    assert np.abs(first - images[0].astype(int)).max() <= 1


def test_many_questions_scroll_and_the_buttons_stay_on_the_screen(qtbot, sheet):
    options = (imports.Option("a", "one", ""), imports.Option("b", "two", ""))
    questions = tuple(imports.Question(f"q{n}", f"Question {n}?", options, "a", True) for n in range(16))
    small = sheet.height()
    sheet._importing.found = imports.FileRead(1, "DCGAN, 64 px", (), None, questions, FRAMES)
    qtbot.waitUntil(lambda: sheet.height() > small)
    room = sheet.screen().availableGeometry().height()
    qtbot.waitUntil(lambda: sheet.page.verticalScrollBar().maximum() > 0)
    assert sheet.height() < room
    assert sheet.rect().contains(sheet.keep.mapTo(sheet, sheet.keep.rect().bottomRight()))
    last = sheet.questions.findChildren(QComboBox)[-1]
    sheet.page.ensureWidgetVisible(last)
    inside = sheet.page.viewport()
    assert inside.rect().contains(last.mapTo(inside, last.rect().bottomLeft()))


def test_questions_with_long_answers_are_shown_whole(qtbot, sheet):
    long = imports.Option("a", "64 px: 1 -> 4 -> 8 -> 16 -> 32 -> 64", "")
    text = "Strides and padding leave no trace in weights. How large are its images, and how do they grow?"
    questions = tuple(imports.Question(f"q{n}", text, (long,), "a", True) for n in range(3))
    sheet._importing.found = imports.FileRead(1, "DCGAN, 64 px", (), None, questions, FRAMES)
    view, body = sheet.page.viewport(), sheet.page.widget()

    def whole() -> bool:
        boxes = sheet.questions.findChildren(QComboBox)
        shown = [view.rect().contains(box.mapTo(view, box.rect().bottomRight())) for box in boxes]
        return len(boxes) == 3 and all(shown) and body.width() <= view.width()

    qtbot.waitUntil(whole)
    assert all(box.width() >= box.sizeHint().width() for box in sheet.questions.findChildren(QComboBox))


@pytest.mark.parametrize(
    ("settled", "headings"),
    [
        ((False, False, True), ["WHAT THE FILE DOES NOT SAY", "READ OFF THE FILE; CAN BE OVERRULED"]),
        ((False,), ["WHAT THE FILE DOES NOT SAY"]),
        ((True, True), ["READ OFF THE FILE; CAN BE OVERRULED"]),
        ((), []),
    ],
)
def test_what_is_asked_stands_apart_from_what_was_read_off(sheet, settled, headings):
    options = (imports.Option("a", "one", ""), imports.Option("b", "two", ""))
    questions = tuple(imports.Question(f"q{n}", f"Question {n}?", options, "a", one) for n, one in enumerate(settled))
    sheet._importing.found = imports.FileRead(1, "DCGAN, 64 px", (), None, questions, FRAMES)
    first = [] if sheet.open_points.isHidden() else [sheet.open_points]
    shown = [label.text() for label in [*first, *sheet.questions.findChildren(QLabel)]]
    assert [text for text in shown if text.isupper()] == headings
    assert len(sheet.questions.findChildren(QComboBox)) == len(settled)


def test_the_folder_of_an_export_is_taken_like_its_file(hands, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("studio.ui.import_commands.open_sheet", lambda window, file: opened.append(file))
    (tmp_path / "mine-onnx").mkdir()
    (tmp_path / "mine-onnx" / "generator.onnx").write_bytes(b"")
    (tmp_path / "checkpoint.pth.tar").write_bytes(b"")
    for name in ("mine-onnx", "checkpoint.pth.tar"):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(tmp_path / name))])
        assert hands.window.files.take(data)
    assert opened == [tmp_path / "mine-onnx" / "generator.onnx", tmp_path / "checkpoint.pth.tar"]


def test_the_window_knows_the_exports_that_the_library_knows():
    front = pytest.importorskip("gan.formats.importing.front")
    assert import_commands.EXPORTED == front._EXPORTED, "the window may not import the library, and must name the same files"


def test_an_answer_changes_what_is_shown(qtbot, sheet, checkpoint):
    importing = sheet._importing
    importing.open(checkpoint)
    qtbot.waitUntil(lambda: importing.phase == "ready", timeout=60_000)
    assert importing.found is not None
    question = next(q for q in importing.found.questions if len(q.options) > 1)
    before = importing.found
    other = next(o.value for o in question.options if o.value != question.value)
    importing.choose(question.key, other)
    qtbot.waitUntil(lambda: importing.phase == "ready" and importing.found is not before, timeout=60_000)
    answered = {q.key: q.value for q in importing.found.questions}
    assert answered[question.key] == other


def test_what_is_no_generator_is_said_in_one_line(qtbot, sheet, tmp_path):
    wrong = tmp_path / "holiday.pth"
    wrong.write_bytes(b"not a checkpoint at all")
    sheet._importing.open(wrong)
    qtbot.wait(50)
    high, centre = sheet.height(), sheet.geometry().center()
    qtbot.waitUntil(lambda: sheet._importing.phase == "failed", timeout=60_000)
    assert sheet.error.text().count("holiday.pth") == 1 and "\n" not in sheet.error.text()
    assert not sheet.title.isVisible(), "the sentence names the file already"
    assert not sheet.card.isVisible(), "places for images that will not come"
    qtbot.waitUntil(lambda: sheet.height() < high)
    qtbot.wait(50)
    moved = sheet.geometry().center() - centre
    assert abs(moved.x()) <= 1 and abs(moved.y()) <= 2, "it shrinks around its centre"
    assert not sheet.keep.isEnabled()


def test_cancelling_while_a_file_is_read_does_not_block_the_window(qtbot, hands, checkpoint):
    sheet = import_commands.open_sheet(hands.window, checkpoint)
    client = sheet._importing._client
    qtbot.waitUntil(lambda: client.pid is not None, timeout=30_000)
    qtbot.wait(200)  # it is loading torch now
    before = time.monotonic()
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert time.monotonic() - before < 0.5 and not sheet.isVisible()


def test_after_a_file_that_cannot_be_read_another_is_chosen(qtbot, hands, checkpoint, tmp_path, monkeypatch):
    letter = tmp_path / "letter.pth"
    letter.write_text("Dear Sir or Madam")
    sheet = import_commands.open_sheet(hands.window, letter)
    importing = sheet._importing
    qtbot.waitUntil(lambda: importing.phase == "failed", timeout=60_000)
    assert sheet.another.isVisible() and sheet.focusWidget() is sheet.another and not sheet.keep.isVisible()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    assert importing.phase == "failed"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(checkpoint), ""))
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: importing.phase in ("ready", "failed") and importing.file == checkpoint, timeout=60_000)
    assert importing.phase == "ready" and sheet.keep.hasFocus() and not sheet.another.isVisible()
    sheet.close()


def test_a_file_dropped_on_the_window_is_read_and_becomes_a_project(qtbot, hands, checkpoint):
    """What a hand does: a file is dragged onto the window, looked at in the sheet, and kept."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(checkpoint))])
    action, held, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPointF(90, 90).toPoint(), action, data, held, keys)
    enter.ignore()
    QApplication.sendEvent(hands.window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(hands.window, QDropEvent(QPointF(90, 90), action, data, held, keys))
    sheet = hands.window.findChild(ImportSheet)
    assert sheet is not None and sheet.isVisible() and sheet.title.full_text() == "netG.pth"
    importing = sheet._importing
    qtbot.waitUntil(lambda: importing.phase in ("ready", "failed"), timeout=60_000)
    assert sheet.keep.isEnabled() and "DCGAN, 32 px" in sheet.what.text() and not sheet.error.isVisible()
    assert "realism is not judged" in sheet.notes.text()
    for label in sheet.questions.findChildren(QLabel):
        assert label.height() >= label.heightForWidth(label.width()) or not label.wordWrap()  # nothing is cut off
    wanted = []
    hands.window.project_wanted.connect(lambda project, generator: wanted.append((project, generator)))
    qtbot.mouseClick(sheet.keep, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(wanted), timeout=30_000)
    project, folder = wanted[0]
    assert project is None and (Path(folder) / "config.json").is_file()
