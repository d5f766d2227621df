"""Suggesting titles: the sheet under a person's hands, the field beside the image, the worker's part, and all of it on the real worker."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from backend_support import Heard, small_bundle
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from window_support import Hands

import gan
from gan.errors import UserError
from gan.session import TuningSession
from gan.titles import vocabulary
from studio import i18n
from studio.model.grid_model import describe
from studio.project.records import TitleRating
from studio.project.store import Project
from studio.ui.image_commands import context_menu
from studio.ui.title_field import TitleField, TitleLine
from studio.ui.title_sheet import TitleSheet
from studio.ui.window import StudioWindow
from studio.worker import messages as m
from studio.worker.titling import Titling

K = Qt.Key
SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
FIRST = ("Misty Valley", "Quiet Sea", "Golden Dunes", "Old Road", "Blue Hour")
SECOND = ("Calm Lake", "Pale Moor")


@pytest.fixture
def hands(open_studio: Callable[[], Hands]) -> Hands:
    """A window with a grid, the first image selected."""
    opened = open_studio()
    opened.first_grid()
    opened.click(0)
    return opened


@pytest.fixture
def asked(hands: Hands, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, tuple[str, ...], str]]:
    """What was asked of the worker: image, titles to avoid, language. The answer is left to the test."""
    requests: list[tuple[int, tuple[str, ...], str]] = []

    def suggest(image: int, avoid: tuple[str, ...] = (), language: str = "en") -> int:
        requests.append((image, tuple(avoid), language))
        return len(requests)

    monkeypatch.setattr(hands.worker, "suggest_titles", suggest)
    return requests


def sheet_of(hands: Hands) -> TitleSheet:
    found = [sheet for sheet in hands.window.findChildren(TitleSheet) if sheet.isVisible()]
    assert len(found) == 1
    return found[0]


def open_sheet(hands: Hands, asked: list, titles: tuple[str, ...] = FIRST) -> TitleSheet:
    hands.key(K.Key_T, SHIFT)
    sheet = sheet_of(hands)
    sheet.activateWindow()
    hands.qtbot.waitUntil(lambda: QApplication.activeWindow() is sheet)
    hands.worker.titled.emit(m.TitlesSuggested(len(asked), sheet.suggestions.image, titles, 0))
    return sheet


def star(sheet: TitleSheet, row: int, stars: int) -> None:
    part = sheet.rows[row].stars
    QTest.mouseClick(
        part, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, part.star_place(stars).toPoint()
    )


def back(hands: Hands) -> None:
    """The window gets the keys again, as a window manager gives them when a sheet is closed."""
    with hands.qtbot.waitActive(hands.window):
        hands.window.activateWindow()


def title_of(hands: Hands, image: int) -> str:
    return hands.project.state([image])[image].title


# -- the sheet -------------------------------------------------------------------------------------------------------


def test_the_sheet_follows_the_keys_that_a_person_chose(hands: Hands, asked: list) -> None:
    sheet = open_sheet(hands, asked)
    assert sheet.others.toolTip() == "Suggest others, learning from your stars (Shift+T)"
    sheet.reject()
    back(hands)
    assert hands.window.commands.remap("title", ["Ctrl+F6"]) == []
    hands.key(K.Key_F6, CTRL)
    sheet = sheet_of(hands)
    assert sheet.others.toolTip().endswith("(Ctrl+F6)")
    hands.worker.titled.emit(m.TitlesSuggested(len(asked), sheet.suggestions.image, FIRST, 0))
    sheet.activateWindow()
    hands.qtbot.waitUntil(lambda: QApplication.activeWindow() is sheet)
    before = len(asked)
    for key in (K.Key_V, K.Key_T):
        hands.key(key, SHIFT)
    assert len(asked) == before
    hands.key(K.Key_F6, CTRL)
    assert len(asked) == before + 1


def test_titles_are_starred_others_asked_for_and_one_is_taken(hands: Hands, asked: list) -> None:
    sheet = open_sheet(hands, asked)
    image = sheet.suggestions.image
    assert asked == [(image, (), "en")]
    assert [row.title.text() for row in sheet.rows] == list(FIRST)
    star(sheet, 1, 4)
    star(sheet, 2, 2)
    star(sheet, 2, 2)  # the same again clears
    assert hands.project.title_ratings() == (TitleRating(image, "Quiet Sea", 4),)
    assert (
        "4 of 5" in sheet.rows[1].stars.accessibleName()
        and "no stars" in sheet.rows[2].stars.accessibleName()
    )
    hands.press(sheet.others)
    assert asked[-1] == (image, FIRST, "en") and "Looking" in sheet.said.text()
    hands.worker.titled.emit(m.TitlesSuggested(1, image, ("of an", "earlier question"), 0))
    assert sheet.rows[0].title.text() == FIRST[0]
    hands.worker.titled.emit(m.TitlesSuggested(2, image, SECOND, 6))
    assert [row.title.isVisible() for row in sheet.rows] == [True, True, False, False, False]
    assert "6" in sheet.said.text()
    hands.press(sheet.rows[1].title)
    assert title_of(hands, image) == "Pale Moor"
    hands.qtbot.waitUntil(lambda: not hands.window.findChildren(TitleSheet))
    back(hands)
    hands.key(K.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert title_of(hands, image) == ""


def test_the_keyboard_alone_rates_moves_asks_and_takes(hands: Hands, asked: list) -> None:
    sheet = open_sheet(hands, asked)
    image = sheet.suggestions.image
    assert sheet.focusWidget() is sheet.rows[0].title
    hands.key(K.Key_Down)
    hands.key(K.Key_Down)
    hands.key(K.Key_Up)
    hands.key(K.Key_5)
    assert hands.project.title_stars(image) == {"Quiet Sea": 5}
    hands.key(K.Key_Tab)
    hands.key(K.Key_Left)
    assert hands.project.title_stars(image) == {"Quiet Sea": 4}
    hands.key(K.Key_0)
    assert hands.project.title_stars(image) == {}
    hands.key(K.Key_T, SHIFT)
    assert asked[-1] == (image, FIRST, "en")
    hands.worker.titled.emit(m.TitlesSuggested(2, image, SECOND, 0))
    hands.key(K.Key_Up)
    assert sheet.focusWidget() is sheet.rows[0].title
    hands.key(K.Key_Return)
    assert title_of(hands, image) == "Calm Lake"


def test_a_title_of_ones_own_is_kept_and_shown_again(hands: Hands, asked: list) -> None:
    sheet = open_sheet(hands, asked)
    image = sheet.suggestions.image
    sheet.field.setFocus()
    QTest.keyClicks(sheet.field, "Vera 5")  # V and 5 are letters here
    assert len(asked) == 1 and hands.project.title_ratings() == ()
    hands.key(K.Key_Return)
    assert title_of(hands, image) == "Vera 5"
    back(hands)
    assert open_sheet(hands, asked).field.text() == "Vera 5"
    hands.key(K.Key_Escape)
    assert title_of(hands, image) == "Vera 5"


def test_nothing_left_a_failure_and_a_restart_are_said(hands: Hands, asked: list) -> None:
    sheet = open_sheet(hands, asked)
    hands.press(sheet.others)
    hands.worker.failed.emit("SuggestTitles", "No generator is loaded.", "")
    assert sheet.said.text() == "No generator is loaded." and not sheet.suggestions.waiting
    hands.press(sheet.others)
    hands.worker.restarted.emit("The worker crashed (x) and was started again. Your ratings are safe.")
    assert not sheet.suggestions.waiting and sheet.rows[0].title.text() == FIRST[0]
    hands.worker.be_ready()
    hands.press(sheet.others)
    hands.worker.titled.emit(m.TitlesSuggested(len(asked), sheet.suggestions.image, (), 0))
    assert "no other titles" in sheet.said.text() and not sheet.others.isEnabled()
    sheet.reject()


def test_without_an_image_or_while_loading_nothing_is_asked(
    open_studio: Callable[[], Hands], monkeypatch: pytest.MonkeyPatch
) -> None:
    hands = open_studio()
    hands.window.commands.refresh()
    assert not hands.window.commands["title"].isEnabled()
    hands.first_grid()
    hands.click(2)
    hands.actions.state.loaded = False
    asked: list[int] = []
    monkeypatch.setattr(hands.worker, "suggest_titles", lambda image, *_: asked.append(image) or 1)
    hands.window.commands["title"].trigger()
    sheet = sheet_of(hands)
    assert asked == [] and "loading" in sheet.said.text()
    hands.actions.state.loaded = True
    assert asked == [sheet.suggestions.image]
    sheet.reject()


def test_it_is_in_the_menus_of_images(hands: Hands) -> None:
    menu = context_menu(hands.window)
    assert hands.window.commands["title"] in menu.actions()
    menu.close()
    for view in ("rate", "loupe", "gallery"):
        hands.window.show_view(view)
        assert hands.window.commands["title"].isEnabled(), view
    hands.window.show_view("duel")
    assert not hands.window.commands["title"].isEnabled()
    assert isinstance(hands.window.commands["title"], QAction)


# -- beside the image ------------------------------------------------------------------------------------------------


def test_the_field_beside_the_image_shows_and_keeps_the_title(hands: Hands) -> None:
    hands.click(0)
    field = next(f for f in hands.window.panels.findChildren(TitleField) if f.isVisible())
    field.setFocus()
    QTest.keyClicks(field, "First  Light")
    hands.key(K.Key_Return)
    image = hands.actions.grid.cells[0].image
    assert title_of(hands, image) == "First Light"
    QTest.keyClicks(field, "!")
    hands.click(1)  # leaving keeps it, for the image that it was written for
    assert title_of(hands, image) == "First Light!" and field.text() == ""
    hands.click(0)
    assert field.text() == "First Light!"
    hands.actions.undo()
    assert field.text() == "First Light"


def test_the_button_beside_the_field_opens_the_sheet(hands: Hands, asked: list) -> None:
    line = next(f for f in hands.window.panels.findChildren(TitleLine) if f.isVisible())
    hands.press(line.suggest)
    image = sheet_of(hands).suggestions.image
    assert (image, asked) == (hands.actions.grid.cells[0].image, [(image, (), "en")])
    sheet_of(hands).reject()
    hands.actions.select_images(())
    assert not line.suggest.isEnabled()


def test_titles_are_shown_where_images_are(hands: Hands) -> None:
    image = hands.actions.grid.cells[0].image
    hands.actions.mark("title", text="Misty Valley", images=(image,))
    assert hands.actions.grid.index(0).data(Qt.ItemDataRole.ToolTipRole) == "Misty Valley"
    assert hands.actions.grid.index(1).data(Qt.ItemDataRole.ToolTipRole) is None
    assert "Misty Valley" in describe(0, hands.actions.grid.cells[0])
    gallery = hands.actions.gallery
    gallery.show_again()
    row = gallery.row_of(image)
    assert gallery.index(row).data(Qt.ItemDataRole.ToolTipRole) == "Misty Valley"
    hands.click(0)
    hands.key(K.Key_E)
    pane = hands.window.page("loupe").panes[0]  # type: ignore[attr-defined]
    assert "Misty Valley" in pane.accessibleName()


# -- the worker ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> TuningSession:
    return TuningSession(gan.load(str(small_bundle(tmp_path_factory.mktemp("bundle"))), "cpu"), "cpu")


def test_titling_learns_from_what_stands_and_avoids_what_was_seen(session: TuningSession) -> None:
    titling, random = Titling(session), np.random.default_rng(0)
    latents = {i: random.standard_normal(session.model.z_dim).astype(np.float32) for i in range(4)}
    first = titling.suggest(m.SuggestTitles(1, 0), latents)
    assert (first.request, first.image, len(first.titles), first.learnt_from) == (1, 0, 5, 0)
    assert all(vocabulary().read(text) for text in first.titles)
    rated = tuple(TitleRating(i, text, 1 + n) for i in range(4) for n, text in enumerate(first.titles))
    strange = (TitleRating(0, "My dog Rex", 5), TitleRating(99, first.titles[0], 5))
    again = titling.suggest(m.SuggestTitles(2, 0, (*rated, *strange), first.titles, "zh_CN"), latents)
    assert again.learnt_from == len(rated)
    read = [vocabulary().read(text) for text in again.titles]
    assert None not in read and not set(read) & {vocabulary().read(text) for text in first.titles}
    assert all(text.isascii() is False for text in again.titles)
    undone = titling.suggest(m.SuggestTitles(3, 1, (), (), "tlh"), latents)
    assert undone.learnt_from == 0 and undone.titles[0].isascii()
    with pytest.raises(UserError, match="not known"):
        titling.suggest(m.SuggestTitles(4, 12), latents)


@pytest.fixture
def window(show: Callable[[Project], StudioWindow], home: Path) -> Iterator[StudioWindow]:
    """The studio on a new project with a small generator, in Chinese."""
    i18n.load("zh_CN")
    yield show(Project(home / "p", model=str(small_bundle(home / "bundle")), seed=3))
    i18n.load("en")


@pytest.mark.timeout(300)
def test_the_real_worker_suggests_learns_and_goes_on(qtbot: QtBot, window: StudioWindow) -> None:
    actions, heard = window.actions_, Heard(window.actions_.worker)
    qtbot.waitUntil(
        lambda: actions.state.loaded and all(cell.pixels is not None for cell in actions.grid.cells),
        timeout=120_000,
    )
    actions.select(0)
    QTest.keyClick(QApplication.focusWidget() or window, K.Key_T, SHIFT)
    sheet = next(sheet for sheet in window.findChildren(TitleSheet) if sheet.isVisible())
    qtbot.waitUntil(lambda: len(sheet.suggestions.titles) == 5, timeout=120_000)
    first = sheet.suggestions.titles
    assert all(vocabulary().read(text) is not None and not text.isascii() for text in first)
    for row in range(5):
        star(sheet, row, 1 + row)
    QTest.mouseClick(sheet.others, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    qtbot.waitUntil(lambda: sheet.suggestions.learnt_from == 5, timeout=120_000)
    assert not set(sheet.suggestions.titles) & set(first)
    QTest.mouseClick(sheet.rows[0].title, Qt.MouseButton.LeftButton)
    image = sheet.suggestions.image
    assert actions.project.state([image])[image].title == sheet.suggestions.titles[0]
    assert heard.of("failed") == [] and heard.of("restarted") == []
