"""Undo and redo of which version is in use, by hand: after a restore, a revert, a branch; in a round, and over a restart."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from window_support import Hands

from studio.model import preferences
from studio.project.store import Project
from studio.ui.timeline_view import TimelineView
from studio.worker import messages as m

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
AGAIN = CTRL | Qt.KeyboardModifier.ShiftModifier


def taught(hands: Hands) -> None:
    hands.rate_enough()
    for _ in range(2):
        teach(hands)


def teach(hands: Hands) -> None:
    hands.press(hands.window.top_bar.teach)
    hands.worker.finish()
    hands.drawn()


def timeline(hands: Hands) -> TimelineView:
    hands.key(K.Key_3, CTRL)
    found = hands.window.page("timeline")
    assert isinstance(found, TimelineView)
    return found


@pytest.fixture
def view(hands: Hands) -> TimelineView:
    """A timeline of two rounds, the second in use."""
    taught(hands)
    return timeline(hands)


def titles(view: TimelineView) -> list[str]:
    return [card.title.text() for card in view.cards]


def used(hands: Hands) -> int | None:
    """The version in use, the same to the window, the project and the worker that was asked last."""
    current = hands.project.current_checkpoint()
    assert hands.actions.state.checkpoint == current
    assert current is None or not current.deleted
    return current.id if current else None


def undo(hands: Hands) -> None:
    hands.key(K.Key_Z, CTRL)
    hands.drawn()


def redo(hands: Hands) -> None:
    hands.key(K.Key_Z, AGAIN)
    hands.drawn()


def said(hands: Hands) -> str:
    return hands.window.status.message.full_text()


def test_a_restore_is_taken_back_and_nothing_older(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].branch)
    hands.drawn()
    assert used(hands) == 3
    hands.press(view.cards[-1].restore)  # a mistake
    hands.drawn()
    assert used(hands) is None
    assert hands.window.commands["undo"].text().endswith("restore version")
    undo(hands)
    assert used(hands) == 3 and hands.worker.asked[-1] != ("restore", None)
    assert hands.worker.named("restore")[-1] == ("restore", 3) and said(hands) == "In use now: Branch of Round 1"
    assert titles(view) == ["Branch of Round 1", "Round 2", "Round 1", "Untuned"]
    redo(hands)
    assert used(hands) is None and hands.worker.named("restore")[-1] == ("restore", None)
    undo(hands)
    undo(hands)
    assert used(hands) == 2 and titles(view) == ["Round 2", "Round 1", "Untuned"]


def test_a_revert_is_taken_back_and_done_again(hands: Hands, view: TimelineView) -> None:
    hands.key(K.Key_Backspace, CTRL)
    hands.drawn()
    assert used(hands) == 1
    undo(hands)
    assert used(hands) == 2 and hands.worker.named("restore")[-1] == ("restore", 2)
    redo(hands)
    assert used(hands) == 1 and hands.project.counts().rated == 20


def test_a_revert_passes_over_a_version_that_was_deleted(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].delete)
    hands.key(K.Key_Backspace, CTRL)
    hands.drawn()
    assert used(hands) is None and titles(view) == ["Round 2", "Untuned"]
    undo(hands)
    assert used(hands) == 2


def test_a_restore_is_taken_back_after_a_restart(open_studio: Callable[[], Hands]) -> None:
    first = open_studio()
    first.first_grid()
    taught(first)
    view = timeline(first)
    first.press(view.cards[1].restore)
    first.drawn()
    first.press(view.cards[2].restore)
    first.drawn()
    undo(first)
    assert used(first) == 1
    first.close()
    second = open_studio()
    timeline(second)
    undo(second)
    assert used(second) == 1 and said(second) == "The generator is still loading"
    second.worker.be_ready()
    second.drawn()
    undo(second)
    assert used(second) == 2 and second.worker.named("restore") == [("restore", 2)]
    redo(second)
    redo(second)
    assert used(second) is None
    second.close()
    with Project(second.folder, create=False) as project:
        assert project.current_checkpoint() is None and project.undo_label() == "restore version"


def test_a_grid_of_a_restored_version_is_still_due_after_a_restart(open_studio: Callable[[], Hands]) -> None:
    first = open_studio()
    first.first_grid()
    taught(first)
    first.press(timeline(first).cards[1].restore)
    before, grids = first.actions.grid.images(), first.worker.grids
    first.qtbot.wait(20)
    assert first.worker.grids == grids, "nobody looks at the grid"
    first.close()
    second = open_studio()
    assert second.actions.grid.images() == before
    second.worker.be_ready()
    second.drawn()
    assert second.window.view == "rate" and second.worker.grids == 1 and second.actions.grid.images() != before
    second.close()
    third = open_studio()
    third.worker.be_ready()
    third.drawn()
    assert third.worker.grids == 0, "it is there"


def test_a_grid_after_a_round_is_still_due_if_the_window_closed_before_it_came(open_studio: Callable[[], Hands]) -> None:
    first = open_studio()
    first.first_grid()
    first.rate_enough()
    first.press(first.window.top_bar.teach)
    first.worker.propose = lambda count=24: 0  # type: ignore[method-assign]  # it does not come any more
    first.worker.finish()
    before = first.actions.grid.images()
    first.close()
    second = open_studio()
    second.worker.be_ready()
    second.drawn()
    assert second.worker.grids == 1 and second.actions.grid.images() != before


def test_a_round_taught_after_a_restore_stays(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].restore)
    hands.drawn()
    teach(hands)
    assert used(hands) == 3
    assert hands.window.commands["undo"].text().endswith("stars")
    undo(hands)
    assert used(hands) == 3 and hands.worker.named("restore") == [("restore", 1)]
    assert hands.project.counts().rated == 19
    assert hands.project.checkpoint(3).parent == 1


def test_a_round_that_is_not_kept_leaves_the_restore_to_undo(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].restore)
    hands.drawn()
    hands.press(hands.window.top_bar.teach)
    hands.worker.finish(False, "Stopped on request; nothing was changed.")
    undo(hands)
    assert used(hands) == 2


def test_in_a_round_no_other_version_comes_in_use(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].branch)
    hands.drawn()
    hands.press(hands.window.top_bar.teach)
    undo(hands)
    assert used(hands) == 3 and said(hands) == "Wait until the round has ended"
    assert not hands.project.checkpoint(3).deleted and hands.actions.round.running
    hands.worker.finish()
    hands.drawn()
    assert used(hands) == 4
    undo(hands)  # its beginning goes, the round that was taught on it does not
    assert used(hands) == 4 and hands.project.checkpoint(3).deleted
    redo(hands)
    assert used(hands) == 4 and not hands.project.checkpoint(3).deleted


def test_what_follows_from_a_restore_waits_for_it(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].branch)
    hands.drawn()
    hands.worker.held = True
    hands.press(view.cards[2].restore)
    for key, modifier in ((K.Key_Z, CTRL), (K.Key_B, Qt.KeyboardModifier.NoModifier)):
        hands.key(key, modifier)
        assert said(hands) == "Wait until the worker is free"
        hands.actions.say("")
    hands.press(view.cards[2].delete)
    assert said(hands) == "Wait until the worker is free"
    assert titles(view) == ["Branch of Round 1", "Round 2", "Round 1", "Untuned"]
    hands.worker.go_on()
    hands.worker.held = False
    hands.drawn()
    assert used(hands) == 1
    undo(hands)
    assert used(hands) == 3


def test_a_rating_while_a_version_comes_back_stays(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].branch)
    hands.drawn()
    undo(hands)
    hands.worker.held = True
    hands.key(K.Key_Z, AGAIN)
    hands.actions.rate("stars", 5, 3)
    rated = hands.actions.grid.cells[3].image
    hands.worker.go_on()
    hands.worker.held = False
    hands.drawn()
    assert used(hands) == 3 and titles(view)[0] == "Branch of Round 1"
    assert hands.project.state([rated])[rated].stars == 5
    undo(hands)
    assert used(hands) == 3 and hands.project.state([rated])[rated].stars == 0
    undo(hands)
    assert used(hands) == 2 and hands.project.checkpoint(3).deleted


def damaged(hands: Hands) -> None:
    """Let the worker say that what it was asked for last cannot be read."""
    hands.worker.answers.clear()
    hands.worker._on_failed(m.Failed("Restore", "The checkpoint is damaged.", ""))


def test_undo_leaves_out_a_version_that_cannot_be_read_and_goes_on(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[-1].restore)
    hands.press(view.cards[1].restore)
    hands.drawn()
    assert used(hands) == 1
    hands.press(view.cards[-1].restore)
    hands.drawn()
    hands.worker.held = True
    undo(hands)
    damaged(hands)
    assert used(hands) is None and hands.project.counts().rated == 20
    assert said(hands) == "The checkpoint is damaged; this step is left out, undo and redo go on"
    assert (
        hands.window.commands["undo"].text().endswith("stars")
        and hands.window.status.message.property("role") == "bad"
    )
    hands.worker.held = False
    undo(hands)
    assert used(hands) is None and hands.project.counts().rated == 19
    hands.press(view.cards[0].restore)  # by hand, any that can be read
    hands.drawn()
    undo(hands)
    assert used(hands) is None


def test_redo_leaves_out_a_version_that_cannot_be_read(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].restore)
    hands.drawn()
    undo(hands)
    hands.worker.held = True
    redo(hands)
    damaged(hands)
    assert used(hands) == 2 and not hands.window.commands["redo"].isEnabled()
    hands.press(view.cards[1].restore)  # asked for by hand: nothing is left out of undo
    damaged(hands)
    assert said(hands) == "The checkpoint is damaged." and hands.window.commands["undo"].text().endswith(
        "stars"
    )


def test_a_worker_that_crashes_on_the_way_leaves_undo_as_it_is(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].restore)
    hands.drawn()
    hands.worker.held = True
    undo(hands)
    hands.worker.answers.clear()
    hands.worker._on_failed(m.Failed("Worker", "The worker could not go on.", ""))
    assert hands.window.commands["undo"].text().endswith("restore version")


def test_after_another_device_was_chosen_on_the_way_a_failure_leaves_undo_as_it_is(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].restore)
    hands.drawn()
    hands.worker.held = True
    undo(hands)
    hands.worker.answers.clear()  # the worker that was asked is ended
    hands.worker._restores = 0
    preferences.keep(device="cpu")
    hands.worker.be_ready()
    hands.drawn()
    hands.actions.restore(None)
    damaged(hands)
    assert said(hands) == "The checkpoint is damaged."
    assert hands.window.commands["undo"].text().endswith("restore version")


def test_after_a_crash_on_the_way_another_failure_leaves_undo_as_it_is(hands: Hands, view: TimelineView) -> None:
    hands.press(view.cards[1].restore)
    hands.drawn()
    hands.worker.held = True
    undo(hands)
    hands.worker.answers.clear()
    hands.worker._restores = 0
    hands.worker.restarted.emit("The worker crashed and was started again.")
    hands.worker.be_ready()
    hands.drawn()
    hands.actions.restore(None)
    damaged(hands)
    assert said(hands) == "The checkpoint is damaged."
    assert hands.window.commands["undo"].text().endswith("restore version")
