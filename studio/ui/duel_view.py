"""The Duel view: asks which of two images is better."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.loupe import Loupe
from studio.model.property import bind
from studio.ui.choice_parts import ChoiceHeader, waiting_words
from studio.ui.loupe_pane import LoupePane
from studio.ui.parts import button, names_keys, text_label


class DuelView(QWidget):
    """Shows the pair of `actions.duels`. A click on an image answers that it is better."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        self._actions, self._duels = actions, actions.duels
        self.loupe = Loupe(self)  # one zoom for both
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.header = ChoiceHeader(actions, self._duels, tr("Duel"))
        self.panes = {"left": LoupePane(self.loupe, zooms=False), "right": LoupePane(self.loupe, zooms=False)}
        line = self._line = QHBoxLayout()
        line.setSpacing(16)
        for side, pane in self.panes.items():
            pane.clicked.connect(partial(self._duels.answer, side))
            pane.setCursor(Qt.CursorShape.PointingHandCursor)
            line.addWidget(pane, 1)
        self.hint = text_label("", "hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.buttons = {
            "left": button(tr("Left is better"), tr("The left image is better"), command="duel.left"),
            "tie": button(tr("As good"), tr("Neither is better"), command="duel.tie"),
            "skip": button(tr("Skip"), tr("Say nothing about these two"), command="duel.skip"),
            "right": button(tr("Right is better"), tr("The right image is better"), command="duel.right"),
        }
        for side, made in self.buttons.items():
            key, name = f"{{duel.{side}}}", made.text()
            names_keys(made, f"{name} {key}" if side in ("skip", "right") else f"{key} {name}")
        below = QHBoxLayout()
        below.setSpacing(8)
        below.addStretch(1)
        for side, made in self.buttons.items():
            made.clicked.connect(partial(self._duels.answer, side))
            below.addWidget(made)
        below.addStretch(1)
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.header)
        column.addLayout(line, 1)
        column.addWidget(self.hint, 1)
        column.addLayout(below)
        bind(self._duels, "shown", self._show)
        for name in ("task", "drawing", "pixel_art"):
            bind(actions.state, name, self._show)
        bind(actions.round, "running", self._show)
        for name in ("zoom", "centre"):
            bind(self.loupe, name, self._repaint)
        actions.images.arrived.connect(self._show)

    def focus_target(self) -> QWidget:
        return self

    def zoom(self, steps: int) -> None:
        """Zoom in (1), out (-1), or fit (0)."""
        if steps:
            self.panes["left"].step_zoom(steps)
        else:
            self.loupe.zoom_to(None)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._duels.begin()
        self._show()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._duels.leave()

    def _show(self, _: object = None) -> None:
        sides = self._duels.sides() if self.isVisible() else None
        names = {"left": tr("Left"), "right": tr("Right")}
        for place, (side, pane) in enumerate(self.panes.items()):
            pane.pixel_art = self._actions.state.pixel_art
            pane.setVisible(sides is not None)
            if sides is not None:
                pane.show_image(self._actions.images.image(sides[place]), names[side], False)
        for made in self.buttons.values():
            made.setEnabled(sides is not None)
        self._column.setStretchFactor(self._line, int(sides is not None))  # without images, the hint is centred
        self.hint.setVisible(sides is None)
        self.hint.setText(waiting_words(self._actions, self._duels))

    def _repaint(self, _: object) -> None:
        for pane in self.panes.values():
            pane.update()
