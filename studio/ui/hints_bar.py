"""A line above the status bar with a hint for new users on what to do next."""

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.hints import Hint, Hints
from studio.model.property import bind, changed
from studio.ui.parts import ElidedLabel, button, with_keys

SOON_MS = 120  # delay after the event that makes a hint due


class HintsBar(QFrame):
    """Shows the current hint of a `Hints`; hidden if there is none."""

    def __init__(self, actions: Actions, action_of: Callable[[str], QAction]) -> None:
        """`action_of` : returns the action of a command by its key."""
        super().__init__()
        self._action_of = action_of
        self._state, self._view = actions.state, actions.state.view
        self.setObjectName("hints")
        self.hints = Hints(actions, self)
        self.text = ElidedLabel("")
        self.end = button(tr("Got it"), tr("Put this hint away"), "quiet")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 16, 4)
        row.setSpacing(12)
        row.addWidget(self.text, 1)
        row.addWidget(self.end)
        self.end.clicked.connect(self._put_away)
        # Delayed, because showing or hiding it moves the whole view, just when the event that makes a hint due changes the view too.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SOON_MS)
        self._soon.timeout.connect(self._show)
        changed(self.hints, "shown").connect(self._wait)
        bind(actions.state, "view", self._note_view)  # heard after `hints` heard it
        self._show()

    def _wait(self, _: Hint | None) -> None:
        if self._state.view != self._view:  # everything is laid out anew anyway, and a moment later the new view would jump
            self._soon.stop()
            self._show()
        else:
            self._soon.start()

    def _note_view(self, view: str) -> None:
        self._view = view

    def _put_away(self) -> None:
        self.hints.dismiss()
        self._soon.stop()
        self._show()

    def _show(self) -> None:
        hint = self.hints.shown
        self.text.set_text(with_keys(hint.text, self._action_of) if hint else "")
        self.setVisible(hint is not None)
