"""The part of the worker that uses torch: commands in, `gan.session` at work, events out.

The main thread does one thing at a time; while a round runs, `studio.worker.rounds` serves requests between steps that should not wait.
"""

from __future__ import annotations

import gc
import math
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from gan.device import resolve_device
from gan.errors import TooLittleSaid, UserError, is_out_of_memory, reason
from gan.insight import prepare
from gan.session import TuningSession
from studio.worker import messages as m
from studio.worker.exploring import Explorer
from studio.worker.exporting import export_told
from studio.worker.frames import FrameClosed, FrameWriter
from studio.worker.inbox import Inbox, Outbox
from studio.worker.machine import device_label, usable_cores, work_in_smaller_batches
from studio.worker.opinions import Opinions
from studio.worker.pieces import in_pieces
from studio.worker.predicting import Watch
from studio.worker.rounds import RoundRunner
from studio.worker.sessions import array, make_session, packed
from studio.worker.teaching import STOPPED, Taught
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
# Seconds that a request may wait for images to be read; what would take longer is done when nobody waits.
SOON, PATIENCE = 1.0, 10.0
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
        self._opinions = Opinions()
        self._cold = False  # whether the session has still to learn from the ratings, or to read its reference set,
        self._due = False  # and a request waits for that
        self._later: dict[type[m.Command], m.Command] = {}  # the last of each kind that waits for that
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
                pause = 0.0 if self._due else IDLE
            elif not self._inbox.ended:
                pause = 0.0 if self._ahead_of_time() else None

    def _ahead_of_time(self) -> bool:
        """Do one piece of preparation. Returns False if nothing is left."""
        if self._session is None:
            return False
        if self._cold:
            self._send(m.Busy("learning" if self._opinions else "drawing"))
            self._guarded("Open", lambda: self._retrying(self._warm_up))
            if not self._cold:
                self._send(m.Busy(""))
            return True
        if (asked := self._explaining) is not None:
            self._explaining = None
            self._guarded("Explain", lambda: self._retrying(lambda: self._go_on_explaining(asked)))
            return True
        try:
            return self._session.read() is not None or self._session.prepare()
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
        if isinstance(command, m.Predict) and self._cold and self._opinions:
            return "learning"  # the first predictions after a start wait for all earlier ratings
        return TASKS.get(type(command), "")

    def _guarded(self, name: str, work: Callable[[], object], number: int | None = None) -> None:
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
            self._checkpoint = command.checkpoint
            self._opinions.use_signals = command.use_signals
        self._opinions.start(None if self._opened is command else command.events)
        self._opened, self._session = command, None  # the old one's memory first
        self._explorer, self._explaining, self._titling, self._later = None, None, None, {}
        session = self._make(command, device)
        session.add(self._latents)  # including those that came after the command
        if self._checkpoint is not None:
            try:
                session.restore(Path(self._checkpoint))
            except UserError as error:
                self._checkpoint = None
                self._send(m.Notice(f"{error}: the untuned generator is in use."))
                self._send(m.Restored(None, asked=False))
        self._session, self._cold = session, True
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

    def _warm_up(self) -> None:
        """Read a piece of what has to be read before the ratings can be learnt from; then learn, and do what has waited for that."""
        self._cold = False  # also if it fails
        if (left := self.session.read()) is not None:
            self._send(m.Reading(left.images, left.seconds))
            self._cold = True
            return
        self._due = False
        self._send(m.Reading(0, 0.0))
        self._warm()
        waited, self._later = self._later, {}
        for command in waited.values():
            self.do(command)

    def _learn(self, patience: float = SOON) -> bool:
        """Learn from the ratings so far, or, if images have to be read first for longer than `patience` seconds, as soon as nobody waits.

        Returns whether it was done.
        """
        self._cold = self._due = self._reads_longer_than(patience)
        if not self._cold:
            self._warm()
        return not self._cold

    def _reads_longer_than(self, patience: float) -> bool:
        """Whether images have to be read first, for longer than so many seconds."""
        left = self.session.reading
        if left is not None and math.isinf(self.session.pool.speed):  # it is not known yet how long that takes
            left = self.session.read()
        return left is not None and left.seconds > patience

    def _warm(self) -> None:
        """Read the reference set and learn from the ratings so far: seconds of work, for which a first grid need not wait."""
        self._cold = False
        self._opinions.tell(self.session, at_once=self._teaching)
        if not self._teaching:
            self.session.fit()
        self._tell_taste()
        import torch._dynamo  # noqa: F401 - the first optimiser would take 1.2 s to import it, at the first ratings

    @property
    def session(self) -> TuningSession:
        """The session; it exists after `Open`."""
        assert self._session is not None
        return self._session

    # ------------------------------------------------------------------------------------------------------------------
    # Images and ratings

    def _do_propose(self, command: m.Propose) -> None:
        if self._cold and self._opinions:  # so that the choice uses the taste
            self._learn(PATIENCE)
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
        self._opinions.add(known)
        if any(not isinstance(event, (m.Signal, m.Tag)) for event in known):  # those can wait for the next opinion
            self._retrying(self._learn)  # nothing before it, which would be passed twice

    def _do_usesignals(self, command: m.UseSignals) -> None:
        self._opinions.use_signals = command.on
        if self._opinions:
            self._learn()

    def _do_predict(self, command: m.Predict) -> None:
        self._watch.images = tuple(image for image in command.images if image in self._latents)
        if self._cold and not self._opinions:
            return  # no taste yet: the reference set is read when nobody waits
        if self._cold or self._reads_longer_than(PATIENCE):
            self._learn(PATIENCE)
        else:
            self._tell_taste()

    def _do_draw(self, command: m.Draw) -> None:
        pixels = self.session.draw(np.stack([array(image.latent) for image in command.images]))
        ids = tuple(image.id for image in command.images)
        self._send(m.Drawn(command.request, ids, self._frames.send(pixels)))

    def _do_explore(self, command: m.Explore) -> None:
        if self._knows_enough_for(command):
            self._send(self._explore().explore(command))

    def _do_explain(self, command: m.Explain) -> None:
        if not self._knows_enough_for(command):
            return
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

    def _knows_enough_for(self, command: m.Command) -> bool:
        """Whether a command that needs the taste can be done now; otherwise it is done later."""
        if (self._cold or self._reads_longer_than(PATIENCE)) and not self._learn(PATIENCE):
            self._later[type(command)] = command
        return not self._cold

    def _explore(self) -> Explorer:
        if self._explorer is None:
            self._explorer = Explorer(self.session, self._frames)
        return self._explorer

    def _do_suggesttitles(self, command: m.SuggestTitles) -> None:
        if not self._knows_enough_for(command):
            return
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
        self._guarded("Feedback", lambda: self._retrying(self._learn))  # ratings made during the round

    def _teach(self, command: m.RunRound) -> Taught:
        with self._as_teaching():
            if not self._rounds.read(self.session, command):
                return Taught(False, STOPPED, None, {})
        if self._cold:
            self._warm()
        with self._as_teaching():
            return self._rounds.teach(self.session, command)

    @contextmanager
    def _as_teaching(self) -> Iterator[None]:
        self._teaching = True
        try:
            yield
        finally:
            self._teaching = False

    def _do_restore(self, command: m.Restore) -> None:
        self.session.restore(None if command.checkpoint is None else Path(command.checkpoint))
        self._checkpoint = command.checkpoint
        self._send(m.Restored(command.checkpoint, command.action, quiet=command.quiet))

    def _do_export(self, command: m.Export) -> None:
        if self._cold and self._opinions:
            self._learn(PATIENCE)  # the card reports the taste
        told = export_told(self.session, command, self._send, lambda: self._inbox.export_unwanted)
        self._send(told)
