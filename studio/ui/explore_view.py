"""The Explore view: an image amid its neighbours, and ways to move on from it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QIcon, QImage, QIntValidator, QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QMenu, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.explore import CENTRE, Explore, Place
from studio.model.property import bind
from studio.model.readiness import unless_failed
from studio.ui.dials import Dial, TwoWaySlider
from studio.ui.image_grid import ImageGrid
from studio.ui.parts import ElidedLabel, button, hold_still, named, quiet_note, section, text_label

_REACH = 3.0  # units of a direction to either side
_MOST_SEED = 2**31 - 1


class Square(QWidget):
    """Keeps the 3 x 3 grid square, and as large as possible."""

    def __init__(self, grid: ImageGrid) -> None:
        super().__init__()
        self._grid = grid
        grid.setParent(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        side = min(self.width(), self.height())
        self._grid.setGeometry(QRect((self.width() - side) // 2, 0, side, side))


class SeedField(QLineEdit):
    """A field that handles Enter and Backspace itself, although they are shortcuts of the view."""

    def event(self, event: QEvent) -> bool:
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Backspace)
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in keys:
            event.accept()
            return True
        return super().event(event)


class ExploreView(QWidget):
    """Shows the project's `Explore`, which its panel shares (`explore_of`)."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.explore = explore_of(actions)
        self.grid = ImageGrid()
        self.grid.setModel(self.explore.grid)
        named(self.grid, tr("The image and its neighbours"), "")
        self.seed = SeedField()
        self.seed.setValidator(QIntValidator(0, _MOST_SEED, self))
        self.seed.setFixedWidth(110)
        self.seed.setPlaceholderText(tr("Seed"))
        named(self.seed, tr("Seed"), tr("Type a number and press Enter to start from its image"))
        self.back = button(tr("Back"), tr("Return to the image before"), command="explore.back")
        self.others = button(
            tr("Other neighbours"), tr("Show others around the same image"), command="explore.others"
        )
        self.blend = button(
            tr("Blend"), tr("Show the way from here to an image you like"), command="explore.blend"
        )
        self.said = ElidedLabel("", "quiet")
        header = QHBoxLayout()
        header.setSpacing(12)
        header.addWidget(text_label(tr("Explore"), "title"))
        header.addStretch(1)
        header.addWidget(self.seed)
        for control in (self.back, self.others, self.blend):
            header.addWidget(control)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(12)
        column.addLayout(header)
        column.addWidget(self.said)  # on a separate line, as a small window has no room for it beside the buttons
        column.addWidget(Square(self.grid), 1)
        self.seed.returnPressed.connect(self._enter_seed)
        self.back.clicked.connect(self.explore.back)
        self.others.clicked.connect(self.explore.others)
        self.blend.clicked.connect(self.choose_blend)
        self.grid.opened.connect(self.explore.go_to_row)
        self.grid.star_clicked.connect(lambda row, star: self.explore.rate([row], "stars", star))
        bind(self.explore, "drawing", self._say)
        bind(self.explore, "blending", self._say)
        bind(self.explore, "place", self._show_seed)
        for name in ("loaded", "task"):
            bind(actions.state, name, self._say)
        bind(actions.state, "pixel_art", self._scale)
        bind(actions.state, "generator", self._scale)

    def focus_target(self) -> QWidget:
        if not self.explore.shown:
            self._begin()
        return self.grid

    # -- what keys do --------------------------------------------------------------------------------------------

    def rate(self, kind: str, value: int = 0, advance: bool = False) -> None:
        """Rate the selected images, which adds them to the project."""
        self.explore.rate(self._rows(), kind, value)

    def image_at_hand(self) -> QImage | None:
        cell = self.explore.grid.cell(self.grid.current_row())
        return cell.pixels if cell else None

    def go(self) -> None:
        """Move the selected image to the middle."""
        self.explore.go_to_row(self.grid.current_row())
        self.grid.set_current_row(CENTRE)

    def choose_blend(self) -> None:
        """Open a menu of the favourites, to blend into one of them."""
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.setProperty("role", "pictures")
        for image in self.explore.favourites():
            entry = menu.addAction(tr("Image {n}", n=image))
            pixels = self._actions.images.image(image)
            if pixels is not None:
                entry.setIcon(QIcon(QPixmap.fromImage(pixels)))
            entry.triggered.connect(partial(self.explore.blend, image))
        if menu.isEmpty():
            menu.addAction(tr("Give an image four stars or a like first")).setEnabled(False)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.blend.mapToGlobal(self.blend.rect().bottomLeft()))

    def start_from(self, image: int) -> None:
        """Start from an image of the project."""
        self.explore.go_to_image(image)
        self.grid.set_current_row(CENTRE)

    def _rows(self) -> list[int]:
        return list(self.grid.selected_rows()) or [self.grid.current_row()]

    def _begin(self) -> None:
        chosen = self._actions.state.selected
        if chosen:
            self.explore.go_to_image(chosen[0])
        else:
            self.explore.go_to_seed(1)
        self.grid.set_current_row(CENTRE)

    def _enter_seed(self) -> None:
        if self.seed.hasAcceptableInput():
            self.explore.go_to_seed(int(self.seed.text()))
            self.grid.setFocus(Qt.FocusReason.OtherFocusReason)
            self.grid.set_current_row(CENTRE)

    # -- what follows --------------------------------------------------------------------------------------------

    def _say(self, _: object) -> None:
        if not self._actions.state.loaded:
            text = unless_failed(self._actions.state, tr("The generator is still loading"))
        elif self.explore.drawing:
            text = tr("Drawing…")
        else:
            text = self.explore.blending or tr("Double-click or press Enter on an image to go there")
        self.said.set_text(text)

    def _show_seed(self, place: Place) -> None:
        if not self.seed.hasFocus():
            known = place.start is None and (place.seed or self.explore.shown)
            self.seed.setText(str(place.seed) if known else "")

    def _scale(self, _: object) -> None:
        state = self._actions.state
        self.grid.set_pixel_art(state.pixel_art, state.generator.squares)


