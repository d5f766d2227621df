"""The Gallery view: all images that were ever shown."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QImage, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from studio.i18n import tr, whole
from studio.model.actions import Actions
from studio.model.property import bind
from studio.project.search import Query
from studio.theme.tokens import HEADER
from studio.ui.gallery_filter import GalleryFilter
from studio.ui.grid_geometry import LARGEST, MARGIN, SMALLEST
from studio.ui.image_commands import context_menu
from studio.ui.image_delegate import CachedDelegate
from studio.ui.image_facts import ImageFacts
from studio.ui.image_grid import ImageGrid
from studio.ui.parts import ElidedLabel, named, stands_for, text_label

_SIZE = 144  # default side of a tile, in logical pixels
_MOST_AT_HAND = 2000  # limit for the selected images that one key rates


class GalleryView(QWidget):
    """The filters, the grid of matching images, and a hint if there are none."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions, self._gallery = actions, actions.gallery
        kept = actions.project.meta("gallery")
        self._kept: dict[str, Any] = kept if isinstance(kept, dict) else {}  # the saved place, until it is restored
        self._shown = self._kept_number("image")  # the image that was selected last
        self._row = 0  # and its row
        self.grid = ImageGrid(CachedDelegate(actions.images))
        self.grid.setModel(actions.gallery)
        self.grid.set_wanted_size(actions.project.meta("gallery_size", _SIZE))
        named(self.grid, tr("All images"), "")
        self.filter = GalleryFilter(actions)
        self.filter.show_query(Query.read(self._kept.get("query", {})))
        actions.gallery.query = self.filter.query  # the images are listed when the view is first shown
        self.count = ElidedLabel("", "quiet")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(SMALLEST, LARGEST)
        self.slider.setPageStep(24)
        self.slider.setFixedWidth(120)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setValue(self.grid.cell_size)
        named(self.slider, tr("Size of the images"), tr("Larger or smaller images"))
        stands_for(self.slider, "larger", "smaller")
        header = QHBoxLayout()
        header.setSpacing(12)
        header.addStrut(HEADER)
        header.addWidget(text_label(tr("Gallery"), "title"))
        header.addWidget(self.count, 1)
        header.addWidget(self.filter.order)
        header.addWidget(text_label(tr("Size"), "quiet"))
        header.addWidget(self.slider)
        top = QVBoxLayout()
        top.setContentsMargins(MARGIN, 0, MARGIN, 0)
        top.setSpacing(8)
        top.addLayout(header)
        top.addWidget(self.filter)
        self.hint = text_label("", "hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(16 - MARGIN, 12, 16 - MARGIN, 8)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.grid, 1)
        column.addWidget(self.hint, 1)

        self.grid.star_clicked.connect(self._star)
        self.grid.current_row_changed.connect(self._at_hand)
        self.grid.selection_changed.connect(self._at_hand)
        self.grid.opened.connect(lambda _: actions.view_wanted.emit("loupe"))
        self.grid.menu_wanted.connect(self._open_menu)
        self.grid.size_changed.connect(self._show_size)
        self.slider.valueChanged.connect(self._resize)
        self.filter.changed.connect(self._gallery.show)
        self.filter.left.connect(lambda: self.focus_target().setFocus(Qt.FocusReason.OtherFocusReason))
        self._gallery.filtered.connect(self._show)
        actions.images.arrived.connect(self.grid.update_images)
        actions.loupe.moved.connect(self._follow_loupe)
        actions.advance.connect(self._go_on)
        for name in ("pixel_art", "generator"):
            bind(actions.state, name, self._show_scaling)

    def focus_target(self) -> QWidget:
        # A hidden grid would take the focus from the search field as soon as there are images again, while the person types.
        return self.filter.search if self.grid.isHidden() else self.grid

    def image_at_hand(self) -> QImage | None:
        cell = self._gallery.cell(self.grid.current_row()) if self.isVisible() else None
        return self._actions.images.image(cell.image) if cell else None

    def zoom(self, steps: int) -> None:
        """Make the images larger (1) or smaller (-1) by whole columns; 0 is the default size."""
        before, wanted = self.grid.cell_size, _SIZE if steps == 0 else max(SMALLEST, self.grid.cell_size)
        while steps and SMALLEST <= wanted <= LARGEST and self.grid.cell_size == before:
            wanted += 8 * steps
            self.grid.set_wanted_size(wanted)
        self._resize(wanted)

    def search(self) -> None:
        """Focus the search field."""
        self.filter.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.search.selectAll()

    def show_query(self, query: Query) -> None:
        """Show the images that match a query."""
        self.filter.show_query(query)

    def kept_place(self) -> dict[str, Any]:
        """Return the filters, the selected image and the scroll position, to restore them at the next start."""
        if self._kept or not self._gallery.ids:
            place = {**self._kept, "query": self.filter.query.kept()}
        else:
            first, hidden = self.grid.scroll_place()
            place = {
                "query": self.filter.query.kept(),
                "image": self._shown,
                "first": self._gallery.ids[first],
                "hidden": hidden,
            }
        return {"gallery": place}

    def follow_in_loupe(self) -> None:
        """Set the Loupe to the selected image, before this view is shown."""
        self._gallery.refresh()
        self._actions.loupe.follow("gallery", self._gallery.ids, self._gallery.row_of(self._shown))

    def _kept_number(self, name: str) -> int:
        value = self._kept.get(name)
        return value if isinstance(value, int) else 0

    # -- hands -------------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._actions.guesses.keep()
        self.filter.list_tags()
        self._gallery.refresh()
        self._show()
        if self._kept:
            QTimer.singleShot(0, self, self._scroll_back)  # after the layout

    def _scroll_back(self) -> None:
        row, hidden = self._gallery.row_of(self._kept_number("first")), self._kept_number("hidden")
        self._kept = {}
        if row >= 0:
            self.grid.scroll_to_place(row, hidden)

    def _star(self, row: int, star: int) -> None:
        cell = self._gallery.cell(row)
        if cell is not None:
            self._actions.rate_images([cell.image], "stars", star)

    def _at_hand(self, *_: object) -> None:
        if not self.isVisible():
            return
        row, ids = self.grid.current_row(), self._gallery.ids
        chosen: list[int] = []
        for selected in self.grid.selected_rows():
            if len(chosen) == _MOST_AT_HAND:
                self._actions.say(
                    tr("Only the first {n} selected images are rated at once", n=whole(_MOST_AT_HAND))
                )
                break
            chosen.append(ids[selected])
        if 0 <= row < len(ids):
            self._shown, self._row = ids[row], row
        self._actions.select_images(chosen)
        self._actions.loupe.follow("gallery", ids, row)

    def _follow_loupe(self, position: int) -> None:
        if self._actions.loupe.origin == "gallery":
            self.grid.set_current_row(position)
            if 0 <= position < len(self._gallery.ids):
                self._shown, self._row = self._gallery.ids[position], position

    def _go_on(self) -> None:
        if self.isVisible() and self.grid.current_row() + 1 < len(self._gallery.ids):
            self.grid.set_current_row(self.grid.current_row() + 1)

    def _open_menu(self, place: QPoint) -> None:
        context_menu(self.window()).popup(place)

    def _resize(self, size: int) -> None:
        self.grid.set_wanted_size(size)
        self._actions.keep(gallery_size=self.grid.cell_size)

    # -- what follows ------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        count, shown = len(self._gallery.ids), self._actions.state.counts.shown
        everything = count == shown
        text = tr("1 image") if count == 1 else tr("{n} images", n=whole(count))
        self.count.set_text(text if everything else tr("{images} of {all}", images=text, all=whole(shown)))
        self.grid.setVisible(bool(count))
        self.hint.setVisible(not count)
        if not shown:
            self.hint.setText(tr("Nothing has been seen yet. Every image that Rate shows you is kept here."))
        else:
            self.hint.setText(tr("No image fits these filters. “Show everything” clears them."))
        if count and not self.grid.selectionModel().hasSelection():
            row = self._gallery.row_of(self._shown)
            self.grid.set_current_row(row if row >= 0 else self._row)
        self._at_hand()

    def _show_size(self, size: int) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(size)
        self.slider.blockSignals(False)

    def _show_scaling(self, _: object) -> None:
        state = self._actions.state
        self.grid.set_pixel_art(state.pixel_art, state.generator.squares)


class GalleryPanel(ImageFacts):
    """The side panel of the Gallery view."""

    def __init__(self, actions: Actions) -> None:
        keys = tr(
            "{stars1}–{stars5} stars · {like} like · {reject} reject · {label1}–{label4} labels\n"
            "Ctrl+click, Shift+arrows select several\n"
            "{view.loupe} look closely · {compare} compare · {gallery.find} search"
        )
        super().__init__(actions, keys)
