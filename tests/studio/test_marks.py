"""Colour labels, tags and notes, by mouse and keyboard; several images at once."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from window_support import Hands

from studio.ui import image_delegate
from studio.ui.labels import paint_label
from studio.ui.rate_panel import RatePanel
from studio.ui.tags_editor import TagsEditor

K = Qt.Key
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def state(hands: Hands, row: int):
    image = hands.actions.grid.cells[row].image
    return hands.project.state([image])[image]


def editor(hands: Hands) -> TagsEditor:
    return hands.window.panels.currentWidget().findChild(TagsEditor)


def chips(hands: Hands) -> list[QPushButton]:
    return [chip for chip in editor(hands).chips.findChildren(QPushButton) if chip.isVisible()]


def test_keys_give_colour_labels_and_take_them_away(hands: Hands) -> None:
    hands.click(4)
    hands.key(K.Key_7)
    assert state(hands, 4).label == 2 and hands.actions.grid.cells[4].label == 2
    assert [made.isChecked() for made in editor(hands).labels] == [False, True, False, False]
    hands.key(K.Key_9)
    assert state(hands, 4).label == 4
    hands.key(K.Key_9)
    assert state(hands, 4).label == 0
    hands.key(K.Key_Z, CTRL)
    assert state(hands, 4).label == 4
    assert not hands.worker.named("feedback")


def test_a_click_on_a_label_of_the_panel(hands: Hands) -> None:
    hands.click(3)
    hands.press(editor(hands).labels[0])
    assert state(hands, 3).label == 1
    hands.press(editor(hands).labels[0])
    assert state(hands, 3).label == 0


def test_tags_are_typed_and_removed(hands: Hands) -> None:
    hands.click(2)
    hands.key(K.Key_K, CTRL)
    assert editor(hands).field.hasFocus()
    QTest.keyClicks(editor(hands).field, "soft sky 5")
    hands.key(K.Key_Return)
    QTest.qWait(1)
    QTest.keyClicks(editor(hands).field, "dusk")
    hands.key(K.Key_Return)
    assert state(hands, 2).tags == ("soft sky 5", "dusk")
    assert state(hands, 2).stars == 0  # what is typed rates nothing
    hands.key(K.Key_Escape)
    assert hands.grid.hasFocus()
    assert "tags: soft sky 5, dusk" in hands.actions.grid.index(2).data(Qt.ItemDataRole.AccessibleTextRole)
    assert [chip.property("tag") for chip in chips(hands)] == ["soft sky 5", "dusk"]
    hands.press(chips(hands)[0])
    assert state(hands, 2).tags == ("dusk",)
    hands.click(3)
    assert chips(hands) == []
    assert hands.window.commands["undo"].text() == "Undo: remove tag soft sky 5"


def test_chips_wrap(hands: Hands) -> None:
    hands.click(2)
    words = [f"a rather long tag {number}" for number in range(6)]
    for word in words:
        hands.actions.mark("tag", text=word)
    hands.qtbot.waitUntil(lambda: len(chips(hands)) == 6)
    flow = editor(hands).chips
    hands.qtbot.waitUntil(lambda: flow.height() == flow.heightForWidth(flow.width()))
    places = [chip.geometry() for chip in chips(hands)]
    assert len({place.top() for place in places}) > 1 and all(flow.rect().contains(place) for place in places)
    assert not any(one.intersects(other) for one in places for other in places if one is not other)


def test_a_note_is_kept_when_it_is_left(hands: Hands) -> None:
    hands.click(6)
    hands.key(K.Key_M, CTRL)
    assert editor(hands).note.hasFocus()
    QTest.keyClicks(editor(hands).note, "like the light")
    hands.click(7)  # on another image
    assert state(hands, 6).note == "like the light"
    assert editor(hands).note.toPlainText() == ""
    hands.key(K.Key_M, CTRL)
    QTest.keyClicks(editor(hands).note, "two")
    hands.key(K.Key_Return, CTRL)
    assert state(hands, 7).note == "two" and hands.grid.hasFocus()
    hands.click(6)
    assert editor(hands).note.toPlainText() == "like the light"
    hands.key(K.Key_Z, CTRL)
    hands.key(K.Key_Z, CTRL)
    assert state(hands, 6).note == "" and editor(hands).note.toPlainText() == ""


def test_what_is_being_written_is_not_lost_when_something_else_is_said_of_the_image(hands: Hands) -> None:
    hands.click(6)
    hands.key(K.Key_M, CTRL)
    QTest.keyClicks(editor(hands).note, "soft light")
    hands.press(editor(hands).labels[1])  # takes no keyboard: the note is still being written
    assert editor(hands).note.toPlainText() == "soft light" and state(hands, 6).label == 2
    QTest.keyClicks(editor(hands).note, " at dusk")
    hands.click(7)
    assert state(hands, 6).note == "soft light at dusk"
    hands.click(6)
    field = editor(hands).title.field
    field.setFocus()
    QTest.keyClicks(field, "Evening")
    hands.press(editor(hands).labels[2])
    assert field.text() == "Evening" and state(hands, 6).label == 3
    hands.click(7)
    assert state(hands, 6).title == "Evening" and state(hands, 6).note == "soft light at dusk"
    hands.click(6)
    hands.key(K.Key_Z, CTRL)
    assert state(hands, 6).title == "" and field.text() == ""  # nothing is being written: it follows


def test_a_hidden_panel_comes_out_to_be_written_in(hands: Hands) -> None:
    hands.key(K.Key_I)
    assert not hands.window.side.isVisible()
    hands.key(K.Key_K, CTRL)
    assert editor(hands).field.hasFocus()


def test_several_images_are_rated_and_marked_at_once(hands: Hands) -> None:
    hands.click(5)
    hands.click(9, CTRL)
    hands.click(7, CTRL)
    hands.click(7, CTRL)  # and out again
    hands.key(K.Key_6)
    hands.key(K.Key_4)
    assert [row for row in range(24) if state(hands, row).label == 1] == [5, 9]
    assert [row for row in range(24) if hands.stars(row) == 4] == [5, 9]
    hands.key(K.Key_Z, CTRL)
    assert hands.stars(5) == hands.stars(9) == 0
    hands.click(2)
    hands.key(K.Key_Right, SHIFT)
    hands.key(K.Key_Right, SHIFT)
    hands.key(K.Key_P)
    assert [row for row in range(24) if hands.flag(row) == "like"] == [2, 3, 4]
    hands.click(1, SHIFT)
    assert list(hands.grid.selected_rows()) == [1, 2]
    hands.key(K.Key_Right)
    assert list(hands.grid.selected_rows()) == [2]


def test_marks_are_there_after_a_restart(open_studio: Callable[[], Hands]) -> None:
    first = open_studio()
    first.first_grid()
    first.click(6)
    first.key(K.Key_8)
    first.actions.mark("tag", text="sky")
    first.close()
    second = open_studio()
    cell = second.actions.grid.cells[6]
    assert (cell.label, cell.tags) == (3, ("sky",))
    second.key(K.Key_Z, CTRL)
    second.key(K.Key_Z, CTRL)
    assert second.actions.grid.cells[6].label == 0


@pytest.mark.parametrize("row", [0])
def test_a_tile_shows_its_marks(hands: Hands, row: int) -> None:
    hands.click(9)
    rect = hands.grid.visualRect(hands.actions.grid.index(row)).adjusted(0, 0, 0, -100)
    plain = hands.grid.viewport().grab(rect).toImage()
    image = hands.actions.grid.cells[row].image
    hands.actions.mark("label", 1, images=[image])
    labelled = hands.grid.viewport().grab(rect).toImage()
    assert labelled != plain
    hands.actions.mark("tag", text="x", images=[image])
    tagged = hands.grid.viewport().grab(rect).toImage()
    assert tagged != labelled
    hands.actions.undo()
    hands.actions.mark("tag", text="y", images=[image])
    assert hands.grid.viewport().grab(rect).toImage() != tagged, "it is the word that is shown"
    tagged = hands.grid.viewport().grab(rect).toImage()
    hands.actions.mark("note", text="x", images=[image])
    assert hands.grid.viewport().grab(rect).toImage() != tagged


def test_on_a_small_image_the_word_makes_room_for_the_marks(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def draw(painter: object, rect: QRect, text: str) -> float:
        said.append(text)
        return float(rect.right())

    monkeypatch.setattr(image_delegate, "_draw_flag", draw)
    hands.actions.rate("reject", row=2)
    for size, words in ((384, "rejected"), (80, "×")):
        hands.grid.set_wanted_size(size)
        said.clear()
        hands.grid.grab()
        assert set(said) == {words}, size
        hands.grid.grab()
        assert len(said) == 1, "painted once, then copied"


def test_labels_differ_in_shape_and_letter_not_only_in_colour(qapp: object) -> None:
    grey = []
    for label in range(1, 5):
        image = QImage(48, 48, QImage.Format.Format_Grayscale8)
        image.fill(0)
        painter = QPainter(image)
        paint_label(painter, label, QRectF(8, 8, 32, 32))
        painter.end()
        black_and_white = image.convertToFormat(
            QImage.Format.Format_Mono, Qt.ImageConversionFlag.ThresholdDither
        )
        grey.append(black_and_white)
    assert all(one != other for place, one in enumerate(grey) for other in grey[:place])


def test_the_panel_has_everything(hands: Hands) -> None:
    assert isinstance(hands.window.panels.currentWidget(), RatePanel)
    for part in (*editor(hands).labels, editor(hands).field, editor(hands).note):
        assert part.accessibleName() and part.toolTip()


def test_what_is_done_in_passing_is_noted_where_it_is_allowed(hands: Hands) -> None:
    from studio.model import preferences

    image = hands.actions.grid.cells[0].image
    hands.actions.note_in_passing("zoom", image)
    preferences.keep(implicit=False)
    hands.actions.note_in_passing("copy", image)
    assert [(s.kind, s.image) for s in hands.project.opinions(("zoom", "copy"))] == [("zoom", image)]
    assert [e[0].kind for _, e in hands.worker.named("feedback")] == ["zoom"]


def test_esc_leads_back_to_the_images_from_wherever_tab_or_a_click_led(hands: Hands) -> None:
    panel = hands.window.panels.currentWidget()
    editor = panel.findChild(TagsEditor)
    hands.click(3)
    controls = [editor.title.field, editor.labels[1], editor.field, editor.note, panel.dials["taste"].slider]
    for control in controls:
        control.setFocus(Qt.FocusReason.TabFocusReason)
        hands.key(K.Key_Escape)
        assert hands.window.focusWidget() is hands.grid, control.accessibleName()
    editor.field.setFocus(Qt.FocusReason.MouseFocusReason)
    QTest.keyClicks(editor.field, "half a w")
    hands.key(K.Key_Escape)
    assert editor.field.text() == ""
    editor.note.setFocus(Qt.FocusReason.MouseFocusReason)
    QTest.keyClicks(editor.note, "dusk")
    hands.key(K.Key_Escape)
    image = hands.actions.grid.cells[3].image
    assert hands.project.state([image])[image].note == "dusk"
    hands.key(K.Key_Right)
    assert hands.grid.current_row() == 4
