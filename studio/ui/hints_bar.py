"""One line above the status bar that says what to do next, to somebody who is new here."""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from studio.i18n import tr
from studio.model.actions import Actions
from studio.model.hints import Hint, Hints
from studio.model.property import bind
from studio.ui.parts import ElidedLabel, button


class HintsBar(QFrame):
    """Shows a `Hints`; takes no room while there is none."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("hints")
        self.hints = Hints(actions, self)
        self.text = ElidedLabel("")
        self.end = button(tr("Got it"), tr("Put this hint away"), "quiet")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 16, 4)
        row.setSpacing(12)
        row.addWidget(self.text, 1)
        row.addWidget(self.end)
        self.end.clicked.connect(self.hints.dismiss)
        bind(self.hints, "shown", self._show)

    def _show(self, hint: Hint | None) -> None:
        self.text.set_text(hint.text if hint else "")
        self.setVisible(hint is not None)
