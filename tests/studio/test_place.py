"""What is found again at the next start: the gallery's filters, order, image and scroll, and the image in the Loupe."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from window_support import Hands

from studio.project.search import Query
from studio.project.store import NewImage, Project
from studio.ui import place
from studio.ui.gallery_view import GalleryView

K = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier


def gallery(hands: Hands) -> GalleryView:
    found = hands.window.page("gallery")
    assert isinstance(found, GalleryView)
    return found


@pytest.fixture
def many(home: Path) -> Path:
    """A project of 600 images: every third has three stars, every fifth the tag "sea"."""
    with Project(home / "Evening series") as project:
        for _ in range(25):
            project.add_grid([NewImage(bytes(32), "random", None, 16, 16)] * 24)
        for image in range(3, 601, 3):
            project.rate([image], "stars", 3)
        project.rate(list(range(5, 601, 5)), "tag", 0, "sea")
    return home


def test_filters_order_image_and_scroll_are_found_again(many: Path, open_studio: Callable[[], Hands]) -> None:
    first = open_studio()
    first.key(K.Key_1, CTRL)
    view = gallery(first)
    view.show_query(Query(stars=2, order="oldest"))
    first.qtbot.waitUntil(lambda: view.grid.geometry().bottom() > view.height() - 20)  # it is laid out
    view.grid.setFocus()
    first.key(K.Key_Home)
    for _ in range(40):
        first.key(K.Key_Right)
    bar = view.grid.verticalScrollBar()
    bar.setValue(bar.value() + 37)
    before, shown = bar.value(), first.actions.state.selected
    assert before > 100 and shown == (first.actions.gallery.ids[40],)
    first.close()

    second = open_studio()
    view = gallery(second)
    place.restore(second.window)
    assert second.window.view == "gallery"
    second.window.resize(1200, 800)  # the offscreen screen is smaller, and so would the window be
    assert view.filter.query == Query(stars=2, order="oldest")
    assert view.filter.rating.currentText() == "★★ or more" and view.filter.order.currentData() == "oldest"
    assert view.count.full_text() == "200 images of 600"
    assert second.actions.state.selected == shown
    second.qtbot.waitUntil(lambda: view.grid.verticalScrollBar().value() == before)
    second.close()

    third = open_studio()
    third.key(K.Key_G)
    third.close()  # not looked at in between
    fourth = open_studio()
    fourth.key(K.Key_1, CTRL)
    fourth.qtbot.waitUntil(lambda: gallery(fourth).grid.verticalScrollBar().value() == before)


def test_a_filter_for_what_is_gone_is_left_out(many: Path, open_studio: Callable[[], Hands]) -> None:
    first = open_studio()
    first.key(K.Key_1, CTRL)
    gallery(first).show_query(Query(tag="sea", flag="none"))
    assert gallery(first).count.full_text() == "120 images of 600"
    first.close()
    with Project(many / "Evening series") as project:
        project.undo()
    second = open_studio()
    assert gallery(second).filter.query == Query(flag="none")
    assert gallery(second).filter.tag.currentText() == "Any tag"


def test_the_loupe_is_at_the_image_of_the_gallery_again(many: Path, open_studio: Callable[[], Hands]) -> None:
    first = open_studio()
    first.key(K.Key_1, CTRL)
    gallery(first).show_query(Query(stars=2))
    gallery(first).grid.setFocus()
    for key in (K.Key_Home, K.Key_Right, K.Key_Right, K.Key_E, K.Key_Right):
        first.key(key)
    assert first.window.view == "loupe" and first.actions.loupe.panes == (591,)
    first.close()
    second = open_studio()
    place.restore(second.window)
    assert second.window.view == "loupe" and second.actions.loupe.panes == (591,)
    second.key(K.Key_Right)
    assert second.actions.loupe.panes == (588,)


@pytest.mark.parametrize(
    "kept",
    [
        {"stars": "five"},
        {"order": "by mood"},
        {"labels": 3},
        {"unknown": 1},
        {"text": None},
        {"checkpoint": True},
        ["stars"],
        None,
    ],
)
def test_a_damaged_query_is_everything(kept: object) -> None:
    assert Query.read(kept) == Query()


def test_a_query_is_read_as_it_was_kept() -> None:
    query = Query("sea", 3, True, "like", (1, 4), "tag", 7, "changed")
    assert Query.read(json.loads(json.dumps(query.kept()))) == query
    assert Query.read({}) == Query()
