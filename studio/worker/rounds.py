"""A round in the worker: run step by step; requests that should not wait are served between steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from gan.errors import is_out_of_memory
from gan.session import RoundProgress, TuningSession
from studio.worker import messages as m
from studio.worker.frames import FrameWriter
from studio.worker.inbox import Inbox
from studio.worker.teaching import Taught, teach

DURING_A_ROUND = (
    *(m.Propose, m.Strip, m.Know, m.Feedback, m.UseSignals, m.Predict, m.Draw),
    *(m.Explore, m.Explain, m.SuggestTitles),
)


class RoundRunner:
    """Runs rounds of a session; checks for Stop and Pause between steps."""

    def __init__(
        self,
        inbox: Inbox,
        send: Callable[[m.Event], None],
        frames: FrameWriter,
        serve: Callable[[m.Command], None],
    ) -> None:
        self._inbox, self._send, self._frames, self._serve = inbox, send, frames, serve
        self._before: np.ndarray | None = None  # the strip's images before the round

    def teach(self, session: TuningSession, command: m.RunRound) -> Taught:
        """Run a round and report its steps. Raises what `teaching.teach` raises."""
        inbox, began = self._inbox, time.monotonic()
        self._before = session.strip(command.strip)[1] if command.strip else None
        return teach(
            session,
            Path(command.checkpoint),
            steps=command.steps,
            settings=command.settings,
            facts=command.facts,
            cancel=lambda: inbox.ended or inbox.stop is not None,
            keep=lambda: not inbox.ended and (inbox.stop is None or inbox.stop.keep),
            after_step=lambda progress: self._report(progress, began),
        )

    def read(self, session: TuningSession, command: m.RunRound) -> bool:
        """Read what has to be read before ratings can be learnt from, and report it as progress. Returns False if asked to stop."""
        inbox, began = self._inbox, time.monotonic()
        steps = command.steps or session.config.steps
        while (left := session.read()) is not None:
            seconds, speed = session.seconds_to_prepare(), session.pool.speed
            progress = RoundProgress(0, steps, seconds, images_per_second=speed, note=str(left))
            self._report(progress, began)
            if inbox.ended or inbox.stop is not None:
                return False
        return True

    def _report(self, progress: RoundProgress, began: float) -> None:
        """Tell the window, and serve it between two steps."""

        def tell(paused: bool) -> None:
            self._send(m.Progress(**asdict(progress), elapsed=time.monotonic() - began, paused=paused))

        tell(paused=False)
        self._between_steps(lambda: tell(paused=True))

    def finish(self, session: TuningSession, command: m.RunRound, taught: Taught) -> None:
        """Report how the round ended, without images if memory is short: it is on disk, so it must be reported."""
        sent: tuple[m.FrameRef | None, m.FrameRef | None] = (None, None)
        if self._before is not None:
            try:
                after = session.strip(command.strip)[1]
                sent = self._frames.send(self._before), self._frames.send(after)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
        kept = None if taught.checkpoint is None else command.checkpoint
        stopped = self._inbox.stop is not None
        self._send(
            m.RoundFinished(taught.kept, taught.reason, kept, stopped, taught.metrics, command.strip, *sent)
        )

    def _between_steps(self, tell_paused: Callable[[], None]) -> None:
        told = False
        while True:
            while (command := self._inbox.next_of(DURING_A_ROUND)) is not None:
                self._serve(command)
            if not self._inbox.paused or self._inbox.ended:
                return
            if not told:
                tell_paused()
                told = True
            self._inbox.wait(0.5)
