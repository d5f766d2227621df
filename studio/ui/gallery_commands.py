"""The Gallery's commands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from studio.i18n import tr
from studio.ui.commands import Command
from studio.ui.shell import Shell

if TYPE_CHECKING:
    from studio.ui.gallery_view import GalleryView


def table(window: Shell) -> Iterable[Command]:
    """Return the commands in the order of the menu."""

    def view() -> GalleryView:
        from studio.ui.gallery_view import GalleryView

        found = window.page("gallery")
        assert isinstance(found, GalleryView)
        return found

    def find() -> None:
        window.show_view("gallery")
        view().search()

    def show_everything() -> None:
        view().filter.show_everything()

    yield Command(
        "gallery.find",
        "view",
        tr("Search…"),
        ("Ctrl+F",),
        tr("Find images by tag, note, number or seed"),
        find,
        new_group=True,
    )
    yield Command(
        "gallery.everything",
        "view",
        tr("Show everything"),
        ("Ctrl+Shift+F",),
        tr("Take every filter of the gallery away"),
        show_everything,
        views=("gallery",),
    )
    yield Command(
        "gallery.refresh",
        "view",
        tr("Filter again"),
        ("F5",),
        tr("Leave out what no longer answers the filters"),
        window.actions_.gallery.show_again,
        views=("gallery",),
    )
