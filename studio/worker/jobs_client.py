"""The window's interface to the process that trains: methods that return at once, and signals on the window's thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from studio.worker import jobs
from studio.worker import messages as m
from studio.worker.holder import LinkHolder
from studio.worker.link import Gone

SERVICE = "studio.worker.jobs_service"
PATIENCE = 6.0  # seconds for the last step of a run and for writing it


@dataclass(frozen=True)
class ShownSamples:
    """Images of the same seeds by the current generator, each with its nearest training picture."""

    images: int  # seen at that time
    drawn: np.ndarray  # uint8 (K, R, R, 3)
    nearest: np.ndarray
    copied: tuple[bool, ...]  # whether each looks copied


class JobsClient(LinkHolder):
    """Reads folders and trains on them, one job at a time; a new job replaces the old one.

    The process is started for the first job. After a crash, the next job starts it again.
    """

    choices = Signal(object)  # tuple[jobs.Start, ...]
    looking = Signal(float)  # 0..1
    looked = Signal(object)  # jobs.Looked
    whole = Signal(str, object)  # name, uint8 (H, W, 3)
    progress = Signal(object)  # jobs.Training
    samples = Signal(object)  # ShownSamples
    said = Signal(str)
    trained = Signal(object)  # jobs.Trained
    failed = Signal(str, str)  # one line for display, details

    def __init__(
        self, log: Path | None = None, parent: QObject | None = None, service: str = SERVICE
    ) -> None:
        super().__init__(service, parent)
        self._log = log
        self._job = 0
        self._running = False

    @property
    def running(self) -> bool:
        """Whether a job is running."""
        return self._running

    def look_at(self, folder: Path, resolution: int) -> None:
        """Read a folder of pictures. Answered by `looking` and `looked`, or `failed`."""
        self._begin(jobs.LookAt(0, str(folder), resolution))

    def show_whole(self, name: str, side: int) -> None:
        """Read one picture of that folder uncropped. Answered by `whole`, when no other work is left."""
        self._send(jobs.ShowWhole(name, side))

    def train(self, command: jobs.Train) -> None:
        """Train; the number of the command is set here. Answered by `progress`, `samples`, `said` and `trained`, or `failed`."""
        self._begin(command)

    def halt(self) -> None:
        """End the running job. A training run is written and answered by `trained`."""
        self._send(jobs.Halt(self._job))

    def close(self) -> None:
        """End the process; a training run is written first."""
        link, self._link = self._link, None
        if link is not None:
            link.close(PATIENCE if self._running else 1.0)
        self._running = False

    def _begin(self, command: jobs.LookAt | jobs.Train) -> None:
        if self._link is None:
            self._connect(self._log)
        if self._running:
            self.halt()
        self._job += 1
        self._running = True
        self._send(replace(command, job=self._job))

    def _hear(self, event: Any) -> None:
        assert self._link is not None
        number = event.number if isinstance(event, m.Failed) else getattr(event, "job", None)
        if number not in (None, self._job):
            for frames in (getattr(event, "drawn", None), getattr(event, "nearest", None)):
                self._link.drop(frames)
            return
        match event:
            case jobs.Choices():
                self.choices.emit(event.starts)
            case jobs.Looking():
                self.looking.emit(event.fraction)
            case jobs.Looked():
                self._running = False
                self.looked.emit(event)
            case jobs.Whole():
                self.whole.emit(event.name, self._link.take(event.frames)[0])
            case jobs.Training():
                self.progress.emit(event)
            case jobs.Samples():
                drawn, nearest = self._link.take(event.drawn), self._link.take(event.nearest)
                self.samples.emit(ShownSamples(event.images, drawn, nearest, event.copied))
            case jobs.Said():
                self.said.emit(event.text)
            case jobs.Trained():
                self._running = False
                self.trained.emit(event)
            case m.Failed():
                self._running = False
                self.failed.emit(event.message, event.detail)
            case Gone():
                self._link, running, self._running = None, self._running, False
                if running:
                    why = event.reason or f"exit code {event.exitcode}"
                    self.failed.emit(f"The process that trains has ended by itself ({why}).", "")
