"""What a random walk through the studio meets in place of other processes, of the system's dialogs and of files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QDesktopServices, QImage
from PySide6.QtWidgets import QFileDialog
from train_support import StandInJobs
from window_support import FRAMES, SIDE, StandIn

from studio.project.store import Image, Project
from studio.worker import imports, jobs
from studio.worker import messages as m
from studio.worker.import_client import ImportClient
from studio.worker.shown import ShownImages

STEPS = 24  # of a round


class Worker(StandIn):
    """Answers everything by itself, a moment later; how a round goes and what fails is said from outside."""

    def __init__(self) -> None:
        super().__init__()
        self._step = 0
        self._closed = False
        self._export: Path | None = None

    def _soon(self, answer: Callable[[], None]) -> None:
        def unless_closed() -> None:
            if not self._closed:
                answer()

        QTimer.singleShot(0, self, unless_closed)

    def open(self, project: Project, device: str = "auto", moved: Path | None = None) -> None:
        super().open(project, device)
        self._set_busy("loading")
        self._round = None
        self._soon(self.be_ready)

    def be_ready(self, pixel_art: bool = False) -> None:
        super().be_ready(pixel_art)
        self._busy = ""

    def close(self) -> None:
        self._closed = True
        super().close()

    def _answer(self, count: int) -> None:
        if not self._closed:
            super()._answer(count)

    def feedback(self, events: Any) -> None:
        self._soon(self._tell_taste)

    def predict(self, images: Any) -> None:
        self._soon(lambda: self._tell_taste(images))

    def _tell_taste(self, images: Sequence[int] = ()) -> None:
        assert self._project is not None
        rated = self._project.counts().rated
        guesses = tuple(m.Prediction(one, 1 + one % 5, 0.5, 0.1, 0.1, 0.1, 0.2) for one in images)
        self.taste.emit(m.Taste(rated, 0.7 if rated > 20 else None, rated, rated > 20, guesses))

    def draw(self, images: Sequence[Image]) -> int:
        self._requests += 1
        request, ids = self._requests, tuple(image.id for image in images)
        self._soon(lambda: self.drawn.emit(ShownImages(request, ids, self.pixels(len(ids), request))))
        return request

    def suggest_titles(self, image: int, avoid: Sequence[str] = (), language: str = "en") -> int:
        self._requests += 1
        request = self._requests
        titles = tuple(f"Quiet Sea {request} {number}" for number in range(5))
        self._soon(lambda: self.titled.emit(m.TitlesSuggested(request, image, titles, 0)))
        return request

    # -- rounds --------------------------------------------------------------------------------------------------

    def teach(self, steps: int | None = None, settings: Any = None, strip: Any = ()) -> None:
        if self._round is None:
            self._round, self._step = m.RunRound("", steps, m.RoundSettings(), ()), 0
            self._set_busy("teaching")

    def go_on(self) -> None:
        """One more step of the round, if one runs; after the last it is kept."""
        if self._round is not None:
            self._step += 1
            self.step(self._step, STEPS, 0.4 + 0.02 * self._step)
            if self._step == STEPS:
                self.end(kept=True)

    def end(self, kept: bool) -> None:
        """End the round, if one runs."""
        if self._round is not None:
            self._round = None
            self.finish(kept, "Taste rose." if kept else "Images became too alike.")
            self._busy = ""

    def stop(self, keep: bool = True) -> None:
        self._soon(lambda: self.end(keep))

    def fall_over(self) -> None:
        """Crash and come back, as a process that is restarted does."""
        self._round = None
        self.restarted.emit("The worker stopped and was started again.")
        self._set_busy("loading")
        self._soon(self.be_ready)

    # -- exports -------------------------------------------------------------------------------------------------

    def export(self, folder: Path, settings: Mapping[str, Any] | None = None) -> None:
        self._export = folder
        self._soon(lambda: self.exporting.emit(0.3, "Writing"))

    def end_export(self) -> None:
        """Say that what is being exported is written."""
        if self._export is not None:
            folder, self._export = self._export, None
            self.exported.emit(str(folder))

    def cancel_export(self) -> None:
        if self._export is not None:
            self._export = None
            self._soon(self.export_stopped.emit)


class Jobs(StandInJobs):
    """Looks at folders and trains at once; how far it is, is said from outside."""

    def __init__(self, log: Path | None = None) -> None:
        super().__init__()
        self._out: Path | None = None
        self._looked_at = log.parent if log else Path()

    def look_at(self, folder: Path, resolution: int) -> None:
        super().look_at(folder, resolution)
        self.found(self._looked_at)

    def train(self, command: jobs.Train) -> None:
        super().train(command)
        self._out, self._done = Path(command.out), 0

    def go_on(self) -> None:
        """One more report of the training, if one runs."""
        if self._out is not None:
            self._done += 1
            self.step(self._done, self._done / 10)
            self.draw(copied=self._done % 3)
            if self._done == 10:
                self._end(finished=True)

    def halt(self) -> None:
        QTimer.singleShot(0, self, lambda: self._end(finished=False))

    def _end(self, finished: bool) -> None:
        if self._out is not None:
            out, self._out = self._out, None
            self.finish(out, finished)


class Imports(ImportClient):
    """Reads any file as one generator, with one question open."""

    def read_file(self, file: Path, choices: dict[str, str]) -> None:
        options = (imports.Option("a", "One", "fits"), imports.Option("b", "Another", ""))
        question = imports.Question("range", "Range of values", options, choices.get("range", "a"), False)
        found = imports.FileRead(1, "DCGAN, 16 px", ("The discriminator is left out.",), None, (question,), FRAMES)
        QTimer.singleShot(0, self, lambda: self.read.emit(found, StandIn.pixels(8, 3)))

    def keep(self, folder: Path) -> None:
        StandInJobs.write(folder)
        QTimer.singleShot(0, self, lambda: self.kept.emit(folder))


@contextmanager
def closed_world(home: Path, choose: Callable[[int], int], real: bool = False) -> Iterator[list[Path]]:
    """Replace processes and the system's dialogs; yields what can be dropped into the window.

    `choose` is a number to one below it: which answer a dialog gives. The worker stays as it is where it is to be `real`.
    """
    things = _things(home)
    saved = count(1)

    def path() -> str:
        return str([*things, ""][choose(len(things) + 1)])

    def new_file() -> str:
        return str(home / f"saved {next(saved)}.png") if choose(2) else ""

    with (
        nullcontext() if real else patch("studio.worker.client.WorkerClient", Worker),
        patch("studio.model.training_access.JobsClient", Jobs),
        patch("studio.worker.import_client.ImportClient", Imports),
        patch.object(QFileDialog, "getExistingDirectory", lambda *_, **__: path()),
        patch.object(QFileDialog, "getOpenFileName", lambda *_, **__: (path(), "")),
        patch.object(QFileDialog, "getSaveFileName", lambda *_, **__: (new_file(), "")),
        patch.object(QDesktopServices, "openUrl", lambda *_: True),
    ):
        yield things


def _things(home: Path) -> list[Path]:
    """A project, a generator, pictures, files that are none of these, and one that is gone."""
    Project(home / "Another project").close()
    StandInJobs.write(home / "generator")
    pictures = home / "pictures"
    pictures.mkdir()
    for number, rows in enumerate(StandIn.pixels(3, 1)):
        image = QImage(np.ascontiguousarray(rows).data, SIDE, SIDE, 3 * SIDE, QImage.Format.Format_RGB888)
        image.save(str(pictures / f"{number}.png"))
    (home / "notes.txt").write_text("nothing", encoding="utf-8")
    (home / "theirs.pkl").write_bytes(b"nothing")
    names = ("Another project", "generator", "pictures", "pictures/0.png", "notes.txt", "theirs.pkl", "gone")
    return [home / name for name in names]
