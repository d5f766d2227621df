"""The part of the worker that uses torch: commands in, `gan.session` at work, events out.

The main thread does one thing at a time; while a round runs, `studio.worker.rounds` serves requests between steps that should not wait.
"""

from __future__ import annotations

import gc
import itertools
import math
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from gan.device import resolve_device
from gan.errors import TooLittleSaid, UserError, is_out_of_memory, reason
from gan.insight import prepare
from gan.session import TuningSession
from studio.project.opinions import standing
from studio.worker import messages as m
from studio.worker.exploring import Explorer
from studio.worker.exporting import export_told
from studio.worker.frames import FrameClosed, FrameWriter
from studio.worker.inbox import Inbox, Outbox
from studio.worker.machine import device_label, usable_cores, work_in_smaller_batches
from studio.worker.pieces import in_pieces
from studio.worker.predicting import Watch
from studio.worker.rounds import RoundRunner
from studio.worker.sessions import (
    array,
    feedback,
    make_session,
    packed,
    tell_signals_and_tags,
    use_signals_and_tags,
)
from studio.worker.teaching import Taught
from studio.worker.titling import Titling

TASKS = {
    m.Open: "loading",
    m.Propose: "proposing",
    m.Draw: "drawing",
    m.RunRound: "teaching",
    m.Restore: "restoring",
    m.Strip: "drawing",
    m.Export: "exporting",
    m.Feedback: "learning",
    m.Explore: "drawing",
    m.Explain: "learning",
    m.SuggestTitles: "learning",
}
IDLE = 0.3  # seconds without a command
FEWEST_HEARD, STEPS_HEARD = 4, 10  # a restart's opinions are passed in steps of at least so many, and in at most so many steps
MakeSession = Callable[[m.Open, str], TuningSession]
T = TypeVar("T")


def serve(inbox: Inbox, outbox: Outbox, frames: FrameWriter) -> None:
    """Serve commands until `Shutdown`, or until the window is gone."""
    # All of them: a window that needs one takes it at once from a process that is nice (`spawn`). On two cores, a round takes 0.7 of the
    # time that it takes with one (`tastemaker benchmark speed`).
    torch.set_num_threads(usable_cores())
    Service(inbox, outbox, frames, make_session).run()


