"""Where the window was and what it showed, kept for the next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray

from studio.model import preferences

if TYPE_CHECKING:
    from studio.model.actions import Actions
    from studio.ui.window import StudioWindow

_KEY = "view"  # of the project


def keep(window: StudioWindow) -> None:
    """Remember the window's place on the screen, the view, and the selected image."""
    geometry = bytes(window.saveGeometry().toBase64().data()).decode()
    preferences.keep(window=geometry)
    window.actions_.keep(**{_KEY: window.view, "row": window.actions_.state.row})


def select(actions: Actions) -> None:
    """Select the image that was selected when the project was closed."""
    row = actions.project.meta("row", 0)
    actions.select(min(row, actions.grid.rowCount() - 1) if isinstance(row, int) else 0)
    actions.loupe.follow("rate", actions.grid.images(), actions.state.row)  # the Loupe may be what is shown first


def restore(window: StudioWindow) -> None:
    """Put the window where it was; a place that is off every screen is corrected by Qt."""
    geometry = preferences.read().get("window")
    if isinstance(geometry, str):
        window.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "ignore")))
    view = window.actions_.project.meta(_KEY)
    if view in window.entry_keys():
        window.show_view(view)
