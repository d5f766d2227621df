"""What a person does without rating: how long an image is looked at, what is exported. Noted where it is allowed."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from window_support import Hands

from studio.model import preferences
from studio.ui import gaze

K = Qt.Key


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(gaze, "monotonic", made)
    return made


def dwelt(hands: Hands) -> list[tuple[int, float]]:
    return [(signal.image, signal.value) for signal in hands.project.opinions(("dwell",))]


def image(hands: Hands, row: int) -> int:
    return hands.actions.grid.cells[row].image


def hover(hands: Hands, place: QPoint) -> None:
    QTest.mouseMove(hands.grid.viewport(), place)


def test_resting_on_an_image_is_noted_and_passing_over_it_is_not(hands: Hands, clock: Clock) -> None:
    hover(hands, hands.middle(3))
    clock.now += 4.0
    hover(hands, hands.star_place(3, 2))  # on the same image still
    clock.now += 1.0
    hover(hands, hands.middle(4))
    clock.now += 0.4  # on the way
    hover(hands, hands.middle(5))
    clock.now += 500.0  # a cup of tea
    hover(hands, QPoint(2, 2))  # on none
    clock.now += 5.0
    hover(hands, hands.middle(1))
    assert dwelt(hands) == [(image(hands, 3), 5.0), (image(hands, 5), gaze.LONGEST)]
    heard = [event for _, events in hands.worker.named("feedback") for event in events]
    assert [event.kind for event in heard] == ["dwell", "dwell"]


def test_keys_move_the_eye_and_another_grid_ends_it(hands: Hands, clock: Clock) -> None:
    hands.click(7)
    hands.key(K.Key_Right)
    clock.now += 2.5
    hands.key(K.Key_Right)
    clock.now += 3.0
    looked_at = image(hands, 8), image(hands, 9)
    hands.key(K.Key_Return, Qt.KeyboardModifier.ControlModifier)
    hands.drawn()
    assert dwelt(hands) == [(looked_at[0], 2.5), (looked_at[1], 3.0)]
    hands.key(K.Key_Left)
    clock.now += 2.0
    hands.key(K.Key_D)  # another view
    assert dwelt(hands)[2:] == [(image(hands, 8), 2.0)]


def test_nothing_is_noted_where_it_is_not_allowed(hands: Hands, clock: Clock, tmp_path: Path) -> None:
    preferences.keep(implicit=False)
    hover(hands, hands.middle(3))
    clock.now += 4.0
    hover(hands, hands.middle(4))
    hands.actions.rate("stars", 5, 3)
    hands.actions.export(tmp_path / "out", format="images", least_stars=4)
    hands.worker.exported.emit(str(tmp_path / "out"))
    assert hands.project.opinions(("dwell", "export")) == ()


def test_favourites_that_are_exported_are_noted_once_they_are_written(hands: Hands, tmp_path: Path) -> None:
    for row, stars in enumerate((5, 4, 3)):
        hands.actions.rate("stars", stars, row)
    hands.actions.rate("like", 0, 6)
    hands.actions.export(tmp_path / "out", format="images", least_stars=4)
    assert hands.project.opinions(("export",)) == ()
    hands.worker.exported.emit(str(tmp_path / "out"))
    exported = [signal.image for signal in hands.project.opinions(("export",))]
    assert exported == [image(hands, 0), image(hands, 1), image(hands, 6)]
    hands.actions.export(tmp_path / "bundle", format="bundle")
    hands.worker.exported.emit(str(tmp_path / "bundle"))
    assert len(hands.project.opinions(("export",))) == 3


def test_the_tips_of_the_rail_name_the_keys_of_today(hands: Hands) -> None:
    button = hands.window.rail.buttons["duel"]
    assert button.toolTip() == "Two images: which is better? (D)"
    hands.window.commands.remap("view.duel", ["Ctrl+J"])
    assert button.toolTip().endswith("(Ctrl+J)")
    hands.window.commands.remap("view.duel", [])
    assert button.toolTip() == "Two images: which is better?"
    hands.window.commands.choose_keys({})
    assert button.toolTip().endswith("(D)")


def test_a_long_message_is_not_cut_off(hands: Hands) -> None:
    folder = (
        "/home/somebody/Documents/Tastemaker/Evening series/exports/dreamscapes-round-1-2026-11-22 and more"
    )
    hands.window.announcer.toasts.show(f"Exported to {folder}", verb="Show folder", run=lambda: None)
    toast = hands.window.announcer.toasts.shown
    assert toast is not None
    assert toast.words.height() >= toast.words.heightForWidth(toast.words.width())
    assert hands.window.rect().contains(toast.geometry())
    toast.close()
