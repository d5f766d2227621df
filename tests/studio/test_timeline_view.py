"""The Timeline, by mouse and keyboard: restore, compare, name, branch, delete, and their undoing."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from window_support import Hands

from studio.model.rounds import what_is_measured
from studio.ui.timeline_view import TimelineView

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def view(hands: Hands) -> TimelineView:
    """A timeline of two rounds, the second in use."""
    hands.rate_enough()
    for _ in range(2):
        hands.press(hands.window.top_bar.teach)
        hands.worker.finish()
        hands.drawn()
    hands.key(K.Key_3, CTRL)
    found = hands.window.page("timeline")
    assert isinstance(found, TimelineView)
    return found


def titles(view: TimelineView) -> list[str]:
    return [card.title.text() for card in view.cards]


def test_before_the_first_round_has_ended_the_timeline_says_what_it_waits_for(hands: Hands) -> None:
    hands.rate_enough()
    hands.key(K.Key_3, CTRL)
    view = hands.window.page("timeline")
    assert isinstance(view, TimelineView)
    assert view.hint.isVisible() and "No rounds yet" in view.hint.text() and not view.running.isVisible()
    hands.press(hands.window.top_bar.teach)
    hands.key(K.Key_3, CTRL)
    assert not view.hint.isVisible() and view.running.isVisible()
    hands.worker.finish()
    hands.drawn()
    assert not view.hint.isVisible() and not view.running.isVisible() and titles(view) == ["Round 1", "Untuned"]


def test_keys_choose_and_restore(hands: Hands, view: TimelineView) -> None:
    assert titles(view) == ["Round 2", "Round 1", "Untuned"] and view.hasFocus()
    assert view.chosen_card() is view.cards[0]
    hands.key(K.Key_Down)
    hands.key(K.Key_Return)
    hands.drawn()
    assert hands.actions.state.checkpoint.round == 1
    assert [card.restore.text() for card in view.cards] == ["Restore", "In use", "Restore"]
    hands.key(K.Key_End)
    hands.key(K.Key_Return)
    hands.drawn()
    assert hands.actions.state.checkpoint is None


def test_walking_through_the_timeline_makes_no_grid_until_one_is_looked_at(hands: Hands, view: TimelineView) -> None:
    made, shown = hands.worker.grids, hands.actions.state.counts.shown
    for _ in range(2):
        hands.key(K.Key_Down)
        hands.key(K.Key_Return)
    hands.key(K.Key_Z, CTRL)
    assert (hands.worker.grids, hands.actions.state.counts.shown) == (made, shown)
    hands.key(K.Key_G)
    hands.drawn()
    assert hands.worker.grids == made + 1
    hands.window.show_view("timeline")
    hands.key(K.Key_G)
    assert hands.worker.grids == made + 1
    hands.window.show_view("timeline")
    hands.key(K.Key_Down)
    hands.key(K.Key_Return)
    hands.key(K.Key_T)
    hands.key(K.Key_G)  # while the round runs none can be made
    hands.worker.finish(kept=False)
    assert hands.worker.grids == made + 2


def test_a_name_is_used_wherever_the_version_is_named(hands: Hands, view: TimelineView) -> None:
    newest = hands.actions.state.checkpoint
    hands.actions.rename_version(newest.id, "moody nights")
    assert hands.window.top_bar.chip.text() == "dreamscapes · moody nights"
    hands.actions.restore(newest.parent)
    hands.actions.restore(newest.id)
    assert hands.window.status.message.full_text() == "In use now: moody nights"


def test_two_versions_side_by_side_and_wiped(hands: Hands, view: TimelineView) -> None:
    assert not view.comparison.isVisible()
    hands.press(view.cards[0].compare)
    hands.press(view.cards[2].compare)
    assert view.comparison.isVisible()
    assert (view.comparison.before_label.text(), view.comparison.now_label.text()) == ("Untuned", "Round 2")
    wipe = view.comparison.wipe
    assert wipe.isVisible() and len(wipe.images) == 8
    middle = wipe.grab().toImage()
    QTest.keyClick(wipe, K.Key_Home)
    assert wipe.grab().toImage() != middle
    hands.press(view.cards[1].compare)  # of three, the first goes
    assert [card.compare.isChecked() for card in view.cards] == [False, True, True]
    view.setFocus()
    hands.key(K.Key_Down)
    hands.key(K.Key_C)
    assert not view.comparison.isVisible()


def test_a_name_is_for_the_version_it_was_begun_for(hands: Hands, view: TimelineView) -> None:
    hands.actions.teach()
    hands.key(K.Key_Down)
    hands.key(K.Key_R, CTRL)
    QTest.keyClicks(view.cards[1].edit, "Dusk")
    hands.worker.finish()  # another version comes in above
    hands.key(K.Key_Return)
    assert titles(view) == ["Round 3", "Round 2", "Dusk", "Untuned"]


def test_escape_leaves_a_name_and_the_arrows_go_on(hands: Hands, view: TimelineView) -> None:
    hands.key(K.Key_R, CTRL)
    QTest.keyClicks(view.cards[0].edit, "no")
    hands.key(K.Key_Escape)
    assert titles(view)[0] == "Round 2" and view.hasFocus()
    hands.key(K.Key_Down)
    assert view.chosen_card() is view.cards[1]


def test_the_measures_are_explained_where_they_stand(hands: Hands, view: TimelineView) -> None:
    tip = view.cards[0].words.toolTip()
    assert tip.startswith(view.cards[0].words.full_text() + "\n") and "standard deviations (SD)" in tip
    told = [label.text() for label in hands.window.panels.currentWidget().findChildren(QLabel)]
    assert set(what_is_measured().splitlines()) <= set(told)
    assert view.cards[2].words.toolTip() == ""


def test_the_version_in_use_says_why_it_is_not_deleted(hands: Hands, view: TimelineView) -> None:
    hands.key(K.Key_Delete)
    assert len(view.cards) == 3
    assert hands.actions.state.message.text.startswith("The version in use cannot be deleted")


def test_a_version_is_named(hands: Hands, view: TimelineView) -> None:
    hands.key(K.Key_R, CTRL)
    edit = view.cards[0].edit
    assert edit.hasFocus()
    QTest.keyClicks(edit, "Golden hour 5")
    hands.key(K.Key_Return)
    assert titles(view)[0] == "Golden hour 5" and view.hasFocus()
    assert "round 2" in view.cards[0].words.full_text()
    hands.press(view.cards[0].rename)
    QTest.keyClicks(edit, "something else")
    hands.key(K.Key_Escape)
    assert titles(view)[0] == "Golden hour 5"
    hands.key(K.Key_Z, CTRL)
    assert titles(view)[0] == "Round 2"
    hands.key(K.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert hands.project.checkpoint(2).name == "Golden hour 5"


def test_a_deleted_version_comes_back(hands: Hands, view: TimelineView) -> None:
    assert not view.cards[0].delete.isEnabled()  # in use
    hands.key(K.Key_Delete)
    assert len(view.cards) == 3
    hands.press(view.cards[1].delete)
    assert titles(view) == ["Round 2", "Untuned"]
    assert hands.project.checkpoint(1).path.is_file()
    hands.key(K.Key_Z, CTRL)
    assert titles(view) == ["Round 2", "Round 1", "Untuned"]


def test_a_branch_is_another_line(hands: Hands, view: TimelineView) -> None:
    hands.key(K.Key_Down)
    hands.key(K.Key_B)
    hands.drawn()
    assert titles(view) == ["Branch of Round 1", "Round 2", "Round 1", "Untuned"]
    assert view.chosen_card() is view.cards[0]  # what keys are for: a branch is made to be named and gone on with
    branch = hands.actions.state.checkpoint
    assert branch.name == "Branch of Round 1" and branch.parent == 1
    assert branch.path.read_bytes() == hands.project.checkpoint(1).path.read_bytes()
    assert len(view.cards[0].strip.images) == 8
    assert "after Round 1" in view.cards[0].words.full_text()
    assert len(hands.actions.state.rounds) == 2  # a branch is not a round
    hands.press(hands.window.top_bar.teach)
    hands.worker.finish()
    hands.drawn()
    assert hands.actions.state.checkpoint.parent == branch.id


def test_a_branch_in_use_that_is_taken_back_gives_way_to_what_was_in_use(
    hands: Hands, view: TimelineView
) -> None:
    hands.press(view.cards[1].branch)
    hands.drawn()
    hands.key(K.Key_Z, CTRL)
    hands.drawn()
    assert hands.actions.state.checkpoint.id == 2
    assert titles(view) == ["Round 2", "Round 1", "Untuned"]
    hands.key(K.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    hands.drawn()
    assert hands.actions.state.checkpoint.name == "Branch of Round 1"
    assert titles(view) == ["Branch of Round 1", "Round 2", "Round 1", "Untuned"]


def test_names_and_deletions_outlast_a_restart(open_studio: Callable[[], Hands]) -> None:
    first = open_studio()
    first.first_grid()
    first.rate_enough()
    for _ in range(2):
        first.press(first.window.top_bar.teach)
        first.worker.finish()
        first.drawn()
    first.actions.rename_version(2, "Dusk")
    first.actions.delete_version(1)
    first.close()
    second = open_studio()
    second.key(K.Key_3, CTRL)
    view = second.window.page("timeline")
    assert isinstance(view, TimelineView)
    assert titles(view) == ["Dusk", "Untuned"]
    second.key(K.Key_Z, CTRL)
    assert titles(view) == ["Dusk", "Round 1", "Untuned"]


def test_every_button_has_a_name_of_its_own(view: TimelineView) -> None:
    buttons = [
        b for card in view.cards for b in (card.compare, card.rename, card.branch, card.delete, card.restore)
    ]
    names = [made.accessibleName() for made in buttons if made.isVisible()]
    assert len(set(names)) == len(names) and all(names)
