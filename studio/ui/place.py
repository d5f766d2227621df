"""Saves and restores the window's geometry and what it showed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray

from studio.model import preferences
from studio.ui import views
from studio.ui.shell import Shell

if TYPE_CHECKING:
    from studio.model.actions import Actions

_KEY, _LOUPE = "view", "loupe"  # keys in the project: the current view; the view that the Loupe's images are from


def keep(window: Shell) -> None:
    """Save the window's geometry, the current view, the selected image, and the place in each view."""
    geometry = bytes(window.saveGeometry().toBase64().data()).decode()
    preferences.keep(window=geometry)
    actions = window.actions_
    actions.keep(**{_KEY: window.view, "row": actions.state.row, _LOUPE: actions.loupe.origin})
    for view in window.pages.made():
        if isinstance(view, views.PlacedView):
            actions.keep(**view.kept_place())


def select(actions: Actions) -> None:
    """Select the image that was selected when the project was closed."""
    row = actions.project.meta("row", 0)
    actions.select(min(row, actions.grid.rowCount() - 1) if isinstance(row, int) else 0)
    actions.loupe.follow(
        "rate", actions.grid.images(), actions.state.row
    )  # the Loupe may be shown first


def restore(window: Shell) -> None:
    """Restore the window's geometry (Qt corrects one that is off all screens) and the view."""
    geometry = preferences.read().get("window")
    if isinstance(geometry, str):
        window.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "ignore")))
    view = window.actions_.project.meta(_KEY)
    if view == "loupe" and window.actions_.project.meta(_LOUPE) == "gallery":
        from studio.ui.gallery_view import GalleryView

        gallery = window.page("gallery")
        assert isinstance(gallery, GalleryView)
        gallery.follow_in_loupe()
    if view in window.entry_keys():
        window.show_view(view)
