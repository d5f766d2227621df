"""A list view whose cells are squares in rows: where they lie, how it scrolls, and what stays in sight when it is resized."""

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from studio.ui.grid_geometry import LARGEST, MARGIN, SMALLEST, Geometry

_Index = QModelIndex | QPersistentModelIndex
_Move = QAbstractItemView.CursorAction


class SquareGrid(QListView):
    """Geometry is arithmetic, so that a hundred thousand cells cost what twenty-four do."""

    size_changed = Signal(int)  # a cell's side, logical pixels

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wanted: int | None = None
        self._geometry = Geometry(0, 1, SMALLEST)
        self._held = (
            -1,
            -1,
            -1,
        )  # cell that stayed in sight when it was resized last, where it scrolled then, current cell
        self._unit = 1.0  # logical pixels that images are enlarged by whole multiples of
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QListView.Shape.NoFrame)

    @property
    def cell_size(self) -> int:
        """Side of a cell now, logical pixels."""
        return self._geometry.cell

    def set_wanted_size(self, size: int | None) -> None:
        """Ask for cells about `size` logical pixels wide; None fits the whole grid into the view."""
        self._wanted = None if size is None else min(max(size, SMALLEST), LARGEST)
        self.doItemsLayout()

    def rows_on_show(self) -> range:
        """Return the rows of which something can be seen."""
        top = self._offset()
        return self._geometry.between(top, top + self.viewport().height())

    def scroll_place(self) -> tuple[int, int]:
        """Return the first row of which something can be seen, and how many pixels of the grid above it cannot."""
        first = self.rows_on_show().start
        return first, self._offset() - self._geometry.rect(first).top()

    def scroll_to_place(self, row: int, hidden: int) -> None:
        """Scroll to where `scroll_place` was this, in a grid of any size."""
        self.verticalScrollBar().setValue(self._geometry.rect(row).top() + hidden)

    # -- geometry ------------------------------------------------------------------------------------------------

    def _index(self, row: int) -> QModelIndex:
        return self.model().index(row, 0)

    def _offset(self) -> int:
        return self.verticalScrollBar().value()

    def reset(self) -> None:
        super().reset()
        self.doItemsLayout()

    def doItemsLayout(self) -> None:
        model = self.model()
        count = model.rowCount() if model is not None else 0
        size = self.viewport().size()
        laid_out = Geometry.fitting(count, size.width(), size.height(), self._wanted, self._unit)
        before, top, current = self._geometry, self._offset(), self.currentIndex().row()
        self._geometry = laid_out
        self.updateGeometries()
        if (laid_out.cell, laid_out.columns) != (before.cell, before.columns):
            self._hold(before, top, current)
        self._moved()
        if laid_out.cell != before.cell:
            self.size_changed.emit(laid_out.cell)

    def _moved(self) -> None:
        """Paint cells that lie elsewhere now."""
        self.viewport().update()

    def _hold(self, before: Geometry, top: int, current: int) -> None:
        """Keep what was looked at where it was, in a grid that began at `top` and is laid out anew."""
        row, *when = self._held
        if when != [
            top,
            current,
        ]:  # else it is resized again: around the same cell, or it would wander off bit by bit
            row = before.held(current, top, self.viewport().height())
        if 0 <= row < self._geometry.count:
            moved = self._geometry.rect(row).top() - before.rect(row).top()
            self.verticalScrollBar().setValue(top + moved)
            if row == current:
                self.scrollTo(self.currentIndex())
            self._held = (row, self._offset(), current)

    def updateGeometries(self) -> None:
        bar, page = self.verticalScrollBar(), self.viewport().height()
        bar.setSingleStep(self._geometry.cell // 2)
        bar.setPageStep(page)
        bar.setRange(0, max(0, self._geometry.height - page))

    def verticalOffset(self) -> int:
        return self._offset()

    def horizontalOffset(self) -> int:
        return 0

    def contentsSize(self) -> QSize:
        return QSize(self.viewport().width(), self._geometry.height)

    def visualRect(self, index: _Index) -> QRect:
        if not index.isValid():
            return QRect()
        return self._geometry.rect(index.row()).translated(0, -self._offset())

    def indexAt(self, point: QPoint) -> QModelIndex:
        row = self._geometry.at(QPoint(point.x(), point.y() + self._offset()))
        return self._index(row) if row >= 0 else QModelIndex()

    def scrollTo(
        self, index: _Index, hint: QAbstractItemView.ScrollHint = QListView.ScrollHint.EnsureVisible
    ) -> None:
        if not index.isValid():
            return
        rect, bar = self._geometry.rect(index.row()), self.verticalScrollBar()
        top, bottom, page = rect.top() - MARGIN, rect.bottom() + MARGIN, self.viewport().height()
        if top < bar.value():
            bar.setValue(top)
        elif bottom > bar.value() + page:
            bar.setValue(bottom - page + 1)

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        # QListView's own does nothing: it looks at a layout that this class never makes.
        self._moved()

    def setSelection(self, rect: QRect, flags: QItemSelectionModel.SelectionFlag) -> None:
        index = self.indexAt(rect.center() if rect.width() > 1 else rect.topLeft())
        if index.isValid():
            self.selectionModel().select(index, flags)

    def visualRegionForSelection(self, selection: object) -> QRegion:
        return QRegion(self.viewport().rect())

    def moveCursor(self, action: _Move, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        laid_out = self._geometry
        if not laid_out.count:
            return QModelIndex()
        row = max(0, self.currentIndex().row())
        if action in (_Move.MovePageUp, _Move.MovePageDown):
            return self._index(laid_out.paged(row, self.viewport().height(), action == _Move.MovePageDown))
        steps = {
            _Move.MoveLeft: -1,
            _Move.MovePrevious: -1,
            _Move.MoveRight: 1,
            _Move.MoveNext: 1,
            _Move.MoveUp: -laid_out.columns,
            _Move.MoveDown: laid_out.columns,
            _Move.MoveHome: -row,
            _Move.MoveEnd: laid_out.count - 1 - row,
        }
        return self._index(laid_out.stepped(row, steps.get(action, 0)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        top, shorter = self._offset(), event.size().height() < event.oldSize().height()
        seen = self._geometry.between(top, top + max(0, event.oldSize().height() - 1))
        super().resizeEvent(event)
        self.doItemsLayout()
        # Where one has scrolled away from it, the image that has the keys stays away.
        current = self.currentIndex()
        if current.isValid() and (not self.isVisible() or (shorter and current.row() in seen)):
            self.scrollTo(current)
