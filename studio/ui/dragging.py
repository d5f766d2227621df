"""Dragging images out of the studio into another program."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QSize, Qt, QUrl
from PySide6.QtGui import QDrag, QImage, QMouseEvent, QPixmap
from PySide6.QtWidgets import QApplication

from studio.model.actions import Actions
from studio.model.grid_model import Cell, CellRole
from studio.ui.image_grid import ImageGrid

_SHOWN = QSize(96, 96)  # under the pointer


class DragOut(QObject):
    """Lets the images of a grid be dragged out. It watches; clicks and selections stay the grid's own."""

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
        cell = index.data(CellRole) if index.isValid() else None
        if not isinstance(cell, Cell) or not cell.drawn:
            return
        image = cell.pixels if cell.pixels is not None else self._actions.images.image(cell.image)
        if image is None:
            return
        file = self._actions.project.image_file(cell.image) if cell.image > 0 else None
        drag = QDrag(self._grid)
        drag.setMimeData(image_data(image, file))
        drag.setPixmap(QPixmap.fromImage(image).scaled(_SHOWN, Qt.AspectRatioMode.KeepAspectRatio))
        if drag.exec(Qt.DropAction.CopyAction) == Qt.DropAction.CopyAction and cell.image > 0:
            self._actions.note_in_passing("copy", cell.image)


def image_data(image: QImage, file: Path | None) -> QMimeData:
    """Return what to hand to another program: the file where there is one, and the pixels."""
    data = QMimeData()
    if file is not None and file.is_file():
        data.setUrls([QUrl.fromLocalFile(str(file))])
    data.setImageData(image)
    return data
