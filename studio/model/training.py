"""Training a generator on a person's own pictures: the state on show, and the person's actions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from studio.model import preferences, settings
from studio.model.pictures import to_image, to_images
from studio.model.property import Property
from studio.model.training_pictures import PictureModel
from studio.model.training_runs import earlier_run, new_run
from studio.worker import jobs
from studio.worker.jobs_client import JobsClient, ShownSamples

SIZES = (32, 64, 128)  # pixels
MINUTES = (2, 5, 10, 20, 30, 45, 60, 90, 120, 240, 480)
BUNDLED = ("dreamscapes", "dreamscapes-128", "characters")  # generators that come with the studio; the first is the default start
RANDOM = ""  # the start from random weights
SERIES = ("generator", "discriminator", "gap")
_WHOLE = 640  # longest side in pixels of a picture that is shown whole
_POINTS = 2000  # per curve; beyond that, every second one is dropped


class Training(QObject):
    """One folder at a time; its phases are empty, looking, ready, training, stopping and done."""

    phase: Property[str] = Property("empty")
    folder: Property[Path | None] = Property(None)
    fraction: Property[float] = Property(0.0)  # share of the pictures read
    size: Property[int] = Property(64)
    minutes: Property[int] = Property(20)
    start: Property[str] = Property(BUNDLED[0])  # a bundled name, or RANDOM
    pixel: Property[int] = Property(1)  # side of the squares of one colour in enlarged pixel art; 1: none
    pixel_art: Property[bool] = Property(False)  # whether to enlarge with hard edges
    starts: Property[tuple[jobs.Start, ...]] = Property(())
    keep_copies: Property[bool] = Property(False)
    usable: Property[int] = Property(0)  # number of pictures
    error: Property[str] = Property("")
    note: Property[str] = Property("")  # a line about the run
    progress: Property[jobs.Training | None] = Property(None)
    out: Property[Path | None] = Property(None)  # the bundle of the running or last run
    finished: Property[bool] = Property(False)
    over: Property[bool] = Property(False)  # whether the pictures are shown again after a run
    looked_whole: Property[tuple[str, QImage] | None] = Property(None)
    stepped = Signal()  # `series` has grown or was cleared
    drawn = Signal()  # `samples` was updated
    ended = Signal()  # a run has ended and is written completely
    use_wanted = Signal()  # the generator is to be opened as a project

    def __init__(self, client: JobsClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client = client
        if (minutes := preferences.read().get("train_minutes")) in MINUTES:
            self.minutes = minutes
        self.pictures = PictureModel(self)
        self._start_chosen: Path | None = None  # the folder for which the person has chosen a start
        self._before: tuple[Path | None, int, str] | None = None  # folder, size and phase to return to if reading is cancelled
        self.skipped: tuple[tuple[str, str], ...] = ()
        self.few = 0
        self.series: dict[str, list[float]] = {name: [] for name in SERIES}
        self.samples: list[QImage] = []
        self.nearest: list[QImage] = []
        self.copies: list[bool] = []  # for each sample, whether it looks copied from a training picture
        self.samples_at = 0  # images seen when the samples were drawn
        self.pictures.changed.connect(self._count)
        client.choices.connect(self._choose)
        client.looking.connect(self._look)
        client.looked.connect(self._looked)
        client.whole.connect(self._show_whole)
        client.progress.connect(self._step)
        client.samples.connect(self._draw)
        client.said.connect(self._say)
        client.trained.connect(self._trained)
        client.failed.connect(self._fail)

    # -- what a person does --------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a run is in progress, during which nothing else can be chosen."""
        return self.phase in ("training", "stopping")

    @property
    def folder_name(self) -> str:
        """The name of the folder of pictures, "" if none is chosen."""
        return self.folder.name if self.folder else ""

    def look_at(self, folder: Path, size: int | None = None) -> None:
        """Read a folder and show how its pictures will be cropped, at another size if one is given.

        A folder that was not on show is read at the size of an earlier run on it, if any, so that the run can be continued.
        """
        if self.busy:
            return
        if size is None and folder != self.folder:
            size = next((one for one in (self.size, *SIZES) if earlier_run(folder, one)), None)
        if self.phase != "looking":
            self._before = None if self.phase == "empty" else (self.folder, self.size, self.phase)
        self.folder, self.error, self.fraction = folder, "", 0.0
        self.size, self.phase = size or self.size, "looking"
        self._client.look_at(folder, self.size)

    def give_up_looking(self) -> None:
        """Cancel reading the folder."""
        if self.phase == "looking":
            self._client.halt()
            self._return()

    def _return(self) -> None:
        """Return to what was on show before a folder was read, which has not changed."""
        self.folder, self.size, self.phase = self._before or (None, self.size, "empty")

    def forget(self) -> None:
        """Return to the choice of a folder."""
        if not self.busy:
            self.pictures.show((), None)
            self.folder, self.error, self.phase = None, "", "empty"

    def set_size(self, size: int) -> None:
        """Set another resolution for training; the pictures are read again at that size."""
        if not self.busy and size != self.size:
            if self.folder is None:
                self.size = size
            else:
                self.look_at(self.folder, size)

    def choose_start(self, name: str) -> None:
        """Start from this generator, whatever kind of pictures the folder holds."""
        if not self.busy:
            self.start, self._start_chosen = name, self.folder

    def exclude(self, names: Iterable[str], out: bool) -> None:
        """Exclude pictures, or include them again."""
        if not self.busy:
            self.pictures.exclude(names, out)

    def set_keep_copies(self, keep: bool) -> None:
        """Set whether duplicates are used too."""
        if not self.busy:
            self.keep_copies = keep
            self.pictures.set_keep_copies(keep)

    def ask_whole(self, name: str) -> None:
        """Show one picture uncropped; answered by `looked_whole`."""
        if self.phase == "ready":
            self._client.show_whole(name, _WHOLE)

    @property
    def choosing(self) -> bool:
        """Whether the pictures are on show for selection."""
        return self.phase == "ready" or (self.phase == "done" and self.over)

    @property
    def can_train(self) -> bool:
        return self.phase in ("ready", "done") and self.usable > 0

    def earlier(self) -> Path | None:
        """The bundle of an earlier run on this folder at this size that can be continued."""
        return earlier_run(self.folder, self.size) if self.folder is not None else None

    def train(self, go_on: bool = False) -> None:
        """Train with the current choices; `go_on` continues from the last run on this folder.

        Every run has a bundle of its own, so that a project with an earlier one keeps drawing the images that were rated.
        """
        if not self.can_train or self.folder is None:
            return
        earlier = self.earlier() if go_on else None
        out = new_run(self.folder, self.size)
        preferences.keep(train_minutes=self.minutes)
        for values in self.series.values():
            values.clear()
        self.samples, self.nearest, self.copies, self.samples_at = [], [], [], 0
        self.error, self.note, self.progress, self.fraction = "", "", None, 0.0
        self.out, self.finished, self.over, self.phase = out, False, False, "training"
        self.stepped.emit()
        self.drawn.emit()
        self._client.train(
            jobs.Train(
                0,
                str(self.folder),
                str(out),
                self.size,
                float(self.minutes),
                None if earlier else self.start or None,
                tuple(sorted(self.pictures.excluded)),
                self.keep_copies,
                str(settings.value("device")),
                go_on_from=str(earlier or ""),
            )
        )

    def stop(self) -> None:
        """End the run after the current step; its generator can then be used, and trained further."""
        if self.phase == "training":
            self.phase = "stopping"
            self._client.halt()

    @property
    def bundle(self) -> Path | None:
        """The generator that can be used now: the last one written, also during a run."""
        out = self.out
        return out if out is not None and (out / "model.safetensors").is_file() else None

    def close(self) -> None:
        """End the process; a running run is written first."""
        self._client.close()

    # -- what the process says -----------------------------------------------------------------------------------

    def _choose(self, starts: tuple[jobs.Start, ...]) -> None:
        self.starts = starts
        if self.start not in {start.name for start in starts}:
            self.start = starts[0].name if starts else RANDOM

    def _look(self, fraction: float) -> None:
        if self.phase == "looking":  # a run reads the folder once more before it starts
            self.fraction = fraction

    def _looked(self, event: jobs.Looked) -> None:
        if self.phase != "looking":  # it was cancelled a moment too late
            return
        if self._before is None or self._before[0] != self.folder:
            self.pictures.forget_choices()
        self.skipped, self.few = event.skipped, event.few
        self.pixel_art = event.pixel_art
        self.pictures.show(event.pictures, Path(event.array), event.pixel_art)
        if event.start and self._start_chosen != self.folder:
            self.start = event.start
        self.pixel, self.fraction, self.phase = event.pixel, 1.0, "ready"
        self._count()

    def _count(self) -> None:
        self.usable = self.pictures.used

    def _show_whole(self, name: str, pixels: object) -> None:
        self.looked_whole = (name, to_image(pixels))  # type: ignore[arg-type]  # a signal carries any object

    def _step(self, progress: jobs.Training) -> None:
        for name, values in self.series.items():
            values.append(progress.series[name])
            if len(values) > _POINTS:
                del values[::2]
        self.progress = progress
        self.stepped.emit()

    def _draw(self, shown: ShownSamples) -> None:
        self.samples, self.nearest = to_images(shown.drawn), to_images(shown.nearest)
        self.copies = list(shown.copied)
        self.samples_at = shown.images
        self.drawn.emit()

    def _say(self, text: str) -> None:
        self.note = text

    def _trained(self, event: jobs.Trained) -> None:
        self.finished = event.finished
        self.out, self.phase = Path(event.folder), "done"
        self.ended.emit()

    def _fail(self, reason: str, detail: str) -> None:
        self.error = reason
        if self.phase == "looking":
            self._return()
        elif self.busy:
            self.phase = "done" if self.bundle else "ready"
