"""What is looked at when a random walk has the worker's own process behind the window."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from studio.ui.window import StudioWindow
from studio.worker.hearing import WorkerEvents

WEIGHTS = {"wait": 16, "event": 2, "language": 0.3, "drop": 1}  # a worker takes its time, and so do people
WAITS = (20, 300, 1500)  # milliseconds
STEPS = 3  # of a round
PATIENCE = 240.0  # seconds for the worker to come to rest


@contextmanager
def bugs_are_heard(trouble: list[str]) -> Iterator[None]:
    """Take down what the worker could not do for a reason that is no person's: it comes with a traceback."""
    hear = WorkerEvents._on_failed

    def spy(self: WorkerEvents, event: Any) -> None:
        if "Traceback" in event.detail:
            trouble.append(f"{event.command}: {event.message}\n{event.detail}")
        hear(self, event)

    with patch.object(WorkerEvents, "_on_failed", spy):
        yield


def rest(window: StudioWindow, trouble: list[str]) -> None:
    """Wait until the worker has done what it was asked for: it must not go on for ever, nor be waited for in vain."""
    state, round_, worker = window.actions_.state, window.actions_.round, window.actions_.worker
    if round_.paused:
        window.actions_.pause_or_resume()

    def at_rest() -> bool:
        done = state.loaded and not (state.task or state.drawing or round_.running or worker.restoring)
        return state.task == "failed" or (done and not window.actions_.exports.running)

    deadline = time.monotonic() + PATIENCE
    while not at_rest() and not trouble:
        if time.monotonic() > deadline:
            running = f"drawing {state.drawing}, round {round_.running}, restoring {worker.restoring}"
            trouble.append(f"the worker does not come to rest: {state.task!r}, {running}")
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 100)
        time.sleep(0.02)
    used = window.actions_.project.current_checkpoint()
    if used != state.checkpoint:
        trouble.append(f"{state.checkpoint} is said to be in use, {used} is")
