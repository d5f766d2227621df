"""A list view whose items are squares in rows: its layout, its scrolling, and what stays visible when it is resized."""

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
    """A grid of square cells. Its geometry is computed, so that a hundred thousand cells cost no more than twenty-four."""

    size_changed = Signal(int)  # side of a cell, in logical pixels

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wanted: int | None = None
        self._geometry = Geometry(0, 1, SMALLEST)
        self._held = (
            -1,
            -1,
            -1,
        )  # of the last change of layout: the cell that was kept in place, the scroll position after it, the current cell
        self._unit = 1.0  # side of an unenlarged image in logical pixels, if images are enlarged by whole factors; otherwise 1
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QListView.Shape.NoFrame)

    @property
    def cell_size(self) -> int:
        """Current side of a cell, in logical pixels."""
        return self._geometry.cell

    def set_wanted_size(self, size: int | None) -> None:
        """Set the approximate side of a cell in logical pixels; None fits the whole grid into the view."""
        self._wanted = None if size is None else min(max(size, SMALLEST), LARGEST)
        self.doItemsLayout()

    def rows_on_show(self) -> range:
        """Return the rows (indices of cells) that are at least partly visible."""
        top = self._offset()
        return self._geometry.between(top, top + self.viewport().height())

    def scroll_place(self) -> tuple[int, int]:
        """Return the first row that is partly visible, and how many pixels its top is above the viewport."""
        first = self.rows_on_show().start
        return first, self._offset() - self._geometry.rect(first).top()

    def scroll_to_place(self, row: int, hidden: int) -> None:
        """Restore a `scroll_place`, also in a grid of another size."""
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
        self.viewport().update()
        self._moved()
        if laid_out.cell != before.cell:
            self.size_changed.emit(laid_out.cell)

    def _moved(self) -> None:
        """Called after cells have moved in the viewport."""

    def _hold(self, before: Geometry, top: int, current: int) -> None:
        """Keep a cell in place after a new layout. `before`, `top`, `current` : geometry, scroll position and current row before it."""
        row, *when = self._held
        if when != [
            top,
            current,
        ]:  # otherwise it is being resized further: around the same cell, or the view would drift
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
        return self._rect(index.row()) if index.isValid() else QRect()

    def _rect(self, row: int) -> QRect:
        return self._geometry.rect(row).translated(0, -self._offset())

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
        # QListView's implementation depends on its own layout, which this class never computes.
        self.viewport().scroll(dx, dy)
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
        # If the person has scrolled away from the current image, do not scroll back to it.
        current = self.currentIndex()
        if current.isValid() and (not self.isVisible() or (shorter and current.row() in seen)):
            self.scrollTo(current)
