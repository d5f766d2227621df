"""The Loupe, by mouse and keyboard."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from window_support import SIDE, Hands

from studio.model import pictures
from studio.model.image_cache import ImageCache
from studio.model.loupe import Loupe
from studio.project.store import NewImage, Project
from studio.ui import place
from studio.ui.loupe_view import LoupeView
from studio.worker import messages as m
from studio.worker.client import WorkerClient
from studio.worker.shown import ShownImages

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def view(hands: Hands) -> LoupeView:
    found = hands.window.page("loupe")
    assert isinstance(found, LoupeView)
    return found


def image(hands: Hands, row: int) -> int:
    return hands.actions.grid.cells[row].image


def wheel(hands: Hands, pane: int, turns: int) -> None:
    turn(view(hands).panes[pane], 120 * turns)


def turn(widget: QWidget, by: int) -> None:
    """Turn the wheel over the middle of a widget; a notch is 120."""
    place = QPointF(widget.rect().center())
    event = QWheelEvent(
        *(place, QPointF(widget.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, by)),
        *(Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False),
    )
    QApplication.sendEvent(widget, event)


@pytest.mark.parametrize("key", [K.Key_E, K.Key_Space, K.Key_Return])
def test_keys_lead_in_and_out_and_the_place_is_kept(hands: Hands, key: Qt.Key) -> None:
    hands.click(8)
    hands.key(key)
    assert hands.window.view == "loupe" and view(hands).hasFocus()
    assert hands.actions.loupe.panes == (image(hands, 8),)
    hands.key(K.Key_Right)
    hands.key(K.Key_Down)
    hands.key(K.Key_4)
    assert hands.stars(10) == 4 and hands.stars(8) == 0
    assert "★★★★☆" in view(hands).panes[0].accessibleName()
    assert view(hands).place.full_text() == "11 of 24"
    hands.key(K.Key_Escape)
    assert hands.window.view == "rate"
    assert hands.grid.current_row() == 10 and hands.grid.hasFocus()


def test_a_double_click_opens_and_g_goes_back(hands: Hands) -> None:
    QTest.mouseDClick(
        hands.grid.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, hands.middle(5)
    )
    assert hands.window.view == "loupe" and hands.actions.loupe.position == 5
    hands.key(K.Key_Home)
    hands.key(K.Key_Left)
    assert hands.actions.loupe.position == 0
    hands.key(K.Key_End)
    assert hands.actions.loupe.position == 23
    hands.key(K.Key_G)
    assert hands.window.view == "rate" and hands.grid.current_row() == 23


def test_looking_closely_begins_with_the_whole_image(hands: Hands) -> None:
    hands.click(3)
    hands.key(K.Key_E)
    hands.key(K.Key_Z)
    hands.key(K.Key_Escape)
    hands.key(K.Key_E)
    assert hands.actions.loupe.zoom is None


def test_a_grid_that_comes_meanwhile_does_not_change_what_keys_rate(hands: Hands) -> None:
    hands.click(3)
    hands.key(K.Key_E)
    seen = hands.actions.loupe.image
    hands.actions.new_grid()
    hands.drawn()
    hands.key(K.Key_5)
    assert seen not in hands.actions.grid.images()
    assert hands.project.state([seen])[seen].stars == 5
    hands.key(K.Key_Right)
    hands.key(K.Key_4)
    assert hands.project.state([hands.actions.loupe.image])[hands.actions.loupe.image].stars == 4
    assert not any(cell.rated for cell in hands.actions.grid.cells)


def test_a_click_on_the_stars_rates_the_image_that_is_seen(hands: Hands) -> None:
    hands.click(3)
    hands.key(K.Key_E)
    stars = view(hands).stars
    QTest.mouseClick(stars, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, stars.star_place(4).toPoint())
    assert hands.stars(3) == 4 and view(hands).hasFocus()
    assert stars.accessibleName() == f"Image #{image(hands, 3)}: 4 of 5 stars"
    hands.key(K.Key_Right)
    assert stars.accessibleName() == f"Image #{image(hands, 4)}: no stars"


def test_space_on_a_focused_button_presses_it(hands: Hands) -> None:
    hands.key(K.Key_E)
    view(hands).pixels_button.setFocus()
    hands.key(K.Key_Space)
    assert hands.actions.state.pixel_art and hands.window.view == "loupe"


def test_z_is_one_pixel_for_one(hands: Hands) -> None:
    hands.click(3)
    hands.key(K.Key_E)
    pane = view(hands).panes[0]
    assert pane.target().width() > 10 * SIDE
    assert view(hands).zoom_button.text().startswith("Fit")
    hands.key(K.Key_Z)
    assert pane.target().width() * pane.devicePixelRatioF() == SIDE
    assert view(hands).zoom_button.text() == "100 %"
    hands.key(K.Key_Z)
    assert hands.actions.loupe.zoom is None
    assert [s.kind for s in hands.project.opinions(("zoom",))] == ["zoom", "zoom"]


def test_comparing_zooms_and_moves_all_panes_together(hands: Hands) -> None:
    hands.click(2)
    hands.click(7, CTRL)
    hands.click(4, CTRL)
    hands.key(K.Key_C)
    panes = [pane for pane in view(hands).panes if pane.isVisible()]
    assert hands.actions.loupe.panes == tuple(image(hands, row) for row in (2, 4, 7))
    wheel(hands, 1, 6)
    zooms = {pane.scale() for pane in panes}
    assert len(zooms) == 1 and zooms.pop() > 20
    before = hands.actions.loupe.centre
    middle = panes[0].rect().center()
    QTest.mousePress(panes[0], Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    QTest.mouseMove(panes[0], middle + QPoint(-40, -25))
    QTest.mouseRelease(panes[0], Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
    x, y = hands.actions.loupe.centre
    assert x > before[0] and y > before[1]
    hands.key(K.Key_Right)
    hands.key(K.Key_5)
    assert [hands.stars(row) for row in (2, 4, 7)] == [0, 5, 0]
    QTest.mouseClick(panes[2], Qt.MouseButton.LeftButton)
    hands.key(K.Key_X)
    assert hands.flag(7) == "reject"
    hands.key(K.Key_C)
    assert hands.actions.loupe.panes == (image(hands, 7),)


def test_one_image_is_compared_with_the_next(hands: Hands) -> None:
    hands.click(9)
    hands.key(K.Key_C)
    assert hands.actions.loupe.panes == (image(hands, 9), image(hands, 10))
    hands.key(K.Key_Escape)
    assert hands.grid.current_row() == 9
    hands.key(K.Key_E)
    assert hands.actions.loupe.panes == (image(hands, 9),)


def test_the_wheel_keeps_the_point_under_it(hands: Hands) -> None:
    hands.key(K.Key_E)
    pane = view(hands).panes[0]
    point = QPointF(pane.rect().center())

    def under() -> tuple[float, float]:
        area = pane.target()
        return (point.x() - area.x()) / area.width(), (point.y() - area.y()) / area.height()

    before = under()
    wheel(hands, 0, 3)
    assert under() == pytest.approx(before, abs=0.003) and hands.actions.loupe.zoom is not None
    QTest.mouseDClick(pane, Qt.MouseButton.LeftButton)
    assert hands.actions.loupe.zoom is None


def test_an_image_never_leaves_its_pane_and_never_becomes_a_speck(hands: Hands) -> None:
    hands.click(3)
    hands.key(K.Key_E)
    pane = view(hands).panes[0]
    room = pane._room()
    wheel(hands, 0, 12)
    middle = pane.rect().center()
    for _ in range(6):  # to the right and down, as far as it goes
        QTest.mousePress(pane, Qt.MouseButton.LeftButton, pos=middle)
        QTest.mouseMove(pane, middle + QPoint(300, 250))
        QTest.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=middle + QPoint(300, 250))
    assert pane.target().topLeft() == room.topLeft()
    QTest.mousePress(pane, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(pane, middle - QPoint(40, 0))  # and back at once: it was not dragged on beyond the edge
    QTest.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=middle - QPoint(40, 0))
    assert abs(pane.target().left() - (room.left() - 40)) < 1
    for turns in (-30, -30):
        wheel(hands, 0, turns)
    assert pane.scale() == 1.0
    assert abs(pane.target().center().x() - room.center().x()) <= 1
    assert abs(pane.target().center().y() - room.center().y()) <= 1


def test_a_touch_pad_goes_on_by_whole_notches(hands: Hands) -> None:
    hands.click(3)
    hands.key(K.Key_E)
    strip = view(hands).strip

    for _ in range(8):
        turn(strip, -15)
    assert hands.actions.loupe.position == 4
    turn(strip, 240)
    assert hands.actions.loupe.position == 2
    turn(strip, 1200)
    assert hands.actions.loupe.position == 0


def test_a_click_in_the_filmstrip(hands: Hands) -> None:
    hands.click(0)
    hands.key(K.Key_E)
    strip = view(hands).strip
    QTest.mouseClick(
        strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, strip.rect_of(6).center()
    )
    assert hands.actions.loupe.position == 6


def test_auto_advance_works_here_too(hands: Hands) -> None:
    hands.click(3)
    hands.key(K.Key_E)
    hands.key(K.Key_2, Qt.KeyboardModifier.ShiftModifier)
    assert hands.stars(3) == 2 and hands.actions.loupe.position == 4


def test_an_undo_shows_at_once(hands: Hands) -> None:
    hands.key(K.Key_E)
    hands.key(K.Key_5)
    hands.key(K.Key_Z, CTRL)
    assert "not rated" in view(hands).panes[0].accessibleName()


def test_looking_is_noted(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [10.0]
    monkeypatch.setattr("studio.ui.gaze.monotonic", lambda: now[0])
    hands.click(3)
    hands.key(K.Key_E)
    now[0] += 1.2  # too short for a grid, long enough here
    hands.key(K.Key_Right)
    kinds = [(s.kind, s.image) for s in hands.project.opinions(("loupe", "dwell"))]
    assert ("loupe", image(hands, 3)) in kinds and ("dwell", image(hands, 3)) in kinds


def test_without_an_image_it_says_what_to_do(open_studio: object) -> None:
    hands = open_studio()  # type: ignore[operator]
    hands.key(K.Key_E)
    assert "Select an image" in view(hands).hint.text() and view(hands).hint.isVisible()
    assert not view(hands).panes[0].isVisible()


def test_a_studio_closed_in_the_loupe_opens_on_the_same_image(open_studio: Callable[[], Hands]) -> None:
    hands = open_studio()
    hands.first_grid()
    hands.click(5)
    hands.key(K.Key_E)
    image = hands.actions.loupe.image
    hands.close()
    again = open_studio()
    place.restore(again.window)
    assert again.window.view == "loupe"
    assert again.actions.loupe.image == image and again.actions.state.selected == (image,)
    again.key(K.Key_Right)
    assert again.actions.loupe.image == again.actions.grid.cells[6].image


def test_zoom_has_ends() -> None:
    loupe = Loupe()
    loupe.zoom_to(1e9)
    assert loupe.zoom == 64.0
    loupe.zoom_to(0.0)
    assert loupe.zoom == 0.1
    loupe.pan_to(-3.0, 7.0)
    assert loupe.centre == (0.0, 1.0)


def test_an_image_without_a_file_is_drawn_again_and_memory_is_bounded(qtbot, tmp_path) -> None:
    class Drawer(WorkerClient):
        def draw(self, images):  # type: ignore[no-untyped-def]
            import numpy as np

            pixels = np.full((len(images), 64, 64, 3), 90, np.uint8)
            self.drawn.emit(ShownImages(1, tuple(image.id for image in images), pixels))
            return 1

    with Project(tmp_path / "p") as project:
        project.add_grid([NewImage(bytes(32), "random", None, 64, 64)] * 40)
        cache = ImageCache(project, Drawer(), 1, lambda image: None)
        assert cache.image(1) is None
        with qtbot.waitSignal(cache.arrived):
            pass
        assert cache.image(1).width() == 64
        for number in range(2, 41):
            project.save_pixels(number, bytes(64 * 64 * 3), 64, 64)
            cache.tile(number, 150, 1.0)
        qtbot.waitUntil(lambda: sum(cache.tile(n, 150, 1.0) is not None for n in range(30, 41)) == 11)
        assert 200_000 < cache.bytes_kept <= 1_000_000
        cache.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "images"]


def test_a_file_that_the_system_does_not_give_is_drawn_again_and_the_others_are_made(qtbot, tmp_path, monkeypatch) -> None:
    class Drawer(WorkerClient):
        def draw(self, images):  # type: ignore[no-untyped-def]
            asked.extend(image.id for image in images)
            return 1

    def read(path: Path) -> QImage | None:
        if path.name == "00000001.png":
            raise OSError(116, "Stale file handle")
        return whole(path)

    asked: list[int] = []
    whole = pictures.read_image
    monkeypatch.setattr(pictures, "read_image", read)
    with Project(tmp_path / "p") as project:
        project.add_grid([NewImage(bytes(32), "random", None, 64, 64)] * 2)
        cache = ImageCache(project, Drawer(), 1, lambda image: None)
        for number in (1, 2):
            project.save_pixels(number, bytes(64 * 64 * 3), 64, 64)
            cache.tile(number, 150, 1.0)
            qtbot.waitUntil(lambda number=number: bool(asked) if number == 1 else cache.tile(2, 150, 1.0) is not None)
        cache.close()
    assert asked == [1]


def test_predictions_are_kept_for_the_next_time(hands: Hands) -> None:
    one = image(hands, 0)
    hands.worker.taste.emit(m.Taste(5, None, 5, True, (m.Prediction(one, 4.2, 0.5, 0.1, 0.1, 0.1, 0.2),)))
    assert hands.actions.guesses.of(one).stars == 4.2
    hands.actions.guesses.keep()
    assert hands.project.seen([one])[one].guess.stars == 4.2
    hands.actions.guesses.ask([one, image(hands, 1)])
    assert hands.worker.named("predict")[-1][1][-1] == image(hands, 1)
