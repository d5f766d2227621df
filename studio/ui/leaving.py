"""Asks for confirmation before the window leaves a project in which something is running."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMessageBox

from studio.i18n import tr
from studio.model.property import changed
from studio.model.training_access import training_of
from studio.ui.parts import message_box
from studio.ui.shell import Shell


def at_stake(window: Shell) -> str:
    """Return a sentence on what is running and what leaving would do to it; "" if nothing is running."""
    actions = window.actions_
    if actions.round.running:
        return tr("A round is running. Leaving drops it; your ratings are kept.")
    if actions.exports.running:
        return tr("An export is being written. Leaving cancels it, and nothing is written.")
    if training_of(actions).busy:
        return tr("A generator is being trained. Leaving stops it; you can go on from there later.")
    return ""


def leave(window: Shell, do: Callable[[], object]) -> None:
    """Call `do`, which closes the window: at once, or, if something is running, after the person has agreed."""
    stake = at_stake(window)
    if not stake:
        do()
        return
    box = message_box(stake, parent=window)
    actions, later = window.actions_, _later_of(window)
    stay = box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
    box.addButton(tr("Leave anyway"), QMessageBox.ButtonRole.AcceptRole)
    keep = box.addButton(tr("Stop, keep and leave"), QMessageBox.ButtonRole.ActionRole)
    keep.clicked.connect(lambda: later.leave(do))
    keep.setVisible(actions.round.running and not actions.round.stopping)
    box.setDefaultButton(stay)
    box.setEscapeButton(stay)
    box.accepted.connect(do)
    box.rejected.connect(later.stay)

    def follow(_: object) -> None:
        keep.setVisible(keep.isVisible() and actions.round.running)
        if not at_stake(window):
            box.setText(tr("It is done. You can leave now; nothing is lost."))

    for running in (changed(actions.round, "running"), changed(actions.exports, "running")):
        running.connect(follow)
        box.finished.connect(partial(running.disconnect, follow))
    window.open_dialog(box)


class _Later(QObject):
    """Leaves a window when the running round has been stopped and kept, unless the person decides to stay."""

    def __init__(self, window: Shell) -> None:
        super().__init__(window)
        self._window = window
        self._do: Callable[[], object] | None = None
        changed(window.actions_.round, "running").connect(self._ended)

    def leave(self, do: Callable[[], object]) -> None:
        """Stop the round and keep it, then call `do`, which closes the window."""
        self._do = do
        self._window.actions_.stop_and_keep()

    def stay(self) -> None:
        """Do not leave when the round ends."""
        self._do = None

    def _ended(self, running: bool) -> None:
        if not running and self._do is not None:
            QTimer.singleShot(0, self, partial(leave, self._window, self._do))  # asks again if something else is running by then
            self._do = None


def _later_of(window: Shell) -> _Later:
    """Return the window's `_Later`, made on first use."""
    found = window.findChild(_Later)
    return found if found is not None else _Later(window)


def stays(window: Shell, event: QCloseEvent) -> bool:
    """Whether a window that the person closes at its frame must stay open for now because something is running; if so, ask them."""
    if not event.spontaneous() or not at_stake(window):
        return False
    event.ignore()
    leave(window, window.close)
    return True
