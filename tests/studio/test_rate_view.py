"""The Rate view, as a hand meets it."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_support import SIDE, Hands

from studio.model.grid_model import Cell, GridModel
from studio.model.pictures import to_images
from studio.model.scaling import scaled
from studio.model.state import PastRound
from studio.project.store import NewImage, Project
from studio.ui.grid_geometry import GAP, MARGIN, Geometry
from studio.ui.image_grid import ImageGrid
from studio.ui.rate_panel import RatePanel
from studio.worker.messages import Taste
from studio.worker.shown import ShownGrid, ShownImages

K = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def picture(hands: Hands, row: int) -> np.ndarray:
    """The pixels of one image of the grid as painted, (H, W, 3) uint8."""
    grabbed = hands.grid.viewport().grab(hands.grid.visualRect(hands.actions.grid.index(row))).toImage()
    image = grabbed.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def saturation(pixels: np.ndarray) -> float:
    """Mean difference of the largest and the smallest channel, 0 to 255."""
    return float((pixels.max(axis=2).astype(int) - pixels.min(axis=2)).mean())


def test_a_click_on_a_star_rates_and_the_same_again_clears(hands: Hands) -> None:
    hands.click_star(7, 4)
    assert hands.stars(7) == 4
    assert hands.grid.current_row() == 7
    hands.click_star(7, 4)
    assert hands.stars(7) == 0
    hands.click_star(7, 2)
    hands.click_star(7, 5)
    assert hands.stars(7) == 5
    assert len(hands.worker.named("feedback")) == 4


def test_two_quick_clicks_are_two_clicks(hands: Hands) -> None:
    place = hands.star_place(3, 3)
    viewport = hands.grid.viewport()
    QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseDClick(viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert hands.stars(3) == 0


def test_keys_rate_the_selected_image(hands: Hands) -> None:
    hands.click(2)
    hands.key(K.Key_5)
    assert hands.stars(2) == 5
    hands.key(K.Key_3)
    assert hands.stars(2) == 3
    hands.key(K.Key_3)
    assert hands.stars(2) == 0
    hands.key(K.Key_1)
    hands.key(K.Key_0)
    assert hands.stars(2) == 0
    hands.key(K.Key_P)
    assert hands.flag(2) == "like"
    hands.key(K.Key_X)
    assert hands.flag(2) == "reject"
    hands.key(K.Key_U)
    assert hands.flag(2) is None
    hands.key(K.Key_R)
    assert hands.flag(2) == "reject"
    assert hands.grid.current_row() == 2


def test_arrows_and_pages_move(hands: Hands) -> None:
    grid = hands.grid
    columns = grid._geometry.columns
    hands.click(0)
    hands.key(K.Key_Right)
    hands.key(K.Key_Down)
    assert grid.current_row() == 1 + columns
    hands.key(K.Key_Left)
    hands.key(K.Key_Up)
    assert grid.current_row() == 0
    hands.key(K.Key_Up)
    hands.key(K.Key_Left)
    assert grid.current_row() == 0
    hands.key(K.Key_End)
    assert grid.current_row() == 23
    hands.key(K.Key_Right)
    assert grid.current_row() == 23
    hands.key(K.Key_Home)
    assert grid.current_row() == 0
    hands.key(K.Key_PageDown)
    assert grid.current_row() % columns == 0
    assert grid.current_row() >= 23 - columns
    hands.key(K.Key_PageUp)
    assert grid.current_row() == 0


def test_shift_and_a_number_rates_and_goes_on(hands: Hands) -> None:
    hands.click(4)
    hands.key(K.Key_2, SHIFT)
    hands.key(K.Key_4, SHIFT)
    assert (hands.stars(4), hands.stars(5)) == (2, 4)
    assert hands.grid.current_row() == 6


def test_auto_advance_goes_on_and_stops_at_the_last(hands: Hands) -> None:
    hands.press(hands.window.rate_view.advance)
    assert hands.actions.state.auto_advance
    hands.click(22)
    hands.key(K.Key_3)
    hands.key(K.Key_4)
    hands.key(K.Key_P)
    assert hands.stars(22) == 3
    assert hands.stars(23) == 4
    assert hands.grid.current_row() == 23
    assert hands.flag(23) == "like"
    hands.key(K.Key_A)
    assert not hands.actions.state.auto_advance


def test_a_click_with_ctrl_adds_and_one_between_images_changes_nothing(hands: Hands) -> None:
    hands.click(5)
    hands.click(9, CTRL)
    assert hands.grid.current_row() == 9
    assert list(hands.grid.selected_rows()) == [5, 9]
    hands.click(9, CTRL)
    assert list(hands.grid.selected_rows()) == [5]
    hands.click(5, CTRL)  # the last one stays
    assert (list(hands.grid.selected_rows()), hands.grid.current_row()) == ([5], 5)
    gap = hands.grid.visualRect(hands.actions.grid.index(9)).topRight()
    gap.setX(gap.x() + GAP // 2)
    QTest.mouseClick(hands.grid.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, gap)
    assert hands.grid.current_row() == 5
    assert hands.grid.hasFocus()


def test_selection_and_focus_stay_through_a_new_grid(hands: Hands) -> None:
    hands.click(13)
    hands.press(hands.window.top_bar.new_grid)
    hands.drawn()
    assert hands.worker.grids == 2
    assert hands.grid.current_row() == 13
    assert hands.grid.hasFocus()
    hands.key(K.Key_Return, CTRL)
    hands.drawn()
    assert hands.worker.grids == 3
    hands.key(K.Key_4)
    assert hands.stars(13) == 4


def test_a_new_grid_asked_for_elsewhere_is_shown(hands: Hands) -> None:
    for view, shown in (("teach", "rate"), ("taste", "rate"), ("gallery", "rate"), ("duel", "duel"), ("loupe", "loupe")):
        hands.window.show_view(view)
        grids = hands.worker.grids
        hands.key(K.Key_Return, CTRL)
        hands.drawn()
        assert hands.worker.grids == grids + 1
        assert hands.window.view == shown
        assert shown != "rate" or hands.grid.hasFocus()


def test_the_grid_that_a_round_left_is_shown_before_another_is_drawn(hands: Hands) -> None:
    hands.rate_enough()
    hands.press(hands.window.top_bar.teach)
    assert hands.window.view == "teach"
    grids = hands.worker.grids
    hands.worker.finish()
    hands.drawn()
    assert (hands.worker.grids, hands.window.view) == (grids + 1, "teach")
    hands.key(K.Key_Return, CTRL)
    hands.drawn()
    assert (hands.worker.grids, hands.window.view) == (grids + 1, "rate")
    for _ in range(2):  # now it has been seen: here, and from elsewhere, a key asks for images
        hands.key(K.Key_Return, CTRL)
        hands.drawn()
        hands.window.show_view("teach")
    assert hands.worker.grids == grids + 3


def test_a_grid_that_a_round_could_not_leave_is_asked_for_again(hands: Hands) -> None:
    hands.rate_enough()
    hands.press(hands.window.top_bar.teach)
    hands.worker.finish()
    grids = hands.worker.grids
    hands.worker.failed.emit("Propose", "no memory is left", "")
    hands.key(K.Key_Return, CTRL)
    hands.drawn()
    assert (hands.worker.grids, hands.window.view) == (grids + 1, "rate")


def test_of_several_selected_images_one_is_selected_in_a_new_grid(hands: Hands) -> None:
    hands.click(7)
    hands.click(9, SHIFT)
    hands.key(K.Key_Return, CTRL)
    hands.drawn()
    assert (list(hands.grid.selected_rows()), hands.grid.current_row()) == ([9], 9)
    hands.key(K.Key_4)
    assert [hands.stars(row) for row in (7, 8, 9)] == [0, 0, 4]


def test_selection_and_focus_stay_through_a_round(hands: Hands) -> None:
    hands.rate_enough()
    hands.click(11)
    hands.key(K.Key_T)
    assert hands.window.view == "teach"
    hands.worker.step(1)
    hands.worker.finish()
    hands.key(K.Key_G)
    hands.drawn()
    assert hands.grid.current_row() == 11
    assert hands.grid.hasFocus()


def test_what_nobody_has_seen_yet_cannot_be_rated(hands: Hands) -> None:
    hands.click(3)
    made = hands.project.add_grid([NewImage(bytes(32), "random", None, 16, 16)] * 24)
    images = hands.project.images(made.images)
    hands.worker.grid.emit(ShownGrid(9, made.id, images, hands.worker.pixels(0, seed=1)))
    hands.key(K.Key_5)  # the cell is still empty
    assert hands.grid.current_row() == 3 and hands.stars(3) == 0
    hands.worker.drawn.emit(ShownImages(0, made.images, hands.worker.pixels(24, seed=1)))
    hands.key(K.Key_5)
    assert hands.stars(3) == 5


def test_who_came_to_the_end_begins_the_next_grid_at_its_start(hands: Hands) -> None:
    hands.actions.set_option("auto_advance", True)
    hands.click(23)
    hands.key(K.Key_4)
    assert "last image" in hands.window.status.message.full_text()
    hands.key(K.Key_Return, CTRL)
    hands.drawn()
    assert hands.grid.current_row() == 0 and hands.actions.state.selected == (hands.actions.grid.cells[0].image,)


def test_a_small_window_says_in_full_that_it_draws_new_images(hands: Hands) -> None:
    hands.rate_enough()
    hands.press(hands.window.top_bar.new_grid)
    hands.drawn()
    count = hands.window.rate_view.count
    assert "20 in all" in count.full_text()
    hands.window.resize(1100, 700)
    hands.worker.propose = lambda count=24: 0  # type: ignore[method-assign]  # it is being drawn for long
    hands.press(hands.window.top_bar.new_grid)
    QApplication.processEvents()
    assert count.text() == count.full_text() == "0 of 24 rated · drawing new images…"


def test_a_grid_that_is_being_rated_is_not_swapped_when_a_round_ends(hands: Hands) -> None:
    hands.rate_enough()
    hands.key(K.Key_T)
    hands.key(K.Key_G)
    hands.click(21)
    hands.key(K.Key_3)
    before = hands.actions.grid.images()
    hands.worker.finish()
    assert hands.worker.grids == 1 and hands.actions.grid.images() == before
    assert hands.window.status.message.full_text().endswith("this grid stays until you ask for new images")
    hands.key(K.Key_Return, CTRL)
    hands.drawn()
    assert hands.worker.grids == 2


def test_undo_and_redo(hands: Hands) -> None:
    hands.click(1)
    hands.key(K.Key_5)
    hands.key(K.Key_P)
    hands.key(K.Key_Z, CTRL)
    assert (hands.stars(1), hands.flag(1)) == (5, None)
    assert "image 2" in hands.window.status.message.full_text()
    hands.key(K.Key_Z, CTRL)
    assert hands.stars(1) == 0
    hands.key(K.Key_Z, CTRL | SHIFT)
    hands.key(K.Key_Y, CTRL)
    assert (hands.stars(1), hands.flag(1)) == (5, "like")
    assert hands.actions.grid.cells[1].stars == 5
    assert hands.window.commands["undo"].text() == "Undo: like"


def test_undo_works_across_a_restart(open_studio: Callable[[], Hands]) -> None:
    first = open_studio()
    first.first_grid()
    first.click(6)
    first.key(K.Key_2)
    first.key(K.Key_4)
    first.close()
    second = open_studio()
    assert second.actions.grid.cells[6].stars == 4  # before any worker answers
    assert second.actions.grid.cells[6].pixels is not None
    second.key(K.Key_Z, CTRL)
    assert second.stars(6) == 2
    assert second.actions.grid.cells[6].stars == 2
    second.key(K.Key_Z, CTRL)
    assert second.stars(6) == 0


def test_places_before_the_first_answer_are_neutral(open_studio: Callable[[], Hands]) -> None:
    hands = open_studio()
    assert hands.actions.grid.rowCount() == 24
    assert len(np.unique(picture(hands, 3)[20:-20, 20:-20].reshape(-1, 3), axis=0)) == 1
    hands.key(K.Key_5)  # nothing to rate yet
    assert hands.project.counts().rated == 0
    hands.first_grid()
    assert saturation(picture(hands, 3)) > 20


def test_a_project_with_ratings_is_not_called_empty_while_the_worker_reads_them(
    open_studio: Callable[[], Hands],
) -> None:
    first = open_studio()
    first.first_grid()
    first.rate_enough()
    first.close()
    panel = open_studio().window.panels.currentWidget()
    assert isinstance(panel, RatePanel)
    assert panel.honest.text() == "It is reading your ratings…"


def test_after_a_rating_it_does_not_ask_for_one_while_it_learns(hands: Hands) -> None:
    panel = hands.window.panels.currentWidget()
    assert isinstance(panel, RatePanel)
    hands.actions.state.taste = Taste(0, None, 0, False)  # what a new project begins with
    assert panel.honest.text().startswith("Nothing yet")
    hands.actions.rate("stars", 4, 0)
    assert panel.honest.text() == "It is reading your ratings…"
    hands.actions.state.taste = Taste(1, None, 0, False)
    assert panel.honest.text().startswith("After 1 image")
    hands.key(K.Key_Z, CTRL)
    hands.actions.state.taste = Taste(0, None, 0, False)
    assert panel.honest.text().startswith("Nothing yet")


def test_the_header_counts_all_ratings_until_there_was_a_round(hands: Hands) -> None:
    count = hands.window.rate_view.count
    assert count.full_text() == "0 of 24 rated"  # how that is done is the hint's to say
    hands.rate_enough()
    hands.actions.new_grid()
    hands.drawn()
    assert count.full_text() == "0 of 24 rated · 20 in all"
    hands.actions.state.rounds = (PastRound(1, True, ""),)
    assert count.full_text() == "0 of 24 rated · 20 since the last round"


def test_a_rejected_image_turns_grey_and_stays(hands: Hands) -> None:
    hands.click(0)  # away from the one that is looked at
    before = picture(hands, 8)
    hands.actions.rate("reject", row=8)
    after = picture(hands, 8)
    assert saturation(before) > 20
    assert saturation(after[24:]) <= 2  # below the tag: as the ground, which shows through
    assert after.mean() < before.mean()
    assert after[30:-40].std() > 1  # the image is still there
    assert hands.actions.grid.rowCount() == 24


def test_stars_show_on_hover_when_selected_and_when_rated(hands: Hands) -> None:
    hands.click(0)
    plain = picture(hands, 9)
    QTest.mouseMove(hands.grid.viewport(), hands.middle(9))
    hovered = picture(hands, 9)
    assert (plain != hovered).any()
    QTest.mouseMove(hands.grid.viewport(), hands.middle(20))
    assert (picture(hands, 9) == plain).all()
    hands.actions.rate("stars", 3, 9)
    rated = picture(hands, 9)
    assert (rated != plain).any()
    strip = rated[-24:].reshape(-1, 3)
    assert (strip > 250).all(axis=1).sum() > 60  # white stars


def test_the_ring_lies_outside_the_image(hands: Hands, theme: object) -> None:
    hands.click(9)
    rect = hands.grid.visualRect(hands.actions.grid.index(9))
    grabbed = hands.grid.viewport().grab().toImage()
    ratio = grabbed.devicePixelRatio()
    y = round(rect.center().y() * ratio)
    ring = grabbed.pixelColor(round((rect.left() - 2) * ratio), y)
    inside = grabbed.pixelColor(round(rect.left() * ratio) + 1, y)
    assert ring.name() == "#f0b45a"
    assert inside.name() != "#f0b45a"


@pytest.mark.parametrize("width", [1200, 1003])
def test_pixel_art_is_enlarged_by_a_whole_factor(open_studio: Callable[[], Hands], width: int) -> None:
    hands = open_studio()
    hands.first_grid(pixel_art=True)
    hands.window.resize(width, 800)
    hands.click(0)
    shown = picture(hands, 9)
    assert shown.shape[0] % SIDE == 0
    factor = shown.shape[0] // SIDE
    middle = shown[4 * factor : 12 * factor, 4 * factor : 12 * factor]
    blocks = middle.reshape(8, factor, 8, factor, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert (blocks[0, 0, 0, 0] != blocks[0, 0, 1, 0]).any()
    first, second = (hands.grid.visualRect(hands.actions.grid.index(row)) for row in (0, 1))
    assert second.left() - first.right() - 1 == GAP, "what whole factors leave of the width is at the sides"
    last = hands.grid.visualRect(hands.actions.grid.index(hands.grid._geometry.columns - 1))
    assert abs(first.left() - (hands.grid.viewport().width() - 1 - last.right())) <= 1


@pytest.mark.parametrize(("square", "side"), [(1, 64), (2, 96), (4, 96)])
def test_pixel_art_grows_by_the_squares_that_it_is_drawn_of(square: int, side: int) -> None:
    squares = np.random.default_rng(1).integers(0, 256, (64 // square, 64 // square, 3), np.uint8)
    image = to_images(squares.repeat(square, axis=0).repeat(square, axis=1)[None])[0]
    made = scaled(image, 100, 1.0, pixel_art=True)
    assert made.width() == side
    back = made.scaled(64 // square, 64 // square)
    assert back.convertToFormat(QImage.Format.Format_RGB32) == image.scaled(back.size()).convertToFormat(QImage.Format.Format_RGB32)
    assert scaled(image, 100, 1.0, pixel_art=False).width() == 100


def test_every_grid_fits_its_cells_to_the_squares_of_pixel_art(hands: Hands) -> None:
    state = hands.actions.state
    state.generator, state.pixel_art = replace(state.generator, resolution=64, square=2), True
    grids = {key: hands.window.page(key).findChild(ImageGrid) for key in ("rate", "gallery", "explore")}
    assert {key: grid._unit * grid.devicePixelRatioF() for key, grid in grids.items()} == dict.fromkeys(grids, 32.0)


def test_pixel_art_is_made_larger_and_smaller_by_keys(open_studio: Callable[[], Hands]) -> None:
    hands = open_studio()
    hands.first_grid(pixel_art=True)
    hands.key(K.Key_0, CTRL)
    grid = hands.grid
    grid._unit = 64.0  # as images of 64 pixels are: 64, 128, 192, ...
    grid.doItemsLayout()
    sizes = []
    for key in (K.Key_Minus, K.Key_Minus, K.Key_Minus, K.Key_Plus, K.Key_Plus):
        hands.key(key, CTRL)
        sizes.append(grid.cell_size)
    assert sizes[2] == 64 and sizes[2] < sizes[3] < sizes[4], sizes


def test_the_count_and_the_status_bar_follow(hands: Hands) -> None:
    view = hands.window.rate_view
    assert view.count.full_text() == "0 of 24 rated"
    hands.click_star(0, 5)
    hands.click(1)
    hands.key(K.Key_X)
    assert view.count.full_text() == "2 of 24 rated"
    assert hands.window.status.saved.text() == "2 ratings saved"


def test_the_size_slider_changes_columns_and_is_kept(open_studio: Callable[[], Hands]) -> None:
    hands = open_studio()
    hands.first_grid()
    fitting = hands.grid._geometry.columns
    hands.window.rate_view.slider.setValue(330)
    assert hands.grid._geometry.columns < fitting
    hands.close()
    again = open_studio()
    assert again.grid._geometry.columns < fitting
    again.key(K.Key_0, CTRL)
    assert again.grid._geometry.columns == fitting
    again.key(K.Key_Minus, CTRL)
    assert again.grid._geometry.columns == fitting + 1


def test_people_who_hear_the_screen_get_every_image(hands: Hands) -> None:
    hands.actions.rate("stars", 4, 4)
    hands.actions.rate("like", row=4)
    hands.actions.rate("reject", row=5)
    found = QAccessible.queryAccessibleInterface(hands.grid)
    assert found.childCount() == 24
    names = [found.child(row).text(QAccessible.Text.Name) for row in range(24)]
    assert names[3:6] == ["Image 4, not rated", "Image 5, 4 stars, liked", "Image 6, rejected"]
    rect = found.child(9).rect()
    assert rect.size() == hands.grid.visualRect(hands.actions.grid.index(9)).size()


def test_why_the_worker_cannot_start_is_not_talked_over(hands: Hands) -> None:
    hands.worker.failed.emit("Open", "The generator of this project is gone.", "")
    hands.worker.failed.emit("Predict", "No generator is loaded.", "")
    assert hands.actions.state.message.text == "The generator of this project is gone."


def test_a_full_disk_is_said_and_changes_nothing(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.project.records import ProjectError

    def full(*_: object) -> None:
        raise ProjectError("The disk is full; nothing was lost.")

    monkeypatch.setattr(hands.project, "rate", full)
    hands.click_star(2, 4)
    assert "full" in hands.window.status.message.full_text()
    assert hands.actions.grid.cells[2].stars == 0


def test_a_hundred_thousand_images_are_laid_out_at_once(qtbot: object, theme: object) -> None:
    grid, model = ImageGrid(), GridModel()
    model.show([Cell(number + 1) for number in range(100_000)])
    grid.setModel(model)
    grid.set_wanted_size(100)
    began = time.perf_counter()
    grid.resize(900, 700)
    grid.show()
    grid.grab()
    grid.setCurrentIndex(model.index(99_999))
    grid.grab()
    seconds = time.perf_counter() - began
    assert grid.visualRect(model.index(99_999)).bottom() <= grid.viewport().height()
    grid.close()
    assert seconds < 1.5  # 0.05 on a quiet machine; a stock view takes a second to show and half to resize


@pytest.mark.parametrize(
    ("count", "width", "wanted", "unit"),
    [
        (24, 1052, 168, 1),
        (24, 700, None, 1),
        (7, 333, 96, 1),
        (1, 50, 384, 1),
        (24, 1052, 168, 64),
        (24, 700, None, 51.2),
        (24, 700, 100, 64),
    ],
)
def test_cells_are_found_where_they_lie(count: int, width: int, wanted: int | None, unit: float) -> None:
    laid_out = Geometry.fitting(count, width, 500, wanted, unit)
    assert unit == 1 or -1 < laid_out.cell - round(laid_out.cell / unit) * unit < 1
    for row in range(count):
        rect = laid_out.rect(row)
        assert laid_out.at(rect.center()) == row
        assert laid_out.at(rect.topLeft()) == row
        assert laid_out.at(rect.bottomRight()) == row
        assert rect.left() >= MARGIN
        assert rect.right() < width or laid_out.columns == 1
        assert row in laid_out.between(rect.top(), rect.bottom())


def test_a_project_keeps_what_the_grid_showed(hands: Hands) -> None:
    hands.click_star(0, 5)
    folder = hands.folder
    hands.close()
    with Project(folder) as project:
        shown = project.current_grid()
        assert shown is not None
        assert project.state(shown.images)[shown.images[0]].stars == 5


def test_undoing_a_whole_selection_is_said_once(hands: Hands) -> None:
    hands.click(2)
    hands.click(4, Qt.KeyboardModifier.ShiftModifier)
    hands.key(K.Key_4)
    hands.key(K.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert hands.window.status.message.full_text() == "Undone: 4 stars on 3 images"
