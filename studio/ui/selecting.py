"""Selection of several items in a list view."""

from collections.abc import Iterator

from PySide6.QtCore import QItemSelection, QItemSelectionModel

_Command = QItemSelectionModel.SelectionFlag


def selected_rows(model: QItemSelectionModel) -> Iterator[int]:
    """Yield the selected rows in order, without building a list."""
    ranges = sorted((found.top(), found.bottom()) for found in model.selection().toList())
    for top, bottom in ranges:
        yield from range(top, bottom + 1)


def select_between(model: QItemSelectionModel, one: int, other: int) -> None:
    """Select everything between two rows; the second becomes the current one."""
    first, last = sorted((one, other))
    items = model.model()
    model.setCurrentIndex(items.index(other, 0), _Command.NoUpdate)
    model.select(QItemSelection(items.index(first, 0), items.index(last, 0)), _Command.ClearAndSelect)


def toggle(model: QItemSelectionModel, row: int) -> None:
    """Add `row` to the selection or remove it; the last selected row stays."""
    items = model.model()
    index = items.index(row, 0)
    if not model.isSelected(index):
        model.setCurrentIndex(index, _Command.Select)
        return
    left = next((other for other in selected_rows(model) if other != row), None)
    if left is not None:
        model.select(index, _Command.Deselect)
        if model.currentIndex().row() == row:
            model.setCurrentIndex(items.index(left, 0), _Command.NoUpdate)
