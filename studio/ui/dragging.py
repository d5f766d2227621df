"""Dragging images from the studio into other programs."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QRect, QSize, Qt, QUrl
from PySide6.QtGui import QColor, QDrag, QImage, QMouseEvent, QPainter, QPixmap
from PySide6.QtWidgets import QApplication

from studio.model.actions import Actions
from studio.model.grid_model import Cell, CellRole
from studio.ui.image_grid import ImageGrid

_SHOWN = QSize(96, 96)  # under the pointer
_MOST = 500  # images dragged out at once


class DragOut(QObject):
    """Event filter that lets the images of a grid be dragged out; clicks and selections are left to the grid."""

    def __init__(self, grid: ImageGrid, actions: Actions) -> None:
        super().__init__(grid)
        self._grid, self._actions = grid, actions
        self._pressed: QPoint | None = None
        grid.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QMouseEvent):
            return False
        if event.type() == QEvent.Type.MouseButtonPress:
            left = event.button() == Qt.MouseButton.LeftButton
            self._pressed = event.position().toPoint() if left else None
        elif event.type() == QEvent.Type.MouseButtonRelease:
            self._pressed = None
        elif event.type() == QEvent.Type.MouseMove and self._pressed is not None:
            moved = (event.position().toPoint() - self._pressed).manhattanLength()
            if event.buttons() & Qt.MouseButton.LeftButton and moved >= QApplication.startDragDistance():
                start, self._pressed = self._pressed, None
                self._drag(start)
                return True
        return False

    def _drag(self, start: QPoint) -> None:
        index = self._grid.indexAt(start)
        if not index.isValid() or not index.data(CellRole).drawn:
            return
        image = self._pixels(index.data(CellRole))
        if image is None:
            return
        cells = self._cells(index.row())
        files = [self._actions.project.image_file(cell.image) for cell in cells if cell.image > 0]
        drag = QDrag(self._grid)
        drag.setMimeData(image_data(image, *files))
        drag.setPixmap(_under_the_pointer(image, len(cells)))
        if drag.exec(Qt.DropAction.CopyAction) == Qt.DropAction.CopyAction:
            for cell in cells:
                self._actions.note_in_passing("copy", max(0, cell.image))

    def _cells(self, row: int) -> list[Cell]:
        """Return the cells that a drag from `row` takes along: the selected ones (at most 500) if it is selected, otherwise only itself."""
        rows = list(islice(self._grid.selected_rows(), _MOST))
        found = [self._grid.model().index(r, 0).data(CellRole) for r in (rows if row in rows else [row])]
        return [cell for cell in found if isinstance(cell, Cell) and cell.drawn]

    def _pixels(self, cell: Cell) -> QImage | None:
        return cell.pixels if cell.pixels is not None else self._actions.images.image(cell.image)


def _under_the_pointer(image: QImage, count: int) -> QPixmap:
    """Return a thumbnail of the dragged image, with a count if there are several."""
    made = QPixmap.fromImage(image).scaled(_SHOWN, Qt.AspectRatioMode.KeepAspectRatio)
    if count > 1:
        painter = QPainter(made)
        badge = QRect(made.width() - 32, 4, 28, 18)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 20, 22, 205))
        painter.drawRoundedRect(badge, 4, 4)
        painter.setPen(QColor("#f4f4f6"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(count))
        painter.end()
    return made


def image_data(image: QImage, *files: Path | None) -> QMimeData:
    """Return the data for another program: URLs of those files that exist and, for a single image, its pixels."""
    data = QMimeData()
    if there := [QUrl.fromLocalFile(str(file)) for file in files if file is not None and file.is_file()]:
        data.setUrls(there)
    if len(files) < 2:
        data.setImageData(image)
    return data
