"""Undo and redo of all actions, across restarts, and the opinions that result for a learner."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

from studio.project.choices import Choices, choice
from studio.project.database import marks
from studio.project.opinions import (
    CHOICE_KINDS,
    RATING_KINDS,
    SIGNAL_KINDS,
    TAG_KINDS,
    Choice,
    Duel,
    Feedback,
    Opinion,
    Retracted,
    Signal,
    Survey,
    Tag,
)
from studio.project.ratings import Ratings, difference
from studio.project.records import Change, Going
from studio.project.timeline import Timeline
from studio.project.titles import Titles


class Undo(Ratings, Titles, Choices, Timeline):
    """All actions, and their undoing."""

    def undo(self) -> Change | None:
        """Undo the last action, of this or an earlier session; None if there is none."""
        action = self.next_action(back=True)
        return None if action is None else self._step(action, done=False)

    def redo(self) -> Change | None:
        """Redo the action that was undone last; None if there is none."""
        action = self.next_action(back=False)
        return None if action is None else self._step(action, done=True)

    def go_to(self, checkpoint: int | None, action: int | None = None) -> None:
        """Record that the generator is at a version, by an action of its own or by `action`, which was just done, undone or redone."""
        if action is not None and (ends := self._ends(action)) is not None:
            # A rating made meanwhile may have dropped the action, which was undone when the switch was requested: only "done" counts.
            done = self._rows("SELECT status FROM actions WHERE id = ?", (action,))[0][0] == "done"
            if done and checkpoint == ends[1]:
                with self._transaction():
                    self._use(checkpoint)
                return
            if self._going(action, not done) == Going(action, checkpoint):
                self._step(action, done=not done)
                return
        self.set_current_checkpoint(checkpoint)

    def opinions(
        self, kinds: Sequence[str] = RATING_KINDS + CHOICE_KINDS + SIGNAL_KINDS + TAG_KINDS
    ) -> tuple[Opinion, ...]:
        """Everything that a learner may use, in order, without undone ones: ratings, duels, surveys, signals, tags."""
        rows = self._rows(
            "SELECT events.id, kind, image, value, time, extra FROM events WHERE image IS NOT NULL"
            f" AND kind IN ({marks(kinds)}) AND (action IS NULL OR action IN (SELECT id FROM actions WHERE status = 'done'))"
            " ORDER BY events.id",
            kinds,
        )
        return tuple(_opinion(*row) for row in rows)

    def choices(self) -> tuple[Choice, ...]:
        """All duels and surveys that were not undone, in order."""
        return tuple(o for o in self.opinions(CHOICE_KINDS) if isinstance(o, (Duel, Survey)))

    def _step(self, action: int, done: bool) -> Change:
        now = time.time()
        with self._transaction():
            self._db.execute(
                "UPDATE actions SET status = ? WHERE id = ?", ("done" if done else "undone", action)
            )
            self._append(now, "redo" if done else "undo", None, float(action), None)
            of, value, label = self._db.execute(
                "SELECT kind, value, label FROM actions WHERE id = ?", (action,)
            ).fetchone()
            if of in CHOICE_KINDS:
                made = choice(
                    *self._db.execute(
                        "SELECT id, kind, image, time, extra FROM events WHERE action = ?", (action,)
                    ).fetchone()
                )
                told: Opinion = made if done else Retracted(made.event, now)
                return Change(made.images, {}, of, value, label, (told,), choice=made)
            checkpoint = self._repeat_edit(action, done)
            rows = self._db.execute(
                "SELECT DISTINCT image FROM events WHERE action = ? AND image IS NOT NULL", (action,)
            ).fetchall()
            images = [int(image) for (image,) in rows]
            before = self.state(images)
            for image in images:
                self._replay(image)
        states = self.state(images)
        events = tuple(f for image in images for f in difference(before[image], states[image], now))
        return Change(tuple(images), states, of, value, label, events, checkpoint=checkpoint)


def _opinion(event: int, kind: str, image: int, value: float, at: float, extra: str) -> Opinion:
    if kind in CHOICE_KINDS:
        return choice(event, kind, image, at, extra)
    if kind in SIGNAL_KINDS:
        return Signal(image, kind, value, at)
    if kind in TAG_KINDS:
        return Tag(image, kind, json.loads(extra).get("text", ""), at)
    return Feedback(image, kind, value, at)
