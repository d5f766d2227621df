"""Duels and surveys, which a person answers, and implicit signals, which are recorded as a side effect."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from studio.project.history import History
from studio.project.opinions import (
    OUTCOMES,
    SIDES,
    SIGNAL_KINDS,
    Choice,
    Duel,
    Signal,
    Survey,
)
from studio.project.records import Change


class Choices(History):
    """Records which of several images was preferred."""

    def duel(self, a: int, b: int, outcome: str, left: str = "a") -> Change:
        """Record a duel: outcome "a", "b", "tie" or "skip", and which image was on the left. It is durable at once."""
        if outcome not in OUTCOMES or left not in SIDES or a == b:
            raise ValueError(f"not a duel: {a} against {b}, {outcome!r}, {left!r} on the left")
        return self._choose("duel", a, {"other": b, "outcome": outcome, "left": left})

    def survey(self, best: int, others: Sequence[int]) -> Change:
        """Record the best of several images. It is durable at once."""
        if not others or best in others or len(set(others)) != len(others):
            raise ValueError(f"not a survey: {best} of {list(others)}")
        return self._choose("survey", best, {"others": list(others)})

    def signal(self, image: int, kind: str, value: float = 1.0) -> Signal:
        """Record an implicit signal on an image; `value` is seconds for "dwell"."""
        return self.signals((image,), kind, value)[0]

    def signals(self, images: Sequence[int], kind: str, value: float = 1.0) -> tuple[Signal, ...]:
        """Record an implicit signal on several images at once."""
        if kind not in SIGNAL_KINDS:
            raise ValueError(f"unknown signal {kind!r}")
        now = time.time()
        with self._transaction():
            for image in images:
                self._append(now, kind, image, value, None)
        return tuple(Signal(image, kind, value, now) for image in images)

    def _choose(self, kind: str, image: int, extra: dict[str, Any]) -> Change:
        now = time.time()
        with self._transaction():
            action = self._act(kind, 0.0, kind)
            event = self._append(now, kind, image, 0.0, action, extra)
        made = choice(event, kind, image, now, json.dumps(extra))
        return Change(made.images, {}, kind, 0.0, kind, (made,), choice=made)


def choice(event: int, kind: str, image: int, at: float, extra: str) -> Choice:
    """A duel or survey from its event."""
    facts = json.loads(extra)
    if kind == "duel":
        return Duel(event, image, facts["other"], facts["outcome"], facts["left"], at)
    return Survey(event, image, tuple(facts["others"]), at)
