"""Undo and redo: of changes in the project, or of choices in the current view that are not part of a project."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtGui import QUndoStack

from studio.i18n import tr
from studio.ui import views
from studio.ui.commands import Command
from studio.ui.shell import Shell


def table(window: Shell) -> Iterable[Command]:
    """Return the two commands."""
    actions, state = window.actions_, window.actions_.state

    def history() -> QUndoStack | None:
        view = window.page(window.view) if window.view else None
        return view.history() if isinstance(view, views.ChoosingView) else None

    def label(back: bool) -> str | None:
        if (own := history()) is not None:
            words = own.undoText() if back else own.redoText()
            return words or None
        if back and actions.can_take_back_skip():
            return tr("skip")
        return state.undo_label if back else state.redo_label

    def undo() -> None:
        if (own := history()) is None:
            actions.undo()
        elif words := label(back=True):
            own.undo()
            actions.say(tr("Undone: {action}", action=words))

    def redo() -> None:
        if (own := history()) is None:
            actions.redo()
        elif words := label(back=False):
            own.redo()
            actions.say(tr("Redone: {action}", action=words))

    yield Command(
        "undo",
        "edit",
        tr("Undo"),
        ("Ctrl+Z",),
        tr("Take back the last thing you did, also of an earlier day"),
        undo,
        enabled=lambda: label(back=True) is not None,
        label=lambda: _with(tr("Undo"), label(back=True)),
    )
    yield Command(
        "redo",
        "edit",
        tr("Redo"),
        ("Ctrl+Shift+Z", "Ctrl+Y"),
        tr("Do again what was taken back"),
        redo,
        enabled=lambda: label(back=False) is not None,
        label=lambda: _with(tr("Redo"), label(back=False)),
    )


def _with(verb: str, label: str | None) -> str:
    """Return the text of undo or redo, with what it would change."""
    return verb if label is None else f"{verb}: {tr(label)}"
