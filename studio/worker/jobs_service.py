"""The process that reads folders of pictures and trains on them, separate so that rating never waits for it."""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gan import assets
from gan.data.decoding import whole
from gan.data.folder import FEW, open_images
from gan.data.pixel_art import few_colours
from gan.errors import Cancelled, UserError, is_out_of_memory, reason
from gan.files import write_bytes
from studio.worker import jobs
from studio.worker import messages as m
from studio.worker.frames import FrameClosed, FrameWriter
from studio.worker.inbox import Inbox, Outbox

if TYPE_CHECKING:
    from gan.adversarial.train import TrainProgress

NICENESS = 5  # in addition to the worker's: rating has priority
SAMPLES = 12  # the images of seeds 0 .. SAMPLES - 1 are shown during training
SAVE_SECONDS = 30.0  # between two saves of the run: the most that can be lost, and the oldest that samples can be


def serve(inbox: Inbox, outbox: Outbox, frames: FrameWriter) -> None:
    """Serve commands until `Shutdown`, or until the window is gone."""
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(NICENESS)
    Jobs(inbox, outbox, frames).run()


class Jobs:
    """Runs one job at a time."""

    def __init__(self, inbox: Inbox, outbox: Outbox, frames: FrameWriter) -> None:
        self._inbox = inbox
        self._send = outbox.send
        self._frames = frames
        self._halted = 0  # jobs up to this number are to end
        self._folder = Path()

    def run(self) -> None:
        """Serve commands until the end."""
        self._send(jobs.Choices(tuple(jobs.Start(start.name, start.resolution) for start in assets.trainable())))
        while not self._inbox.ended:
            command = self._inbox.next()
            if command is not None:
                self.do(command)

    def do(self, command: m.Command) -> None:
        """Serve one command; an error is reported in one line, and the process continues."""
        name, job = type(command).__name__, getattr(command, "job", 0)
        try:
            match command:
                case jobs.LookAt():
                    self._look_at(command)
                case jobs.ShowWhole():
                    self._show_whole(command)
                case jobs.Train():
                    _Run(command, self._send, self._frames, self._cancelled(command.job)).train()
                case jobs.Halt():
                    self._halted = max(self._halted, command.job)
        except Cancelled:
            if isinstance(command, jobs.Train):  # it ended while reading pictures: nothing was trained
                self._send(m.Failed(name, "The run was stopped before it began.", number=job))
        except FrameClosed:
            return
        except UserError as error:
            self._send(m.Failed(name, str(error), number=job))
        except Exception as error:
            text = "There is not enough memory: choose smaller images." if is_out_of_memory(error) else reason(error)
            self._send(m.Failed(name, text, traceback.format_exc(), number=job))

    def _cancelled(self, job: int) -> Callable[[], bool]:
        def asked() -> bool:
            while (command := self._inbox.next_of((jobs.Halt,))) is not None:
                assert isinstance(command, jobs.Halt)
                self._halted = max(self._halted, command.job)
            return self._inbox.ended or self._halted >= job

        return asked

    def _look_at(self, command: jobs.LookAt) -> None:
        tell = _thinned(lambda share: self._send(jobs.Looking(command.job, share)))
        intake = open_images(
            command.folder,
            command.resolution,
            lambda share, _: tell(share),
            self._cancelled(command.job),
            keep_copies=True,
        )
        self._folder = Path(command.folder)
        copies = {copy: kept.as_posix() for copy, kept in intake.copies}
        pictures = tuple(
            jobs.Picture(name.as_posix(), *size, copies.get(name, ""))
            for name, size in zip(intake.used, intake.sizes, strict=True)
        )
        skipped = tuple((name.as_posix(), why) for name, why in intake.skipped)
        assert isinstance(intake.images, np.memmap) and intake.images.filename is not None
        start = assets.start_for(intake.pixel, command.resolution) or ""
        array = str(intake.images.filename)
        pixel_art = intake.pixel > 1 or few_colours(intake.images)
        self._send(jobs.Looked(command.job, array, pictures, skipped, FEW, intake.pixel, pixel_art, start))

    def _show_whole(self, command: jobs.ShowWhole) -> None:
        try:
            pixels = whole(self._folder / command.name, command.side)
        except Exception:  # deleted or damaged since the folder was read (Pillow may raise nearly anything): nothing to show
            return
        self._send(jobs.Whole(command.name, self._frames.send(pixels[None])))


