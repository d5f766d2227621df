"""Duels and surveys, by mouse and keyboard, and how their images are chosen."""

import random
from collections import Counter

import pytest
import shiboken6
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QCursor, QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidgetItem
from window_support import Hands

from studio.model.choosing import pick_pair
from studio.project.opinions import Duel, Retracted, Survey
from studio.ui.duel_view import DuelView
from studio.ui.survey_view import SurveyView

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def duel_view(hands: Hands) -> DuelView:
    found = hands.window.page("duel")
    assert isinstance(found, DuelView)
    return found


def survey_view(hands: Hands) -> SurveyView:
    found = hands.window.page("survey")
    assert isinstance(found, SurveyView)
    return found


def last(hands: Hands) -> Duel | Survey:
    return hands.project.choices()[-1]


def test_arrows_decide_a_duel_and_the_sides_are_written_down(hands: Hands) -> None:
    hands.key(K.Key_D)
    assert duel_view(hands).hasFocus()
    sides = Counter()
    for key, side in ((K.Key_Left, 0), (K.Key_Right, 1)) * 4:
        shown = hands.actions.duels.sides()
        hands.key(key)
        duel = last(hands)
        assert isinstance(duel, Duel)
        winner = {"a": duel.a, "b": duel.b}[duel.outcome]
        assert winner == shown[side]
        assert shown[0] == {"a": duel.a, "b": duel.b}[duel.left]
        sides[duel.left] += 1
    assert len(hands.project.choices()) == 8
    assert "8 answered now · 8 in this project" in duel_view(hands).header.progress.full_text()
    assert len(hands.worker.named("feedback")) == 8
    images = [image for duel in hands.project.choices() for image in duel.images]
    assert len(set(images)) == 16  # nobody is asked about the same image twice while there are others


def test_ties_and_skips(hands: Hands) -> None:
    hands.key(K.Key_D)
    hands.key(K.Key_Down)
    assert last(hands).outcome == "tie"
    hands.key(K.Key_S)
    assert last(hands).outcome == "skip"


def test_a_click_on_an_image_and_on_a_button(hands: Hands) -> None:
    hands.key(K.Key_D)
    right = hands.actions.duels.sides()[1]
    QTest.mouseClick(duel_view(hands).panes["right"], Qt.MouseButton.LeftButton)
    duel = last(hands)
    assert {"a": duel.a, "b": duel.b}[duel.outcome] == right
    hands.press(duel_view(hands).buttons["tie"])
    assert last(hands).outcome == "tie"
    assert duel_view(hands).hasFocus()


def test_the_buttons_name_the_keys_that_a_person_chose(hands: Hands) -> None:
    hands.key(K.Key_D)
    buttons = duel_view(hands).buttons
    assert [buttons[side].text() for side in ("left", "tie", "skip", "right")] == [
        "← Left is better",
        "↓ As good",
        "Skip S",
        "Right is better →",
    ]
    commands = hands.window.commands
    commands["duel.left"].setShortcut("A")
    commands["duel.skip"].setShortcuts([])
    assert (buttons["left"].text(), buttons["skip"].text()) == ("A Left is better", "Skip")
    assert buttons["left"].accessibleName() == "Left is better"


