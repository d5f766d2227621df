"""Geometry of a grid of squares, by arithmetic alone, so that a hundred thousand cells cost no more than twenty-four."""

from dataclasses import dataclass
from math import ceil

from PySide6.QtCore import QPoint, QRect

GAP = 8
MARGIN = 4  # for the ring around a selected image at the border
SMALLEST, LARGEST = 72, 384


@dataclass(frozen=True)
class Geometry:
    """Columns and cell size of a grid of `count` cells in a viewport `width` pixels wide."""

    count: int
    columns: int
    cell: int  # side, logical pixels
    left: int = MARGIN  # left edge of the first column

    @classmethod
    def fitting(
        cls, count: int, width: int, height: int, wanted: int | None, unit: float = 1.0
    ) -> "Geometry":
        """Lay out `count` cells so that whole columns fill the width.

        `wanted` : side of a cell that the person asked for; None takes the largest at which all cells are visible (but see `SMALLEST`).
        `unit` : if above 1, cells are rounded to whole multiples of this many logical pixels, and the grid is centred.
        """
        room = max(1, width - 2 * MARGIN)
        if wanted is None:
            columns = 1
            while columns < count and not cls._fits(count, columns, room, height):
                columns += 1
        else:
            columns = max(1, round((room + GAP) / (wanted + GAP)))
        cell = (room - GAP * (columns - 1)) // columns
        if cell < SMALLEST:
            columns = max(1, (room + GAP) // (SMALLEST + GAP))
            cell = (room - GAP * (columns - 1)) // columns
        cell = max(1, min(cell, LARGEST))
        if 1 < unit <= cell:
            cell = ceil(cell // unit * unit)  # less than a pixel more than the image
            if wanted is not None:
                columns = (room + GAP) // (cell + GAP)
        filled = columns * (cell + GAP) - GAP
        return cls(count, columns, cell, MARGIN + (max(0, room - filled) // 2 if unit > 1 else 0))

    @staticmethod
    def _fits(count: int, columns: int, room: int, height: int) -> bool:
        cell = min((room - GAP * (columns - 1)) // columns, LARGEST)
        rows = -(-count // columns)
        return rows * cell + (rows - 1) * GAP + 2 * MARGIN <= height

    @property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    @property
    def height(self) -> int:
        """Height of the whole grid, margins included."""
        return self.rows * (self.cell + GAP) - GAP + 2 * MARGIN if self.count else 0

    def rect(self, row: int) -> QRect:
        """Return the rectangle of cell number `row` in the content, before scrolling."""
        step = self.cell + GAP
        return QRect(
            self.left + row % self.columns * step, MARGIN + row // self.columns * step, self.cell, self.cell
        )

    def at(self, point: QPoint) -> int:
        """Return the cell under a point of the content, or -1 in a gap."""
        step = self.cell + GAP
        x, y = point.x() - self.left, point.y() - MARGIN
        if x < 0 or y < 0 or x % step >= self.cell or y % step >= self.cell or x // step >= self.columns:
            return -1
        row = y // step * self.columns + x // step
        return row if row < self.count else -1

    def between(self, top: int, bottom: int) -> range:
        """Return the cells of all rows that a strip of the content from `top` to `bottom` may touch."""
        step = self.cell + GAP
        first = max(0, (top - MARGIN) // step) * self.columns
        last = (max(0, bottom - MARGIN) // step + 1) * self.columns
        return range(min(first, self.count), min(last, self.count))

    def stepped(self, row: int, by: int) -> int:
        """Return the cell `by` cells further on, or `row` if there is none."""
        return row + by if 0 <= row + by < self.count else row

    def held(self, current: int, top: int, height: int) -> int:
        """Return the cell that keeps its place in the viewport when the cell size changes, or -1 for none.

        In a viewport of `height` pixels that begins at `top`: the current cell if it is visible, otherwise the first that is fully visible.
        """
        seen = self.between(top, top + height - 1)
        if current in seen or not seen:
            return current if seen else -1
        wholly = seen.start if self.rect(seen.start).top() >= top else seen.start + self.columns
        return min(wholly, self.count - 1)

    def paged(self, row: int, height: int, down: bool) -> int:
        """Return the cell a page of `height` pixels below or above `row`, in the same column."""
        columns, count = self.columns, self.count
        page = columns * max(1, height // (self.cell + GAP))
        while page > columns and not 0 <= row + page < count and not 0 <= row - page < count:
            page -= columns
        moved = row + (page if down else -page)
        if 0 <= moved < count:
            return moved
        # Beyond the first or last row: that row, in the same column.
        column = row % columns
        last = (count - 1) // columns * columns + column
        return (last if last < count else last - columns) if down else column
