"""Handles the worker's events in the window: records them in the project where needed, then emits signals."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from studio.project.store import Image, NewImage, Project, ProjectError
from studio.worker import messages as m
from studio.worker import spawn
from studio.worker.holder import LinkHolder
from studio.worker.link import Gone
from studio.worker.opening import known, opening
from studio.worker.shown import (
    FinishedRound,
    ShownExploration,
    ShownGrid,
    ShownImages,
    ShownStrip,
    ShownTaste,
)

LOG = "worker.log"
CALM = 120.0  # seconds without a crash after which earlier crashes are forgotten
PING = 10.0  # seconds between two pings
SILENCE = 120.0  # seconds without an answer after which the worker counts as hung and is killed


class WorkerEvents(LinkHolder):
    """The signals of the worker's client, and what is done before they are emitted. A crashed worker is restarted once."""

    ready = Signal(object)  # messages.Ready
    grid = Signal(object)  # ShownGrid; it is in the project already, the images' PNG files follow
    taste = Signal(object)  # messages.Taste
    reading = Signal(object)  # messages.Reading
    progress = Signal(object)  # messages.Progress
    round_finished = Signal(object)  # FinishedRound
    strip = Signal(object)  # ShownStrip
    drawn = Signal(object)  # ShownImages: requested with `draw`, or more images of a grid
    explored = Signal(object)  # ShownExploration
    explained = Signal(object)  # ShownTaste
    titled = Signal(object)  # messages.TitlesSuggested
    restored = Signal(object)  # Checkpoint | None (untuned); already the current one in the project
    exporting = Signal(float, str)  # fraction 0..1, text
    exported = Signal(str)  # folder
    export_stopped = Signal()  # by request; nothing was written
    failed = Signal(str, str, str)  # command name, one line for display, details
    not_taught = Signal(str)  # why it is too early for a round
    notice = Signal(str)  # one line for display
    restarted = Signal(str)  # the worker crashed and was restarted; one line for display
    busy_changed = Signal(
        str
    )  # "" idle | "starting" | "loading" | "proposing" | "teaching" | "exporting" | ...

    def __init__(self, parent: QObject | None = None, service: str = spawn.SERVICE) -> None:
        """Create a client; nothing is started before `open`."""
        super().__init__(service, parent)
        self._project: Project | None = None
        self._device, self._use_signals = "auto", True
        self._moved: Path | None = None  # where the generator is, if the project says another folder
        self._crashed = -CALM
        self._busy = ""
        self._round: m.RunRound | None = None
        self._asked = self._answered = self._count = 0  # numbers of grids
        self._grid: tuple[Image, ...] = ()  # images of the latest grid
        self._strips = self._requests = 0
        self._leaving: list[threading.Thread] = []  # each ends a worker that was closed
        self._restores = 0  # requests without an answer
        self._asked_at = self._answered_at = 0.0
        self._pulse = QTimer(self)
        self._pulse.timeout.connect(self._ping)

    @property
    def busy(self) -> str:
        """The current task of the worker, as in `busy_changed`."""
        return self._busy

    @property
    def teaching(self) -> bool:
        """Whether a round is running or paused."""
        return self._round is not None

    @property
    def restoring(self) -> bool:
        """Whether another version was requested and is not in use yet."""
        return self._restores > 0

    def later(self, work: Callable[[], None]) -> None:
        """Run a small task, such as writing a file, on the link's thread; at once if there is no link."""
        if self._link is None:
            work()
        else:
            self._link.later(work)

    def _start(self) -> None:
        assert self._project is not None
        self._connect(self._project.folder / LOG)
        self._set_busy("starting")
        self._asked_at = self._answered_at = monotonic()
        self._pulse.start(int(PING * 1000))
        device, use_signals, moved = self._device, self._use_signals, self._moved
        self._send_read("Open", lambda project: opening(project, device, use_signals, moved))

    def _send_read(self, name: str, read: Callable[[Project], m.Command]) -> None:
        """Send what is read from the current state of the project, on the link's thread, since a large one takes seconds."""
        assert self._project is not None
        link = self._links

        def command() -> m.Command | None:
            try:
                return work()
            except ProjectError as error:
                self._arrived.emit(link, m.Failed(name, str(error)))
            except Exception as error:  # a bug or a damaged row: the window must not wait for an answer to what was not sent
                self._arrived.emit(link, m.Failed(name, str(error), traceback.format_exc()))
            return None

        try:
            work = self._project.read_elsewhere(read)
        except ProjectError as error:
            self.failed.emit(name, str(error), "")
        else:
            self._send(command)

    def _set_busy(self, task: str) -> None:
        if task != self._busy:
            self._busy = task
            self.busy_changed.emit(task)

    def _hear(self, event: Any) -> None:
        handler = getattr(self, "_on_" + type(event).__name__.lower(), None)
        if handler is not None and self._project is not None:
            handler(event)

    def _on_hello(self, event: m.Hello) -> None:
        self._set_busy("loading")
        self._answered_at = monotonic()

    def _on_heartbeat(self, event: m.Heartbeat) -> None:
        self._answered_at = monotonic()

    def _ping(self) -> None:
        now = monotonic()
        if now - self._asked_at > 3 * PING:  # the machine, or this thread, was suspended
            self._answered_at = now
        self._asked_at = now
        if self._link is not None and now - self._answered_at > SILENCE:
            self._link.kill()  # followed by a restart, as after a crash
        self._send(m.Ping(self._links))

    def _on_busy(self, event: m.Busy) -> None:
        self._set_busy(event.task)

    def _on_ready(self, event: m.Ready) -> None:
        self.ready.emit(event)

    def _on_taste(self, event: m.Taste) -> None:
        self.taste.emit(event)

    def _on_notice(self, event: m.Notice) -> None:
        self.notice.emit(event.text)

    def _on_reading(self, event: m.Reading) -> None:
        self.reading.emit(event)

    def _on_progress(self, event: m.Progress) -> None:
        if self._round is not None:
            self.progress.emit(event)

    def _on_exporting(self, event: m.Exporting) -> None:
        self.exporting.emit(event.fraction, event.text)

    def _on_exportstopped(self, event: m.ExportStopped) -> None:
        self.export_stopped.emit()

    def _on_exported(self, event: m.Exported) -> None:
        self._recorded("export", folder=event.folder)
        self.exported.emit(event.folder)

    def _on_failed(self, event: m.Failed) -> None:
        if event.command == "Propose" and event.number not in (None, self._asked):
            return  # a newer grid is on its way in its place
        if event.command == "RunRound":
            self._round = None
        if event.command == "Restore":
            self._restores -= 1
        if event.early and event.command == "RunRound":
            self.not_taught.emit(event.message)
        else:
            self.failed.emit(event.command, event.message, event.detail)

    def _on_grid(self, event: m.Grid) -> None:
        assert self._link is not None and self._project is not None
        if event.generation != self._asked:
            self._link.drop(event.frames)
            return
        pixels = self._link.take(event.frames)
        size = (event.frames.width, event.frames.height)
        new = [NewImage(proposal.latent, proposal.kind, None, *size) for proposal in event.proposals]
        try:
            grid = self._project.add_grid(new)
        except ProjectError as error:
            self.failed.emit("Propose", str(error), "")
            return
        self._answered = event.generation
        self._grid = images = self._project.images(grid.images)
        self._send(m.Know(known(images)))
        self._keep_files(images[: len(pixels)], pixels)
        self.grid.emit(ShownGrid(event.generation, grid.id, images, pixels))

    def _on_gridpart(self, event: m.GridPart) -> None:
        assert self._link is not None
        if event.generation != self._answered:
            self._link.drop(event.frames)
            return
        pixels = self._link.take(event.frames)
        images = self._grid[event.start : event.start + len(pixels)]
        self._keep_files(images, pixels)
        self.drawn.emit(ShownImages(0, tuple(image.id for image in images), pixels))

    def _on_drawn(self, event: m.Drawn) -> None:
        assert self._link is not None and self._project is not None
        pixels = self._link.take(event.frames)
        images = self._project.images(event.images)
        if len(images) == len(pixels):
            self._keep_files(images, pixels)
        self.drawn.emit(ShownImages(event.request, event.images, pixels))

    def _on_explored(self, event: m.Explored) -> None:
        assert self._link is not None
        self.explored.emit(ShownExploration(event, self._link.take(event.frames)))

    def _on_explained(self, event: m.Explained) -> None:
        assert self._link is not None
        pixels = None if event.frames is None else self._link.take(event.frames)
        self.explained.emit(ShownTaste(event, pixels))

    def _on_titlessuggested(self, event: m.TitlesSuggested) -> None:
        self.titled.emit(event)

    def _on_stripready(self, event: m.StripReady) -> None:
        assert self._link is not None
        before, after = self._link.take(event.before), self._link.take(event.after)
        if event.generation == self._strips:
            self.strip.emit(ShownStrip(event.seeds, before, after))

    def _on_restored(self, event: m.Restored) -> None:
        assert self._project is not None
        self._restores -= event.asked
        if event.quiet:
            return
        known = {str(checkpoint.path): checkpoint for checkpoint in self._project.checkpoints()}
        checkpoint = None if event.checkpoint is None else known.get(event.checkpoint)
        try:
            if event.asked:
                self._project.go_to(None if checkpoint is None else checkpoint.id, event.action)
            else:
                self._project.lose_checkpoint()
        except ProjectError as error:
            self.failed.emit("Restore", str(error), "")
            return
        self.restored.emit(checkpoint)

    def _on_roundfinished(self, event: m.RoundFinished) -> None:
        assert self._link is not None and self._project is not None
        self._round = None
        self._strips += 1  # one that was asked for during the round would show a step of it as what came of it
        strip = None
        if event.before is not None and event.after is not None:
            strip = ShownStrip(event.seeds, self._link.take(event.before), self._link.take(event.after))
        checkpoint = None
        facts = {
            "kept": event.kept,
            "reason": event.reason,
            "stopped": event.stopped,
            "metrics": event.metrics,
        }
        if event.checkpoint is None:
            self._recorded("taught", **facts)
        else:
            try:
                checkpoint = self._project.add_checkpoint(
                    Path(event.checkpoint),
                    dict(event.metrics),
                    kept=event.kept,
                    reason=event.reason,
                    taught=facts,
                )
            except ProjectError as error:
                event = self._given_up(event, str(error))
        # In a later turn of the event loop: writing has taken time, and so will what the window does next.
        finished = FinishedRound(event, checkpoint, strip)
        QTimer.singleShot(0, self, lambda: self.round_finished.emit(finished))

    def _given_up(self, event: m.RoundFinished, why: str) -> m.RoundFinished:
        """The event for a round that the project could not record; the worker goes back to the version current in the project."""
        assert self._project is not None
        current = self._project.current_checkpoint()
        if event.checkpoint is not None:
            with suppress(OSError):  # otherwise it would later be adopted as a round cut off by a crash
                Path(event.checkpoint).unlink()
        self._restores += 1
        self._send(m.Restore(None if current is None else str(current.path), quiet=True))
        reason = f"{why} The round was not kept; the generator is as it was before it."
        return replace(event, kept=False, reason=reason, checkpoint=None, metrics={})

    def _on_gone(self, event: Gone) -> None:
        assert self._project is not None
        self._link, taught = None, self._round is not None
        self._pulse.stop()
        self._round, self._restores = None, 0
        self._set_busy("")
        if taught:
            try:
                self._project.adopt_checkpoints()  # it may have written one without reporting it
            except ProjectError as error:
                self.notice.emit(str(error))
            reason = "The worker crashed during the round; the generator is as it was before it."
            finished = m.RoundFinished(False, reason, None, False, {}, (), None, None)
            self.round_finished.emit(FinishedRound(finished, None, None))
        again = monotonic() - self._crashed < CALM
        self._crashed = monotonic()
        why = event.reason or f"exit code {event.exitcode}"
        if again:
            text = f"The worker crashed twice ({why}) and was not started again. Your ratings are safe."
            self.failed.emit("Worker", text, _tail(self._project.folder / LOG))
            return
        self._start()
        if self._answered != self._asked:
            self._send(m.Propose(self._asked, self._count))
        self.restarted.emit(f"The worker crashed ({why}) and was started again. Your ratings are safe.")

    def _recorded(self, kind: str, **extra: Any) -> None:
        assert self._project is not None
        try:
            self._project.record(kind, **extra)
        except ProjectError as error:
            self.notice.emit(str(error))

    def _keep_files(self, images: Sequence[Image], pixels: np.ndarray) -> None:
        assert self._project is not None
        self.later(partial(self._save, self._project, images, pixels))

    def _save(self, project: Project, images: Sequence[Image], pixels: np.ndarray) -> None:
        # On the link's thread. A missing file is drawn again, so one warning is enough.
        for image, rows in zip(images, pixels, strict=True):
            try:
                project.save_pixels(image.id, rows.tobytes(), rows.shape[1], rows.shape[0])
            except ProjectError as error:
                self._arrived.emit(self._links, m.Notice(str(error)))
                return


def _tail(log: Path, length: int = 4000) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")[-length:]
    except OSError:
        return ""
