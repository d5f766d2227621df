"""The undo stack, stored in the database, so that it outlives the program."""

from __future__ import annotations

from studio.project.database import Database


class History(Database):
    """Actions with their events. An 'undone' action can be redone until a new action marks it as 'dropped'."""

    def undo_label(self) -> str | None:
        """The label of the action that `undo` would undo."""
        return self._text("SELECT label FROM actions WHERE status = 'done' ORDER BY id DESC LIMIT 1")

    def redo_label(self) -> str | None:
        """The label of the action that `redo` would redo."""
        return self._text("SELECT label FROM actions WHERE status = 'undone' ORDER BY id LIMIT 1")

    def next_action(self, back: bool) -> int | None:
        """The action that `undo`, or else `redo`, would apply to next."""
        query = (
            "SELECT max(id) FROM actions WHERE status = 'done'"
            if back
            else "SELECT min(id) FROM actions WHERE status = 'undone'"
        )
        action = self._rows(query)[0][0]
        return None if action is None else int(action)

    def _act(self, kind: str, value: float, label: str) -> int:
        """Begin an action inside a transaction; returns its id."""
        self._db.execute("UPDATE actions SET status = 'dropped' WHERE status = 'undone'")
        return int(
            self._db.execute(
                "INSERT INTO actions (kind, value, label) VALUES (?, ?, ?)", (kind, value, label)
            ).lastrowid
            or 0
        )
