"""The training pictures of a folder: a Qt model that reads only the visible ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QImage, QUndoCommand, QUndoStack

from studio.i18n import tr
from studio.model.pictures import to_image
from studio.worker.jobs import Picture

USED, COPY, EXCLUDED = "used", "copy", "excluded"
STATE_ROLE = Qt.ItemDataRole.UserRole + 1
_KEPT = 2000  # images in memory

Index = QModelIndex | QPersistentModelIndex


class _Choice(QUndoCommand):
    """Undoable exclusion or inclusion of pictures."""

    def __init__(self, model: PictureModel, names: set[str], out: bool) -> None:
        count = len(names)
        super().__init__(
            (tr("leave 1 picture out") if count == 1 else tr("leave {n} pictures out", n=count))
            if out
            else (tr("take 1 picture back in") if count == 1 else tr("take {n} pictures back in", n=count))
        )
        self._model, self._names, self._out = model, names, out

    def redo(self) -> None:
        self._set(self._out)

    def undo(self) -> None:
        self._set(not self._out)

    def _set(self, out: bool) -> None:
        excluded = self._model.excluded
        self._model.show_excluded(excluded | self._names if out else excluded - self._names)


class PictureModel(QAbstractListModel):
    """One row per readable picture. The pixels stay in the file that the process made of the folder."""

    changed = Signal()  # the selection of used pictures

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pictures: tuple[Picture, ...] = ()
        self.excluded: set[str] = set()  # names excluded by the person
        self.keep_copies = False
        self.pixel_art = False  # whether all pictures are pixel art
        self.used = 0  # number of pictures that training will use
        self.left_out = 0  # number that the person excluded
        self.copies = 0  # number of duplicates
        self.history = QUndoStack(self)  # of the person's exclusions
        self._pixels: np.ndarray | None = None
        self._image = lru_cache(_KEPT)(self._read)

    def show(self, pictures: Sequence[Picture], array: Path | None, pixel_art: bool = False) -> None:
        """Show these pictures; `array` is a .npy file with the pixels of each in one row."""
        self.beginResetModel()
        self.pictures, self.pixel_art = tuple(pictures), pixel_art
        self._image.cache_clear()
        self._pixels = None if array is None else np.load(array, mmap_mode="r", allow_pickle=False)
        self.copies = sum(bool(picture.copy_of) for picture in self.pictures)
        self.endResetModel()
        self._follow()

    def exclude(self, names: Iterable[str], out: bool) -> None:
        """Exclude pictures, or include them again."""
        changed = set(names) - self.excluded if out else set(names) & self.excluded
        if changed:
            self.history.push(_Choice(self, changed, out))

    def forget_choices(self) -> None:
        """Include all pictures, as in a folder that was never read; this cannot be undone."""
        self.history.clear()
        self.show_excluded(set())

    def show_excluded(self, names: set[str]) -> None:
        """Exclude these pictures and no others."""
        self.excluded = names
        self._follow()

    def set_keep_copies(self, keep: bool) -> None:
        """Set whether duplicates are used too."""
        self.keep_copies = keep
        self._follow()

    def _follow(self) -> None:
        states = Counter(map(self.state, range(len(self.pictures))))
        self.used, self.left_out = states[USED], states[EXCLUDED]
        if self.pictures:
            self.dataChanged.emit(self.index(0), self.index(len(self.pictures) - 1), [STATE_ROLE])
        self.changed.emit()

    def state(self, row: int) -> str:
        """Whether the picture at `row` is used, a copy of another, or excluded."""
        picture = self.pictures[row]
        if picture.name in self.excluded:
            return EXCLUDED
        return COPY if picture.copy_of and not self.keep_copies else USED

    def words(self, row: int) -> str:
        """Describe a picture: its size, what is cropped, and why it is not used if so."""
        picture = self.pictures[row]
        side = min(picture.width, picture.height)
        lines = [picture.name, tr("{w} × {h} pixels", w=picture.width, h=picture.height)]
        if picture.width != picture.height:
            lines[1] += " · " + tr("cropped to the middle {s} × {s}", s=side)
        state = self.state(row)
        if state == EXCLUDED:
            lines.append(tr("Left out by you"))
        elif state == COPY:
            lines.append(
                tr("The same as {name}, which you left out", name=picture.copy_of)
                if picture.copy_of in self.excluded
                else tr("The same as {name}, which is kept", name=picture.copy_of)
            )
        return "\n".join(lines)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.pictures)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = index.row()
        if role == Qt.ItemDataRole.DecorationRole:
            return self._image(row)
        if role == Qt.ItemDataRole.DisplayRole:
            return self.pictures[row].name
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self.words(row)
        if role == STATE_ROLE:
            return self.state(row)
        return None

    def _read(self, row: int) -> QImage:
        assert self._pixels is not None
        return to_image(self._pixels[row])
