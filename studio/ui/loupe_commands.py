"""The Loupe's commands, and those that open and leave it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from studio.i18n import tr
from studio.ui.commands import Command
from studio.ui.shell import Shell

MANY = ("rate", "gallery")
"""The views in which images are selected."""


def table(window: Shell) -> Iterable[Command]:
    """Return the commands in the order of the menus."""
    loupe, state = window.actions_.loupe, window.actions_.state

    def back() -> None:
        loupe.panes = ()
        window.show_view(loupe.origin)

    def compare() -> None:
        if window.view == "loupe":
            if loupe.comparing:
                loupe.leave_comparison()
            else:
                loupe.compare(loupe.panes)
        else:
            loupe.compare(state.selected)
            window.show_view("loupe")

    def zoom() -> None:
        loupe.toggle_zoom()
        window.actions_.note_in_passing("zoom", loupe.image)

    yield Command(
        "loupe",
        "image",
        tr("Look closely"),
        ("Space", "Return", "Enter"),
        tr("The selected image as large as the window"),
        partial(window.show_view, "loupe"),
        new_group=True,
        enabled=lambda: bool(state.selected),
        views=MANY,
    )
    yield Command(
        "compare",
        "image",
        tr("Compare"),
        ("C",),
        tr("Two to four selected images side by side; of one, also the next"),
        compare,
        enabled=lambda: bool(state.selected),
        views=(*MANY, "loupe"),
    )
    yield Command(
        "loupe.back",
        "image",
        tr("Back to the images"),
        ("Esc", "Space", "Return", "Enter"),
        tr("Leave the Loupe"),
        back,
        views=("loupe",),
    )
    yield Command(
        "loupe.zoom",
        "view",
        tr("100 %"),
        ("Z",),
        tr("One pixel for one, or the whole image"),
        zoom,
        views=("loupe",),
    )
