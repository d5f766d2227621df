"""The Gallery, by mouse and keyboard."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QDrag, QImage, QMouseEvent, QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QMenu, QWidget
from window_support import Hands

from studio.project.search import Query
from studio.ui.gallery_view import GalleryView

K = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def view(hands: Hands) -> GalleryView:
    """The gallery of a project with 24 images, number 24 first."""
    hands.key(K.Key_1, CTRL)
    found = hands.window.page("gallery")
    assert isinstance(found, GalleryView)
    return found


def click(
    view: GalleryView, row: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier
) -> None:
    place = view.grid.visualRect(view.grid.model().index(row, 0)).center()
    QTest.mouseClick(view.grid.viewport(), Qt.MouseButton.LeftButton, modifiers, place)


def choose(box: QComboBox, data: object) -> None:
    """Choose as a hand does: open, arrow keys, Enter."""
    wanted = next(row for row in range(box.count()) if box.itemData(row) == data)
    box.setFocus()
    QTest.keyClick(box, K.Key_Home)
    for _ in range(wanted):
        QTest.keyClick(box, K.Key_Down)
    assert box.currentData() == data


class Paints(QObject):
    """The areas of a widget that were painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.areas: list[QRect] = []
        widget.installEventFilter(self)

    def eventFilter(self, _: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.areas.append(event.rect())
        return False


def ids(hands: Hands) -> list[int]:
    return list(hands.actions.gallery.ids)


def stars(hands: Hands, image: int) -> int:
    return hands.project.state([image])[image].stars


def test_everything_is_there_the_newest_first(hands: Hands, view: GalleryView) -> None:
    assert ids(hands) == list(range(24, 0, -1))
    assert view.count.full_text() == "24 images" and view.grid.hasFocus()
    assert view.grid.current_row() == 0 and hands.actions.state.selected == (24,)


def test_keys_rate_and_mark_what_is_selected(hands: Hands, view: GalleryView) -> None:
    click(view, 3)
    hands.key(K.Key_4)
    hands.key(K.Key_6)
    assert (stars(hands, 21), hands.project.state([21])[21].label) == (4, 1)
    click(view, 5)
    click(view, 7, SHIFT)
    hands.key(K.Key_X)
    assert [i for i in range(1, 25) if hands.project.state([i])[i].flag] == [17, 18, 19]
    assert hands.actions.gallery.cell(6).flag == "reject"
    hands.key(K.Key_Z, CTRL)
    assert hands.actions.gallery.cell(6).flag is None
    hands.key(K.Key_A, CTRL)
    assert len(hands.actions.state.selected) == 24
    # The grid of Rate follows, whichever view said it.
    assert hands.actions.grid.cells[20].stars == 4


def test_filters_by_stars_labels_tags_and_marks(hands: Hands, view: GalleryView) -> None:
    hands.actions.rate_images([3, 5], "stars", 5)
    hands.actions.rate_images([7], "stars", 3)
    hands.actions.rate_images([9], "reject")
    hands.actions.mark("label", 2, images=[5, 11])
    hands.actions.mark("tag", text="sky", images=[5, 12])
    choose(view.filter.rating, (None, 3))
    assert ids(hands) == [7, 5, 3] and "3 images of 24" in view.count.full_text()
    hands.press(view.filter.labels[1])
    assert ids(hands) == [5]
    hands.press(view.filter.clear)
    assert len(ids(hands)) == 24
    choose(view.filter.flag, "reject")
    assert ids(hands) == [9]
    choose(view.filter.flag, None)
    view.filter.list_tags()
    choose(view.filter.tag, "sky")
    assert ids(hands) == [12, 5]
    choose(view.filter.rating, (False, 0))
    assert ids(hands) == [12]
    hands.key(K.Key_F, CTRL | SHIFT)
    choose(view.filter.order, "stars")
    assert ids(hands)[:3] == [5, 3, 7]


def test_search_and_back(hands: Hands, view: GalleryView) -> None:
    hands.actions.mark("note", text="a soft evening", images=[4])
    hands.key(K.Key_F, CTRL)
    assert view.filter.search.hasFocus()
    QTest.keyClicks(view.filter.search, "evening 5")
    hands.qtbot.waitUntil(lambda: ids(hands) == [])
    assert view.hint.isVisible() and "Show everything" in view.hint.text()
    assert stars(hands, 24) == 0  # digits go into the field
    for _ in range(2):
        QTest.keyClick(view.filter.search, K.Key_Backspace)
    hands.qtbot.waitUntil(lambda: ids(hands) == [4])
    hands.press(view.filter.clear)
    assert len(ids(hands)) == 24 and view.filter.search.text() == "" and not view.hint.isVisible()


def test_a_search_that_finds_nothing_and_then_something_keeps_the_keyboard(
    hands: Hands, view: GalleryView
) -> None:
    field = view.filter.search

    def look_for(text: str, found: list[int]) -> None:
        hands.key(K.Key_F, CTRL)  # the whole of what was written is written over
        QTest.keyClicks(field, text)
        hands.qtbot.waitUntil(lambda: ids(hands) == found)

    look_for("nowhere", [])
    assert view.grid.isHidden()
    look_for("12", [12])
    assert field.hasFocus()  # else the next digit would be stars
    QTest.keyClick(field, K.Key_Return)
    assert hands.window.view == "gallery" and view.grid.hasFocus()
    assert hands.actions.state.selected == (12,) and list(view.grid.selected_rows()) == [0]
    hands.key(K.Key_4)
    assert hands.project.state([12])[12].stars == 4


def test_escape_empties_the_search_then_leaves_it(hands: Hands, view: GalleryView) -> None:
    hands.key(K.Key_F, CTRL)
    QTest.keyClicks(view.filter.search, "7")
    hands.qtbot.waitUntil(lambda: ids(hands) == [7])
    hands.key(K.Key_Escape)
    assert len(ids(hands)) == 24 and view.filter.search.hasFocus()
    hands.key(K.Key_Escape)
    assert view.grid.hasFocus() and hands.actions.state.selected == (7,)


def test_what_no_longer_answers_stays_until_it_is_asked_for(hands: Hands, view: GalleryView) -> None:
    choose(view.filter.rating, (False, 0))
    click(view, 2)
    hands.key(K.Key_5)
    assert len(ids(hands)) == 24 and view.grid.current_row() == 2
    hands.key(K.Key_F5)
    assert len(ids(hands)) == 23 and view.grid.current_row() == 2


def test_the_loupe_and_back(hands: Hands, view: GalleryView) -> None:
    click(view, 6)
    hands.key(K.Key_E)
    assert hands.actions.loupe.panes == (18,)
    hands.key(K.Key_Right)
    hands.key(K.Key_3)
    assert stars(hands, 17) == 3
    hands.key(K.Key_Escape)
    assert hands.window.view == "gallery" and view.grid.current_row() == 7
    click(view, 1)
    click(view, 4, CTRL)
    hands.key(K.Key_C)
    assert hands.actions.loupe.panes == (23, 20)


def test_new_images_are_there_when_it_is_shown_again(hands: Hands, view: GalleryView) -> None:
    click(view, 5)
    hands.key(K.Key_G)
    hands.press(hands.window.top_bar.new_grid)
    hands.drawn()
    hands.key(K.Key_1, CTRL)
    assert ids(hands)[0] == 48
    assert hands.actions.state.selected == (19,)  # the same image, in another place


def test_a_star_is_clicked(hands: Hands, view: GalleryView) -> None:
    from studio.ui.image_delegate import star_box

    place = star_box(view.grid.visualRect(view.grid.model().index(2, 0)), 4).center()
    QTest.mouseClick(view.grid.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert stars(hands, 22) == 4


def test_tiles_come_from_files_and_fill_their_cells(hands: Hands, view: GalleryView) -> None:
    rect = view.grid.visualRect(view.grid.model().index(9, 0))

    def colours() -> int:
        image = view.grid.viewport().grab(rect).toImage().convertToFormat(QImage.Format.Format_RGB888)
        return len({image.pixel(x, 53 * image.height() // 100) for x in range(image.width())})

    hands.qtbot.waitUntil(lambda: colours() > 10)


def test_scrolling_paints_what_comes_into_view(hands: Hands, view: GalleryView) -> None:
    grid, viewport = view.grid, view.grid.viewport()
    view.slider.setValue(300)  # so large that the last image is below the edge
    seen = Paints(viewport)
    hands.qtbot.wait(300)
    while seen.areas:  # until nothing is on its way that would paint anyhow
        seen.areas.clear()
        hands.qtbot.wait(300)
    assert 23 not in grid.rows_on_show()
    grid.verticalScrollBar().setValue(grid.verticalScrollBar().maximum())
    assert 23 in grid.rows_on_show()
    hands.qtbot.waitUntil(lambda: bool(seen.areas))


def test_scrolling_moves_what_stays_and_paints_the_rest(hands: Hands, view: GalleryView) -> None:
    grid, viewport, painted = view.grid, view.grid.viewport(), []
    view.slider.setValue(200)
    hands.actions.rate_images(ids(hands)[:9], "stars", 3)
    bar, paint = grid.verticalScrollBar(), grid.delegate.paint
    assert bar.maximum() > 100
    cells = [grid.visualRect(grid.model().index(row, 0)) for row in range(24)]

    def shown() -> QImage:
        """What is on the screen, which is not painted for this."""
        corner, size = viewport.mapTo(hands.window, QPoint()), viewport.size()
        whole = viewport.screen().grabWindow(hands.window.winId()).toImage()
        return whole.copy(QRect(corner, size)).convertToFormat(QImage.Format.Format_RGB32)

    def still() -> bool:
        QApplication.processEvents()
        before = len(painted)
        hands.qtbot.wait(100)
        return len(painted) == before

    grid.delegate.paint = lambda *given: (painted.append(given[2].image), paint(*given))  # type: ignore[method-assign]
    hands.qtbot.waitUntil(still)
    for place in (7, 40, 41, 100, 60, 0):
        painted.clear()
        bar.setValue(place)
        hands.qtbot.waitUntil(still)
        assert 0 < len(set(painted)) < len(grid.rows_on_show()), place
        assert shown() == viewport.grab().toImage().convertToFormat(QImage.Format.Format_RGB32), place
    assert [grid.visualRect(grid.model().index(row, 0)) for row in range(24)] == cells
    bar.setValue(33)
    view.slider.setValue(150)  # another size right after: nothing of the old one stays
    hands.qtbot.waitUntil(still)
    assert shown() == viewport.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)


def fill(hands: Hands, view: GalleryView, grids: int = 6) -> None:
    """Have more images than can be seen at once, and scroll to the middle of them."""
    for _ in range(grids):
        hands.actions.new_grid()
        hands.drawn()
    hands.key(K.Key_F5)
    bar = view.grid.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)


def test_what_is_looked_at_stays_in_sight_while_images_are_resized(hands: Hands, view: GalleryView) -> None:
    fill(hands, view)
    row = view.grid.rows_on_show()[view.grid._geometry.columns]  # the first that is wholly seen
    assert view.grid.current_row() not in view.grid.rows_on_show()
    top = view.grid.visualRect(view.grid.model().index(row, 0)).top()
    for size in (190, 110, 250, 90, 210):
        view.slider.setValue(size)
        moved = view.grid.visualRect(view.grid.model().index(row, 0)).top() - top
        assert abs(moved) < view.grid.cell_size + 8, size
    before = view.grid.rows_on_show()
    hands.window.resize(1100, 700)
    assert set(before) & set(view.grid.rows_on_show())
    assert view.grid.current_row() not in view.grid.rows_on_show()


def test_a_selected_image_in_sight_stays_in_sight_while_images_are_resized(
    hands: Hands, view: GalleryView
) -> None:
    fill(hands, view)
    click(view, view.grid.rows_on_show()[view.grid._geometry.columns * 2 + 1])
    for size in (230, 384, 90, 140):
        view.slider.setValue(size)
        area = view.grid.visualRect(view.grid.currentIndex())
        assert view.grid.viewport().rect().contains(area), size


def test_the_image_under_a_resting_pointer_is_the_one_that_shows_its_stars(
    hands: Hands, view: GalleryView
) -> None:
    fill(hands, view)
    viewport, hovered = view.grid.viewport(), []
    view.grid.hovered_row_changed.connect(hovered.append)
    row = view.grid.rows_on_show()[view.grid._geometry.columns * 2]
    place = view.grid.visualRect(view.grid.model().index(row, 0)).center()
    QTest.mouseMove(viewport, place - QPoint(5, 5))
    QTest.mouseMove(viewport, place)
    hands.qtbot.waitUntil(viewport.underMouse)
    bar = view.grid.verticalScrollBar()
    bar.setValue(bar.value() + 2 * (view.grid.cell_size + 8))
    assert hovered == [row, row + 2 * view.grid._geometry.columns]


def test_several_images_are_dragged_out_together(
    hands: Hands, view: GalleryView, monkeypatch: pytest.MonkeyPatch
) -> None:
    dragged: list[list[str]] = []

    def exec_(drag: QDrag, *_: object) -> Qt.DropAction:
        dragged.append([Path(url.toLocalFile()).stem for url in drag.mimeData().urls()])
        return Qt.DropAction.IgnoreAction

    monkeypatch.setattr(QDrag, "exec", exec_)
    click(view, 2)
    click(view, 4, SHIFT)
    shown, viewport = ids(hands), view.grid.viewport()
    hands.qtbot.waitUntil(lambda: all(hands.project.image_file(shown[row]).is_file() for row in range(7)))

    def drag(row: int) -> None:
        start = view.grid.visualRect(view.grid.model().index(row, 0)).center()
        QTest.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
        for by in (20, 40):  # QTest.mouseMove holds no button
            place = QPointF(start + QPoint(by, 0))
            held = (Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
            QApplication.sendEvent(viewport, QMouseEvent(QEvent.Type.MouseMove, place, place, *held))

    drag(3)
    assert [int(name) for name in dragged[-1]] == shown[2:5]
    assert list(view.grid.selected_rows()) == [2, 3, 4]  # still, for the next key
    drag(6)
    assert [int(name) for name in dragged[-1]] == [shown[6]]
    click(view, 2)
    click(view, 4, SHIFT)
    click(view, 3)  # without dragging, a click is a click
    assert list(view.grid.selected_rows()) == [3]


def test_zoom_changes_columns(hands: Hands, view: GalleryView) -> None:
    before = view.grid._geometry.columns
    hands.key(K.Key_Minus, CTRL)
    assert view.grid._geometry.columns == before + 1
    view.slider.setValue(300)
    assert view.grid._geometry.columns < before
    hands.key(K.Key_0, CTRL)
    assert view.grid._geometry.columns == before


def test_the_context_menu_offers_what_keys_do(
    hands: Hands, view: GalleryView, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[list[str]] = []

    def popup(menu: QMenu, *_: object) -> None:
        shown.append([action.text() for action in menu.actions()])
        menu.deleteLater()

    monkeypatch.setattr(QMenu, "popup", popup)
    view.grid.menu_wanted.emit(view.mapToGlobal(view.rect().center()))
    assert {"Look closely", "Compare", "Like", "Red label", "Copy image", "Save image as…"} <= set(shown[0])


def test_an_image_is_saved_with_its_facts(
    hands: Hands, view: GalleryView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands.actions.rate_images([24], "stars", 4)
    file = tmp_path / "out.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(file), ""))
    hands.key(K.Key_S, CTRL)
    saved = QImage(str(file))
    assert saved.size() == hands.actions.images.image(24).size()
    assert "Rating: 4" in saved.text("parameters") and "Image: 24" in saved.text("parameters")
    assert "Generated" in saved.text("Description")
    assert [s.image for s in hands.project.opinions(("save",))] == [24]
    hands.key(K.Key_A, CTRL)
    for place in (tmp_path / "nowhere", file):  # neither is a folder
        hands.actions.say("")
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, place=place: str(place))
        hands.key(K.Key_S, CTRL)
        assert "cannot be written" in hands.window.status.message.full_text()
    assert file.is_file() and not (tmp_path / "nowhere").exists()


def test_without_an_image_it_says_where_they_come_from(open_studio: object) -> None:
    hands = open_studio()  # type: ignore[operator]
    hands.key(K.Key_1, CTRL)
    view = hands.window.page("gallery")
    assert "Nothing has been seen yet" in view.hint.text() and view.hint.isVisible()
    hands.key(K.Key_5)
    assert hands.project.log() == ()


def test_the_filter_shows_a_query_put_together_elsewhere(hands: Hands, view: GalleryView) -> None:
    hands.actions.rate_images([3], "stars", 5)
    view.show_query(Query(stars=5, order="oldest"))
    assert ids(hands) == [3]
    assert view.filter.rating.currentData() == (None, 5) and view.filter.order.currentData() == "oldest"


def test_people_who_hear_the_screen_get_the_controls(view: GalleryView) -> None:
    controls = (
        view.filter.search,
        view.filter.rating,
        view.filter.flag,
        view.filter.tag,
        view.filter.version,
    )
    for control in (*controls, view.filter.order, *view.filter.labels, view.slider):
        assert control.accessibleName() and control.toolTip()


def test_a_seed_is_told_of_where_there_is_one(hands: Hands, view: GalleryView) -> None:
    rows = hands.window.panels.currentWidget().rows  # type: ignore[attr-defined]
    told = rows.keys()
    assert "seed" not in told and rows.value("number") == "#24"
    with closing(sqlite3.connect(hands.project.folder / "project.sqlite")) as database, database:
        database.execute("UPDATE images SET seed = 7 WHERE id = 24")
    hands.key(K.Key_Right)
    hands.key(K.Key_Left)
    assert rows.value("seed") == "7" and rows.keys().index("seed") == rows.keys().index("number") + 1


def test_facts_of_several_images_are_those_they_have_in_common(hands: Hands, view: GalleryView) -> None:
    rows = hands.window.panels.currentWidget().rows  # type: ignore[attr-defined]
    assert (rows.value("number"), rows.value("rating")) == ("#24", "–")
    hands.key(K.Key_4)
    hands.key(K.Key_Right, SHIFT)
    assert (rows.value("number"), rows.value("rating"), rows.value("size")) == ("various", "various", "16 × 16")
    hands.key(K.Key_5)
    assert rows.value("rating") == "★★★★★"
    hands.key(K.Key_A, CTRL)
    assert len(hands.actions.state.selected) == 24 and rows.value("why") == "at random"
    hands.window.commands["select_all"].trigger()
    hands.key(K.Key_Home)
    assert hands.actions.state.selected == (24,) and rows.value("number") == "#24"


def test_a_project_that_cannot_be_read_while_painting_is_said_once(hands: Hands, view: GalleryView) -> None:
    hands.key(K.Key_I)  # no side panel, which reads too
    said: list[str] = []
    hands.actions.reader.failed.connect(said.append)
    click(view, 5)
    change = hands.project.rate([ids(hands)[5]], "stars", 4)
    with closing(sqlite3.connect(hands.project.folder / "project.sqlite")) as other, other:
        other.execute("ALTER TABLE states RENAME TO taken_away")
    hands.actions.gallery.apply(change)  # what was known of the image is read again
    for _ in range(3):
        view.grid.viewport().repaint()
        view.grid.grab()
    hands.qtbot.waitUntil(lambda: bool(said))
    assert len(said) == 1 and hands.window.status.message.full_text() == said[0]
    with closing(sqlite3.connect(hands.project.folder / "project.sqlite")) as other, other:
        other.execute("ALTER TABLE taken_away RENAME TO states")
    hands.key(K.Key_G)
    hands.key(K.Key_1, CTRL)  # listed again, and with its stars
    cell = hands.actions.gallery.cell(5)
    assert cell is not None and cell.stars == 4


@pytest.mark.parametrize("table", ["states", "guesses"])
def test_views_that_cannot_read_the_project_come_on_show_all_the_same(hands: Hands, view: GalleryView, table: str) -> None:
    for key in hands.window.entry_keys():
        hands.window.show_view(key)
    said: list[object] = []
    hands.actions.reader.failed.connect(said.append)
    with closing(sqlite3.connect(hands.project.folder / "project.sqlite")) as other, other:
        other.execute(f"ALTER TABLE {table} RENAME TO taken_away")
    for key in hands.window.entry_keys():
        hands.window.show_view(key)
        hands.key(K.Key_Right)
        QApplication.processEvents()
        hands.window.grab()
    assert len(said) == 1 and hands.window.status.message.full_text() == said[0]
