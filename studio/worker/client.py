"""The window's interface to the worker: methods that return at once, and signals.

Every public signal is emitted on the thread that created the client (the window's). No method waits for the worker.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.project.store import Image, Project, ProjectError
from studio.worker import exports
from studio.worker import messages as m
from studio.worker.hearing import WorkerEvents
from studio.worker.opening import known


class WorkerClient(WorkerEvents):
    """The window's side of the worker process. Its answers are the signals of `WorkerEvents`."""

    def open(self, project: Project, device: str = "auto", moved: Path | None = None) -> None:
        """Start the worker, on another thread, with a project: its model, current checkpoint, images and ratings.

        Answered by `ready` and `taste`. After a crash, a new worker opens the same project automatically. `moved` : folder of the
        project's generator, if it was moved; any other generator is refused.
        """
        self.close()
        self._project, self._device, self._moved = project, device, moved
        self._start()

    def propose(self, count: int = 24) -> int:
        """Request a new grid; returns its generation. Only the latest request is answered, by `grid`."""
        self._asked, self._count = self._asked + 1, count
        self._send(m.Propose(self._asked, count))
        return self._asked

    def feedback(self, events: Sequence[m.Opinion]) -> None:
        """Forward events from the project (`change.events`, or a signal). Answered by `taste`."""
        if events:
            self._send(m.Feedback(tuple(events)))

    def use_signals(self, on: bool) -> None:
        """Learn from implicit signals (the default), or ignore them. Answered by `taste` if a project is open."""
        if on != self._use_signals:
            self._use_signals = on
            self._send(m.UseSignals(on))

    def predict(self, images: Sequence[int]) -> None:
        """Request the taste model's predictions for these images. Answered by `taste`."""
        self._send(m.Predict(tuple(images)))

    def draw(self, images: Sequence[Image]) -> int:
        """Draw images of the project again; returns the number of the request. Answered by `drawn`."""
        self._requests += 1
        self._send(m.Draw(self._requests, known(images)))
        return self._requests

    def teach(
        self, steps: int | None = None, settings: m.RoundSettings | None = None, strip: Sequence[int] = ()
    ) -> None:
        """Run a round. Answered by `progress` after every step and `round_finished` at its end."""
        if self._project is None or self._round is not None:
            return
        try:
            path, facts = str(self._project.new_checkpoint_path()), self._project.round_facts()
        except ProjectError as error:
            self.failed.emit("RunRound", str(error), "")
            return
        self._round = m.RunRound(path, steps, settings or m.RoundSettings(), tuple(strip), facts)
        self._send(self._round)

    def pause(self) -> None:
        """Pause the round between two steps."""
        self._send(m.Pause())

    def resume(self) -> None:
        """Continue after `pause`."""
        self._send(m.Resume())

    def stop(self, keep: bool = True) -> None:
        """End the round after the current step; keep the result, or go back to the state before the round."""
        self._send(m.Stop(keep))

    def restore(self, checkpoint: int | None, action: int | None = None) -> None:
        """Switch to a checkpoint of the project (its id), or to the untuned generator. Answered by `restored`.

        `action` : the action of the project's history that this undoes, redoes or completes; None if it is an action of its own.
        """
        if self._project is not None and self._link is not None:
            path = None if checkpoint is None else str(self._project.checkpoint(checkpoint).path)
            self._restores += 1
            self._send(m.Restore(path, action))

    def request_strip(self, seeds: Sequence[int]) -> None:
        """Draw seeds with the untuned and with the current generator. Answered by `strip`."""
        self._strips += 1
        self._send(m.Strip(self._strips, tuple(seeds)))

    def explore(self, command: m.Explore) -> None:
        """Move from an image. Answered by `explored`; of several pending requests, only the latest is answered."""
        self._send(command)

    def explain(self, count: int = 6) -> None:
        """Request what was learnt about the taste. Answered by `explained`."""
        self._send(m.Explain(count))

    def suggest_titles(self, image: int, avoid: Sequence[str] = (), language: str = "en") -> int:
        """Request titles for an image, other than those in `avoid`; returns the number of the request. Answered by `titled`."""
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
        """Register images that the project added by itself, so that they can be rated."""
        self._send(m.Know(known(images), watch=False))

    def export(self, folder: Path, settings: Mapping[str, Any] | None = None) -> None:
        """Write the tuned generator, or images of it; `settings` are fields of `gan.formats.exports.ExportSettings`.

        Answered by `exporting` and `exported`, `export_stopped` or `failed`.
        """
        if self._project is not None and self._link is not None:
            wanted = dict(settings or {})
            self._send_read("Export", lambda project: exports.command(project, str(folder), wanted))

    def cancel_export(self) -> None:
        """Cancel the running export; nothing of it remains. Answered by `export_stopped`, or by `exported` if it was too late."""
        self._send(m.CancelExport())

    def close(self) -> None:
        """End the worker without waiting for it: it is asked to end, then terminated, then killed; within about three seconds."""
        link, self._link = self._link, None
        self._round, self._restores = None, 0
        self._pulse.stop()
        if link is not None:
            self._leaving = [*(thread for thread in self._leaving if thread.is_alive()), link.leave()]
            self._set_busy("")

    def wait(self) -> None:
        """Wait until every worker that was closed has ended."""
        for thread in self._leaving:
            thread.join()
