"""The worker's half that holds torch: commands in, `gan.session` at work, events out.

The main thread does one thing at a time. While a round runs, it looks between two steps for Stop and Pause and serves
what the window should not have to wait for (a new grid, ratings, a strip).
"""

from __future__ import annotations

import gc
import os
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gan
from gan.errors import UserError
from gan.session import Feedback, TuningSession
from studio.worker import messages as m
from studio.worker.frames import FrameClosed, FrameWriter
from studio.worker.inbox import Inbox, Outbox

DURING_A_ROUND = (m.Propose, m.Strip, m.Know, m.Feedback, m.Predict, m.Draw)
TASKS = {
    m.Open: "loading",
    m.Propose: "proposing",
    m.Draw: "drawing",
    m.RunRound: "teaching",
    m.Restore: "restoring",
    m.Strip: "drawing",
    m.Export: "exporting",
    m.Feedback: "learning",
}
MakeSession = Callable[[m.Open, str], TuningSession]


def serve(inbox: Inbox, outbox: Outbox, frames: FrameWriter) -> None:
    """Serve commands until Shutdown or until the window is gone."""
    cores = usable_cores()
    torch.set_num_threads(max(1, cores - 1))  # the window needs the other one
    Service(inbox, outbox, frames, make_session).run()


def make_session(command: m.Open, device: str) -> TuningSession:
    """The real thing: a loaded generator and what is known of the person's taste."""
    return TuningSession(gan.load(command.model, "cpu"), device=device, seed=command.seed)


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device_label(device: torch.device) -> str:
    """A device as people know it: "CPU, 2 cores", "NVIDIA H200"."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type == "mps":
        return "Apple GPU"
    cores = usable_cores()
    return f"CPU, {cores} core{'s' if cores != 1 else ''}"


class Service:
    """One session at a time, and the commands to it."""

    def __init__(self, inbox: Inbox, outbox: Outbox, frames: FrameWriter, make: MakeSession) -> None:
        self._inbox = inbox
        self._send = outbox.send
        self._frames = frames
        self._make = make
        self._session: TuningSession | None = None
        self._opened: m.Open | None = None
        self._latents: dict[int, bytes] = {}
        self._watched: tuple[int, ...] = ()
        self._checkpoint: str | None = None
        self._events: list[m.FeedbackEvent] = []  # all, for a session that is made again on another device

    def run(self) -> None:
        """Serve until the end."""
        while not self._inbox.ended:
            command = self._inbox.next()
            if command is not None:
                self.do(command)

    def do(self, command: m.Command) -> None:
        """Serve one command; whatever goes wrong is said and survived."""
        task = TASKS.get(type(command), "")
        if task:
            self._send(m.Busy(task))
        try:
            self._retrying(command)
        except FrameClosed:
            return
        except UserError as error:
            self._send(m.Failed(type(command).__name__, str(error)))
        except Exception as error:
            detail = traceback.format_exc()
            text = str(error).strip().split("\n")[0] or type(error).__name__
            self._send(m.Failed(type(command).__name__, text, detail))
        finally:
            if task:
                self._send(m.Busy(""))

    def _retrying(self, command: m.Command) -> None:
        """Do it; where memory runs out, do it again with smaller batches, and then on the CPU."""
        while True:
            try:
                return self._dispatch(command)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            gc.collect()  # outside the handler, which would keep the failed tensors alive
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self._ease(command)

    def _ease(self, command: m.Command) -> None:
        session = self._session
        opened = command if isinstance(command, m.Open) else self._opened
        if session is not None and session.shrink_batches():
            self._send(m.Notice("Memory is short: working in smaller batches."))
        elif opened is not None and self._device_type(opened) != "cpu":
            self._send(m.Notice("The graphics card is out of memory: going on with the CPU, more slowly."))
            self._remake(opened, "cpu")
        else:
            raise UserError("There is not enough memory for this. Close other programs and try again.")

    def _device_type(self, opened: m.Open) -> str:
        if self._session is not None:
            return self._session.device.type
        return "cpu" if opened.device == "cpu" else "cuda"

    def _dispatch(self, command: m.Command) -> None:
        if isinstance(command, m.Open):
            return self._open(command)
        if self._session is None:
            raise UserError("No generator is loaded yet.")
        handler: Callable[[Any], None] = getattr(self, "_do_" + type(command).__name__.lower())
        return handler(command)

    # ------------------------------------------------------------------------------------------------------------------
    # Opening

    def _open(self, command: m.Open) -> None:
        if command.protocol != m.PROTOCOL:
            raise UserError("The window and the worker are of different versions; start Tastemaker again.")
        self._remake(command, command.device)
        self._tell_taste()

    def _remake(self, command: m.Open, device: str) -> None:
        if self._opened is not command:
            self._latents = {image.id: image.latent for image in command.images}
            self._events = list(command.events)
            self._checkpoint = command.checkpoint
        self._opened, self._session = command, None  # the old one's memory first
        session = self._make(command, device)
        session.add({image: array(latent) for image, latent in self._latents.items()})
        if self._checkpoint is not None:
            try:
                session.restore(Path(self._checkpoint))
            except (UserError, OSError) as error:
                self._checkpoint = None
                self._send(
                    m.Notice(
                        f"The last checkpoint cannot be read ({error}): the untuned generator is in use."
                    )
                )
                self._send(m.Restored(None))
        session.feedback(feedback(self._events))
        session.fit()
        self._session = session
        model = session.model
        self._send(
            m.Ready(
                device=device_label(session.device),
                model=model.name,
                resolution=model.resolution,
                z_dim=model.z_dim,
                hash=model.hash,
                pixel_art=bool(model.card.get("pixel_art", False)),
                has_discriminator=model.discriminator is not None,
                parameters=sum(parameter.numel() for parameter in model.generator.parameters()),
                card=model.card,
            )
        )

    @property
    def session(self) -> TuningSession:
        """The session; there is one after Open."""
        assert self._session is not None
        return self._session

    # ------------------------------------------------------------------------------------------------------------------
    # Images and ratings

    def _do_propose(self, command: m.Propose) -> None:
        proposals = self.session.propose(command.count)
        pixels = np.stack([proposal.pixels for proposal in proposals])
        described = []
        for proposal in proposals:
            stars, spread = proposal.predicted if proposal.predicted is not None else (None, None)
            described.append(m.Proposal(packed(proposal.latent), proposal.kind, stars, spread))
        self._send(m.Grid(command.generation, tuple(described), self._frames.send(pixels)))

    def _do_know(self, command: m.Know) -> None:
        self._latents.update((image.id, image.latent) for image in command.images)
        self.session.add({image.id: array(image.latent) for image in command.images})
        if command.watch:
            self._watched = tuple(image.id for image in command.images)

    def _do_feedback(self, command: m.Feedback) -> None:
        events = list(command.events)
        while (
            more := self._inbox.next_of((m.Feedback,))
        ) is not None:  # fast fingers: one fit for all that waits
            assert isinstance(more, m.Feedback)
            events.extend(more.events)
        self._events.extend(events)
        self.session.feedback(feedback(events))
        self._tell_taste()

    def _do_predict(self, command: m.Predict) -> None:
        self._tell_taste(command.images)

    def _do_draw(self, command: m.Draw) -> None:
        latents = np.stack([array(image.latent) for image in command.images])
        pixels = self.session.draw(latents)
        ids = tuple(image.id for image in command.images)
        self._send(m.Drawn(command.request, ids, self._frames.send(pixels)))

    def _do_strip(self, command: m.Strip) -> None:
        before, after = self.session.strip(command.seeds)
        sent = self._frames.send(before), self._frames.send(after)
        self._send(m.StripReady(command.generation, command.seeds, *sent))

    def _tell_taste(self, images: Sequence[int] | None = None) -> None:
        summary = self.session.fit()
        known = [image for image in (self._watched if images is None else images) if image in self._latents]
        predictions: list[m.Prediction] = []
        if known and summary.count:
            latents = np.stack([array(self._latents[image]) for image in known])
            for image, of in zip(known, self.session.predict(latents), strict=True):
                terms = (of.stars, of.spread, of.taste, of.realism, of.novelty, of.reward)
                predictions.append(m.Prediction(image, *map(float, terms)))
        self._send(m.Taste(summary.count, summary.accuracy, summary.auc, summary.trusted, tuple(predictions)))

    # ------------------------------------------------------------------------------------------------------------------
    # Rounds

    def _do_runround(self, command: m.RunRound) -> None:
        session, inbox = self.session, self._inbox
        began = time.monotonic()
        before = session.strip(command.strip)[1] if command.strip else None
        steps = 0
        for progress in session.run_round(command.steps, cancel=self._cancelled, **dials(command.settings)):
            steps = progress.step
            self._send(progress_message(progress, time.monotonic() - began))
            self._between_steps(lambda paused=progress: self._tell_paused(paused, began))
        if inbox.ended:
            return
        result, stop = session.last_round, inbox.stop
        assert result is not None
        kept, reason, path = result.kept, result.reason, None
        if stop is not None and not stop.keep:
            kept, reason = False, "Stopped: the generator is as it was before the round."
        if kept:
            session.save_checkpoint(Path(command.checkpoint))  # on disk before anyone hears of it
            path = self._checkpoint = command.checkpoint
        else:
            session.restore(None if self._checkpoint is None else Path(self._checkpoint))
        names = ("like_rate_predicted", "taste", "realism", "diversity", "kl", "seconds")
        metrics: dict[str, float | None] = {name: number(getattr(result, name)) for name in names}
        metrics["steps"] = float(steps)
        sent: tuple[m.FrameRef | None, m.FrameRef | None] = (None, None)
        if before is not None:
            sent = self._frames.send(before), self._frames.send(session.strip(command.strip)[1])
        stopped = stop is not None
        self._send(m.RoundFinished(kept, reason, path, stopped, metrics, command.strip, *sent))
        self._tell_taste()

    def _cancelled(self) -> bool:
        return self._inbox.ended or self._inbox.stop is not None

    def _between_steps(self, tell_paused: Callable[[], None]) -> None:
        told = False
        while True:
            while (command := self._inbox.next_of(DURING_A_ROUND)) is not None:
                self.do(command)
                self._send(m.Busy("teaching"))
            if not self._inbox.paused or self._cancelled():
                return
            if not told:
                tell_paused()
                told = True
            self._inbox.wait(0.5)

    def _tell_paused(self, progress: Any, began: float) -> None:
        self._send(progress_message(progress, time.monotonic() - began, paused=True))

    def _do_restore(self, command: m.Restore) -> None:
        self.session.restore(None if command.checkpoint is None else Path(command.checkpoint))
        self._checkpoint = command.checkpoint
        self._send(m.Restored(command.checkpoint))
        self._tell_taste()

    def _do_export(self, command: m.Export) -> None:
        def progress(fraction: float, text: str) -> None:
            self._send(m.Exporting(float(fraction), text))

        export_bundle(self.session, Path(command.folder), command.fp16, progress)
        self._send(m.Exported(command.folder))


def export_bundle(
    session: TuningSession, folder: Path, fp16: bool, progress: Callable[[float, str], None] | None
) -> None:
    """Write the session's tuned generator as a bundle."""
    from gan.formats.export import export_bundle as write  # onnx: slow to import, and seldom needed

    write(session.tuned_model(), folder, progress=progress, fp16=fp16)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory, the graphics card's or the machine's, was too small."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in text or "DefaultCPUAllocator" in text)


def array(latent: bytes) -> np.ndarray:
    """A stored latent as float32 (z_dim,)."""
    return np.frombuffer(latent, "<f4").astype(np.float32)


def packed(latent: Any) -> bytes:
    """A latent as it is stored."""
    return np.asarray(latent, "<f4").tobytes()


def feedback(events: Iterable[m.FeedbackEvent]) -> list[Feedback]:
    """Ratings as `gan.session` takes them."""
    return [Feedback(image=e.image, kind=e.kind, value=e.value, time=e.time) for e in events]


def dials(settings: m.RoundSettings) -> dict[str, Any]:
    """A round's settings as `run_round` takes them."""
    return {"strength": settings.strength, "weights": dict(settings.weights)}


def progress_message(progress: Any, elapsed: float, paused: bool = False) -> m.Progress:
    """A step of `gan.session` as a message."""
    names = ("seconds_left", "taste", "realism", "kl", "kl_limit", "diversity", "reward", "images_per_second")
    values = {name: float(getattr(progress, name)) for name in names}
    return m.Progress(step=progress.step, steps=progress.steps, elapsed=elapsed, paused=paused, **values)


def number(value: Any) -> float | None:
    """A finite float, or None."""
    return None if value is None or not np.isfinite(value) else float(value)
