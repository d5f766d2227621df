"""Hints, toasts, notifications, progress in the title, rounds by themselves, things dragged in and copied out."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDrag, QDragEnterEvent, QDropEvent, QGuiApplication, QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox
from window_support import Hands

from studio.model import pictures, preferences
from studio.model.state import StripImages
from studio.project import recent
from studio.project.store import Project
from studio.ui.flow import Flow
from studio.ui.hints_bar import HintsBar
from studio.ui.teach_view import TeachView
from studio.ui.window_files import dropped_path, holds_pictures, is_bundle

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def hint_of(hands: Hands) -> HintsBar:
    found = hands.window.findChild(HintsBar)
    assert isinstance(found, HintsBar)
    return found


def drop(hands: Hands, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    assert hands.window.files.can_take(data)
    how = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(hands.window, QDragEnterEvent(QPoint(400, 400), *how))
    QApplication.sendEvent(hands.window, QDropEvent(QPointF(400, 400), *how))


# -- hints ---------------------------------------------------------------------------------------------------------


def test_hints_come_one_at_a_time_and_go_when_done(hands: Hands, open_studio: Callable[[], Hands]) -> None:
    bar = hint_of(hands)
    hands.qtbot.waitUntil(bar.isVisible)
    assert "1 to 5" in bar.text.full_text()
    hands.click_star(0, 4)
    hands.qtbot.waitUntil(lambda: "arrows" in bar.text.full_text())
    hands.rate_enough()
    hands.qtbot.waitUntil(lambda: not bar.isVisible())
    for row in range(20, 24):
        hands.actions.rate("stars", 2, row)
    hands.qtbot.waitUntil(lambda: "press T" in bar.text.full_text())
    hands.close()
    again = open_studio()
    again.first_grid()
    hands.qtbot.waitUntil(lambda: "press T" in hint_of(again).text.full_text())


def test_the_hint_about_the_timeline_goes_once_it_was_looked_at(hands: Hands) -> None:
    bar = hint_of(hands)
    hands.rate_enough()
    hands.press(hands.window.top_bar.teach)
    hands.worker.finish()
    hands.drawn()
    hands.qtbot.waitUntil(lambda: "timeline" in bar.text.full_text() and bar.isVisible())
    hands.key(Qt.Key.Key_3, Qt.KeyboardModifier.ControlModifier)
    hands.qtbot.waitUntil(lambda: not bar.isVisible())
    assert "timeline" in preferences.read()["hints_done"]


def test_a_hint_can_be_put_away_and_all_of_them_switched_off(hands: Hands) -> None:
    bar = hint_of(hands)
    hands.qtbot.waitUntil(bar.isVisible)
    hands.press(bar.end)
    assert not bar.isVisible()
    assert preferences.read()["hints_done"] == ["rate"]
    hands.click_star(0, 4)
    hands.qtbot.waitUntil(bar.isVisible)
    preferences.keep(hints=False)
    hands.qtbot.waitUntil(lambda: not bar.isVisible())


def test_a_hint_is_shown_only_where_it_can_be_followed(hands: Hands) -> None:
    bar = hint_of(hands)
    hands.qtbot.waitUntil(bar.isVisible)
    for key, shown in (("help", False), ("settings", False), ("taste", False), ("duel", False), ("gallery", True), ("rate", True)):
        hands.window.show_view(key)
        assert bar.isVisible() == shown, key  # at once: a moment later, the view would jump
    assert "rate" not in preferences.read().get("hints_done", [])


def test_a_hint_that_becomes_due_waits_for_a_turn_of_its_own(hands: Hands) -> None:
    bar = hint_of(hands)
    hands.qtbot.waitUntil(bar.isVisible)
    hands.press(bar.end)
    hands.click_star(0, 4)
    assert (
        bar.hints.shown is not None and not bar.isVisible()
    )  # to lay out the window takes as long as a frame
    hands.qtbot.waitUntil(bar.isVisible)


def test_hidden_views_are_not_laid_out_when_something_comes_or_goes(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = hands.window.page("gallery")
    asked: list[int] = []
    plain = Flow.heightForWidth

    def counting(flow: Flow, width: int) -> int:
        if flow is gallery.filter:
            asked.append(width)
        return plain(flow, width)

    monkeypatch.setattr(Flow, "heightForWidth", counting)
    gallery.filter.updateGeometry()  # as the list of versions does at the end of a round
    hint_of(hands).setVisible(False)
    hands.window.centralWidget().layout().activate()
    assert not asked


# -- what ends -----------------------------------------------------------------------------------------------------


def test_the_end_of_a_round_is_told_where_it_is_not_seen(hands: Hands) -> None:
    hands.rate_enough()
    hands.key(K.Key_T)
    assert hands.window.view == "teach"
    hands.key(K.Key_G)
    hands.worker.step(6)
    assert hands.window.windowTitle().startswith("25 % · ")
    hands.worker.finish()
    assert hands.window.windowTitle() == "Evening series – Tastemaker"
    toast = hands.window.announcer.toasts.shown
    assert toast is not None
    assert "Round 1 · kept" in toast.words.text()
    assert hands.window.rect().contains(toast.geometry())
    assert toast.verb is not None
    hands.press(toast.verb)
    assert hands.window.view == "teach"


def test_the_system_is_asked_only_when_the_window_is_not_in_front(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(hands.window.announcer, "notify", told.append)
    hands.window.announcer.announce("Round 1 · kept", "teach")
    assert told == []
    monkeypatch.setattr(hands.window, "isActiveWindow", lambda: False)
    hands.window.announcer.announce("Round 1 · kept", "teach")
    assert told == ["Round 1 · kept"]


def test_a_round_by_itself_every_so_many_ratings(hands: Hands) -> None:
    preferences.keep(auto_teach=25)
    for row in range(24):
        hands.actions.rate("stars", 1 + row % 5, row)
    assert hands.worker.named("teach") == []
    hands.actions.new_grid()
    hands.drawn()
    hands.click_star(0, 5)
    assert len(hands.worker.named("teach")) == 1
    hands.worker.finish(kept=False)
    hands.click_star(1, 5)
    assert len(hands.worker.named("teach")) == 1


# -- before and after ----------------------------------------------------------------------------------------------


def test_a_wipe_shows_both_versions_and_follows_hand_and_keys(hands: Hands) -> None:
    hands.window.show_view("teach")
    view = hands.window.page("teach")
    assert isinstance(view, TeachView)
    drawn = [pictures.to_images(hands.worker.pixels(8, seed)) for seed in (1, 2)]
    hands.actions.round.strip = StripImages(*drawn, "untuned", "round 1")
    view.seeds._chips.button(1).click()
    wipe = view.seeds.wipe
    assert wipe.isVisible()
    assert not view.seeds.before.isVisible()
    side = wipe.side(wipe.width())

    def colours() -> list[str]:
        shot = wipe.grab().toImage()
        return [shot.pixelColor(int(side * x), 2).name() for x in (0.1, 0.9)]

    QTest.mouseClick(wipe, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(1, 5))
    only_after = colours()
    wipe.setFocus()
    hands.key(K.Key_End)
    assert wipe.share == 1.0
    only_before = colours()
    assert only_before[0] != only_after[0]
    hands.key(K.Key_Home)
    for _ in range(10):
        hands.key(K.Key_Right)
    assert wipe.share == pytest.approx(0.5)
    assert colours() == [only_before[0], only_after[1]]
    assert "50 %" in wipe.accessibleDescription()


# -- in and out ----------------------------------------------------------------------------------------------------


def test_copy_puts_the_selected_image_on_the_clipboard(hands: Hands) -> None:
    hands.click(5)
    hands.key(K.Key_C, CTRL)
    copied = QGuiApplication.clipboard().image()
    wanted = hands.actions.grid.cells[5].pixels
    assert wanted is not None
    assert copied.convertToFormat(wanted.format()) == wanted


def test_an_image_is_dragged_out_as_a_file_and_as_pixels(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[QMimeData] = []

    def exec_(drag: QDrag, *_: object) -> Qt.DropAction:
        data = QMimeData()
        data.setUrls(drag.mimeData().urls())
        data.setImageData(drag.mimeData().imageData())
        given.append(data)
        return Qt.DropAction.CopyAction

    monkeypatch.setattr(QDrag, "exec", exec_)
    cell = hands.actions.grid.cells[6]
    viewport, start = hands.grid.viewport(), hands.middle(6)
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    move = QPointF(start + QPoint(40, 5))
    QApplication.sendEvent(
        viewport,
        QMouseEvent(
            QMouseEvent.Type.MouseMove,
            move,
            QPointF(viewport.mapToGlobal(move.toPoint())),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            Qt.KeyboardModifier.NoModifier,
        ),
    )
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    assert len(given) == 1
    assert given[0].urls() == [QUrl.fromLocalFile(str(hands.project.image_file(cell.image)))]
    assert given[0].hasImage()
    assert hands.actions.state.row == 6  # the press selected, as ever


def test_a_project_or_a_generator_that_is_dropped_opens(hands: Hands, tmp_path: Path) -> None:
    asked: list[tuple[object, object]] = []
    hands.window.project_wanted.connect(lambda folder, bundle: asked.append((folder, bundle)))
    Project(tmp_path / "other").close()
    drop(hands, tmp_path / "other")
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "config.json").write_text("{}")
    (bundle / "model.safetensors").write_bytes(b"")
    drop(hands, bundle)
    assert asked == [(tmp_path / "other", None), (None, bundle)]


def test_what_is_neither_is_refused_in_a_dialog_unless_a_view_takes_it(hands: Hands, tmp_path: Path) -> None:
    hands.window.takers.clear()
    (tmp_path / "notes.txt").write_text("x")
    drop(hands, tmp_path / "notes.txt")
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    box.close()
    taken: list[Path] = []
    hands.window.takers.append(lambda path: not taken.append(path))  # type: ignore[func-returns-value]
    drop(hands, tmp_path / "notes.txt")
    assert taken == [tmp_path / "notes.txt"]
    assert QApplication.activeModalWidget() is None


def test_what_folders_hold(tmp_path: Path) -> None:
    assert not is_bundle(tmp_path)
    assert not holds_pictures(tmp_path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "one.JPG").write_bytes(b"")
    assert holds_pictures(tmp_path)
    assert not holds_pictures(tmp_path / "inner" / "one.JPG")
    data = QMimeData()
    data.setUrls([QUrl("https://example.org/picture.png")])
    assert dropped_path(data) is None


def test_recent_projects_are_offered_without_this_one(hands: Hands, tmp_path: Path) -> None:
    asked: list[object] = []
    hands.window.project_wanted.connect(lambda folder, _: asked.append(folder))
    Project(tmp_path / "other").close()
    recent.remember(tmp_path / "other")
    recent.remember(hands.folder)
    menu = hands.window.files.recent_menu()
    assert [entry.text() for entry in menu.actions()] == ["other"]
    menu.actions()[0].trigger()
    assert asked == [tmp_path / "other"]
    menu.deleteLater()


def test_the_window_and_the_place_are_as_they_were(hands: Hands, open_studio: Callable[[], Hands]) -> None:
    from studio.ui import place

    hands.click(9)
    hands.key(K.Key_3, CTRL)
    hands.window.resize(760, 607)
    hands.close()
    again = open_studio()
    place.restore(again.window)
    assert again.window.size().toTuple() == (760, 607)
    assert again.window.view == "timeline"
    again.key(K.Key_G)
    assert again.grid.current_row() == 9
