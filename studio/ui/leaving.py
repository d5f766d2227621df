"""Asks before the window leaves a project in which something runs that would be lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QMessageBox

from studio.i18n import tr
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
    stay = box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
    box.addButton(tr("Leave all the same"), QMessageBox.ButtonRole.AcceptRole)
    box.setDefaultButton(stay)
    box.setEscapeButton(stay)
    box.accepted.connect(do)
    window.open_dialog(box)


def stays(window: StudioWindow, event: QCloseEvent) -> bool:
    """Whether a window that is closed by hand, at its frame, stays until the person has said what is to be."""
    if not event.spontaneous() or not at_stake(window):
        return False
    event.ignore()
    leave(window, window.close)
    return True
