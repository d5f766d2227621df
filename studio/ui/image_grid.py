"""The grid of images: a QListView whose geometry is arithmetic and whose stars can be clicked."""

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem, QWidget

from studio.model.grid_model import CellRole
from studio.ui.grid_geometry import GAP, LARGEST, MARGIN, SMALLEST, Geometry
from studio.ui.image_delegate import ImageDelegate, star_at

_Index = QModelIndex | QPersistentModelIndex
_Move = QAbstractItemView.CursorAction


class ImageGrid(QListView):
    """Shows a `GridModel`. Emits what a hand did; changes nothing itself."""

    star_clicked = Signal(int, int)  # row, stars 1..5
    current_row_changed = Signal(int)
    size_changed = Signal(int)  # a cell's side, logical pixels

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wanted: int | None = None
        self._geometry = Geometry(0, 1, SMALLEST)
        self._unit = 1.0
        self._hovered = -1
        self._hovered_star = 0
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setItemDelegate(ImageDelegate(self))

    # -- what a caller may ask -----------------------------------------------------------------------------------

    @property
    def delegate(self) -> ImageDelegate:
        found = self.itemDelegate()
        assert isinstance(found, ImageDelegate)
        return found

    @property
    def cell_size(self) -> int:
        """Side of a cell now, logical pixels."""
        return self._geometry.cell

    def set_wanted_size(self, size: int | None) -> None:
        """Ask for cells about `size` logical pixels wide; None fits the whole grid into the view."""
        self._wanted = None if size is None else min(max(size, SMALLEST), LARGEST)
        self.doItemsLayout()

    def set_pixel_art(self, pixel_art: bool, source: int) -> None:
        """Enlarge images of `source` pixels by whole factors, or smoothly."""
        self.delegate.pixel_art = pixel_art
        self._unit = source / self.devicePixelRatioF() if pixel_art and source else 1.0
        self.viewport().update()

    def current_row(self) -> int:
        return self.currentIndex().row()

    def set_current_row(self, row: int) -> None:
        """Select the image at `row` and bring it into view."""
        count = self._geometry.count
        if count:
            self.setCurrentIndex(self._index(min(max(row, 0), count - 1)))

    # -- geometry ------------------------------------------------------------------------------------------------

    def _index(self, row: int) -> QModelIndex:
        return self.model().index(row, 0)

    def _offset(self) -> int:
        return self.verticalScrollBar().value()

    def doItemsLayout(self) -> None:
        model = self.model()
        count = model.rowCount() if model is not None else 0
        size = self.viewport().size()
        laid_out = Geometry.fitting(count, size.width(), size.height(), self._wanted)
        resized = laid_out.cell != self._geometry.cell
        self._geometry = laid_out
        self.updateGeometries()
        self.viewport().update()
        if resized:
            self.size_changed.emit(laid_out.cell)

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
        cell = self._geometry.rect(index.row()).translated(0, -self._offset())
        # Whole multiples of the image, in the middle of the cell, so that ring and stars keep to the image.
        side = (
            int(max(1, cell.width() // self._unit) * self._unit)
            if self._unit <= cell.width()
            else cell.width()
        )
        spare = (cell.width() - side) // 2
        return QRect(cell.x() + spare, cell.y() + spare, side, side)

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

    def setSelection(self, rect: QRect, flags: QItemSelectionModel.SelectionFlag) -> None:
        index = self.indexAt(rect.center() if rect.width() > 1 else rect.topLeft())
        if index.isValid():
            self.selectionModel().select(index, flags)

    def visualRegionForSelection(self, selection: object) -> QRegion:
        return QRegion(self.viewport().rect())

    def moveCursor(self, action: _Move, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        count, columns = self._geometry.count, self._geometry.columns
        if not count:
            return QModelIndex()
        row = max(0, self.currentIndex().row())
        page = columns * max(1, self.viewport().height() // (self._geometry.cell + GAP))
        steps = {
            _Move.MoveLeft: -1,
            _Move.MovePrevious: -1,
            _Move.MoveRight: 1,
            _Move.MoveNext: 1,
            _Move.MoveUp: -columns,
            _Move.MoveDown: columns,
        }
        if action == _Move.MoveHome:
            target = 0
        elif action == _Move.MoveEnd:
            target = count - 1
        elif action in (_Move.MovePageUp, _Move.MovePageDown):
            while page > columns and not 0 <= row + page < count and not 0 <= row - page < count:
                page -= columns
            moved = row + (page if action == _Move.MovePageDown else -page)
            # Beyond the first or last row: the same column of that row.
            target = moved if 0 <= moved < count else self._edge(row, action == _Move.MovePageDown)
        else:
            target = row + steps.get(action, 0)
        return self._index(target if 0 <= target < count else row)

    def _edge(self, row: int, down: bool) -> int:
        column, columns, count = row % self._geometry.columns, self._geometry.columns, self._geometry.count
        if not down:
            return column
        last = (count - 1) // columns * columns + column
        return last if last < count else last - columns

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        top, current = self._offset(), self.currentIndex().row()
        area = event.rect().adjusted(-GAP, -GAP, GAP, GAP)
        self.delegate.hovered_star = 0
        for row in self._geometry.between(area.top() + top, area.bottom() + top):
            index = self._index(row)
            option.rect = self.visualRect(index)
            option.state = QStyle.StateFlag.State_Enabled
            if row == current:
                option.state |= QStyle.StateFlag.State_Selected
                if self.hasFocus():
                    option.state |= QStyle.StateFlag.State_HasFocus
            if row == self._hovered:
                option.state |= QStyle.StateFlag.State_MouseOver
                self.delegate.hovered_star = self._hovered_star
            self.delegate.paint(painter, option, index)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.doItemsLayout()
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    # -- hands ---------------------------------------------------------------------------------------------------

    def _star_under(self, point: QPoint) -> tuple[int, int]:
        index = self.indexAt(point)
        if not index.isValid() or index.data(CellRole).pixels is None:
            return index.row(), 0
        return index.row(), star_at(self.visualRect(index), point)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(*self._star_under(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1, 0)
        super().leaveEvent(event)

    def _hover(self, row: int, star: int) -> None:
        if (row, star) != (self._hovered, self._hovered_star):
            self._hovered, self._hovered_star = row, star
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if star else Qt.CursorShape.ArrowCursor
            )
            self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row, star = self._star_under(event.position().toPoint())
        # Any modifier does what a plain click does; a click between images leaves the selection where it is.
        if row < 0 or event.button() != Qt.MouseButton.LeftButton:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.setCurrentIndex(self._index(row))
        if star:
            self.star_clicked.emit(row, star)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        # The second press of two quick clicks on the stars is a click like any other.
        self.mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text() and event.text().isprintable():
            event.ignore()  # no type-ahead search: letters and digits are shortcuts
            return
        super().keyPressEvent(event)

    def currentChanged(self, current: _Index, previous: _Index) -> None:
        super().currentChanged(current, previous)
        self.viewport().update()
        self.current_row_changed.emit(current.row())

    def dataChanged(self, first: _Index, last: _Index, roles: object = ()) -> None:
        super().dataChanged(first, last, [])
        self.viewport().update()