def _thinned(tell: Callable[[float], None], least: float = 0.005) -> Callable[[float], None]:
    """Report only visible progress."""
    last = -1.0

    def told(share: float) -> None:
        nonlocal last
        if share - last >= least or share >= 1.0:
            last = share
            tell(share)

    return told


def _copy(run: Path, out: Path) -> None:
    """Copy the files of a run, all or none."""
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)  # left by a killed process
    try:
        part.mkdir()
        for file in run.iterdir():
            if file.is_file():
                shutil.copy(file, part)
        part.rename(out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {reason(error)}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


class _Run:
    """One training run."""

    def __init__(
        self,
        command: jobs.Train,
        send: Callable[[m.Event], None],
        frames: FrameWriter,
        cancelled: Callable[[], bool],
    ) -> None:
        self._command, self._send, self._frames, self._cancelled = command, send, frames, cancelled
        self._bundle = Path(command.out, "model.safetensors")
        self._written = self._stamp()
        self._pictures: np.ndarray | None = None  # what is trained on
        self._nearest: Any = None
        self._tell = _thinned(lambda share: send(jobs.Looking(command.job, share)))

    def train(self) -> None:
        import torch

        from gan.adversarial import command

        asked = self._command
        if asked.go_on_from:
            _copy(Path(asked.go_on_from), Path(asked.out))
            self._written = self._stamp()
        else:
            write_bytes(Path(asked.out, jobs.PICTURES), os.fsencode(asked.folder))
        torch.set_num_threads(
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        )
        begun = self._stamp()
        try:
            self._open()  # now, because its folder may be gone (a stick that was pulled out) when the first samples are shown
            self._run(command.run)
        except BaseException:
            if self._stamp() == begun:  # without a result, do not leave a folder that looks like a run
                shutil.rmtree(asked.out, ignore_errors=True)
            raise
        self._send(jobs.Trained(asked.job, asked.out, not self._cancelled()))
        self._show_if_new()

    def _open(self) -> np.ndarray:
        if self._pictures is None:
            asked = self._command
            self._pictures = open_images(
                asked.folder,
                asked.resolution,
                lambda share, _: self._tell(share),
                self._cancelled,
                leave_out=asked.leave_out,
                keep_copies=asked.keep_copies,
            ).images
        return self._pictures

    def _run(self, run: Callable[..., object]) -> None:
        asked = self._command
        run(
            images=Path(asked.folder),
            out=Path(asked.out),
            start_from=asked.start_from,
            minutes=asked.minutes,
            resolution=asked.resolution,
            device=asked.device,
            seed=asked.seed,
            progress=self._progress,
            cancel=self._cancelled,
            save_seconds=SAVE_SECONDS,
            say=lambda line: self._send(jobs.Said(asked.job, line)),
            leave_out=asked.leave_out,
            keep_copies=asked.keep_copies,
        )

    def _progress(self, report: TrainProgress | tuple[float, str]) -> None:
        if isinstance(report, tuple):
            self._tell(report[0])
            return
        series = {
            "generator": report.generator_loss,
            "discriminator": report.discriminator_loss,
            "gap": report.realness_gap,
        }
        self._send(
            jobs.Training(
                self._command.job,
                report.images,
                report.fraction,
                report.images_per_second,
                report.seconds_left,
                series,
            )
        )
        self._show_if_new()

    def _show_if_new(self) -> None:
        if self._stamp() != self._written:
            self._written = self._stamp()
            self._show_samples()

    def _stamp(self) -> int:
        try:
            return self._bundle.stat().st_mtime_ns
        except OSError:
            return 0

    def _show_samples(self) -> None:
        from gan.data.nearest import Nearest
        from gan.loading import load

        asked = self._command
        if self._nearest is None:
            self._nearest = Nearest(self._open())
        model = load(asked.out, device="cpu")
        drawn = model.sample(range(SAMPLES))
        compared = self._nearest.compare(drawn)
        copied = tuple(map(bool, compared.copied))
        shown = self._frames.send(drawn), self._frames.send(compared.pictures)
        self._send(jobs.Samples(asked.job, model.card["training"]["images_seen"], *shown, copied))
