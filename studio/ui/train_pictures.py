"""The pictures of a folder as a grid of crops, and a single whole picture."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from PySide6.QtCore import (
    QItemSelection,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.i18n import tr
from studio.model.scaling import centred, scaled
from studio.model.training_pictures import COPY, STATE_ROLE, USED, PictureModel
from studio.theme import icons
from studio.theme.theme import current
from studio.theme.tokens import CORNER_IMAGE
from studio.ui.parts import named
from studio.ui.strip import settled

CELL, _GAP = 96, 8  # logical pixels
_TALLEST = 160  # largest height of the whole picture, in logical pixels
_KEPT = 1000  # scaled crops in the cache

Index = QModelIndex | QPersistentModelIndex


class CropDelegate(QStyledItemDelegate):
    """Paints crops; those that are not used are dimmed and marked."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pixmap: Callable[[int, float], QPixmap] = lru_cache(_KEPT)(self._enlarged)
        self._model: PictureModel | None = None

    def follow(self, model: PictureModel) -> None:
        """Paint the pictures of `model`."""
        self._model = model
        model.modelReset.connect(self._pixmap.cache_clear)  # type: ignore[attr-defined]

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(CELL + _GAP, CELL + _GAP)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        tokens = current().tokens
        rect: QRect = option.rect  # type: ignore[attr-defined]  # PySide's stubs leave it out
        area = QRectF(rect.x() + _GAP / 2, rect.y() + _GAP / 2, CELL, CELL)
        shape = QPainterPath()
        shape.addRoundedRect(area, CORNER_IMAGE, CORNER_IMAGE)
        state = index.data(STATE_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipPath(shape)
        painter.fillRect(area, QColor(tokens.control))
        painter.setOpacity(1.0 if state == USED else 0.25)
        pixmap = self._pixmap(index.row(), painter.device().devicePixelRatioF())
        painter.drawPixmap(centred(pixmap, area), pixmap)
        painter.setOpacity(1.0)
        painter.setClipping(False)
        if state != USED:
            self._mark(painter, area, "copy" if state == COPY else "out")
        chosen = option.state & QStyle.StateFlag.State_Selected  # type: ignore[attr-defined]
        focused = option.state & QStyle.StateFlag.State_HasFocus  # type: ignore[attr-defined]
        if chosen or focused:
            painter.setBrush(Qt.BrushStyle.NoBrush)  # painting the mark sets one
            painter.setPen(QPen(QColor(tokens.accent if chosen else tokens.quiet), 2))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), CORNER_IMAGE, CORNER_IMAGE)
            painter.setPen(QPen(QColor(tokens.ground), 1))  # so that the ring is visible on any image
            painter.drawRoundedRect(area.adjusted(2.5, 2.5, -2.5, -2.5), CORNER_IMAGE - 1, CORNER_IMAGE - 1)
        painter.restore()

    @staticmethod
    def _mark(painter: QPainter, area: QRectF, kind: str) -> None:
        """Paint the mark of a picture that is not used; `kind` : the icon, "out" (left out by the person) or "copy"."""
        tokens = current().tokens
        disc = QRectF(0, 0, 28, 28)
        disc.moveCenter(area.center())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.panel))
        painter.drawEllipse(disc)
        icons.paint(painter, kind, disc.adjusted(5, 5, -5, -5), tokens.text)

    def _enlarged(self, row: int, ratio: float) -> QPixmap:
        assert self._model is not None
        image: QImage = self._model.index(row).data(Qt.ItemDataRole.DecorationRole)
        return QPixmap.fromImage(scaled(image, CELL, ratio, self._model.pixel_art))


class CropGrid(QListView):
    """A grid of crops, as many in a row as fit; only the visible ones are painted."""

    picked = Signal(list)  # names of the selected pictures, those selected last at the end

    def __init__(self, model: PictureModel) -> None:
        super().__init__()
        self._pictures = model
        delegate = CropDelegate(self)
        delegate.follow(model)
        self.setItemDelegate(delegate)
        self.setModel(model)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setUniformItemSizes(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setLayoutMode(QListView.LayoutMode.Batched)
        self.setBatchSize(2000)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setViewportMargins(-_GAP // 2, -_GAP // 2, 0, 0)  # flush with the title
        named(self, tr("Pictures"), "")

    def chosen(self) -> list[str]:
        """Return the names of the selected pictures."""
        return [self._pictures.pictures[index.row()].name for index in self.selectedIndexes()]

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        super().selectionChanged(selected, deselected)
        latest = {self._pictures.pictures[index.row()].name for index in selected.indexes()}
        self.picked.emit(sorted(self.chosen(), key=latest.__contains__))

    def keyboardSearch(self, search: str) -> None:
        """Do nothing: letters are shortcuts here."""


class WholePicture(QWidget):
    """One whole picture, with the parts outside its crop dimmed."""

    def __init__(self) -> None:
        super().__init__()
        self._image = QImage()
        self._room = 0  # width that it fills, in pixels
        self.setFixedHeight(0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        named(self, tr("The whole picture"), tr("What is bright is kept; what is dim is cut off"))

    def show_image(self, image: QImage) -> None:
        """Show `image`; a null image takes no space."""
        self._image = image
        self._fit()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._room = settled(event.size().width(), self._room)
        self._fit()

    def _fit(self) -> None:
        image = self._image
        self.setFixedHeight(0 if image.isNull() else min(_TALLEST, self._room * image.height() // image.width()))

    def kept(self) -> QRectF:
        """Return the rectangle of the square crop in this widget."""
        shown = self._shown()
        side = min(shown.width(), shown.height())
        square = QRectF(0, 0, side, side)
        square.moveCenter(shown.center())
        return square

    def _shown(self) -> QRectF:
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        shown = QRectF(0, 0, size.width(), size.height())
        shown.moveCenter(QRectF(self.rect()).center())
        return shown

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image.isNull():
            return
        tokens = current().tokens
        painter = QPainter(self)
        shrinks = self._image.width() > self._shown().width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, shrinks)
        painter.drawImage(self._shown(), self._image)
        cut = QPainterPath()
        cut.addRect(self._shown())
        inner = QPainterPath()
        inner.addRect(self.kept())
        shade = QColor(tokens.panel)
        shade.setAlpha(190)
        painter.fillPath(cut.subtracted(inner), shade)
        painter.setPen(QPen(QColor(tokens.accent), 1))
        painter.drawRect(self.kept().adjusted(0.5, 0.5, -0.5, -0.5))
