"""Commands of the Explore view."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from studio.i18n import tr
from studio.ui import views
from studio.ui.commands import Command
from studio.ui.shell import Shell

if TYPE_CHECKING:
    from studio.ui.explore_view import ExploreView

_HERE = ("explore",)


def table(window: Shell) -> Iterable[Command]:
    """Return the commands in the order of the menu."""
    state = window.actions_.state

    def more_like_this() -> None:
        window.show_view("explore")
        _view(window).start_from(state.selected[0])

    def go() -> None:
        _view(window).go()

    def back() -> None:
        _view(window).explore.back()

    def others_here() -> None:
        _view(window).explore.others()

    def blend() -> None:
        _view(window).choose_blend()

    def seed() -> None:
        _view(window).seed.setFocus()

    elsewhere = tuple(key for key in views.rating_views() if key != "explore")
    yield Command(
        "explore.like_this",
        "image",
        tr("More like this"),
        ("M",),
        tr("Explore from the selected image"),
        more_like_this,
        new_group=True,
        enabled=lambda: bool(state.selected) and state.loaded,
        views=elsewhere,
    )
    yield Command(
        "explore.go",
        "image",
        tr("Go to this image"),
        ("Return", "Enter"),
        tr("Put the selected image in the middle of its own neighbours"),
        go,
        new_group=True,
        views=_HERE,
    )
    yield Command(
        "explore.back",
        "image",
        tr("Go back"),
        ("Backspace",),
        tr("Return to the image before"),
        back,
        views=_HERE,
    )
    yield Command(
        "explore.others",
        "image",
        tr("Other neighbours"),
        ("V",),
        tr("Show others around the same image"),
        others_here,
        views=_HERE,
    )
    yield Command(
        "explore.blend",
        "image",
        tr("Blend into a favourite"),
        ("B",),
        tr("Show the way from here to an image you like"),
        blend,
        views=_HERE,
    )
    yield Command(
        "explore.seed",
        "image",
        tr("Enter a seed"),
        ("Ctrl+G",),
        tr("Start from the image of a number"),
        seed,
        views=_HERE,
    )


def _view(window: Shell) -> ExploreView:
    from studio.ui.explore_view import ExploreView

    view = window.page("explore")
    assert isinstance(view, ExploreView)
    return view
