"""The Train view, used as a hand uses it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QMimeData, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QPushButton, QWidget
from train_support import StandInJobs
from window_support import Hands

from studio.model import training_access
from studio.model.training import Training
from studio.project.recent import data_folder
from studio.ui.train_panel import TrainPanel, duration
from studio.ui.train_view import TrainView
from studio.ui.window_files import holds_pictures
from studio.worker import jobs

K = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class TrainHands(Hands):
    """Hands in front of the Train view."""

    @property
    def view(self) -> TrainView:
        found = self.window.page("train")
        assert isinstance(found, TrainView)
        return found

    @property
    def panel(self) -> TrainPanel:
        found = self.window.panels.currentWidget()
        assert isinstance(found, TrainPanel)
        return found

    @property
    def training(self) -> Training:
        return self.view.training

    @property
    def jobs(self) -> StandInJobs:
        found = self.training._client
        assert isinstance(found, StandInJobs)
        return found

    def pick(self, row: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        grid = self.view.grid
        place = grid.visualRect(self.training.pictures.index(row)).center()
        QTest.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, modifiers, place)


@pytest.fixture
def hands(qtbot: object, home: Path, theme: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrainHands]:
    """A window whose Train view is on show; the process that trains is a stand-in."""
    monkeypatch.setattr(training_access, "JobsClient", lambda log: StandInJobs())
    made = TrainHands(qtbot, home / "Evening series")  # type: ignore[arg-type]
    made.first_grid()
    made.key(K.Key_8, CTRL)
    yield made
    made.close()
    made.window.deleteLater()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "My tiles"
    place.mkdir()
    return place


@pytest.fixture
def ready(hands: TrainHands, folder: Path) -> TrainHands:
    """The pictures of a folder are on show."""
    hands.training.look_at(folder)
    hands.jobs.found(folder)
    QApplication.processEvents()
    return hands


def drop(view: TrainView, folder: Path) -> bool:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    action, button, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPointF(90, 90).toPoint(), action, data, button, keys)
    enter.ignore()
    QApplication.sendEvent(view, enter)
    if enter.isAccepted():
        QApplication.sendEvent(view, QDropEvent(QPointF(90, 90), action, data, button, keys))
    return enter.isAccepted()


def test_a_folder_is_dropped_and_read(hands: TrainHands, folder: Path) -> None:
    view = hands.view
    assert hands.window.view == "train" and view.pages.currentWidget() is view.drop
    assert drop(view, folder)
    assert hands.jobs.asked == [("look_at", folder, 64)]
    assert view.status.full_text() == "My tiles · 40 % read" and view.progress.isVisible()
    assert view.stop.text() == "Cancel"
    hands.jobs.found(folder)
    assert view.pages.currentWidget() is view.grid and view.grid.hasFocus()
    assert view.status.full_text() == "My tiles · 39 pictures will be used"
    counts = hands.panel.counts
    assert [counts.value(key) for key in ("used", "out", "copies", "skipped")] == ["39", "0", "1", "2"]
    assert "Fewer than" in hands.panel.warning.text() and hands.panel.warning.isVisible()
    assert hands.panel.skipped.value("0").startswith("HEIC") and hands.panel.skipped.value("1") == "not a picture"


def test_reading_can_be_cancelled(hands: TrainHands, folder: Path) -> None:
    hands.training.look_at(folder)
    hands.press(hands.view.stop)
    assert hands.jobs.asked[-1] == "halt" and hands.view.pages.currentWidget() is hands.view.drop
    assert hands.view.status.full_text() == ""


def test_a_folder_is_chosen_by_key(hands: TrainHands, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    hands.key(K.Key_G)
    hands.key(K.Key_T, CTRL | SHIFT)
    assert hands.window.view == "train" and hands.jobs.asked == [("look_at", folder, 64)]


def test_pictures_dropped_anywhere_in_the_window_are_for_training(hands: TrainHands, folder: Path) -> None:
    hands.key(K.Key_G)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(folder))])
    assert not hands.training.folder
    (folder / "a.png").write_bytes(b"")
    assert hands.window.files.take(data)
    assert hands.window.view == "train" and hands.training.folder == folder


def test_pictures_are_left_out_and_taken_back(ready: TrainHands) -> None:
    ready.pick(3)
    ready.pick(5, CTRL)
    assert set(ready.view.grid.chosen()) == {"003.png", "005.png"}
    ready.key(K.Key_X)
    assert ready.training.pictures.excluded == {"003.png", "005.png"}
    assert ready.panel.counts.value("used") == "37" and ready.panel.counts.value("out") == "2"
    assert ready.view.exclude.text() == "Take back in"
    assert "Left out by you" in ready.training.pictures.words(3)
    ready.press(ready.view.exclude)
    assert ready.training.pictures.excluded == set() and ready.panel.counts.value("used") == "39"


def test_what_was_left_out_is_undone_and_redone(ready: TrainHands) -> None:
    pictures, commands = ready.training.pictures, ready.window.commands
    assert not commands["undo"].isEnabled()
    ready.pick(3)
    ready.pick(5, CTRL)
    ready.key(K.Key_X)
    ready.pick(7)
    ready.key(K.Key_X)
    assert commands["undo"].text() == "Undo: leave 1 picture out"
    ready.key(K.Key_Z, CTRL)
    assert pictures.excluded == {"003.png", "005.png"}
    assert ready.window.actions_.state.message.text == "Undone: leave 1 picture out"
    assert commands["undo"].text() == "Undo: leave 2 pictures out"
    ready.key(K.Key_Z, CTRL)
    assert pictures.excluded == set() and not commands["undo"].isEnabled()
    assert ready.panel.counts.value("used") == "39"
    ready.key(K.Key_Y, CTRL)
    assert pictures.excluded == {"003.png", "005.png"}
    ready.pick(3)
    ready.key(K.Key_X)
    assert commands["undo"].text() == "Undo: take 1 picture back in" and not commands["redo"].isEnabled()
    ready.key(K.Key_Z, CTRL)
    assert pictures.excluded == {"003.png", "005.png"}


def test_elsewhere_and_while_training_undo_is_about_the_project(ready: TrainHands, folder: Path) -> None:
    ready.pick(3)
    ready.key(K.Key_X)
    ready.window.show_view("rate")
    ready.rate_enough()
    assert "star" in ready.window.commands["undo"].text()
    ready.key(K.Key_Z, CTRL)
    assert ready.training.pictures.excluded == {"003.png"}
    ready.window.show_view("train")
    assert ready.window.commands["undo"].text() == "Undo: leave 1 picture out"
    ready.training.train()
    assert "star" in ready.window.commands["undo"].text()
    ready.jobs.finish(ready.training.out)
    assert "star" in ready.window.commands["undo"].text()
    ready.press(ready.view.pictures_again)
    ready.key(K.Key_Z, CTRL)
    assert ready.training.pictures.excluded == set()
    ready.training.look_at(folder.parent)
    ready.jobs.found(folder.parent)
    assert "star" in ready.window.commands["undo"].text()


def test_no_copy_stands_in_for_a_picture_left_out(ready: TrainHands) -> None:
    pictures = ready.training.pictures
    assert pictures.state(39) == "copy" and "The same as 000.png" in pictures.words(39)
    ready.pick(0)
    ready.key(K.Key_Delete)
    assert pictures.state(0) == "excluded" and pictures.state(39) == "copy"
    assert "The same as 000.png, which you left out" in pictures.words(39)
    assert ready.panel.counts.value("used") == "38"
    ready.press(ready.panel.keep_copies)
    assert pictures.state(39) == "used" and ready.panel.counts.value("used") == "39"


def test_the_selected_picture_is_shown_whole_with_its_crop(ready: TrainHands) -> None:
    ready.pick(4)
    whole = ready.panel.whole
    assert ("show_whole", "004.png") in ready.jobs.asked
    assert ready.panel.whole_name.text() == "004.png\n120 × 60 pixels · cropped to the middle 60 × 60"
    image = whole.grab().toImage()
    kept = whole.kept()
    assert abs(kept.width() - kept.height()) < 1 and kept.width() < whole.width()
    assert image.pixelColor(kept.center().toPoint()).name() == "#c87828"
    assert image.pixelColor(int(kept.left() / 2), int(kept.center().y())).lightness() < 60, "what is cut off is dim"


def test_of_several_selected_pictures_the_one_just_clicked_is_shown_whole(ready: TrainHands) -> None:
    for row in (4, 9, 2):
        ready.pick(row, CTRL if row != 4 else Qt.KeyboardModifier.NoModifier)
        assert [asked for asked in ready.jobs.asked if asked[0] == "show_whole"][-1] == ("show_whole", f"00{row}.png")


def test_left_out_pictures_look_it(ready: TrainHands) -> None:
    def shown(row: int) -> int:
        rect = ready.view.grid.visualRect(ready.training.pictures.index(row))
        image = ready.view.grid.viewport().grab(rect).toImage()
        return sum(image.pixelColor(x, 20).lightness() for x in range(20, 80))

    before = shown(2)
    ready.training.exclude(["002.png"], True)
    assert shown(2) < 0.8 * before


def test_a_picture_left_out_is_seen_while_it_is_selected(ready: TrainHands) -> None:
    ready.pick(2)
    ready.key(K.Key_X)
    rect = ready.view.grid.visualRect(ready.training.pictures.index(2))
    image = ready.view.grid.viewport().grab(rect).toImage()
    assert len({image.pixelColor(x, 20).name() for x in range(20, 80)}) > 1


def test_the_choices_reach_the_process(ready: TrainHands, folder: Path) -> None:
    panel = ready.panel
    assert [panel.start_box.itemData(row) for row in range(3)] == ["characters", "dreamscapes", ""]
    for box, key in ((panel.time_box, K.Key_Down), (panel.start_box, K.Key_Up)):
        box.setFocus()
        QTest.keyClick(box, key)
    ready.training.exclude(["001.png"], True)
    assert ready.panel.train.isEnabled()
    ready.press(panel.train)
    (command,) = [one for one in ready.jobs.asked if isinstance(one, jobs.Train)]
    assert (command.folder, command.minutes, command.start_from) == (str(folder), 30.0, "characters")
    assert command.leave_out == ("001.png",) and not command.keep_copies and command.resolution == 64
    assert command.out.endswith("My tiles 64 px")
    assert not panel.time_box.isEnabled() and not panel.train.isEnabled()


def test_pixel_art_is_told_and_starts_from_pixel_art(hands: TrainHands, folder: Path, tmp_path: Path) -> None:
    panel, training = hands.panel, hands.training
    training.look_at(folder)
    hands.jobs.found(folder, pixel=2, start="characters")
    assert panel.start_box.currentData() == "characters"
    assert panel.pixels.isVisible() and panel.pixels.text() == "Pixel art of 32 × 32 pixels: it is enlarged with hard edges."
    panel.start_box.setFocus()
    QTest.keyClick(panel.start_box, K.Key_Down)
    assert training.start == "dreamscapes"
    training.look_at(folder)
    hands.jobs.found(folder, pixel=2, start="characters")
    assert training.start == "dreamscapes", "what a person chose for these pictures stays"
    other = tmp_path / "Photographs"
    other.mkdir()
    for pixel, start in ((2, "characters"), (1, "dreamscapes")):
        training.look_at(other if pixel == 1 else folder.parent)
        hands.jobs.found(other, pixel=pixel, start=start)
        assert panel.start_box.currentData() == start and panel.pixels.isVisible() == (pixel > 1)


def test_pixel_art_at_its_own_size_has_hard_edges_too(hands: TrainHands, folder: Path) -> None:
    training, view, panel = hands.training, hands.view, hands.panel

    def colours(widget: QWidget, area: QRect) -> int:
        image = widget.grab(area.adjusted(8, 8, -8, -8)).toImage()
        return len({image.pixel(x, y) for x in range(image.width()) for y in range(image.height())})

    for art in (False, True):
        training.set_size(32)
        training.look_at(folder)
        hands.jobs.found(folder, pixel_art=art)
        assert panel.pixels.isVisible() == art
        assert (colours(view.grid.viewport(), view.grid.visualRect(training.pictures.index(1))) <= 18) == art
        training.train()
        hands.jobs.draw()
        pairs = view.run.pairs
        area = pairs.area(1).toRect()
        assert (colours(pairs, area.adjusted(0, 0, -area.width() // 2, 0)) <= 18) == art
        hands.jobs.finish(training.out)
    assert panel.pixels.text() == "Pixel art of 32 × 32 pixels: it is enlarged with hard edges."


def test_while_pictures_are_read_the_keyboard_can_end_it(hands: TrainHands, folder: Path) -> None:
    view = hands.view
    assert view.drop.choose.hasFocus()
    hands.training.look_at(folder)
    assert view.stop.hasFocus() and view.stop.text() == "Cancel"
    hands.key(K.Key_Space)
    assert hands.training.phase == "empty" and view.drop.choose.hasFocus()
    hands.training.look_at(folder)
    hands.jobs.found(folder)
    assert view.grid.hasFocus()


def test_after_the_dialog_for_folders_the_keyboard_can_end_the_reading(hands: TrainHands, folder: Path) -> None:
    dialog = QDialog(hands.window)
    inside = QPushButton(dialog)
    dialog.show()
    dialog.activateWindow()
    inside.setFocus()
    hands.qtbot.waitUntil(lambda: QApplication.focusWidget() is inside)
    hands.training.look_at(folder)
    with hands.qtbot.waitActive(hands.window):
        dialog.close()
        hands.window.activateWindow()
    dialog.deleteLater()
    assert hands.view.stop.hasFocus()


def test_another_size_reads_the_pictures_again(ready: TrainHands, folder: Path) -> None:
    ready.panel.size_box.setFocus()
    QTest.keyClick(ready.panel.size_box, K.Key_Up)
    assert ready.jobs.asked[-1] == ("look_at", folder, 32) and ready.training.phase == "looking"


def test_reading_that_ends_early_leaves_all_as_it_was(ready: TrainHands, folder: Path, tmp_path: Path) -> None:
    ready.pick(3)
    ready.key(K.Key_X)
    training, view = ready.training, ready.view
    training.set_size(128)
    ready.press(view.stop)
    assert (training.folder, training.size, training.phase) == (folder, 64, "ready")
    ready.jobs.found(tmp_path, count=5)  # said before the process heard of it
    assert ready.panel.size_box.currentData() == 64 and view.pages.currentWidget() is view.grid
    training.look_at(tmp_path)
    ready.jobs.failed.emit("no pictures in it", "")
    assert training.folder == folder and view.error.text() == "no pictures in it" and view.error.isVisible()
    assert training.pictures.excluded == {"003.png"} and ready.panel.counts.value("used") == "38"
    ready.key(K.Key_Z, CTRL)
    assert training.pictures.excluded == set()
    training.train()
    ready.jobs.finish(training.out)
    training.look_at(tmp_path)
    ready.press(view.stop)
    assert training.phase == "done" and view.use.isVisible()


def test_a_run_is_watched_stopped_and_used(ready: TrainHands, folder: Path) -> None:
    wanted: list[object] = []
    ready.window.project_wanted.connect(lambda project, bundle: wanted.append(bundle))
    ready.key(K.Key_T, CTRL)
    view = ready.view
    assert view.pages.currentWidget() is view.run and "starting" in view.status.full_text()
    for number in range(1, 6):
        ready.jobs.step(number, number / 20)
    assert view.status.full_text() == "My tiles · 1,600 images seen · 171 images/s · about 2 min left"
    assert view.progress.value() == 250
    assert view.run.charts["generator"].value.text() == f"{ready.training.series['generator'][-1]:.2f}"
    assert len(view.run.charts["gap"].curve.points(ready.training.series["gap"])) == 5
    ready.jobs.said.emit("Only 39 pictures.")
    assert view.run.note.text() == "Only 39 pictures."
    ready.jobs.draw(copied=2)
    assert view.run.pairs.count == 12 and "2 of 12 look copied" in view.run.copied_note.text()
    ready.key(K.Key_Period, CTRL)
    assert ready.jobs.asked[-1] == "halt" and "stopping" in view.status.full_text() and not view.stop.isEnabled()
    out = Path(next(one for one in ready.jobs.asked if isinstance(one, jobs.Train)).out)
    ready.jobs.finish(out, finished=False)
    assert view.status.full_text().endswith("stopped") and view.use.isVisible()
    ready.press(view.use)
    ready.key(K.Key_U, CTRL)
    assert wanted == [out, out]


def test_the_end_of_a_run_is_told_in_another_view(ready: TrainHands) -> None:
    ready.training.train()
    out = Path(ready.jobs.asked[-1].out)
    ready.key(K.Key_G)
    assert ready.window.view == "rate"
    ready.jobs.finish(out)
    toast = ready.window.announcer.toasts.shown
    assert toast is not None and toast.words.text() == "Training is done: My tiles" and toast.verb is not None
    ready.press(toast.verb)
    assert ready.window.view == "train"
    ready.key(K.Key_G)
    ready.training.train()
    ready.jobs.failed.emit("no room on the disk", "")
    assert ready.window.status.message.full_text() == "no room on the disk"


def test_a_copy_has_a_frame_and_says_so(ready: TrainHands) -> None:
    ready.training.train()
    ready.jobs.draw(copied=1)
    pairs = ready.view.run.pairs
    image = pairs.grab().toImage()
    first, second = pairs.area(0), pairs.area(1)
    assert image.pixelColor(int(first.left()) + 1, int(first.center().y())).name() == "#ef8f7c"
    assert image.pixelColor(int(second.left()) + 1, int(second.center().y())).name() != "#ef8f7c"
    ready.jobs.draw(copied=0)
    assert ready.view.run.copied_note.text() == "None of them looks copied from a picture of yours."


def test_pairs_fit_any_width(ready: TrainHands) -> None:
    ready.training.train()
    ready.jobs.draw()
    pairs = ready.view.run.pairs
    for width in (260, 500, 900, 1600):
        pairs.resize(width, 10)
        areas = [pairs.area(place) for place in range(12)]
        assert max(area.right() for area in areas) <= width and max(area.bottom() for area in areas) <= pairs.height()
        assert max(area.height() for area in areas) <= 128
        if width > 500:
            assert 12 % pairs.columns() == 0, "no row is short"


def test_a_run_goes_on_where_it_stopped(ready: TrainHands) -> None:
    assert not ready.panel.go_on.isVisible() and ready.panel.train.property("role") == "primary"
    ready.key(K.Key_T, CTRL)
    first = ready.jobs.asked[-1]
    ready.jobs.finish(Path(first.out))
    assert ready.panel.go_on.isVisible()
    assert ready.panel.train.property("role") == "", "to use what came of it is the next thing to do"
    ready.press(ready.panel.go_on)
    again = ready.jobs.asked[-1]
    assert (again.go_on_from, again.start_from) == (first.out, None)
    assert again.out == first.out + " 2", "a project may stand on the earlier one"
    ready.jobs.finish(Path(again.out))
    ready.press(ready.panel.train)
    fresh = ready.jobs.asked[-1]
    assert (fresh.out, fresh.go_on_from, fresh.start_from) == (first.out + " 3", "", "dreamscapes")


def test_samples_are_promised_while_it_trains_alone(ready: TrainHands) -> None:
    ready.training.train()
    note = ready.view.run.pairs_note
    assert "half a minute" in note.text()
    ready.training.stop()
    ready.jobs.finish(ready.training.out, finished=False)
    assert note.text() == ""
    ready.jobs.draw()
    assert note.text() == "after 6,400 images" and ready.view.run.pairs.count == 12


def test_a_run_on_another_folder_of_the_same_name_is_not_gone_on_with(
    ready: TrainHands, folder: Path, tmp_path: Path
) -> None:
    ready.training.train()
    ready.jobs.finish(ready.training.out)
    other = tmp_path / "elsewhere" / folder.name
    other.mkdir(parents=True)
    for place, offered in ((other, False), (folder, True)):
        ready.training.look_at(place)
        ready.jobs.found(place)
        assert ready.panel.go_on.isVisible() == offered


def test_the_size_and_the_time_of_the_last_run_are_there_in_the_next_window(
    ready: TrainHands, folder: Path, tmp_path: Path
) -> None:
    training = ready.training
    training.set_size(128)
    ready.jobs.found(folder)
    training.minutes = 90
    training.train()
    ready.jobs.finish(training.out)
    client = StandInJobs()
    again = Training(client)
    assert (again.size, again.minutes) == (64, 90)
    again.look_at(folder)
    client.found(folder)
    assert again.size == 128 and again.earlier() == training.out
    again.set_size(32)
    again.look_at(folder)
    assert again.size == 32, "chosen for this folder"
    again.look_at(tmp_path)
    assert again.size == 32


def test_what_goes_wrong_is_one_line(ready: TrainHands, folder: Path) -> None:
    ready.training.train()
    ready.jobs.step(1, 0.1)
    ready.jobs.failed.emit("The process that trains has ended by itself (exit code -9).", "")
    assert ready.training.phase == "ready" and ready.view.error.isVisible()
    assert "exit code -9" in ready.view.error.text()
    ready.training.train()
    assert not ready.view.error.isVisible()
    ready.jobs.write(Path(ready.jobs.asked[-1].out))
    ready.jobs.failed.emit("no room on the disk", "")
    assert ready.training.phase == "done" and ready.view.use.isVisible(), "what was written before can be used"
    ready.training.forget()
    ready.training.look_at(folder)
    ready.jobs.failed.emit("no pictures in it", "")
    assert ready.view.pages.currentWidget() is ready.view.drop and ready.view.drop.error.text() == "no pictures in it"


def test_nothing_left_is_said_and_cannot_be_trained_on(ready: TrainHands) -> None:
    grid = ready.view.grid
    grid.selectAll()
    ready.key(K.Key_X)
    assert not ready.panel.train.isEnabled() and "No picture is left" in ready.panel.warning.text()
    grid.selectionModel().select(ready.training.pictures.index(0), QItemSelectionModel.SelectionFlag.ClearAndSelect)
    ready.key(K.Key_X)
    assert ready.training.usable == 1 and ready.panel.train.isEnabled()


def test_closing_the_window_ends_the_process(hands: TrainHands) -> None:
    client = hands.jobs
    hands.close()
    assert client.asked[-1] == "close"


def test_durations_are_in_words() -> None:
    assert [duration(minutes) for minutes in (20, 60, 90, 480)] == ["20 minutes", "1 hour", "1.5 hours", "8 hours"]


def test_a_run_is_seen_in_the_status_bar_of_every_view(ready: TrainHands) -> None:
    told = ready.window.status.task
    ready.window.show_view("rate")
    assert told.text() == "Ready"
    ready.training.train()
    assert told.text() == "Ready · training 0 %"
    ready.jobs.step(1, 0.423)
    assert told.text() == "Ready · training 42 %"
    ready.jobs.finish(ready.training.out)
    assert told.text() == "Ready"


def test_a_run_that_begins_has_no_progress_yet_and_then_is_in_the_windows_title(ready: TrainHands) -> None:
    ready.key(K.Key_T, CTRL)
    ready.jobs.looking.emit(1.0)  # the run reads the folder once more
    assert ready.view.progress.value() == 0
    assert ready.window.windowTitle() == "0 % · Evening series – Tastemaker"
    ready.jobs.step(1, 0.423)
    assert ready.view.progress.value() == 423
    assert ready.window.windowTitle() == "42 % · Evening series – Tastemaker"
    assert ready.training.out is not None
    ready.jobs.finish(ready.training.out)
    assert ready.window.windowTitle() == "Evening series – Tastemaker"


def test_a_folder_that_may_not_be_read_is_refused_like_any_other(
    hands: TrainHands, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert not holds_pictures(folder)


def test_the_first_folder_is_looked_for_at_home(hands: TrainHands, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[str] = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda _, __, start: places.append(start))
    hands.key(K.Key_T, CTRL | SHIFT)
    assert places == [str(Path.home())]


def test_the_folder_of_the_last_run_is_offered_again(hands: TrainHands, folder: Path, home: Path) -> None:
    view = hands.view
    assert not view.drop.last.isVisible()
    generators = data_folder() / "Generators"
    StandInJobs.write(generators / "My tiles 128 px", str(folder))
    StandInJobs.write(generators / "Gone 64 px", str(folder / "gone"))  # a later run, whose pictures are no more
    hands.key(K.Key_G)
    hands.key(K.Key_8, CTRL)
    assert view.drop.last.isVisible() and view.drop.last.text() == "Last time: My tiles"
    assert str(folder) in view.drop.last.toolTip()
    hands.key(K.Key_Tab)
    assert view.drop.last.hasFocus()
    hands.key(K.Key_Return)
    assert hands.jobs.asked == [("look_at", folder, 128)], "at the size of that run"
    assert view.stop.hasFocus() and not view.drop.last.isEnabled()
    hands.jobs.found(folder)
    assert view.pages.currentWidget() is view.grid and view.grid.hasFocus()
