"""Measures how long each image is looked at, from pointer and keys; recorded as an implicit signal if the person allows it."""

from __future__ import annotations

from time import monotonic

from PySide6.QtCore import QEvent, QObject

from studio.model.actions import Actions
from studio.model.grid_model import Cell, CellRole
from studio.ui.image_grid import ImageGrid

SHORTEST, LONGEST = 0.7, 60.0  # seconds; shorter times are ignored, longer ones (a break) are cut off
ON_A_GRID = 1.5  # seconds; the shortest time on a grid, where the pointer passes over many images


class Gaze:
    """Tracks the image that is looked at, and records for how long once another one is, or none."""

    def __init__(self, actions: Actions, shortest: float = SHORTEST) -> None:
        self._actions, self._shortest = actions, shortest
        self.image, self._since = 0, 0.0  # 0: none

    def look_at(self, image: int) -> bool:
        """Set the image that is looked at, 0 for none. Returns False if it is the same as before."""
        if image == self.image:
            return False
        seconds, before = monotonic() - self._since, self.image
        self.image, self._since = image, monotonic()
        if before and seconds >= self._shortest:
            self._actions.note_in_passing("dwell", before, round(min(seconds, LONGEST), 1))
        return True


class GridGaze(QObject):
    """Watches a grid: an image is looked at while the pointer is on it, or after a key moved to it."""

    def __init__(self, grid: ImageGrid, actions: Actions) -> None:
        super().__init__(grid)
        self._grid, self._row = grid, -1
        self.gaze = Gaze(actions, ON_A_GRID)
        grid.hovered_row_changed.connect(self._look)
        grid.current_row_changed.connect(self._look)
        grid.model().dataChanged.connect(self._follow)
        grid.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Hide, QEvent.Type.WindowDeactivate):
            self.gaze.look_at(0)
        return False

    def _look(self, row: int) -> None:
        """Look at the image at `row`, or at none if there is none."""
        self._row = row
        self.gaze.look_at(self._image_at(row))

    def _follow(self) -> None:
        if self.gaze.image and self._image_at(self._row) != self.gaze.image:
            self.gaze.look_at(0)  # another image has taken its place

    def _image_at(self, row: int) -> int:
        cell = (
            self._grid.model().index(row, 0).data(CellRole) if row >= 0 and self._grid.isVisible() else None
        )
        return max(0, cell.image) if isinstance(cell, Cell) else 0
