"""The images on show, as a Qt model of ids."""

from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

from studio.i18n import tr
from studio.project.records import ImageState
from studio.worker.messages import Prediction

ImageRole = Qt.ItemDataRole.UserRole + 1
CellRole = Qt.ItemDataRole.UserRole + 2

_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class Cell:
    """One cell of the grid: an image with its feedback and prediction."""

    image: int  # the project's id; 0 while it is being drawn
    stars: int = 0  # 0 is not rated
    flag: str | None = None  # "like", "reject"
    label: int = 0  # colour 1..4; 0 is none
    tags: tuple[str, ...] = ()
    note: str = ""
    title: str = ""
    guess: Prediction | None = None
    pixels: QImage | None = None

    @property
    def rated(self) -> bool:
        return self.stars > 0 or self.flag is not None

    @property
    def drawn(self) -> bool:
        """Whether there is an image to rate."""
        return self.pixels is not None


def said(state: ImageState) -> dict[str, Any]:
    """Return the feedback on an image as fields of a `Cell`."""
    return {
        "stars": state.stars,
        "flag": state.flag,
        "label": state.label,
        "tags": state.tags,
        "note": state.note,
        "title": state.title,
    }


class GridModel(QAbstractListModel):
    """`Cell`s in the order shown. Placeholders keep all positions while a new grid is drawn."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._cells: list[Cell] = []

    @property
    def cells(self) -> list[Cell]:
        return list(self._cells)

    def cell(self, row: int) -> Cell | None:
        """Return the cell at `row`, or None outside the grid."""
        return self._cells[row] if 0 <= row < len(self._cells) else None

    def row_of(self, image: int) -> int:
        """Return the row that shows `image`, or -1."""
        return next((row for row, cell in enumerate(self._cells) if cell.image == image), -1)

    def images(self) -> list[int]:
        """Return the ids of the images, in order, without placeholders."""
        return [cell.image for cell in self._cells if cell.image]

    def pixels_of(self, image: int) -> QImage | None:
        """Return the pixels of an image that is on the grid."""
        cell = self.cell(self.row_of(image))
        return cell.pixels if cell else None

    def show(self, cells: list[Cell]) -> None:
        """Replace all cells; positions that exist before and after stay selected."""
        old, new = len(self._cells), len(cells)
        if new > old:
            self.beginInsertRows(QModelIndex(), old, new - 1)
            self._cells = list(cells)
            self.endInsertRows()
        elif new < old:
            self.beginRemoveRows(QModelIndex(), new, old - 1)
            self._cells = list(cells)
            self.endRemoveRows()
        self._cells = list(cells)
        if new:
            self.dataChanged.emit(self.index(0), self.index(new - 1))

    def show_placeholders(self, count: int) -> None:
        """Show `count` placeholders."""
        self.show([Cell(0)] * count)

    def rate(self, state: ImageState) -> None:
        """Show the feedback on an image, if it is in the grid."""
        self._replace(state.image, **said(state))

    def predict(self, guess: Prediction) -> None:
        """Set the prediction for an image, if it is in the grid."""
        self._replace(guess.image, guess=guess)

    def draw(self, image: int, pixels: QImage) -> None:
        """Show the pixels of an image that was a placeholder."""
        self._replace(image, pixels=pixels)

    def _replace(self, image: int, **values: Any) -> None:
        row = self.row_of(image)
        if row >= 0:
            self._cells[row] = replace(self._cells[row], **values)
            self.dataChanged.emit(self.index(row), self.index(row))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._cells)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        cell = self.cell(index.row()) if index.isValid() else None
        if cell is None:
            return None
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.DisplayRole):
            return describe(index.row(), cell)
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell.title or None
        if role == CellRole:
            return cell
        if role == ImageRole:
            return cell.pixels
        return None


def describe(row: int, cell: Cell) -> str:
    """Describe a cell in words, for screen readers."""
    parts = [tr("Image {number}", number=row + 1), *([cell.title] if cell.title else [])]
    if not cell.drawn:
        parts.append(tr("being drawn"))
    if cell.stars == 1:
        parts.append(tr("1 star"))
    elif cell.stars:
        parts.append(tr("{stars} stars", stars=cell.stars))
    if cell.flag == "like":
        parts.append(tr("liked"))
    elif cell.flag == "reject":
        parts.append(tr("rejected"))
    if not cell.rated and cell.drawn:
        parts.append(tr("not rated"))
    if cell.label:
        parts.append(label_name(cell.label))
    if cell.tags:
        parts.append(tr("tags: {tags}", tags=", ".join(cell.tags)))
    if cell.note:
        parts.append(tr("with a note"))
    return ", ".join(parts)


def label_name(label: int) -> str:
    """Return the name of a colour label 1..4."""
    return (tr("red label"), tr("yellow label"), tr("green label"), tr("blue label"))[label - 1]