class Direction(QWidget):
    """A slider for one direction between two words, and a checkbox that locks it."""

    def __init__(self, explore: Explore, number: int, ends: tuple[str, str]) -> None:
        super().__init__()
        less, more = tr(ends[0]), tr(ends[1])
        self.slider = TwoWaySlider()
        self.slider.setRange(-30, 30)
        self.slider.setPageStep(10)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        hold_still(self.slider)
        name = f"{less} – {more}"
        named(self.slider, name, tr("Move the image between the two"))
        self.lock = QCheckBox()
        self.lock.setProperty("role", "bare")
        named(
            self.lock, tr("Keep: {name}", name=name), tr("Neighbours stay as this image is in this respect")
        )
        words = QHBoxLayout()
        words.setSpacing(8)
        last = ElidedLabel(more, "small")
        last.setAlignment(Qt.AlignmentFlag.AlignRight)
        words.addWidget(ElidedLabel(less, "small"))
        words.addStretch(1)
        words.addWidget(last)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.slider, 1)
        line.addWidget(self.lock)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 2)
        column.setSpacing(0)
        column.addLayout(words)
        column.addLayout(line)
        self.slider.valueChanged.connect(lambda value: explore.slide(number, _REACH * value / 30))
        self.lock.toggled.connect(lambda on: explore.lock(number, on))

    def show_amount(self, amount: float) -> None:
        """Show the amount of the current place, without moving it."""
        value = round(30 * amount / _REACH)
        if value != self.slider.value():
            self.slider.blockSignals(True)
            self.slider.setValue(value)
            self.slider.blockSignals(False)


class ExplorePanel(QWidget):
    """The side panel: truncation, directions, and the radius of the neighbours."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self.explore = explore_of(actions)
        self.directions: list[Direction] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(section(tr("This image")))
        self.truncation = Dial(
            tr("Truncation"), tr("Less of it draws the image towards the most ordinary one"), 0, 100, 100
        )
        self.truncation.slider.valueChanged.connect(lambda value: self.explore.truncate(value / 100))
        column.addWidget(self.truncation)
        column.addSpacing(12)
        column.addWidget(section(tr("Directions")))
        self._note = quiet_note(tr("What this generator's images differ in. Tick one to keep it as it is."))
        column.addWidget(self._note)
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        column.addLayout(self._list)
        column.addSpacing(12)
        column.addWidget(section(tr("Neighbours")))
        self.radius = Dial(tr("How far"), tr("How unlike this image its neighbours may be"), 5, 100, 30)
        self.radius.slider.valueChanged.connect(lambda value: self.explore.set_radius(value / 100))
        column.addWidget(self.radius)
        column.addStretch(1)
        bind(self.explore, "ends", self._show_ends)
        bind(self.explore, "place", self._show_place)

    def _show_ends(self, ends: tuple[tuple[str, str], ...]) -> None:
        for old in self.directions:
            self._list.removeWidget(old)
            old.deleteLater()
        self.directions = [Direction(self.explore, number, pair) for number, pair in enumerate(ends)]
        before: QWidget = self.truncation.slider
        for made in self.directions:
            self._list.addWidget(made)
            for control in (made.slider, made.lock):
                self.setTabOrder(before, control)
                before = control
        self.setTabOrder(before, self.radius.slider)
        self._show_place(self.explore.place)

    def _show_place(self, place: Place) -> None:
        for number, made in enumerate(self.directions):
            made.show_amount(place.amounts[number] if number < len(place.amounts) else 0.0)
        for dial, value in ((self.truncation, place.truncation), (self.radius, place.radius)):
            dial.slider.blockSignals(True)
            dial.slider.setValue(round(100 * value))
            dial.slider.blockSignals(False)
            dial.set_words(f"{round(100 * value)} %")


def explore_of(actions: Actions) -> Explore:
    """Return the one `Explore` of a project, made on first use."""
    found = actions.findChild(Explore)
    return found if found is not None else Explore(actions, actions)