def test_an_undone_duel_is_asked_again(hands: Hands) -> None:
    hands.key(K.Key_D)
    first, sides = hands.actions.duels.shown, hands.actions.duels.sides()
    hands.key(K.Key_Left)
    assert hands.actions.duels.shown != first
    hands.key(K.Key_Z, CTRL)
    assert (hands.actions.duels.shown, hands.actions.duels.sides()) == (first, sides)
    assert hands.project.choices() == () and hands.actions.duels.done == 0
    assert isinstance(hands.worker.named("feedback")[-1][1][0], Retracted)
    hands.key(K.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert len(hands.project.choices()) == 1 and hands.actions.duels.shown != first


def test_new_images_come_when_the_grid_is_used_up(hands: Hands) -> None:
    hands.key(K.Key_D)
    for _ in range(12):
        hands.key(K.Key_Left)
    assert hands.worker.grids == 2 and duel_view(hands).hint.isVisible()
    hands.drawn()
    hands.qtbot.waitUntil(lambda: bool(hands.actions.duels.shown))
    assert min(hands.actions.duels.shown) > 24
    assert duel_view(hands).panes["left"].isVisible()


def test_images_seen_before(hands: Hands) -> None:
    hands.key(K.Key_D)
    header = duel_view(hands).header
    hands.press(header.sources["seen"])
    for _ in range(30):
        hands.key(K.Key_Right)
    assert hands.worker.grids == 1
    pairs = {frozenset(duel.images) for duel in hands.project.choices()}
    assert len(pairs) == 30


@pytest.mark.parametrize("source", ["new", "seen"])
def test_without_images_it_says_what_comes(open_studio: object, source: str) -> None:
    hands = open_studio()  # type: ignore[operator]
    hands.key(K.Key_D)
    hands.actions.duels.take_from(source)
    duel_view(hands)._show()
    assert duel_view(hands).hint.isVisible() and duel_view(hands).hint.text()
    assert not any(made.isEnabled() for made in duel_view(hands).buttons.values())
    hands.key(K.Key_Left)
    assert hands.project.log() == ()


def test_the_zoom_is_shared(hands: Hands) -> None:
    hands.key(K.Key_D)
    hands.key(K.Key_Plus, CTRL)
    panes = duel_view(hands).panes
    assert panes["left"].scale() == panes["right"].scale() == duel_view(hands).loupe.zoom
    hands.key(K.Key_0, CTRL)
    assert duel_view(hands).loupe.zoom is None


def test_a_double_click_answers_once_and_leaves_the_zoom(hands: Hands) -> None:
    for key, view in ((K.Key_D, duel_view(hands)), (K.Key_N, survey_view(hands))):
        hands.key(key)
        pane = view.panes["left"] if isinstance(view, DuelView) else view.panes[0]
        before = len(hands.project.choices())
        QTest.mouseClick(pane, Qt.MouseButton.LeftButton)
        QTest.mouseDClick(pane, Qt.MouseButton.LeftButton)
        assert view.loupe.zoom is None
        assert len(hands.project.choices()) == before + 1


def test_no_wrapper_stays_of_the_items_that_are_replaced(hands: Hands) -> None:
    # Qt frees them, and PySide would return such a wrapper for the next widget at its address.
    panes = {*survey_view(hands).panes, *hands.window.page("loupe").panes}
    items = [wrapper for wrapper in shiboken6.getAllValidWrappers() if isinstance(wrapper, QWidgetItem)]
    assert not {item.widget() for item in items} & panes


def test_numbers_arrows_and_clicks_choose_the_best(hands: Hands) -> None:
    hands.key(K.Key_N)
    shown = hands.actions.surveys.shown
    assert len(shown) == 6
    hands.key(K.Key_3)
    assert (last(hands).best, set(last(hands).others)) == (shown[2], set(shown) - {shown[2]})
    shown = hands.actions.surveys.shown
    hands.key(K.Key_Right)
    hands.key(K.Key_Down)
    hands.key(K.Key_Return)
    rows = {pane.y() for pane in survey_view(hands).panes[:6]}
    assert last(hands).best == shown[1 + 6 // len(rows)]
    shown = hands.actions.surveys.shown
    QTest.mouseClick(survey_view(hands).panes[5], Qt.MouseButton.LeftButton)
    assert last(hands).best == shown[5]
    assert hands.stars(2) == 0  # digits are not stars here
    assert hands.actions.surveys.done == 3


def test_the_images_of_a_survey_stand_together_and_show_what_a_click_would_choose(hands: Hands) -> None:
    hands.key(K.Key_N)
    hands.drawn()
    panes = survey_view(hands).panes

    def gap() -> float:
        left, right = (pane.geometry().left() + pane.target().left() for pane in panes[:2])
        return right - left - panes[0].target().width()

    hands.qtbot.waitUntil(lambda: 0 < gap() < 40)  # in a wide view, too
    QCursor.setPos(panes[0].mapToGlobal(panes[0].rect().center()))
    before = panes[1].grab().toImage()
    QApplication.sendEvent(panes[1], QEnterEvent(QPointF(9, 9), QPointF(9, 9), QPointF(9, 9)))
    panes[1].setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    assert panes[1].grab().toImage() == before, "it was under the pointer only before it was laid out"
    QCursor.setPos(panes[1].mapToGlobal(panes[1].rect().center()))
    panes[1].setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    assert panes[1].grab().toImage() != before


def test_a_survey_is_skipped_undone_and_resized(hands: Hands) -> None:
    hands.key(K.Key_N)
    first = hands.actions.surveys.shown
    hands.key(K.Key_S)
    assert not set(first) & set(hands.actions.surveys.shown) and hands.project.choices() == ()
    second = hands.actions.surveys.shown
    hands.key(K.Key_S)
    hands.key(K.Key_Z, CTRL)
    assert hands.actions.surveys.shown == second
    hands.key(K.Key_Z, CTRL)
    assert hands.actions.surveys.shown == first
    hands.key(K.Key_S)
    second = hands.actions.surveys.shown
    hands.key(K.Key_1)
    hands.key(K.Key_Z, CTRL)  # takes back the answer, not the skip before it
    assert hands.actions.surveys.shown == second and hands.project.choices() == ()
    hands.key(K.Key_S)
    hands.actions.rate_images([1], "stars", 4)  # done after the skip, so it is taken back before
    hands.key(K.Key_Z, CTRL)
    assert hands.stars(0) == 0
    hands.press(survey_view(hands).sizes[9])
    assert len(hands.actions.surveys.shown) == 9
    assert sum(pane.isVisible() for pane in survey_view(hands).panes) == 9
    hands.key(K.Key_9)
    assert len(last(hands).others) == 8


def test_a_match_that_is_not_decided_beforehand() -> None:
    stars = {1: 1.0, 2: 4.9, 3: 1.2, 4: 4.8}
    for seed in range(20):
        pair = pick_pair(list(stars), Counter(), set(), stars.get, random.Random(seed))
        assert pair is not None and abs(stars[pair[0]] - stars[pair[1]]) < 0.5
    met = {frozenset((1, 3)), frozenset((1, 2)), frozenset((1, 4))}
    assert pick_pair([1, 2], Counter(), met, stars.get, random.Random(0)) is None
    assert pick_pair([1], Counter(), set(), stars.get, random.Random(0)) is None
    pair = pick_pair([1, 2, 3, 4], Counter({1: 5, 3: 5}), met, stars.get, random.Random(0))
    assert pair is not None and set(pair) == {2, 4}
