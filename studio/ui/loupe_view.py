"""The Loupe view: one image as large as possible, or two to four side by side at the same zoom."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QContextMenuEvent, QHideEvent, QImage, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from studio.i18n import tr, whole
from studio.model.actions import Actions
from studio.model.loupe import MOST_PANES
from studio.model.property import bind
from studio.theme.tokens import HEADER
from studio.ui.filmstrip import Filmstrip
from studio.ui.gaze import Gaze
from studio.ui.image_commands import context_menu
from studio.ui.image_facts import ImageFacts, expected, said_of
from studio.ui.loupe_pane import LoupePane, percent
from studio.ui.parts import ElidedLabel, named, names_keys, stands_for, text_label
from studio.ui.star_row import StarRow


class LoupeView(QWidget):
    """Shows the panes of `actions.loupe`."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions, self._loupe = actions, actions.loupe
        self._gaze = Gaze(actions)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.place = ElidedLabel("", "quiet")
        self.zoom_button = _chip(tr("Zoom"), tr("100 % or the whole image"), self._loupe.toggle_zoom)
        stands_for(self.zoom_button, "loupe.zoom")
        self.pixels_button = _chip(
            tr("Hard pixels"),
            tr("Enlarge by whole factors, for pixel art"),
            self._toggle_pixels,
        )
        stands_for(self.pixels_button, "pixel_art")
        self.pixels_button.setCheckable(True)
        header = QHBoxLayout()
        header.setSpacing(12)
        header.addStrut(HEADER)
        header.addWidget(text_label(tr("Loupe"), "title"))
        header.addWidget(self.place, 1)
        self.stars = StarRow()
        self.stars.chosen.connect(partial(actions.rate, "stars"))
        header.addWidget(self.stars)
        header.addWidget(self.zoom_button)
        header.addWidget(self.pixels_button)
        self.panes = [LoupePane(self._loupe) for _ in range(MOST_PANES)]
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 8)
        column.setSpacing(8)
        column.addLayout(header)
        self._places = QGridLayout()
        self._places.setSpacing(8)
        # Added empty: PySide would keep the items of a filled one, and takes the next widget at the address of a freed item for that item.
        column.addLayout(self._places, 1)
        for number, pane in enumerate(self.panes):
            self._places.addWidget(pane, 0, number)
            pane.pressed.connect(partial(self._press, number))
            pane.zoomed.connect(self._zoomed)
        self.panes[0].resized.connect(self._show_zoom)
        self.hint = names_keys(
            text_label("", "hint"),
            tr("Nothing to look at yet. Select an image in Rate or in the Gallery, then press {view.loupe}."),
        )
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.strip = Filmstrip(actions.images)
        self.strip.chosen.connect(self._loupe.go)
        column.addWidget(self.hint, 1)
        column.addWidget(self.strip)
        for name in ("panes", "active"):
            bind(self._loupe, name, self._show)
        for name in ("zoom", "centre"):
            bind(self._loupe, name, self._show_zoom)
        bind(actions.state, "pixel_art", self._show_zoom)
        actions.applied.connect(self._show)
        actions.guesses.changed.connect(self._show)
        actions.images.arrived.connect(self._show)
        actions.advance.connect(self._go_on)

    def focus_target(self) -> QWidget:
        return self

    def image_at_hand(self) -> QImage | None:
        known = self.isVisible() and self._loupe.image
        return self._actions.images.image(self._loupe.image) if known else None

    def zoom(self, steps: int) -> None:
        """Zoom in (1), out (-1), or fit (0)."""
        if steps:
            self.panes[self._loupe.active].step_zoom(steps)
        else:
            self._loupe.zoom_to(None)

    # -- hands -------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
        last = len(self._loupe.images) - 1
        jumps = {Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}
        key = Qt.Key(event.key())
        if key in steps:
            self._loupe.step(steps[key])
        elif key in jumps and not self._loupe.comparing:
            self._loupe.go(jumps[key])
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not event.spontaneous():
            self._loupe.zoom_to(None)  # always begins with the whole image
        if not self._loupe.comparing:
            self._loupe.look()
        self._show()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._loupe.image:
            context_menu(self.window()).popup(event.globalPos())

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._look_at(0)

    def _press(self, pane: int) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._loupe.active = pane

    def _zoomed(self) -> None:
        self._actions.note_in_passing("zoom", self._loupe.image)

    def _toggle_pixels(self) -> None:
        self._actions.set_option("pixel_art", not self._actions.state.pixel_art)

    def _go_on(self) -> None:
        if self.isVisible():
            self._loupe.step(1)

    def _look_at(self, image: int) -> None:
        """Record how long the last image was looked at, and that this one is shown in the Loupe."""
        if self._gaze.look_at(image) and image:
            self._actions.note_in_passing("loupe", image)

    # -- what follows from the state ---------------------------------------------------------------------------------

    def _show(self, _: object = None) -> None:
        if not self.isVisible():
            return
        loupe, actions = self._loupe, self._actions
        states = actions.reader.state(loupe.panes)
        across = 2 if len(loupe.panes) == MOST_PANES else MOST_PANES
        for number, pane in enumerate(self.panes):
            if number < len(loupe.panes):
                self._places.addWidget(pane, number // across, number % across)
            pane.setVisible(number < len(loupe.panes))
            if number < len(loupe.panes):
                image = loupe.panes[number]
                words = [said_of(states[image]) if states[image].rated else tr("not rated")]
                if (guess := actions.guesses.of(image)) is not None:
                    words.append(tr("predicted {stars}", stars=expected(guess)))
                if title := states[image].title:
                    words.insert(0, title)
                marked = loupe.comparing and number == loupe.active
                pane.show_image(actions.images.image(image), " · ".join([f"#{image}", *words]), marked)
        self._show_stars(states[loupe.image].stars if loupe.image in states else 0)
        self._column.setStretchFactor(self._places, int(bool(loupe.panes)))  # without images, the hint is centred
        self.hint.setVisible(not loupe.panes)
        self.strip.setVisible(bool(loupe.panes) and not loupe.comparing)
        self.strip.show_images(loupe.images, loupe.position)
        if loupe.comparing:
            self.place.set_text(tr("Comparing {n} images", n=len(loupe.panes)))
        else:
            count = len(loupe.images)
            self.place.set_text(
                tr("{n} of {count}", n=whole(loupe.position + 1), count=whole(count)) if loupe.panes else ""
            )
        actions.select_images((loupe.image,) if loupe.image else ())
        actions.guesses.ask(loupe.panes)
        self._look_at(loupe.image)
        self._show_zoom()

    def _show_stars(self, stars: int) -> None:
        image = self._loupe.image
        self.stars.setVisible(bool(image))
        tip = tr("Rate this image (1–5); the same again clears")
        self.stars.show_stars(image, stars, tr("Image #{number}", number=image), tip)

    def _show_zoom(self, _: object = None) -> None:
        hard = self._actions.state.pixel_art
        for pane in self.panes:
            pane.pixel_art = hard
            pane.update()
        self.strip.pixel_art = hard
        self.pixels_button.setChecked(hard)
        first = self.panes[0]
        words = (
            tr("Fit · {percent}", percent=percent(first.scale()))
            if self._loupe.zoom is None
            else percent(first.scale())
        )
        self.zoom_button.setText(words)
        self.zoom_button.setAccessibleName(tr("Zoom: {words}", words=words))


def _chip(name: str, tip: str, run: Callable[[], object]) -> QPushButton:
    made = QPushButton(name)
    made.setProperty("role", "chip")
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    named(made, name, tip)
    made.clicked.connect(lambda _=False: run())
    return made


class LoupePanel(ImageFacts):
    """The side panel of the Loupe view."""

    def __init__(self, actions: Actions) -> None:
        keys = tr(
            "{stars1}–{stars5} stars · {like} like · {reject} reject · {label1}–{label4} labels\n"
            "arrows move · {loupe.zoom} 100 % · wheel zooms\n"
            "drag moves · {compare} compare · {view.rate} or {loupe.back} back"
        )
        super().__init__(actions, keys)
