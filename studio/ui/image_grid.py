"""The grid of images: a QListView whose geometry is arithmetic and whose stars can be clicked."""

from collections.abc import Iterator

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyleOptionViewItem, QWidget

from studio.model.grid_model import CellRole
from studio.ui.grid_geometry import GAP, LARGEST, MARGIN, SMALLEST, Geometry
from studio.ui.image_delegate import ImageDelegate, star_at
from studio.ui.selecting import select_between, selected_rows, toggle

_Index = QModelIndex | QPersistentModelIndex
_Move = QAbstractItemView.CursorAction
_Key = Qt.Key
_Command = QItemSelectionModel.SelectionFlag
_MOVES = {
    _Key.Key_Left: _Move.MoveLeft,
    _Key.Key_Right: _Move.MoveRight,
    _Key.Key_Up: _Move.MoveUp,
    _Key.Key_Down: _Move.MoveDown,
    _Key.Key_Home: _Move.MoveHome,
    _Key.Key_End: _Move.MoveEnd,
    _Key.Key_PageUp: _Move.MovePageUp,
    _Key.Key_PageDown: _Move.MovePageDown,
}


class ImageGrid(QListView):
    """Shows a model of `Cell`s. Emits what a hand did; changes nothing itself.

    Ctrl+click adds an image to the selection or takes it out; Shift with a click or a move selects all on the way.
    """

    star_clicked = Signal(int, int)  # row, stars 1..5
    opened = Signal(int)  # row that was double-clicked
    menu_wanted = Signal(QPoint)  # where on the screen
    selection_changed = Signal()
    current_row_changed = Signal(int)
    hovered_row_changed = Signal(int)  # -1: the pointer is on none
    size_changed = Signal(int)  # a cell's side, logical pixels

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wanted: int | None = None
        self._geometry = Geometry(0, 1, SMALLEST)
        self._unit = 1.0
        self._hovered = -1
        self._hovered_star = 0
        self._anchor = 0  # where a selection with Shift begins
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
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
            self._anchor = min(max(row, 0), count - 1)
            # Not setCurrentIndex, which looks at the keyboard: Ctrl may still be down from a shortcut.
            self.selectionModel().setCurrentIndex(self._index(self._anchor), _Command.ClearAndSelect)

    def selected_rows(self) -> Iterator[int]:
        """Return the selected rows in order."""
        return selected_rows(self.selectionModel())

    def rows_on_show(self) -> range:
        """Return the rows of which something can be seen."""
        top = self._offset()
        return self._geometry.between(top, top + self.viewport().height())

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

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        # QListView's own does nothing: it looks at a layout that this class never makes.
        self.viewport().update()

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
        if action in (_Move.MovePageUp, _Move.MovePageDown):
            return self._index(laid_out.paged(row, self.viewport().height(), action == _Move.MovePageDown))
        target = row + steps.get(action, 0)
        return self._index(target if 0 <= target < laid_out.count else row)

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        top, current, chosen = self._offset(), self.currentIndex().row(), self.selectionModel()
        area = event.rect().adjusted(-GAP, -GAP, GAP, GAP)
        self.delegate.hovered_star = 0
        for row in self._geometry.between(area.top() + top, area.bottom() + top):
            index = self._index(row)
            option.rect = self.visualRect(index)
            option.state = QStyle.StateFlag.State_Enabled
            if row == current:
                option.state |= QStyle.StateFlag.State_Active
                if self.hasFocus():
                    option.state |= QStyle.StateFlag.State_HasFocus
            if row == current or chosen.isSelected(index):
                option.state |= QStyle.StateFlag.State_Selected
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
        if not index.isValid() or not index.data(CellRole).drawn:
            return index.row(), 0
        return index.row(), star_at(self.visualRect(index), point)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(*self._star_under(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1, 0)
        super().leaveEvent(event)

    def _hover(self, row: int, star: int) -> None:
        if (row, star) != (self._hovered, self._hovered_star):
            before, self._hovered, self._hovered_star = self._hovered, row, star
            if row != before:
                self.hovered_row_changed.emit(row)
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if star else Qt.CursorShape.ArrowCursor
            )
            self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row, star = self._star_under(event.position().toPoint())
        if row < 0:  # between images: the selection stays as it is
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        keys, index = event.modifiers(), self._index(row)
        if event.button() == Qt.MouseButton.RightButton:
            if not self.selectionModel().isSelected(index):
                self.setCurrentIndex(index)
        elif event.button() != Qt.MouseButton.LeftButton:
            return
        elif star:
            if not self.selectionModel().isSelected(index):
                self.setCurrentIndex(index)
            self.star_clicked.emit(row, star)
        elif keys & Qt.KeyboardModifier.ShiftModifier:
            select_between(self.selectionModel(), self._anchor, row)
        elif keys & Qt.KeyboardModifier.ControlModifier:
            toggle(self.selectionModel(), row)
            self._anchor = row
        else:
            self.setCurrentIndex(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        # The second press of two quick clicks on the stars is a click like any other.
        row, star = self._star_under(event.position().toPoint())
        if row < 0 or star or event.button() != Qt.MouseButton.LeftButton:
            self.mousePressEvent(event)
        else:
            self.setCurrentIndex(self._index(row))
            self.opened.emit(row)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.currentIndex().isValid():
            by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
            below = self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
            self.menu_wanted.emit(below if by_key else event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (
            event.text().isprintable()
            and event.text()
            and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            event.ignore()  # no type-ahead search: letters and digits are shortcuts
            return
        move = _MOVES.get(_Key(event.key()))
        if move is not None and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            select_between(
                self.selectionModel(), self._anchor, self.moveCursor(move, event.modifiers()).row()
            )
            return
        super().keyPressEvent(event)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        ranges = self.selectionModel().selection().toList()
        if len(ranges) == 1 and ranges[0].top() == ranges[0].bottom():
            self._anchor = ranges[0].top()
        self.viewport().update()
        self.selection_changed.emit()

    def currentChanged(self, current: _Index, previous: _Index) -> None:
        super().currentChanged(current, previous)
        self.viewport().update()
        self.current_row_changed.emit(current.row())

    def dataChanged(self, first: _Index, last: _Index, roles: object = ()) -> None:
        super().dataChanged(first, last, [])
        self.viewport().update()
