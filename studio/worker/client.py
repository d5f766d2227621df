"""The worker, as the window holds it: methods that return at once, and signals.

Every public signal is emitted on the thread that made the client (the window's). No method waits for the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from studio.project.store import Image, NewImage, Project, ProjectError
from studio.worker import exports, spawn
from studio.worker import messages as m
from studio.worker.link import Gone, WorkerLink
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
CALM = 120.0  # seconds without a crash, after which a crash is a first one again
PING = 10.0  # seconds between two questions whether the worker still answers
SILENCE = 120.0  # seconds without an answer, after which it is taken for hung and ended


class WorkerClient(QObject):
    """The window's end of the worker process."""

    ready = Signal(object)  # messages.Ready
    grid = Signal(object)  # ShownGrid; the rows are in the project, the images' PNG files follow
    taste = Signal(object)  # messages.Taste
    progress = Signal(object)  # messages.Progress
    round_finished = Signal(object)  # FinishedRound
    strip = Signal(object)  # ShownStrip
    drawn = Signal(object)  # ShownImages: asked for with `draw`, or the next of a grid
    explored = Signal(object)  # ShownExploration
    explained = Signal(object)  # ShownTaste
    titled = Signal(object)  # messages.TitlesSuggested
    restored = Signal(object)  # Checkpoint | None (untuned); already current in the project
    exporting = Signal(float, str)  # fraction 0..1, text
    exported = Signal(str)  # folder
    export_stopped = Signal()  # on request; nothing was written
    failed = Signal(str, str, str)  # command name, one line for people, detail
    notice = Signal(str)  # one line for people
    restarted = Signal(str)  # the worker crashed and runs again; one line for people
    busy_changed = Signal(
        str
    )  # "" idle | "starting" | "loading" | "proposing" | "teaching" | "exporting" | ...

    _arrived = Signal(int, object)  # number of the link, event: from its thread to the window's

    def __init__(self, parent: QObject | None = None, service: str = spawn.SERVICE) -> None:
        """Make a client; nothing is started before `open`."""
        super().__init__(parent)
        self._service = service
        self._project: Project | None = None
        self._device, self._use_signals = "auto", True
        self._link: WorkerLink | None = None
        self._links = 0
        self._crashed = -CALM
        self._busy = ""
        self._round: m.RunRound | None = None
        self._asked = self._answered = self._count = 0  # grids
        self._grid: tuple[Image, ...] = ()  # images of the one answered last
        self._strips = self._requests = 0
        self._arrived.connect(self._handle, Qt.ConnectionType.QueuedConnection)
        self._asked_at = self._answered_at = 0.0
        self._pulse = QTimer(self)
        self._pulse.timeout.connect(self._ping)

    @property
    def busy(self) -> str:
        """What the worker is doing, as in `busy_changed`."""
        return self._busy

    @property
    def teaching(self) -> bool:
        """Whether a round runs or is paused."""
        return self._round is not None

    @property
    def pid(self) -> int | None:
        """Of the worker's process, once it runs."""
        return None if self._link is None else self._link.pid

    # ------------------------------------------------------------------------------------------------------------------
    # Commands

    def open(self, project: Project, device: str = "auto") -> None:
        """Start the worker (off this thread) on a project: its model, current checkpoint, images and ratings.

        Answered by `ready` and `taste`. After a crash the worker is opened again from the same project by itself.
        """
        self.close()
        self._project, self._device = project, device
        self._start()

    def propose(self, count: int = 24) -> int:
        """Ask for a new grid; returns its generation. Only the newest asked for is answered, by `grid`."""
        self._asked, self._count = self._asked + 1, count
        self._send(m.Propose(self._asked, count))
        return self._asked

    def feedback(self, events: Sequence[m.Opinion]) -> None:
        """Pass on what the project returned (`change.events`, a signal). Answered by `taste`."""
        if events:
            self._send(m.Feedback(tuple(events)))

    def use_signals(self, on: bool) -> None:
        """Learn from what was done with images in passing (the default), or leave it aside. Answered by `taste`, if it is open."""
        if on != self._use_signals:
            self._use_signals = on
            self._send(m.UseSignals(on))

    def predict(self, images: Sequence[int]) -> None:
        """Ask what the taste model thinks of these images. Answered by `taste`."""
        self._send(m.Predict(tuple(images)))

    def draw(self, images: Sequence[Image]) -> int:
        """Draw images of the project again; returns the request's number. Answered by `drawn`."""
        self._requests += 1
        self._send(m.Draw(self._requests, known(images)))
        return self._requests

    def teach(
        self, steps: int | None = None, settings: m.RoundSettings | None = None, strip: Sequence[int] = ()
    ) -> None:
        """Run a round. Answered by `progress` after every step and `round_finished` at its end."""
        if self._project is None or self._round is not None:
            return
        path = str(self._project.new_checkpoint_path())
        self._round = m.RunRound(path, steps, settings or m.RoundSettings(), tuple(strip))
        self._send(self._round)

    def pause(self) -> None:
        """Hold the round between two steps."""
        self._send(m.Pause())

    def resume(self) -> None:
        """Go on after `pause`."""
        self._send(m.Resume())

    def stop(self, keep: bool = True) -> None:
        """End the round after the step in hand; keep what was learnt, or go back to before it."""
        self._send(m.Stop(keep))

    def restore(self, checkpoint: int | None) -> None:
        """Go to a checkpoint of the project (its id), or to the untuned generator. Answered by `restored`."""
        if self._project is not None:
            path = None if checkpoint is None else str(self._project.checkpoint(checkpoint).path)
            self._send(m.Restore(path))

    def request_strip(self, seeds: Sequence[int]) -> None:
        """Draw seeds untuned and as tuned now. Answered by `strip`."""
        self._strips += 1
        self._send(m.Strip(self._strips, tuple(seeds)))

    def explore(self, command: m.Explore) -> None:
        """Move from an image. Answered by `explored`; of several asked for at once, the newest alone."""
        self._send(command)

    def explain(self, count: int = 6) -> None:
        """Ask what was learnt. Answered by `explained`."""
        self._send(m.Explain(count))

    def suggest_titles(self, image: int, avoid: Sequence[str] = (), language: str = "en") -> int:
        """Ask for titles of an image other than those; returns the request's number. Answered by `titled`."""
        self._requests += 1
        if self._project is not None:
            try:
                ratings = self._project.title_ratings()
            except ProjectError as error:
                self.failed.emit("SuggestTitles", str(error), "")
            else:
                self._send(m.SuggestTitles(self._requests, image, ratings, tuple(avoid), language))
        return self._requests

    def know(self, images: Sequence[Image]) -> None:
        """Tell of images that the project took in by itself, so that they can be rated."""
        self._send(m.Know(known(images), watch=False))

    def export(self, folder: Path, settings: Mapping[str, Any] | None = None) -> None:
        """Write the tuned generator, or images of it; `settings` are fields of `gan.formats.exports.ExportSettings`.

        Answered by `exporting` and `exported`, `export_stopped` or `failed`.
        """
        if self._project is not None:
            try:
                self._send(exports.command(self._project, str(folder), settings or {}))
            except ProjectError as error:
                self.failed.emit("Export", str(error), "")

    def cancel_export(self) -> None:
        """Stop the export that runs; nothing is left of it. Answered by `export_stopped`, or by `exported` if it came too late."""
        self._send(m.CancelExport())

    def later(self, work: Callable[[], None]) -> None:
        """Do small work, such as writing a file, on a thread of the link's; at once where there is none."""
        if self._link is None:
            work()
        else:
            self._link.later(work)

    def close(self) -> None:
        """End the worker: asked for, then terminated, then killed; at most about three seconds in all."""
        link, self._link = self._link, None
        self._round = None
        self._pulse.stop()
        if link is not None:
            link.close()
            self._set_busy("")

    # ------------------------------------------------------------------------------------------------------------------
    # Events, on the window's thread

    def _start(self) -> None:
        assert self._project is not None
        self._links += 1
        deliver: Callable[[m.Event | Gone], None] = partial(self._arrived.emit, self._links)
        self._link = WorkerLink(deliver, self._project.folder / LOG, self._service)
        self._set_busy("starting")
        self._send(opening(self._project, self._device, self._use_signals))

    def _send(self, command: m.Command) -> None:
        if self._link is not None:
            self._link.send(command)

    def _set_busy(self, task: str) -> None:
        if task != self._busy:
            self._busy = task
            self.busy_changed.emit(task)

    def _handle(self, link: int, event: Any) -> None:
        if link != self._links or self._link is None or self._project is None:
            return  # of a worker that was closed
        handler = getattr(self, "_on_" + type(event).__name__.lower(), None)
        if handler is not None:
            handler(event)

    def _on_hello(self, event: m.Hello) -> None:
        self._set_busy("loading")
        self._asked_at = self._answered_at = monotonic()
        self._pulse.start(int(PING * 1000))

    def _on_heartbeat(self, event: m.Heartbeat) -> None:
        self._answered_at = monotonic()

    def _ping(self) -> None:
        now = monotonic()
        if now - self._asked_at > 3 * PING:  # the machine has slept, or this thread has
            self._answered_at = now
        self._asked_at = now
        if self._link is not None and now - self._answered_at > SILENCE:
            self._link.kill()  # and start again, as after a crash
        self._send(m.Ping(self._links))

    def _on_busy(self, event: m.Busy) -> None:
        self._set_busy(event.task)

    def _on_ready(self, event: m.Ready) -> None:
        self.ready.emit(event)

    def _on_taste(self, event: m.Taste) -> None:
        self.taste.emit(event)

    def _on_notice(self, event: m.Notice) -> None:
        self.notice.emit(event.text)

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
        if event.command == "RunRound":
            self._round = None
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
        known = {str(checkpoint.path): checkpoint for checkpoint in self._project.checkpoints()}
        checkpoint = None if event.checkpoint is None else known.get(event.checkpoint)
        try:
            self._project.set_current_checkpoint(None if checkpoint is None else checkpoint.id)
        except ProjectError as error:
            self.failed.emit("Restore", str(error), "")
            return
        self.restored.emit(checkpoint)

    def _on_roundfinished(self, event: m.RoundFinished) -> None:
        assert self._link is not None and self._project is not None
        self._round = None
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
                self.failed.emit("RunRound", str(error), "")
        # In a turn of its own: the disk has had its time, and what follows in the window takes some, too.
        finished = FinishedRound(event, checkpoint, strip)
        QTimer.singleShot(0, self, lambda: self.round_finished.emit(finished))

    def _on_gone(self, event: Gone) -> None:
        assert self._project is not None
        self._link, taught = None, self._round is not None
        self._pulse.stop()
        self._round = None
        self._set_busy("")
        if taught:
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
        # On the link's thread; a missing file is only drawn again, so that it is enough to say so once.
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
