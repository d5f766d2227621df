"""The Export dialog."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from window_support import Hands

from studio import i18n
from studio.model import preferences
from studio.ui.export_dialog import ExportDialog, suggested_folder
from studio.ui.export_formats import ways
from studio.worker import messages as m

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
    assert hands.worker.named("export") == [("export", target, {"format": "bundle", "fp16": True})]
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
    dialog.choose_way("onnx")
    assert dialog.progress.value() == 0  # of this one nothing is written yet
    dialog.choose_way("bundle")
    dialog.folder.setText(str(target))
    dialog._follow()
    assert dialog.progress.value() == 1000
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


def test_an_error_is_said_in_ones_language(hands: Hands, dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.folder.setText(str(tmp_path / "out"))
    hands.press(dialog.start)
    i18n.load("zh_CN")
    hands.worker.failed.emit("Export", "cannot write a.png: no space left on device", "")
    i18n.load("en")
    assert dialog.status.text() == "无法写入 a.png：磁盘空间不足"
    dialog.reject()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: "", "full path"),
        (lambda root: "relative/place", "full path"),
        (lambda root: "~nobody-of-this-name/place", "full path"),
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


def test_a_name_that_no_disk_takes_is_left_to_the_export_to_refuse(hands: Hands, dialog: ExportDialog, tmp_path: Path) -> None:
    target = tmp_path / ("x" * 300)
    preferences.keep(export_folder=str(target))
    assert suggested_folder(hands.actions).parent == target
    dialog.folder.setText(str(target))
    hands.press(dialog.start)
    assert [asked[1] for asked in hands.worker.named("export")] == [target]
    hands.worker.failed.emit("Export", "file name too long", "")
    assert dialog.status.text() == "file name too long"
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


def test_favourites_are_counted_and_their_options_go_along(
    hands: Hands, dialog: ExportDialog, tmp_path: Path
) -> None:
    dialog.list.setFocus()
    QTest.keyClicks(dialog.list, "Fav")  # by typing its name
    assert dialog.way.key == "images"
    assert not dialog.start.isEnabled()
    assert "no favourites yet" in dialog.status.text()
    hands.actions.rate("stars", 5, 0)
    hands.actions.rate("like", 0, 1)
    hands.actions.rate("stars", 3, 2)
    hands.actions.rate("stars", 5, 3)
    hands.actions.rate("reject", 0, 3)
    dialog.choose_way("sheet")
    assert dialog.status.text().startswith("2 favourites")
    dialog.choose_way("images")
    dialog.options.boxes["least_stars"].setCurrentIndex(1)  # three stars and more
    assert dialog.status.text().startswith("3 favourites")
    dialog.options.boxes["image_format"].setCurrentIndex(2)
    assert dialog.rows.value("image00000001.{image_format} …") == "one for each favourite"
    dialog.options.sidecar.click()
    dialog.folder.setText(str(tmp_path / "mine"))
    hands.press(dialog.start)
    settings = {"format": "images", "least_stars": 3, "image_format": "jpeg", "scale": 1, "sidecar": True}
    assert hands.worker.named("export") == [("export", tmp_path / "mine", settings)]
    dialog.reject()


def test_each_format_shows_its_own_options_and_suggests_a_folder(
    dialog: ExportDialog, tmp_path: Path
) -> None:
    seen = set()
    for way in ways():
        if way.key == "state_dict":  # greyed: the bundled generator was not imported
            assert not any(
                item.flags() & Qt.ItemFlag.ItemIsEnabled
                for item in dialog.list.findItems(way.name, Qt.MatchFlag.MatchExactly)
            )
            continue
        dialog.choose_way(way.key)
        assert dialog.about.text() == way.about
        shown = {key for key, box in dialog.options.boxes.items() if box.isVisible()}
        shown |= {"fp16"} & ({"fp16"} if dialog.fp16.isVisible() else set())
        shown |= {"sidecar"} if dialog.options.sidecar.isVisible() else set()
        assert shown == set(way.options)
        assert set(dialog.options.settings(way)) == {"format", *way.options}
        seen.add(dialog.folder.text())
    assert len(seen) == 8
    dialog.folder.clear()
    QTest.keyClicks(dialog.folder, str(tmp_path / "named"))
    dialog.choose_way("onnx")
    assert dialog.folder.text() == str(tmp_path / "named")  # what a person named stays
    dialog.reject()


def test_an_export_can_be_stopped(hands: Hands, dialog: ExportDialog, tmp_path: Path) -> None:
    dialog.folder.setText(str(tmp_path / "mine"))
    assert not dialog.stop.isVisible()
    hands.press(dialog.start)
    hands.worker.exporting.emit(0.4, "Writing generator.onnx")
    hands.press(dialog.stop)
    assert hands.worker.named("cancel_export")
    assert dialog.status.text() == "Stopping"
    hands.worker.export_stopped.emit()
    assert dialog.start.isEnabled() and not dialog.stop.isVisible() and dialog.progress.value() == 0
    assert "nothing was written" in hands.window.status.message.full_text()
    dialog.reject()


def test_a_graph_is_offered_in_the_formats_it_can_leave_in(hands: Hands, dialog: ExportDialog) -> None:
    def offered() -> set[str]:
        items = [dialog.list.item(row) for row in range(dialog.list.count())]
        return {
            item.data(Qt.ItemDataRole.UserRole) for item in items if item.flags() & Qt.ItemFlag.ItemIsEnabled
        }

    assert "pt2" in offered()
    hands.actions.state.generator = replace(hands.actions.state.generator, graph=True)
    assert offered() == {way.key for way in ways()} - {"pt2", "state_dict"}
    dialog.choose_way("hub")
    names = dialog.rows.keys()
    assert "original.onnx" in names and "generator.pt2" not in names
    dialog.reject()


@pytest.mark.parametrize(
    ("card", "offered"),
    [
        ({"training": {}}, False),
        ({"imported": {"file": "netG.pth"}}, True),
        ({"imported": {"file": "netG.pth", "folded": True}}, False),
    ],
)
def test_original_weights_are_offered_where_there_are_any(
    hands: Hands, dialog: ExportDialog, card: dict[str, Any], offered: bool
) -> None:
    hands.project.set_meta(model=str(hands.folder / "a generator of one's own"))
    hands.worker.ready.emit(m.Ready("CPU", "mine", 16, 8, "0123456789", False, True, 900_000, card))
    (item,) = dialog.list.findItems("Original weights", Qt.MatchFlag.MatchExactly)
    assert bool(item.flags() & Qt.ItemFlag.ItemIsEnabled) == offered
    dialog.reject()


def test_after_an_export_the_arrows_choose_the_next_format(
    hands: Hands, dialog: ExportDialog, tmp_path: Path
) -> None:
    assert dialog.focusWidget() is dialog.list
    hands.key(K.Key_Return)
    assert hands.worker.named("export") and not dialog.list.isEnabled()
    hands.worker.exported.emit(dialog.folder.text())
    assert dialog.focusWidget() is dialog.list
    hands.key(K.Key_Down)
    assert dialog.way.key == "onnx" and dialog.start.isEnabled()
    hands.key(K.Key_Return)
    hands.worker.failed.emit("Export", "The disk is full.", "")
    assert dialog.focusWidget() is dialog.list
    dialog.reject()


def test_after_an_export_to_a_folder_that_was_named_the_next_gets_one_beside_it(
    hands: Hands, dialog: ExportDialog, tmp_path: Path
) -> None:
    dialog.folder.selectAll()
    QTest.keyClicks(dialog.folder, f"{tmp_path / 'mine'}/")
    hands.press(dialog.start)
    (tmp_path / "mine").mkdir()
    hands.worker.exported.emit(str(tmp_path / "mine"))
    assert dialog.status.text().startswith("Done") and not dialog.start.isEnabled()
    dialog.choose_way("onnx")
    named = Path(dialog.folder.text())
    assert named.parent == tmp_path and named.name.endswith("-onnx")
    assert dialog.status.text() == "Ready to write." and dialog.start.isEnabled()
    hands.press(dialog.start)
    hands.worker.exported.emit(str(named))
    dialog.choose_way("bundle")
    hands.press(dialog.start)
    hands.worker.exported.emit(dialog.folder.text())
    Path(dialog.folder.text()).mkdir()
    dialog.fp16.click()
    assert not Path(dialog.folder.text()).exists() and dialog.start.isEnabled()
    dialog.reject()


def test_home_and_end_choose_the_first_and_the_last_format(hands: Hands, dialog: ExportDialog) -> None:
    chosen = []
    for key in (K.Key_Down, K.Key_Home, K.Key_End, K.Key_Home, K.Key_PageDown, K.Key_PageUp):
        hands.key(key)
        chosen.append(dialog.way.key)
    assert chosen == ["onnx", "bundle", "dataset", "bundle", "dataset", "bundle"]
    dialog.choose_way("images")
    hands.key(K.Key_Up)
    assert dialog.way.key == "hub"
    dialog.reject()


def test_a_project_s_own_place_for_exports_is_not_the_next_project_s(
    hands: Hands, dialog: ExportDialog, tmp_path: Path
) -> None:
    assert Path(dialog.folder.text()).parent == hands.project.folder / "exports"
    hands.key(K.Key_Return)
    assert hands.worker.named("export")
    assert preferences.read()["export_folder"] == ""
    hands.worker.exported.emit(dialog.folder.text())
    dialog.folder.selectAll()
    QTest.keyClicks(dialog.folder, str(tmp_path / "elsewhere" / "mine"))
    hands.press(dialog.start)
    assert suggested_folder(hands.actions).parent == tmp_path / "elsewhere"
    dialog.reject()


def test_the_keyboard_stays_in_the_dialog_when_an_export_begins_from_an_option(
    hands: Hands, dialog: ExportDialog, tmp_path: Path
) -> None:
    dialog.folder.setText(str(tmp_path / "mine"))
    dialog.fp16.setFocus()
    QTest.keyClick(dialog.fp16, K.Key_Return)
    assert hands.worker.named("export") and not dialog.options.isEnabled()
    assert dialog.focusWidget() is dialog.end
    hands.worker.failed.emit("Export", "The disk is full.", "")
    assert dialog.focusWidget() is dialog.fp16


def test_on_a_small_screen_the_middle_scrolls_and_the_buttons_stay(hands: Hands, dialog: ExportDialog) -> None:
    for way in ways():
        dialog.choose_way(way.key)
        QApplication.processEvents()
        asked = dialog.page.widget()
        assert asked is not None
        assert asked.width() >= asked.minimumSizeHint().width()  # nothing is cut off at the side
        assert not dialog.page.verticalScrollBar().isVisible(), way.key  # and at its usual size all of it is seen
    dialog.resize(660, 340)
    QApplication.processEvents()
    assert dialog.height() == 340
    assert dialog.page.verticalScrollBar().isVisible()
    assert dialog.rect().contains(dialog.start.geometry())
    dialog.reject()
