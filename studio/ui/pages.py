"""The views of a window and their side panels, made on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QStackedWidget, QWidget

from studio.model.actions import Actions
from studio.ui.dragging import DragOut
from studio.ui.gaze import GridGaze
from studio.ui.image_grid import ImageGrid
from studio.ui.parts import name_all, tell_all_keys
from studio.ui.views import ViewEntry


class Pages:
    """Makes views and puts them into one stack, and their panels into another."""

    def __init__(
        self,
        entries: Iterable[ViewEntry],
        actions: Actions,
        stack: QStackedWidget,
        panels: QStackedWidget,
        action_of: Callable[[str], QAction],
    ) -> None:
        """`action_of` : returns the action of a command by its key."""
        self.entries = {entry.key: entry for entry in entries}
        self._actions, self._stack, self._panels = actions, stack, panels
        self._action_of = action_of
        self._made: dict[str, tuple[QWidget, QWidget | None]] = {}

    def view(self, key: str) -> QWidget:
        """Return a view, made on first use."""
        if key not in self._made:
            entry = self.entries[key]
            view, panel = entry.make(self._actions), entry.panel(self._actions) if entry.panel else None
            self._stack.addWidget(view)
            name_all(view, entry.name)
            for part in (view, panel):
                if part is not None:
                    tell_all_keys(part, self._action_of)
            for grid in view.findChildren(ImageGrid):
                DragOut(grid, self._actions)
                GridGaze(grid, self._actions)
            if panel is not None:
                self._panels.addWidget(panel)
            self._made[key] = (view, panel)
        return self._made[key][0]

    def panel(self, key: str) -> QWidget | None:
        """Return the side panel of a view, if it has one."""
        self.view(key)
        return self._made[key][1]

    def has_panel(self, key: str) -> bool:
        """Whether a view has a side panel; does not make it."""
        return key in self.entries and self.entries[key].panel is not None

    def made(self) -> list[QWidget]:
        """Return the views that were made so far."""
        return [view for view, _ in self._made.values()]

    def missing(self) -> list[str]:
        """Return the keys of the views that were not made yet, without those at the foot: they have many controls and are seldom used."""
        return [
            entry.key for entry in self.entries.values() if not entry.foot and entry.key not in self._made
        ]
