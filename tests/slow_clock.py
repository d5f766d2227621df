"""A generator that draws slowly, without the waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gan.session import TuningSession


class SlowClock:
    """A pool's clock that only the drawing of images moves on: by so many seconds each."""

    def __init__(self, patch: pytest.MonkeyPatch, session: TuningSession, each: float = 1.0) -> None:
        self.now, look = 0.0, session.pool.drawer.look

        def slowly(latents: Any) -> Any:
            self.now += each * len(latents)
            return look(latents)

        patch.setattr(session.pool.drawer, "look", slowly)
        patch.setattr("gan.rewards.pool.time", self)

    def monotonic(self) -> float:
        return self.now
