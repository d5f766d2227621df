"""The Export dialog."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from window_support import Hands

from studio.ui.export_dialog import ExportDialog, suggested_folder

K = Qt.Key


@pytest.fixture
def dialog(hands: Hands) -> ExportDialog:
    hands.key(K.Key_E, Qt.KeyboardModifier.ControlModifier)
    found = QApplication.activeModalWidget()
    assert isinstance(found, ExportDialog)
    return found


def test_it_writes_where_it_was_told_and_ends_with_the_folder(
    hands: Hands, dialog: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "mine"
    dialog.folder.setText(str(target))
    dialog.fp16.click()
    hands.press(dialog.start)
    assert hands.worker.named("export") == [("export", target, {"fp16": True})]
    assert not dialog.start.isEnabled()
    assert not dialog.folder.isEnabled()
    hands.worker.exporting.emit(0.4, "Writing generator.onnx")
    assert dialog.progress.value() == 400
    assert dialog.status.text() == "Writing generator.onnx"
    hands.worker.exported.emit(str(target))
    assert dialog.progress.value() == 1000
    assert dialog.status.text() == f"Done: {target}"
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened.append)
    hands.press(dialog.show_folder)
    assert [Path(url.toLocalFile()) for url in opened] == [target]
    assert not dialog.start.isEnabled()  # the same folder again would not be empty
    dialog.reject()
    assert suggested_folder(hands.actions).parent == tmp_path


def test_an_error_is_one_line_and_the_next_try_works(
    hands: Hands, dialog: ExportDialog, tmp_path: Path
) -> None:
    dialog.folder.setText(str(tmp_path / "first"))
    hands.press(dialog.start)
    hands.worker.failed.emit("Export", "The disk is full.", "")
    assert dialog.status.text() == "The disk is full."
    assert dialog.status.property("role") == "bad"
    dialog.folder.setText(str(tmp_path / "second"))
    hands.press(dialog.start)
    assert len(hands.worker.named("export")) == 2
    dialog.reject()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: "", "full path"),
        (lambda root: "relative/place", "full path"),
        (lambda root: str(root / "file"), "is a file"),
        (lambda root: str(root / "full"), "not empty"),
    ],
)
def test_a_wrong_folder_is_refused_before_anything_is_written(
    hands: Hands, dialog: ExportDialog, tmp_path: Path, make: object, words: str
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("x")
    assert callable(make)
    dialog.folder.setText(make(tmp_path))
    hands.press(dialog.start)
    assert words in dialog.status.text()
    assert not hands.worker.named("export")
    assert (tmp_path / "full" / "something").read_text() == "x"
    dialog.reject()


def test_choosing_a_place_keeps_the_name(
    dialog: ExportDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = Path(dialog.folder.text()).name
    assert name.startswith("dreamscapes-untuned-")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    QTest.mouseClick(dialog.choose, Qt.MouseButton.LeftButton)
    assert Path(dialog.folder.text()) == tmp_path / name
    dialog.reject()


def test_a_round_that_runs_is_waited_for(hands: Hands) -> None:
    hands.rate_enough()
    hands.key(K.Key_T)
    hands.key(K.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ExportDialog)
    assert not dialog.start.isEnabled()
    assert "round is running" in dialog.status.text()
    hands.worker.finish()
    assert dialog.start.isEnabled()
    assert dialog.subject.full_text() == "Export dreamscapes, round 1"
    dialog.reject()


def test_closing_the_dialog_lets_the_export_go_on(hands: Hands, dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.folder.setText(str(tmp_path / "mine"))
    hands.press(dialog.start)
    dialog.reject()
    hands.worker.exported.emit(str(tmp_path / "mine"))
    assert "Exported to" in hands.window.status.message.full_text()
