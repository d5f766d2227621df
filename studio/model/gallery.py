"""Everything that was ever shown, as a Qt model: ids in memory, the rest fetched for the visible rows."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from studio.model.grid_model import Cell, CellRole, describe, said
from studio.model.reading import Reader
from studio.project.records import Change
from studio.project.search import Query

_PAGE = 128  # images fetched together
_CELLS = 4096  # cells that stay in memory

_Index = QModelIndex | QPersistentModelIndex


class SeenCell(Cell):
    """An image of the gallery. Its pixels are in the image cache, so it can be rated before they are loaded."""

    @property
    def drawn(self) -> bool:
        return True


class Gallery(QAbstractListModel):
    """The images that match `query`."""

    filtered = Signal()  # the list was replaced

    def __init__(self, reader: Reader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader = reader
        self.query = Query()
        self.ids: array[int] = array("q")
        self.changed_since = True  # whether the project has changed since the list was made
        self._cells: OrderedDict[int, SeenCell] = OrderedDict()

    def show(self, query: Query) -> None:
        """List the images that match `query`; the list stays as it is if the project cannot be read."""
        ids = self._reader.read(lambda project: project.find(query), None)
        if ids is None:
            return
        self.beginResetModel()
        self.query, self.ids, self.changed_since = query, ids, False
        self._cells.clear()
        self.endResetModel()
        self.filtered.emit()

    def refresh(self) -> None:
        """Make the list again if anything may have changed."""
        if self.changed_since:
            self.show_again()

    def show_again(self) -> None:
        """Make the list again: remove images that no longer match, and add those that now do."""
        self.show(self.query)

    def touch(self) -> None:
        """Mark the list as out of date; it stays unchanged while somebody looks at it."""
        self.changed_since = True

    def apply(self, change: Change) -> None:
        """Show a change of feedback; an image that no longer matches stays until the list is made again."""
        self.touch()
        known = [image for image in change.states if self._cells.pop(image, None) is not None]
        if known and self.ids:
            self.dataChanged.emit(self.index(0), self.index(len(self.ids) - 1))

    def row_of(self, image: int) -> int:
        """Return the row that shows `image`, or -1."""
        try:
            return self.ids.index(image)
        except ValueError:
            return -1

    def cell(self, row: int) -> SeenCell | None:
        """Return the cell at `row`, fetching it with its neighbours; None outside the list."""
        if not 0 <= row < len(self.ids):
            return None
        image = self.ids[row]
        found = self._cells.get(image)
        if found is None:
            first = row // _PAGE * _PAGE
            page = [other for other in self.ids[first : first + _PAGE] if other not in self._cells]
            for other, known in self._read(page).items():
                self._cells[other] = known
            found = self._cells.get(image, SeenCell(image))
            while len(self._cells) > _CELLS:
                self._cells.popitem(last=False)
        return found

    def _read(self, images: Sequence[int]) -> dict[int, SeenCell]:
        states = self._reader.read(lambda project: project.state(images), None)
        if states is None:  # not tried again before the list is made again
            self.changed_since = True
            return {image: SeenCell(image) for image in images}
        return {image: SeenCell(image, **said(state)) for image, state in states.items()}

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.ids)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or role not in (
            CellRole,
            Qt.ItemDataRole.AccessibleTextRole,
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.ToolTipRole,
        ):
            return None
        cell = self.cell(index.row())
        if role == Qt.ItemDataRole.ToolTipRole:
            return (cell and cell.title) or None
        return cell if role == CellRole or cell is None else describe(index.row(), cell)
