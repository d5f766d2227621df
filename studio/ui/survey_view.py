"""The Survey view: asks which of a few images is the best."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.choosing import SIZES
from studio.model.loupe import Loupe
from studio.model.property import bind
from studio.ui.choice_parts import ChoiceHeader, chip, waiting_words
from studio.ui.loupe_pane import LoupePane
from studio.ui.parts import names_keys, quiet_note, text_label

_BESIDES = 110  # height of the view in pixels that is not for panes
_CAPTION = 38  # height of a pane in pixels that is not for its image
_AROUND = 20  # width of a pane in pixels that is not for its image, and a little more


class SurveyView(QWidget):
    """Shows the images of `actions.surveys`. A click on one, its number, or Enter answers that it is the best."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions, self._surveys = actions, actions.surveys
        self.loupe = Loupe(self)
        self.place = 0  # index of the image that Enter would choose
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.header = ChoiceHeader(actions, self._surveys, tr("Survey"))
        self.sizes = {size: chip(str(size), tr("Show {n} images at a time", n=size)) for size in SIZES}
        self.header.line.addSpacing(8)
        for size, made in self.sizes.items():
            made.clicked.connect(partial(self._surveys.resize, size))
            self.header.line.addWidget(made)
        self.panes = [LoupePane(self.loupe, zooms=False) for _ in range(max(SIZES))]
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.header)
        self._places = QGridLayout()
        self._places.setSpacing(4)
        # Added empty: PySide would keep the items of a filled one, and takes the next widget at the address of a freed item for that item.
        column.addLayout(self._places, 1)
        for place, pane in enumerate(self.panes):
            self._places.addWidget(pane, 0, place)
            pane.setMinimumSize(48, 48)
            pane.clicked.connect(partial(self._choose, place))
            pane.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hint = text_label("", "hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        note = quiet_note()
        names_keys(
            note,
            tr(
                "Which is the best? Click it, press its number, or move with the arrows and press {survey.choose}. {survey.skip} skips."
            ),
        )
        note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(self.hint, 1)
        column.addWidget(note)
        bind(self._surveys, "shown", self._show_new)
        bind(self._surveys, "size", self._show_size)
        for name in ("task", "drawing", "pixel_art"):
            bind(actions.state, name, self._show)
        bind(actions.round, "running", self._show)
        actions.images.arrived.connect(self._show)

    def focus_target(self) -> QWidget:
        return self

    def choose(self) -> None:
        """Answer that the image with the ring is the best."""
        self._surveys.answer(self.place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        count = len(self._surveys.shown)
        across = self._across(count)
        moves = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -across, Qt.Key.Key_Down: across}
        key = Qt.Key(event.key())
        if key in moves:
            target = self.place + moves[key]
            if 0 <= target < count:
                self.place = target
                self._show()
        elif event.text() in "123456789" and event.text():
            self._surveys.answer(int(event.text()) - 1)
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._surveys.begin()
        self._show()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._surveys.leave()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show()

    def _side(self, count: int, columns: int) -> float:
        """Return the side that `count` images can have in `columns` columns."""
        return min(self.width() / columns, (self.height() - _BESIDES) / -(-count // columns) - _CAPTION)

    def _across(self, count: int) -> int:
        """Return the number of columns in which the images are largest."""
        return max(range(1, count + 1), key=lambda columns: self._side(count, columns), default=1)

    def _draw_together(self, count: int, across: int) -> None:
        """Keep the images close together in the middle of a wide view, for comparison."""
        spare = self.width() - 32 - across * (self._side(count, across) + _AROUND) if count else 0
        aside = max(0, int(spare / 2))
        self._places.setContentsMargins(aside, 0, aside, 0)

    def _choose(self, place: int) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._surveys.answer(place)

    def _show_new(self, _: object) -> None:
        self.place = 0
        self._show()

    def _show_size(self, size: int) -> None:
        for number, made in self.sizes.items():
            made.setChecked(number == size)

    def _show(self, _: object = None) -> None:
        shown = self._surveys.shown if self.isVisible() else ()
        across = self._across(len(shown))
        self._draw_together(len(shown), across)
        for place, pane in enumerate(self.panes):
            pane.pixel_art = self._actions.state.pixel_art
            if place < len(shown):
                self._places.addWidget(pane, place // across, place % across)
                pane.show_image(self._actions.images.image(shown[place]), str(place + 1), place == self.place)
            pane.setVisible(place < len(shown))
        self._column.setStretchFactor(self._places, int(bool(shown)))  # without images, the hint is centred
        self.hint.setVisible(not shown)
        self.hint.setText(waiting_words(self._actions, self._surveys))
