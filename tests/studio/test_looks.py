"""What an eye notices: words that do not fit, titles that jump from view to view, a wheel that changes what it passes over."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QMenu,
    QMessageBox,
    QScrollArea,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot
from window_support import Hands

from studio import i18n
from studio.project import recent
from studio.project.store import Project
from studio.theme.theme import Theme, current
from studio.theme.tokens import HEADER, TOP_BAR
from studio.ui.explore_view import ExplorePanel, ExploreView
from studio.ui.hints_bar import HintsBar
from studio.ui.parts import ElidedLabel, KeyLegend, Rows, tell_keys
from studio.ui.settings_view import SettingsView
from studio.ui.tags_editor import TagsEditor
from studio.ui.teach_view import TeachView
from studio.ui.views import entries

SMALLEST = (960, 560)  # logical pixels of a window on a screen of 1920 x 1200 at 200 %, less its frame


@pytest.fixture
def speak() -> Iterator[Callable[[str], str]]:
    yield i18n.load
    i18n.load("en")


def laid_out() -> None:
    for _ in range(3):  # a text that follows a resize asks for one more layout
        QApplication.processEvents()


def shortened(label: QLabel) -> bool:
    """Whether a label shows less than it has to say: an ellipsis, or lines without room."""
    if isinstance(label, ElidedLabel):
        return label.text() != label.full_text()
    if label.wordWrap() and label.text():
        return label.height() < label.heightForWidth(label.width())
    return False


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_in_a_small_window_everything_is_said_in_full(
    language: str, speak: Callable[[str], str], open_studio: Callable[[], Hands]
) -> None:
    speak(language)
    hands = open_studio()
    hands.first_grid()
    hands.rate_enough()
    hands.window.resize(*SMALLEST)
    short = []
    for entry in entries():
        hands.window.show_view(entry.key)
        laid_out()
        for label in hands.window.findChildren(QLabel):
            # A value in a list may be long: it says the rest as a tip.
            if label.isVisible() and shortened(label) and not isinstance(label.parentWidget(), Rows):
                short.append((entry.key, label.text()))
    assert short == []


def test_the_titles_of_all_views_stand_at_one_height(hands: Hands) -> None:
    heights = {}
    for entry in entries():
        hands.window.show_view(entry.key)
        laid_out()
        view = hands.window.page(entry.key)
        for label in view.findChildren(QLabel):
            if label.isVisible() and label.property("role") == "title":
                heights[entry.key] = label.mapTo(hands.window, label.rect().center()).y()
                break
    assert len(heights) > 6
    middle = hands.window.top_bar.mapTo(hands.window, QPoint(0, TOP_BAR)).y() + 12 + HEADER // 2
    assert {key: height for key, height in heights.items() if abs(height - middle) > 1} == {}, middle


def test_the_ends_of_a_direction_do_not_touch(hands: Hands) -> None:
    hands.window.show_view("explore")
    panel = hands.window.pages.panel("explore")
    assert isinstance(panel, ExplorePanel)
    panel.explore.ends = (("brighter in the middle", "brighter at the edges"),)
    laid_out()
    less, more = panel.directions[0].findChildren(ElidedLabel)
    assert (
        less.geometry().left() + less.sizeHint().width() < more.geometry().right() - more.sizeHint().width()
    )


def test_the_controls_of_the_settings_end_in_one_line(hands: Hands) -> None:
    hands.window.show_view("settings")
    laid_out()
    view = hands.window.page("settings")
    assert isinstance(view, SettingsView)
    controls = [row.control for row in view.rows.values()]
    ends = [control.mapTo(view, control.rect().topRight()).x() for control in controls]
    assert max(ends) == min(ends)
    switch = next(control for control in controls if isinstance(control, QCheckBox))
    assert switch.width() <= 20, "no room for words that are not there"


# -- the wheel -----------------------------------------------------------------------------------------------------


def wheel(widget: QWidget, notches: int) -> None:
    """Turn the wheel over the middle of a widget, downwards."""
    window = widget.window()
    at = widget.mapTo(window, widget.rect().center())
    QTest.wheelEvent(window.windowHandle(), at, QPoint(0, -120 * notches))
    QApplication.processEvents()


@pytest.mark.parametrize("view", ["settings", "taste", "explore", "rate", "train"])
def test_the_wheel_scrolls_a_page_and_changes_nothing_that_passes_under_it(view: str, hands: Hands) -> None:
    hands.window.resize(960, 560)
    hands.window.show_view(view)
    if view == "explore":
        panel = hands.window.pages.panel("explore")
        assert isinstance(panel, ExplorePanel)
        panel.explore.ends = (("warmer", "cooler"),) * 8
    laid_out()
    page = hands.window.page("settings") if view == "settings" else hands.window.side
    controls = [
        *((box, QComboBox.currentIndex) for box in page.findChildren(QComboBox)),
        *((slider, QSlider.value) for slider in page.findChildren(QSlider)),
    ]
    scrolled = page.findChild(QScrollArea)
    assert scrolled is not None
    bar, moved, seen = scrolled.verticalScrollBar(), 0, 0
    for control, value in controls:
        if not control.isVisible() or not control.isEnabled():
            continue
        scrolled.ensureWidgetVisible(control)
        laid_out()
        seen += 1
        before, place = value(control), bar.value()  # type: ignore[operator]
        for notches in (1, -1, -1):
            wheel(control, notches)
            assert value(control) == before, control.accessibleName()  # type: ignore[operator]
            moved += bar.value() != place
    assert seen >= 3
    assert moved or not bar.maximum(), "the page scrolls under the pointer"


# -- keys that a person chose --------------------------------------------------------------------------------------


def test_the_tips_inside_views_name_todays_keys(hands: Hands) -> None:
    teach, explore = hands.window.page("teach"), hands.window.page("explore")
    assert isinstance(teach, TeachView) and isinstance(explore, ExploreView)
    assert teach.pause.toolTip() == "Hold the round between two steps (Space)"
    assert explore.others.toolTip() == "Show others around the same image (V)"
    assert hands.window.commands.remap("pause", ["Ctrl+F5"]) == []
    assert hands.window.commands.remap("explore.others", []) == []
    assert teach.pause.toolTip() == "Hold the round between two steps (Ctrl+F5)"
    assert explore.others.toolTip() == "Show others around the same image"


def test_what_the_rating_views_say_of_keys_are_todays_keys(hands: Hands) -> None:
    hands.rate_enough()
    hands.window.teach()
    hands.worker.finish()
    hands.drawn()
    bar = hands.window.findChild(HintsBar)
    hands.qtbot.waitUntil(lambda: "Ctrl+3" in bar.text.full_text())
    for view in ("rate", "loupe", "duel", "survey", "gallery", "timeline"):
        hands.window.show_view(view)  # the Timeline makes its cards when it is shown
    new = {
        **{"like": "Ctrl+F1", "loupe.zoom": "Ctrl+F2", "duel.skip": "Ctrl+F3", "survey.skip": "Ctrl+F4"},
        **{"gallery.find": "Ctrl+F5", "timeline.branch": "Ctrl+F6", "tags": "Ctrl+F7", "teach": "Ctrl+F8"},
    }
    for command, key in new.items():
        assert hands.window.commands.remap(command, [key]) == []

    def said(*parts: QWidget) -> str:
        widgets = [widget for part in parts for widget in (part, *part.findChildren(QWidget))]
        texts = [widget.toolTip() for widget in widgets]
        return "\n".join(texts + [widget.text() for widget in widgets if isinstance(widget, QLabel)])

    pages = hands.window.pages
    for view, commands in {
        "rate": ("like", "tags"),
        "loupe": ("like", "loupe.zoom"),
        "duel": ("duel.skip",),
        "survey": ("survey.skip",),
        "gallery": ("like", "gallery.find"),
        "timeline": ("timeline.branch",),
    }.items():
        panel = pages.panel(view)
        words = said(pages.view(view), *([panel] if panel is not None else []))
        for command in commands:
            assert new[command] in words, (view, command)
        assert "{" not in words, view
    card = pages.view("timeline").cards[0]
    assert card.branch.toolTip().endswith("(Ctrl+F6)")


def test_help_names_todays_keys(hands: Hands) -> None:
    assert hands.window.commands.remap("teach", ["Ctrl+F6"]) == []
    assert hands.window.commands.remap("view.gallery", ["Ctrl+F7"]) == []
    hands.window.show_view("help")
    words = "\n".join(label.text() for label in hands.window.page("help").findChildren(QLabel))
    assert "Press Ctrl+F6." in words
    assert "Ctrl+F7" in words and "Ctrl+1" not in words
    hands.window.show_view("rate")
    assert hands.window.commands.remap("teach", ["Ctrl+F8"]) == []
    hands.window.show_view("help")
    assert any("Press Ctrl+F8." in label.text() for label in hands.window.page("help").findChildren(QLabel))


# -- menus ---------------------------------------------------------------------------------------------------------

# The offscreen platform has no screen on which a menu could be raised, and says so.
popup = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


@popup
def test_recent_projects_open_below_the_name_and_enter_takes_the_first(hands: Hands, tmp_path: Path) -> None:
    asked: list[object] = []
    hands.window.project_wanted.connect(lambda folder, _: asked.append(folder))
    Project(tmp_path / "other").close()
    recent.remember(tmp_path / "other")
    recent.remember(hands.folder)
    hands.window.commands["recent"].trigger()
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    name = hands.window.top_bar.project
    assert menu.pos().x() == name.mapToGlobal(QPoint()).x()
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert asked == [tmp_path / "other"]


@popup
def test_the_images_to_blend_into_are_large_enough_to_tell_apart(hands: Hands) -> None:
    hands.click_star(2, 5)
    hands.window.show_view("explore")
    view = hands.window.page("explore")
    assert isinstance(view, ExploreView)
    view.choose_blend()
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert menu.actionGeometry(menu.actions()[0]).height() >= 40
    menu.close()


def test_the_buttons_of_a_message_look_like_all_others(hands: Hands) -> None:
    hands.window.complain("This is not a project.")
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    assert all(button.icon().isNull() for button in box.buttons())
    box.close()


@pytest.mark.parametrize("length", [5, 25, 45, 65, 85, 200])
def test_a_message_is_never_cut_off_nor_squeezed_into_a_narrow_column(hands: Hands, length: int) -> None:
    text = "/home/somebody/Projects/My taste is open in another Tastemaker; close it there first. " * 3
    hands.window.complain(text[:length])
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    label = box.findChild(QLabel, "qt_msgbox_label")
    assert label.minimumWidth() == 0, "Qt would take that for the width of the text, however long it is"
    assert label.width() >= (340 if length > 65 else 0)
    needed = label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()
    assert label.height() >= needed
    assert label.wordWrap() or label.width() >= label.sizeHint().width()
    box.close()


@popup
@pytest.mark.parametrize("mode", ["dark", "light"])
def test_the_tags_to_choose_from_stand_on_a_ground_of_their_own(hands: Hands, theme: Theme, mode: str) -> None:
    hands.first_grid()
    theme.set_mode(mode)
    hands.click(0)
    hands.actions.mark("tag", 0, "trees")
    hands.click(1)
    hands.key(Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    editor = hands.window.panels.currentWidget().findChild(TagsEditor)
    assert editor is not None and editor.field.hasFocus()
    QTest.keyClicks(editor.field, "tr")
    choices = editor.field.completer().popup()
    hands.qtbot.waitUntil(choices.isVisible)
    tokens, seen = current().tokens, choices.grab().toImage()
    corner = seen.rect().bottomRight()
    assert seen.pixelColor(corner) == QColor(tokens.line)
    assert seen.pixelColor(corner - QPoint(3, 3)) == QColor(tokens.panel), "not what is behind it, on which no text may show"
    choices.hide()


def test_a_text_has_a_tip_only_where_it_is_cut_off(qtbot: QtBot) -> None:
    label = ElidedLabel("A line that is longer than its place")
    qtbot.addWidget(label)
    label.show()
    label.resize(400, 20)
    assert label.toolTip() == ""
    label.resize(60, 20)
    assert label.text().endswith("…") and label.toolTip() == label.full_text()
    label.set_text("short")
    assert label.toolTip() == ""
    label.setToolTip("what it means")
    label.set_text("Another line that is longer than its place")
    assert label.toolTip() == "what it means"
    label.close()


def test_tab_walks_down_the_directions(hands: Hands) -> None:
    hands.window.show_view("explore")
    panel = hands.window.pages.panel("explore")
    assert isinstance(panel, ExplorePanel)
    panel.explore.ends = (("warmer", "cooler"), ("brighter", "darker"))
    laid_out()
    walked: list[QWidget] = [panel.truncation.slider]
    for direction in panel.directions:
        walked += [direction.slider, direction.lock]
    walked.append(panel.radius.slider)
    walked[0].setFocus()
    for control in walked:
        assert QApplication.focusWidget() is control
        QTest.keyClick(control, Qt.Key.Key_Tab)


def test_a_side_panel_scrolls_only_where_it_is_too_long_itself(hands: Hands) -> None:
    """The longest panel is not what the others are measured by."""
    window = hands.window
    window.resize(1200, 700)
    for key in window.entry_keys():
        window.show_view(key)  # every panel is made
    window.show_view("timeline")
    QApplication.processEvents()
    area = window.side.findChild(QScrollArea)
    assert area is not None and area.widget() is window.panels
    page = window.panels.currentWidget()
    needed = max(page.minimumSizeHint().height(), page.heightForWidth(area.viewport().width()))
    assert needed < area.viewport().height()
    hands.qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() == 0)


def test_what_a_key_does_is_not_broken_in_two_and_no_line_ends_with_a_dot(qtbot: QtBot) -> None:
    legend = KeyLegend("")
    qtbot.addWidget(legend)
    legend.setText("Up, Down choose · Enter restores\nC compares two · Ctrl+R name · B branch · ? all shortcuts")
    items = legend.text().replace("\n", " · ").split(" · ")
    for width in (600, 272, 160):
        legend.resize(width, 200)
        legend.show()
        lines = legend.text().split("\n")
        assert [item for line in lines for item in line.split(" · ")] == items
        assert all(legend.fontMetrics().horizontalAdvance(line) <= width for line in lines)
    assert len(lines) > 3


def test_a_tooltip_with_keys_is_written_again_only_for_other_keys(qtbot: QtBot) -> None:
    action, shown = QAction("Teach"), QLabel()
    qtbot.addWidget(shown)
    action.setShortcut("T")
    tell_keys(shown, action, "Teach it")
    assert shown.toolTip() == "Teach it (T)"
    shown.setToolTip("")
    action.setEnabled(False)
    assert shown.toolTip() == ""  # nothing to write
    action.setShortcut("Ctrl+T")
    assert shown.toolTip() == "Teach it (Ctrl+T)"
