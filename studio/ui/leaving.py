"""Asks before the window leaves a project in which something runs that would be lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMessageBox

from studio.i18n import tr
from studio.model.property import changed
from studio.model.training_access import training_of

if TYPE_CHECKING:
    from studio.ui.window import StudioWindow


def at_stake(window: StudioWindow) -> str:
    """Say what would end with the window, and what becomes of it; nothing where it can be closed at any time."""
    actions = window.actions_
    if actions.round.running:
        return tr("A round is running. It would be dropped; your ratings stay.")
    if actions.exports.running:
        return tr("An export is being written. Nothing would be left of it.")
    if training_of(actions).busy:
        return tr("A generator is being trained. It would stop; the run can go on from there later.")
    return ""


def leave(window: StudioWindow, do: Callable[[], object]) -> None:
    """Do what closes the window: at once, or where something is at stake once the person has said so."""
    stake = at_stake(window)
    if not stake:
        do()
        return
    box = QMessageBox(QMessageBox.Icon.NoIcon, "Tastemaker", stake, parent=window)
    actions = window.actions_
    stay = box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
    box.addButton(tr("Leave all the same"), QMessageBox.ButtonRole.AcceptRole)
    if actions.round.running and not actions.round.stopping:
        keep = box.addButton(tr("Stop, keep and leave"), QMessageBox.ButtonRole.ActionRole)
        keep.clicked.connect(lambda: _after_the_round(window, do))
    box.setDefaultButton(stay)
    box.setEscapeButton(stay)
    box.accepted.connect(do)

    def follow(_: object) -> None:
        if not at_stake(window):
            box.setText(tr("It is done: nothing would be lost now."))

    for running in (changed(actions.round, "running"), changed(actions.exports, "running")):
        running.connect(follow)
        box.finished.connect(partial(running.disconnect, follow))
    window.open_dialog(box)


def _after_the_round(window: StudioWindow, do: Callable[[], object]) -> None:
    """Stop the round that runs, and do what closes the window once what it learnt is kept."""
    ended = changed(window.actions_.round, "running")

    def once(running: object) -> None:
        if not running:
            ended.disconnect(once)
            QTimer.singleShot(0, window, do)

    ended.connect(once)
    window.actions_.stop_and_keep()


def stays(window: StudioWindow, event: QCloseEvent) -> bool:
    """Whether a window that is closed by hand, at its frame, stays until the person has said what is to be."""
    if not event.spontaneous() or not at_stake(window):
        return False
    event.ignore()
    leave(window, window.close)
    return True
