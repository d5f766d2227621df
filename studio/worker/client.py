"""The worker, as the window holds it: methods that return at once, and signals.

Every public signal is emitted on the thread that made the client (the window's). No method waits for the worker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from studio.project.store import Checkpoint, Feedback, Image, Project
from studio.worker import messages as m


@dataclass(frozen=True)
class ShownGrid:
    """A grid that is already rows of the project."""

    generation: int  # what `propose` returned
    grid: int  # the project's grid id
    images: tuple[Image, ...]  # in the order to show
    pixels: np.ndarray  # uint8 (N, H, W, 3), the caller's own copy
    predictions: tuple[tuple[float, float] | None, ...]  # mean stars, spread


@dataclass(frozen=True)
class ShownStrip:
    """The same seeds before and after."""

    seeds: tuple[int, ...]
    before: np.ndarray  # uint8 (N, H, W, 3)
    after: np.ndarray


@dataclass(frozen=True)
class ShownImages:
    """Images drawn again."""

    request: int
    images: tuple[int, ...]
    pixels: np.ndarray  # uint8 (N, H, W, 3)


@dataclass(frozen=True)
class FinishedRound:
    """A round's end. A kept checkpoint is already a file and a row, and is the current one."""

    result: m.RoundFinished
    checkpoint: Checkpoint | None
    strip: ShownStrip | None  # before this round, after it


class WorkerClient(QObject):
    """The window's end of the worker process."""

    ready = Signal(object)  # messages.Ready
    grid = Signal(object)  # ShownGrid; the rows are in the project, the images' PNG files follow
    taste = Signal(object)  # messages.Taste
    progress = Signal(object)  # messages.Progress
    round_finished = Signal(object)  # FinishedRound
    strip = Signal(object)  # ShownStrip
    drawn = Signal(object)  # ShownImages
    restored = Signal(object)  # Checkpoint | None (untuned); already current in the project
    exporting = Signal(float, str)  # fraction 0..1, text
    exported = Signal(str)  # folder
    failed = Signal(str, str, str)  # command name, one line for people, detail
    notice = Signal(str)  # one line for people
    restarted = Signal(str)  # the worker crashed and runs again; one line for people
    busy_changed = Signal(
        str
    )  # "" idle | "starting" | "loading" | "proposing" | "teaching" | "exporting" | ...

    @property
    def busy(self) -> str:
        """What the worker is doing, as in `busy_changed`."""
        raise NotImplementedError

    @property
    def teaching(self) -> bool:
        """Whether a round runs or is paused."""
        raise NotImplementedError

    def open(self, project: Project, device: str = "auto") -> None:
        """Start the worker (off this thread) on a project: its model, current checkpoint, images and ratings.

        Answered by `ready` and `taste`. After a crash the worker is opened again from the same project by itself.
        """
        raise NotImplementedError

    def propose(self, count: int = 24) -> int:
        """Ask for a new grid; returns its generation. Only the newest asked for is answered, by `grid`."""
        raise NotImplementedError

    def feedback(self, events: Sequence[Feedback]) -> None:
        """Pass on what `Project.rate`, `undo` or `redo` returned (`change.events`). Answered by `taste`."""
        raise NotImplementedError

    def predict(self, images: Sequence[int]) -> None:
        """Ask what the taste model thinks of these images. Answered by `taste`."""
        raise NotImplementedError

    def draw(self, images: Sequence[Image]) -> int:
        """Draw images of the project again; returns the request's number. Answered by `drawn`."""
        raise NotImplementedError

    def teach(
        self, steps: int | None = None, settings: m.RoundSettings | None = None, strip: Sequence[int] = ()
    ) -> None:
        """Run a round. Answered by `progress` after every step and `round_finished` at its end."""
        raise NotImplementedError

    def pause(self) -> None:
        """Hold the round between two steps."""
        raise NotImplementedError

    def resume(self) -> None:
        """Go on after `pause`."""
        raise NotImplementedError

    def stop(self, keep: bool = True) -> None:
        """End the round after the step in hand; keep what was learnt, or go back to before it."""
        raise NotImplementedError

    def restore(self, checkpoint: int | None) -> None:
        """Go to a checkpoint of the project (its id), or to the untuned generator. Answered by `restored`."""
        raise NotImplementedError

    def request_strip(self, seeds: Sequence[int]) -> None:
        """Draw seeds untuned and as tuned now. Answered by `strip`."""
        raise NotImplementedError

    def export(self, folder: Path, fp16: bool = False) -> None:
        """Write the tuned generator as a bundle. Answered by `exporting` and `exported`, or `failed`."""
        raise NotImplementedError

    def close(self) -> None:
        """End the worker: asked for, then terminated, then killed; at most about three seconds in all."""
        raise NotImplementedError