class Service:
    """One session at a time, and the commands to it."""

    def __init__(self, inbox: Inbox, outbox: Outbox, frames: FrameWriter, make: MakeSession) -> None:
        self._inbox = inbox
        self._send = outbox.send
        self._frames = frames
        self._make = make
        self._session: TuningSession | None = None
        self._opened: m.Open | None = None
        self._latents: dict[int, np.ndarray] = {}
        self._use_signals = True
        # All current ones, for a session that is recreated on another device.
        self._events: list[m.Opinion] = []
        self._untold = 0  # how many of them, from the end, the session does not have yet
        self._cold = False  # whether the session has not read its reference set yet
        self._watch = Watch()
        self._rounds = RoundRunner(inbox, outbox.send, frames, self.do)
        self._checkpoint: str | None = None
        self._teaching = False
        self._explorer: Explorer | None = None
        self._explaining: m.Explain | None = None  # answered in part; the rest is worked out while nobody waits
        self._titling: Titling | None = None

    def run(self) -> None:
        """Serve until the end. While nobody waits, prepare for later requests in small pieces."""
        pause: float | None = IDLE  # None: nothing is left to prepare
        while not self._inbox.ended:
            command = self._inbox.next(pause)
            if command is not None:
                self.do(command)
                pause = IDLE
            elif not self._inbox.ended:
                pause = 0.0 if self._ahead_of_time() else None

    def _ahead_of_time(self) -> bool:
        """Do one piece of preparation. Returns False if nothing is left."""
        if self._session is None:
            return False
        if self._cold:  # takes seconds in one piece: a request during it must show why it is delayed
            self._send(m.Busy("learning" if self._events else "drawing"))
            self._guarded("Open", lambda: self._retrying(self._warm))
            self._send(m.Busy(""))
            return True
        if (asked := self._explaining) is not None:
            self._explaining = None
            self._guarded("Explain", lambda: self._retrying(lambda: self._go_on_explaining(asked)))
            return True
        try:
            return self._session.prepare()
        except (MemoryError, RuntimeError):  # reported when the work is requested, then done in smaller batches
            return False

    def do(self, command: m.Command) -> None:
        """Serve one command; an error is reported, and the worker continues."""
        task = self._task(command)
        if task:
            self._send(m.Busy(task))
        number = command.generation if isinstance(command, m.Propose) else None
        self._guarded(type(command).__name__, lambda: self._retrying(lambda: self._dispatch(command)), number)
        if task:
            self._send(m.Busy("teaching" if self._teaching else ""))

    def _task(self, command: m.Command) -> str:
        """The task to show while a command runs; empty if it takes no time."""
        if isinstance(command, m.Predict) and self._cold and self._events:
            return "learning"  # the first predictions after a start wait for all earlier ratings
        return TASKS.get(type(command), "")

    def _guarded(self, name: str, work: Callable[[], None], number: int | None = None) -> None:
        try:
            work()
        except FrameClosed:
            return
        except TooLittleSaid as error:
            self._send(m.Failed(name, str(error), early=True))
        except (UserError, ValueError) as error:
            detail = "" if isinstance(error, UserError) else traceback.format_exc()
            self._send(m.Failed(name, str(error), detail, number=number))
        except Exception as error:
            self._send(m.Failed(name, reason(error), traceback.format_exc(), number=number))

    def _retrying(self, work: Callable[[], T]) -> T:
        """Do work that can be repeated: if memory runs out, again in smaller batches, then on the CPU."""
        while True:
            try:
                return work()
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            gc.collect()  # not in the handler, which would keep the failed tensors alive
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self._ease()

    def _ease(self) -> None:
        opened = self._opened
        assert opened is not None
        on_cpu = (
            self._session.model.device if self._session else resolve_device(opened.device)
        ).type == "cpu"
        if self._session is not None and work_in_smaller_batches(self._session):
            self._send(m.Notice("Memory is short: working in smaller batches."))
        elif not on_cpu and not self._teaching:  # a round keeps the session it started with
            self._send(m.Notice("The graphics card is out of memory: going on with the CPU, more slowly."))
            self._remake(opened, "cpu")
        else:
            raise UserError("There is not enough memory for this. Close other programs and try again.")

    def _dispatch(self, command: m.Command) -> None:
        if isinstance(command, m.Open):
            if command.protocol != m.PROTOCOL:
                raise UserError(
                    "The window and the worker are of different versions; start Tastemaker again."
                )
            if self._opened is command and self._session is not None:
                return None  # it was opened on the CPU because memory was short
            return self._remake(command, command.device)
        if self._session is None:
            raise UserError("No generator is loaded.")
        handler: Callable[[Any], None] = getattr(self, "_do_" + type(command).__name__.lower())
        return handler(command)

    # ------------------------------------------------------------------------------------------------------------------
    # Opening

    def _remake(self, command: m.Open, device: str) -> None:
        if self._opened is not command:
            self._latents = {image.id: array(image.latent) for image in command.images}
            self._events = list(command.events)
            self._checkpoint = command.checkpoint
            self._use_signals = command.use_signals
        self._opened, self._session = command, None  # the old one's memory first
        self._explorer, self._explaining, self._titling = None, None, None
        session = self._make(command, device)
        session.add(self._latents)  # including those that came after the command
        if self._checkpoint is not None:
            try:
                session.restore(Path(self._checkpoint))
            except UserError as error:
                self._checkpoint = None
                self._send(m.Notice(f"{error}: the untuned generator is in use."))
                self._send(m.Restored(None, asked=False))
        self._session, self._cold, self._untold = session, True, len(self._events)
        self._watch.forget()
        model = session.model
        self._send(
            m.Ready(
                device=device_label(model.device),
                model=model.name,
                resolution=model.resolution,
                z_dim=model.z_dim,
                hash=model.hash,
                pixel_art=bool(model.card.get("pixel_art", False)),
                square=int(getattr(getattr(model.generator, "config", None), "pixel", 1)),
                has_discriminator=model.discriminator is not None,
                parameters=sum(parameter.numel() for parameter in model.generator.parameters()),
                card=model.card,
            )
        )

    def _warm(self) -> None:
        """Read the reference set and learn from the ratings so far: seconds of work, for which a first grid need not wait."""
        self._cold = False
        use_signals_and_tags(self.session.learner, self._use_signals)
        if self._untold:
            self._hear()
        if not self._teaching:
            self.session.fit()
        self._tell_taste()
        import torch._dynamo  # noqa: F401 - the first optimiser would take 1.2 s to import it, at the first ratings

    def _hear(self) -> None:
        """Pass new opinions to the learner. Many at once, as after a start, are passed in steps, each predicted before it is learnt, so
        that the accuracy of predictions is known again. Nothing is passed twice if memory runs out in between."""
        learner = self.session.learner
        untold = self._events[len(self._events) - self._untold :]
        # Signals and tags do not count: a step with too few opinions fits no model, and what follows would not be predicted.
        opinions = [place for place, event in enumerate(untold, 1) if not isinstance(event, (m.Signal, m.Tag))]
        step = max(FEWEST_HEARD, math.ceil(len(opinions) / STEPS_HEARD))
        ends = [*([] if self._teaching else opinions[step - 1 : -1 : step]), len(untold)]
        for start, end in itertools.pairwise([0, *ends]):
            if start:
                learner.fit()
            events = untold[start:end]
            learner.feedback(feedback(events))
            tell_signals_and_tags(learner, events)
            self._untold -= len(events)

    @property
    def session(self) -> TuningSession:
        """The session; it exists after `Open`."""
        assert self._session is not None
        return self._session

    # ------------------------------------------------------------------------------------------------------------------
    # Images and ratings

    def _do_propose(self, command: m.Propose) -> None:
        if self._cold and self._events:  # so that the choice uses the taste
            self._warm()
        chosen = self.session.choose(command.count)
        described = tuple(m.Proposal(packed(choice.latent), choice.why) for choice in chosen)
        drawn = 0
        for pixels in in_pieces(self.session.draw, np.stack([choice.latent for choice in chosen])):
            frames = self._frames.send(pixels)
            if drawn:
                self._send(m.GridPart(command.generation, drawn, frames))
            else:
                self._send(m.Grid(command.generation, described, frames))
            drawn += len(pixels)

    def _do_know(self, command: m.Know) -> None:
        new = {image.id: array(image.latent) for image in command.images}
        self._latents.update(new)
        self.session.add(new)
        if command.watch:
            self._watch.images = tuple(new)

    def _do_feedback(self, command: m.Feedback) -> None:
        events = list(command.events)
        # When ratings come fast, fit once for all pending ones. An image must be known before its rating.
        while more := self._inbox.next_of((m.Feedback, m.Know)):
            if isinstance(more, m.Know):
                self._do_know(more)
            else:
                assert isinstance(more, m.Feedback)
                events.extend(more.events)
        known = [event for event in events if all(image in self._latents for image in event.images)]
        if any(isinstance(event, m.Retracted) for event in known):
            learner = self._retrying(lambda: self.session.learner)
            untold = self._events[len(self._events) - self._untold :]
            tell_signals_and_tags(learner, [*untold, *known])
            self._events, self._untold = standing([*self._events, *known]), 0
            learner.replace(feedback(self._events))
        else:
            self._events.extend(known)
            self._untold += len(known)
        if any(not isinstance(event, (m.Signal, m.Tag)) for event in known):  # those can wait for the next opinion
            self._retrying(self._warm)  # nothing before it, which would be passed twice

    def _do_usesignals(self, command: m.UseSignals) -> None:
        self._use_signals = command.on
        if self._events:
            self._warm()

    def _do_predict(self, command: m.Predict) -> None:
        self._watch.images = tuple(image for image in command.images if image in self._latents)
        if self._cold and not self._events:
            return  # no taste yet: the reference set is read when nobody waits
        if self._cold:
            self._warm()
        else:
            self._tell_taste()

    def _do_draw(self, command: m.Draw) -> None:
        pixels = self.session.draw(np.stack([array(image.latent) for image in command.images]))
        ids = tuple(image.id for image in command.images)
        self._send(m.Drawn(command.request, ids, self._frames.send(pixels)))

    def _do_explore(self, command: m.Explore) -> None:
        self._send(self._explore().explore(command))

    def _do_explain(self, command: m.Explain) -> None:
        first = self._explore().explain(command, whole=False)
        self._send(first)
        # A round leaves no time in which nobody waits.
        self._explaining = command if first.pending and not self._teaching else None
        if first.pending and self._teaching:
            self._send(self._explore().explain(command, whole=True))

    def _go_on_explaining(self, command: m.Explain) -> None:
        """Draw a piece of what was left out of the answer, or, if nothing is missing any more, answer again."""
        if self.session.learner.model is not None and prepare(self.session):
            self._explaining = command
        else:
            self._send(self._explore().explain(command, whole=True))

    def _explore(self) -> Explorer:
        if self._cold:
            self._warm()
        if self._explorer is None:
            self._explorer = Explorer(self.session, self._frames)
        return self._explorer

    def _do_suggesttitles(self, command: m.SuggestTitles) -> None:
        if self._titling is None:
            self._titling = Titling(self.session)
        self._send(self._titling.suggest(command, self._latents))

    def _do_strip(self, command: m.Strip) -> None:
        before, after = self.session.strip(command.seeds)
        sent = self._frames.send(before), self._frames.send(after)
        self._send(m.StripReady(command.generation, command.seeds, *sent))

    def _tell_taste(self) -> None:
        self._send(self._watch.taste(self.session))

    # ------------------------------------------------------------------------------------------------------------------
    # Rounds

    def _do_runround(self, command: m.RunRound) -> None:
        taught = self._retrying(lambda: self._teach(command))
        if taught.checkpoint is not None:
            self._checkpoint = str(taught.checkpoint)
        self._rounds.finish(self.session, command, taught)
        self._guarded("Feedback", lambda: self._retrying(self._warm))  # ratings made during the round

    def _teach(self, command: m.RunRound) -> Taught:
        if self._cold:
            self._warm()
        self._teaching = True
        try:
            return self._rounds.teach(self.session, command)
        finally:
            self._teaching = False

    def _do_restore(self, command: m.Restore) -> None:
        self.session.restore(None if command.checkpoint is None else Path(command.checkpoint))
        self._checkpoint = command.checkpoint
        self._send(m.Restored(command.checkpoint, command.action, quiet=command.quiet))

    def _do_export(self, command: m.Export) -> None:
        if self._cold and self._events:
            self._warm()  # the card reports the taste
        told = export_told(self.session, command, self._send, lambda: self._inbox.export_unwanted)
        self._send(told)
