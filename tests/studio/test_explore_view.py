"""Exploring by hand, and what the Taste view says, on a stand-in worker."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu
from window_support import Hands

from studio.model.explore import CENTRE
from studio.project.search import Query
from studio.ui.explore_view import ExplorePanel, ExploreView, explore_of
from studio.ui.image_facts import ImageFacts
from studio.ui.taste_panel import TastePanel
from studio.ui.taste_view import TasteView
from studio.worker import messages as m

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def exploring(hands: Hands) -> ExploreView:
    hands.key(K.Key_5, CTRL)
    view = hands.window.page("explore")
    assert isinstance(view, ExploreView)
    settled(hands, view)
    return view


def settled(hands: Hands, view: ExploreView) -> None:
    hands.qtbot.waitUntil(lambda: not view.explore.drawing and view.explore.grid.cells[0].pixels is not None)


def asked(hands: Hands) -> m.Explore:
    return hands.worker.named("explore")[-1][1]


def panel_of(hands: Hands) -> ExplorePanel:
    panel = hands.window.panels.currentWidget()
    assert isinstance(panel, ExplorePanel)
    return panel


def test_it_begins_at_the_selected_image_with_its_neighbours_around(hands: Hands) -> None:
    hands.click(3)
    image = hands.actions.grid.cells[3].image
    view = exploring(hands)
    assert asked(hands).start == hands.project.images([image])[0].latent
    assert asked(hands).count == 8
    assert view.grid.current_row() == CENTRE
    assert hands.window.focusWidget() is view.grid
    assert len(view.explore.grid.cells) == 9


def test_no_key_labels_tags_or_saves_an_image_selected_elsewhere(hands: Hands) -> None:
    hands.click(3)
    image = hands.actions.grid.cells[3].image
    exploring(hands)
    hands.key(K.Key_7)
    for key in (K.Key_K, K.Key_M, K.Key_S):  # these raised, or opened a dialog
        hands.key(key, CTRL)
    assert hands.project.state([image])[image].label == 0
    for key in ("label1", "tags", "note", "title", "save"):
        assert not hands.window.commands[key].isEnabled()


def test_more_like_this_from_the_grid(hands: Hands) -> None:
    hands.click(7)
    hands.key(K.Key_M)
    assert hands.window.view == "explore"
    assert asked(hands).start == hands.project.images([hands.actions.grid.cells[7].image])[0].latent


def test_enter_and_double_click_go_there_and_backspace_returns(hands: Hands) -> None:
    view = exploring(hands)
    first = asked(hands)
    there = view.explore._latents[0]
    view.grid.set_current_row(0)
    hands.key(K.Key_Return)
    settled(hands, view)
    assert asked(hands).start == there
    assert view.grid.current_row() == CENTRE
    place = view.grid.visualRect(view.explore.grid.index(8)).center()
    QTest.mouseDClick(view.grid.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    settled(hands, view)
    assert asked(hands).start != there
    hands.key(K.Key_Backspace)
    hands.key(K.Key_Backspace)
    settled(hands, view)
    assert asked(hands).start == first.start


def test_a_seed_is_typed(hands: Hands) -> None:
    view = exploring(hands)
    hands.key(K.Key_G, CTRL)
    assert hands.window.focusWidget() is view.seed
    QTest.keyClicks(view.seed, "1234x")
    QTest.keyClick(view.seed, K.Key_Return)
    settled(hands, view)
    assert (asked(hands).start, asked(hands).seed) == (None, 1234)
    assert hands.window.focusWidget() is view.grid


def test_what_is_rated_enters_the_project_and_nothing_else_does(hands: Hands) -> None:
    view = exploring(hands)
    before = hands.project.counts()
    view.grid.set_current_row(2)
    hands.key(K.Key_5)
    after = hands.project.counts()
    assert (after.shown - before.shown, after.rated - before.rated) == (1, 1)
    cell = view.explore.grid.cells[2]
    assert (cell.stars, hands.project.state([cell.image])[cell.image].stars) == (5, 5)
    assert hands.project.images([cell.image])[0].kind == "explore"
    assert hands.project.image_file(cell.image).is_file()
    assert hands.worker.named("know") == [("know", (cell.image,))]
    assert [event.image for event in hands.worker.named("feedback")[-1][1]] == [cell.image]
    hands.key(K.Key_Z, CTRL)
    assert view.explore.grid.cells[2].stars == 0
    hands.key(K.Key_P)
    assert hands.project.counts().shown == after.shown
    assert view.explore.grid.cells[2].flag == "like"
    assert cell.image in hands.project.find(Query(flag="like"))


def test_sliders_move_the_image_at_once_and_its_neighbours_when_they_rest(hands: Hands) -> None:
    view, panel = exploring(hands), panel_of(hands)
    assert [one.slider.accessibleName() for one in panel.directions] == [
        "cooler – warmer",
        "darker – brighter",
    ]
    neighbour = view.explore.grid.cells[0]
    slider = panel.directions[1].slider
    slider.setFocus()
    QTest.keyClick(slider, K.Key_PageUp)
    assert asked(hands).amounts == (0.0, 1.0)
    assert asked(hands).count == 0
    settled(hands, view)
    assert view.explore.grid.cells[0] == neighbour
    hands.qtbot.waitUntil(lambda: asked(hands).count == 8)
    settled(hands, view)
    hands.press(panel.directions[0].lock)
    panel.truncation.slider.setValue(60)
    hands.qtbot.waitUntil(lambda: asked(hands).count == 8 and asked(hands).truncation == 0.6)
    assert asked(hands).locked == (0,)
    assert asked(hands).amounts == (0.0, 1.0)
    hands.key(K.Key_Return) if hands.window.focusWidget() is view.grid else view.go()
    assert slider.value() == 0  # a new place begins in the middle


@pytest.mark.qt_log_ignore("does not support", extend=True)  # popups, on the offscreen platform
def test_blending_shows_the_way_to_a_favourite(hands: Hands) -> None:
    view = exploring(hands)
    assert view.explore.favourites() == []
    hands.actions.rate("stars", 5, 4)
    liked = hands.actions.grid.cells[4].image
    view.grid.setFocus()
    hands.key(K.Key_B)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [entry.text() for entry in menu.actions()] == [f"Image {liked}"]
    menu.actions()[0].trigger()
    menu.close()
    settled(hands, view)
    assert asked(hands).other == hands.project.images([liked])[0].latent
    assert str(liked) in view.said.full_text()
    hands.press(view.others)
    assert asked(hands).other is None
    assert asked(hands).variation == 1


def test_there_is_one_explore_for_view_and_panel(hands: Hands) -> None:
    view, panel = exploring(hands), panel_of(hands)
    assert view.explore is panel.explore is explore_of(hands.actions)


def test_taste_asks_only_while_it_is_looked_at(hands: Hands) -> None:
    hands.rate_enough()
    hands.worker.taste.emit(m.Taste(20, 0.71, 12, False))
    assert hands.worker.named("explain") == []
    hands.key(K.Key_4, CTRL)
    view = hands.window.page("taste")
    assert isinstance(view, TasteView)
    assert len(hands.worker.named("explain")) == 1
    assert view.words.sentence == "warmer, softer, more sky"
    assert view.page.isVisible()
    assert not view.empty.isVisible()
    assert len(view.best.strip.images) == 6
    assert "4.6" in view.best.stars.text()
    assert "71 %" in view.curve.value.text()
    hands.worker.taste.emit(m.Taste(21, 0.72, 13, False))
    hands.qtbot.waitUntil(lambda: len(hands.worker.named("explain")) == 2)
    hands.key(K.Key_G)
    hands.worker.taste.emit(m.Taste(22, 0.73, 14, False))
    hands.qtbot.wait(50)
    assert len(hands.worker.named("explain")) == 2


def test_taste_says_what_teaching_leaves_out(hands: Hands) -> None:
    hands.rate_enough()
    hands.worker.taste.emit(m.Taste(20, 0.71, 12, False))
    hands.key(K.Key_4, CTRL)
    view = hands.window.page("taste")
    assert isinstance(view, TasteView)
    assert not view.dropped.isVisible() and not view.left_out.isVisible()
    hands.worker.kept = (0.312, 0.74)
    hands.worker.taste.emit(m.Taste(21, 0.72, 13, False))
    hands.qtbot.waitUntil(lambda: view.dropped.isVisibleTo(view))
    assert view.dropped.stars.text() == "still draws 74 % of what you like, 31 % of all"
    assert [len(end.strip.images) for end in (view.best, view.worst, view.dropped)] == [6, 6, 3]
    hands.window.resize(820, 600)
    QApplication.processEvents()
    assert view.dropped.mapTo(view, view.dropped.rect().bottomRight()).x() < view.width()  # nothing is cut off at the right


def test_taste_shows_the_images_at_once_and_says_what_it_still_works_out(hands: Hands) -> None:
    hands.rate_enough()
    hands.worker.kept, hands.worker.pending = (0.312, 0.74), ("words", "kept")
    hands.worker.taste.emit(m.Taste(20, 0.71, 12, False))
    hands.key(K.Key_4, CTRL)
    view = hands.window.page("taste")
    assert isinstance(view, TasteView)
    assert view.page.isVisible() and len(view.best.strip.images) == 6
    assert [note.text() for note in view.words.findChildren(QLabel)][-1].startswith("Looking for words")
    assert view.measuring.isVisibleTo(view) and not view.dropped.isVisibleTo(view)
    hands.worker.pending = ()
    hands.worker.explain()
    assert view.words.sentence == "warmer, softer, more sky"
    assert view.dropped.isVisibleTo(view) and not view.measuring.isVisibleTo(view)


def test_taste_without_ratings_says_what_to_do(hands: Hands) -> None:
    hands.key(K.Key_4, CTRL)
    view = hands.window.page("taste")
    assert isinstance(view, TasteView)
    assert view.empty.isVisible() and view.empty.text().startswith("Nothing learnt yet")
    hands.rate_enough()
    assert view.empty.text() == "Looking at what it has learnt…", "it is being asked"
    assert hands.worker.named("explain") == []


def test_presets_and_sliders_of_the_reward_are_one_and_reach_the_next_round(hands: Hands) -> None:
    hands.key(K.Key_4, CTRL)
    panel = hands.window.panels.currentWidget()
    assert isinstance(panel, TastePanel)
    assert panel.presets["balanced"].isChecked()
    hands.press(panel.presets["bold"])
    assert panel.dials["taste"].slider.value() == 150
    assert panel.presets["bold"].isChecked()
    assert not panel.presets["balanced"].isChecked()
    panel.dials["typicality"].slider.setValue(20)
    assert not panel.presets["bold"].isChecked()
    hands.rate_enough()
    hands.actions.teach()
    settings = hands.worker.named("teach")[-1][2]
    assert settings.weights == {"taste": 1.5, "realism": 0.6, "typicality": 0.2, "novelty": 1.0}


def test_the_seed_is_shown_only_while_its_image_is(hands: Hands) -> None:
    view = exploring(hands)
    hands.key(K.Key_G, CTRL)
    QTest.keyClicks(view.seed, "123")
    QTest.keyClick(view.seed, K.Key_Return)
    settled(hands, view)
    assert view.seed.text() == "123"
    view.grid.set_current_row(0)
    hands.key(K.Key_Return)
    settled(hands, view)
    assert view.seed.text() == ""
    hands.key(K.Key_Backspace)
    settled(hands, view)
    assert view.seed.text() == "123"


def test_opened_before_the_generator_is_loaded_it_catches_up(open_studio: Callable[[], Hands]) -> None:
    hands = open_studio()
    hands.key(K.Key_5, CTRL)
    view = hands.window.page("explore")
    assert isinstance(view, ExploreView) and not hands.worker.named("explore")
    hands.worker.be_ready()
    settled(hands, view)
    assert len(hands.worker.named("explore")) == 1 and hands.window.focusWidget() is view.grid


def test_what_a_crashed_worker_has_not_drawn_is_asked_for_again(hands: Hands) -> None:
    view = exploring(hands)
    view.explore.drawing = True  # asked for; the worker ends before it answers
    hands.worker.restarted.emit("The worker crashed and was started again.")
    count = len(hands.worker.named("explore"))
    hands.worker.be_ready()
    settled(hands, view)
    assert len(hands.worker.named("explore")) == count + 1


def test_an_image_taken_from_here_says_so_elsewhere(hands: Hands) -> None:
    exploring(hands)
    hands.key(K.Key_5)
    hands.key(K.Key_1, CTRL)
    panel = hands.window.panels.currentWidget()
    assert isinstance(panel, ImageFacts)
    assert panel.rows.value("why") == "found in Explore"
