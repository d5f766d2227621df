"""The Rate view: a grid of images to rate."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QVBoxLayout, QWidget

from studio.i18n import tr, whole
from studio.model.actions import Actions
from studio.model.property import bind
from studio.theme.tokens import HEADER
from studio.ui.grid_geometry import LARGEST, MARGIN, SMALLEST
from studio.ui.image_commands import context_menu
from studio.ui.image_grid import ImageGrid
from studio.ui.parts import ElidedLabel, named, stands_for, text_label


class RateView(QWidget):
    """Shows the grid and forwards ratings, selections and settings to the actions."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self._images: list[int] = []  # ids of the images in the grid
        self._waiting = False  # whether a selected image is not drawn yet
        state = actions.state
        self.grid = ImageGrid()
        self.grid.setModel(actions.grid)
        named(self.grid, tr("Images to rate"), "")
        self.count = ElidedLabel("", "quiet")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(SMALLEST, LARGEST)
        self.slider.setPageStep(24)
        self.slider.setFixedWidth(120)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        named(
            self.slider,
            tr("Size of the images"),
            tr("Larger or smaller images, or fit them into the view"),
        )
        stands_for(self.slider, "larger", "smaller", "fit")
        self.advance = QPushButton()
        self.advance.setProperty("role", "chip")
        self.advance.setCheckable(True)
        self.advance.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        named(self.advance, tr("Auto-advance"), tr("Go to the next image after each rating"))
        stands_for(self.advance, "auto_advance")

        header = QHBoxLayout()
        header.setContentsMargins(MARGIN, 0, MARGIN, 0)
        header.setSpacing(12)
        header.addStrut(HEADER)
        header.addWidget(text_label(tr("Rate"), "title"))
        header.addWidget(self.count, 1)
        header.addWidget(text_label(tr("Size"), "quiet"))
        header.addWidget(self.slider)
        header.addWidget(self.advance)
        column = QVBoxLayout(self)
        column.setContentsMargins(16 - MARGIN, 12, 16 - MARGIN, 8)
        column.setSpacing(8)
        column.addLayout(header)
        # The grid has its own margin for the ring, so it starts that much further out than the header.
        column.addWidget(self.grid, 1)

        self.grid.star_clicked.connect(self._star)
        self.grid.current_row_changed.connect(self._selected)
        self.grid.selection_changed.connect(self._at_hand)
        self.grid.opened.connect(lambda _: actions.view_wanted.emit("loupe"))
        self.grid.menu_wanted.connect(lambda place: context_menu(self.window()).popup(place))
        actions.loupe.moved.connect(self._follow_loupe)
        self.grid.size_changed.connect(self._show_size)
        self.slider.valueChanged.connect(self._resize)
        self.advance.clicked.connect(lambda on: actions.set_option("auto_advance", on))
        actions.advance.connect(self.go_on)
        actions.grid.rowsInserted.connect(self._keep_selection)
        actions.grid.dataChanged.connect(self._keep_selection)
        for name in ("counts", "rounds"):
            bind(state, name, self._show_count)
        bind(state, "drawing", self._show_count)
        bind(state, "task", self._show_count)
        bind(state, "auto_advance", self._show_advance)
        bind(state, "pixel_art", self._show_scaling)
        bind(state, "generator", self._show_scaling)
        bind(state, "cell_size", self.grid.set_wanted_size)
        self._keep_selection()

    def focus_target(self) -> QWidget:
        return self.grid

    def go_on(self) -> None:
        """Select the next image, if there is one."""
        row = self.grid.current_row() + 1
        if row < self._actions.grid.rowCount():
            self.grid.set_current_row(row)
        else:
            self._actions.say(tr("That was the last image of this grid"))

    def zoom(self, steps: int) -> None:
        """Make the images larger (1) or smaller (-1) by whole columns; 0 fits the grid into the view."""
        if steps == 0:
            self._actions.set_option("cell_size", None)
            return
        before, wanted = self.grid.cell_size, max(SMALLEST, self.grid.cell_size)
        while SMALLEST <= wanted <= LARGEST and self.grid.cell_size == before:
            wanted += 8 * steps
            self.grid.set_wanted_size(wanted)
        self._actions.set_option("cell_size", self.grid.cell_size)

    def _star(self, row: int, star: int) -> None:
        self._actions.rate("stars", star, row)

    def _selected(self, row: int) -> None:
        if row >= 0:
            self._actions.select(row)
            self._at_hand()

    def _at_hand(self) -> None:
        if not self.isVisible():
            return
        cells = [self._actions.grid.cell(row) for row in self.grid.selected_rows()]
        # Images that are not drawn yet cannot be rated: nobody has seen them.
        self._actions.select_images([cell.image for cell in cells if cell and cell.image and cell.drawn])
        self._waiting = any(cell and not cell.drawn for cell in cells)
        self._actions.loupe.follow("rate", self._actions.grid.images(), self.grid.current_row())

    def _follow_loupe(self, position: int) -> None:
        if self._actions.loupe.origin == "rate":
            self.grid.set_current_row(position)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._at_hand()

    def _keep_selection(self, *_: object) -> None:
        images = self._actions.grid.images()
        if self.grid.current_row() < 0 and self._actions.grid.rowCount():
            self.grid.set_current_row(self._actions.state.row)
        elif images != self._images:  # other images in the same places: only one is selected, even if several were
            row = self.grid.current_row()
            # From the end of one grid, continue at the start of the next.
            self.grid.set_current_row(row if row + 1 < len(images) else 0)
            if self._actions.loupe.origin == "rate":
                self._at_hand()
            self._waiting = True
            self._show_count()
        elif self._waiting:
            self._at_hand()
        self._images = images

    def _resize(self, size: int) -> None:
        self._actions.set_option("cell_size", size)

    def _show_size(self, size: int) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(size)
        self.slider.blockSignals(False)

    def _show_count(self, _: object = None) -> None:
        state = self._actions.state
        counts = state.counts
        if state.task == "failed":
            text = tr("The worker could not start; the line below says why. Ratings are safe.")
        elif not counts.shown:
            text = tr("The first images are on their way…")
        else:
            cells = self._actions.grid.cells
            rated = sum(cell.rated for cell in cells)
            text = tr("{rated} of {shown} rated", rated=rated, shown=len(cells))
            if state.drawing:  # instead of the rest, for which a small window has no room beside it
                text += " · " + tr("drawing new images…")
            elif counts.rated_in_round > rated:
                since = counts.rated_in_round
                text += " · " + (tr("{n} since the last round", n=whole(since)) if state.rounds else tr("{n} in all", n=whole(since)))
        self.count.set_text(text)

    def _show_advance(self, on: bool) -> None:
        self.advance.setChecked(on)
        self.advance.setText(tr("Auto-advance on") if on else tr("Auto-advance off"))

    def _show_scaling(self, _: object) -> None:
        state = self._actions.state
        self.grid.set_pixel_art(state.pixel_art, state.generator.squares)
