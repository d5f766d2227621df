"""The grid of images: painting, selection, and mouse and keyboard input."""

from collections.abc import Collection, Iterator

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QAbstractItemView

from studio.model.gallery import Gallery
from studio.model.grid_model import Cell, GridModel
from studio.theme.theme import current
from studio.ui.image_delegate import RING, ImageDelegate, Look, star_at
from studio.ui.selecting import select_between, selected_rows, toggle
from studio.ui.square_grid import SquareGrid

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


def _ringed(rect: QRect) -> QRect:
    """Return the area of a cell in the viewport, its ring included."""
    return rect.adjusted(-RING, -RING, RING, RING)


class ImageGrid(SquareGrid):
    """Shows a model of `Cell`s. Emits signals for what the person does; changes no image itself.

    Ctrl+click adds an image to the selection or removes it; Shift with a click or a key selects all images in between.
    """

    star_clicked = Signal(int, int)  # row, stars 1..5
    opened = Signal(int)  # row that was double-clicked
    menu_wanted = Signal(QPoint)  # position on the screen
    selection_changed = Signal()
    current_row_changed = Signal(int)
    hovered_row_changed = Signal(int)  # -1: none

    def __init__(self, delegate: ImageDelegate | None = None) -> None:
        super().__init__()
        self.delegate = delegate or ImageDelegate()
        self._pointer: QPoint | None = None  # where it is in the viewport
        self._hovered = -1
        self._hovered_star = 0
        self._anchor = 0  # row at which a selection with Shift begins
        self._released_alone = -1  # row that was pressed in a multiple selection: on release, it is selected alone
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setMouseTracking(True)
        # It paints its ground itself, so that Qt moves what stays while it scrolls.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # -- what a caller may ask -----------------------------------------------------------------------------------

    def set_pixel_art(self, pixel_art: bool, source: int) -> None:
        """Enlarge images by whole factors (`pixel_art`) or smoothly. `source` : their side in pixels, or in squares of pixel art."""
        self.delegate.pixel_art = pixel_art
        unit = source / self.devicePixelRatioF() if pixel_art and source else 1.0
        if unit != self._unit:
            self._unit = unit
            self.doItemsLayout()
        self.viewport().update()

    def current_row(self) -> int:
        return self.currentIndex().row()

    def set_current_row(self, row: int) -> None:
        """Select the image at `row` and bring it into view."""
        count = self._geometry.count
        if count:
            self._anchor = min(max(row, 0), count - 1)
            # Not QAbstractItemView.setCurrentIndex, which depends on modifier keys: Ctrl may still be down from a shortcut.
            self.selectionModel().setCurrentIndex(self._index(self._anchor), _Command.ClearAndSelect)

    def selected_rows(self) -> Iterator[int]:
        """Return the selected rows in order."""
        return selected_rows(self.selectionModel())

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, region = QPainter(self.viewport()), event.region()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(region.boundingRect(), QColor(current().tokens.ground))
        top, at_hand = self._offset(), self.currentIndex().row()
        area = _ringed(region.boundingRect())
        rows = self._geometry.between(area.top() + top, area.bottom() + top)
        selected = self._selected(rows)
        for row in rows:
            rect = self._geometry.rect(row).translated(0, -top)
            cell = self._cell(row) if region.intersects(_ringed(rect)) else None
            if cell is not None:
                hovered = row == self._hovered
                look = Look(row == at_hand, row in selected, hovered, self._hovered_star if hovered else 0)
                self.delegate.paint(painter, rect, cell, look)
        painter.end()

    def _cell(self, row: int) -> Cell | None:
        cells = self.model()  # asked directly: through an index it takes five times as long
        return cells.cell(row) if isinstance(cells, Gallery | GridModel) else None

    def _selected(self, rows: range) -> set[int]:
        """Return which of `rows` are selected or current, without asking for each of them."""
        if not rows:
            return set()
        ranges = self.selectionModel().selection().toList()
        found = {row for one in ranges for row in range(max(one.top(), rows.start), min(one.bottom() + 1, rows.stop))}
        return found | {self.currentIndex().row()}

    def _update(self, row: int) -> None:
        """Paint one cell again."""
        self.viewport().update(_ringed(self._rect(row)))

    def update_images(self, images: Collection[int]) -> None:
        """Paint the cells of these images again."""
        for row in self.rows_on_show():
            cell = self._cell(row)
            if cell is not None and cell.image in images:
                self._update(row)

    # -- hands ---------------------------------------------------------------------------------------------------

    def _star_under(self, point: QPoint) -> tuple[int, int]:
        row = self._geometry.at(QPoint(point.x(), point.y() + self._offset()))
        cell = self._cell(row)
        return row, star_at(self._rect(row), point) if cell is not None and cell.drawn else 0

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position().toPoint()
        self._hover(*self._star_under(self._pointer))

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Enter and isinstance(event, QEnterEvent):
            self._pointer = event.position().toPoint()
        elif event.type() == QEvent.Type.Leave:
            self._pointer = None
            self._hover(-1, 0)
        return super().viewportEvent(event)

    def _hover(self, row: int, star: int) -> None:
        if (row, star) != (self._hovered, self._hovered_star):
            before, self._hovered, self._hovered_star = self._hovered, row, star
            if row != before:
                self.hovered_row_changed.emit(row)
            self.viewport().setCursor(
                Qt.CursorShape.PointingHandCursor if star else Qt.CursorShape.ArrowCursor
            )
            for changed in {before, row} - {-1}:
                self._update(changed)

    def _moved(self) -> None:
        # The images may move below a resting pointer. Where it rests is remembered: asking takes a screen most of a millisecond.
        if self._pointer is not None:
            self._hover(*self._star_under(self._pointer))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._released_alone = -1
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
        elif self.selectionModel().isSelected(index):
            self._released_alone = row  # only on release: a drag of the whole selection may begin here
        else:
            self.setCurrentIndex(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._released_alone >= 0:
            self.set_current_row(self._released_alone)
        self._released_alone = -1
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        # On the stars, the second press of a double click is an ordinary click.
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
