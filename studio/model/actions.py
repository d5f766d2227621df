"""Everything a person can do, in one place: the project is written first, then the worker is told.

Views call these methods and bind to `state`, `round`, `exports` and `grid`; they hold no project and no worker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from studio.i18n import tr
from studio.model import pictures, thumbnails
from studio.model.grid_model import Cell, GridModel
from studio.model.rounds import RoundLog, outcome_of
from studio.model.state import (
    FEWEST_RATINGS,
    GRID,
    PREVIEW_EVERY,
    STRIP_SEEDS,
    ExportState,
    Generator,
    Message,
    RoundState,
    StripImages,
    StudioState,
    Weights,
)
from studio.project.records import Change, Checkpoint, ProjectError
from studio.project.store import Project
from studio.worker import messages as m
from studio.worker.client import FinishedRound, ShownGrid, ShownImages, ShownStrip, WorkerClient

P = ParamSpec("P")


def told(action: Callable[Concatenate[Actions, P], None]) -> Callable[Concatenate[Actions, P], None]:
    """Let an action say in one line why the project could not be written, and change nothing."""

    @wraps(action)
    def safe(self: Actions, /, *values: P.args, **named: P.kwargs) -> None:
        try:
            action(self, *values, **named)
        except ProjectError as error:
            self.say(str(error), bad=True)

    return safe


class Actions(QObject):
    """The studio without its window."""

    advance = Signal()  # select the next image

    def __init__(self, project: Project, worker: WorkerClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project, self.worker = project, worker
        self.state, self.round, self.exports = StudioState(self), RoundState(self), ExportState(self)
        self.grid = GridModel(self)
        self.steps: int | None = None  # of a round; None is what the worker thinks best
        self._log = RoundLog(project)
        worker.ready.connect(self._ready)
        worker.grid.connect(self._show_grid)
        worker.taste.connect(self._show_taste)
        worker.progress.connect(self._step)
        worker.round_finished.connect(self._round_finished)
        worker.strip.connect(self._show_strip)
        worker.drawn.connect(self._show_drawn)
        worker.restored.connect(self._restored)
        worker.exporting.connect(self._exporting)
        worker.exported.connect(self._exported)
        worker.failed.connect(self._failed)
        worker.notice.connect(self.say)
        worker.restarted.connect(self._restarted)
        worker.busy_changed.connect(self._busy)
        self._load()

    def start(self) -> None:
        """Start the worker; returns at once."""
        self.worker.open(self.project)

    def close(self) -> None:
        """End the worker and let go of the project."""
        self.worker.close()
        self.project.close()

    def say(self, text: str, bad: bool = False, detail: str = "") -> None:
        """Show one line in the status bar."""
        self.state.message = None
        self.state.message = Message(text, "bad" if bad else "plain", detail)

    # -- ratings -------------------------------------------------------------------------------------------------

    def select(self, row: int) -> None:
        """Make the image at `row` the one that keys rate."""
        self.state.row = max(0, row)
        cell = self.grid.cell(row)
        self.state.guess = cell.guess if cell else None

    @told
    def rate(self, kind: str, value: int = 0, row: int | None = None, advance: bool = False) -> None:
        """Rate the image at `row`, or the selected one: "stars" 1..5, "clear", "like", "reject" or "neither"."""
        cell = self.grid.cell(self.state.row if row is None else row)
        if cell is None or not cell.image or cell.pixels is None:
            return
        self._apply(self.project.rate(cell.image, kind, value))
        if advance or self.state.auto_advance:
            self.advance.emit()

    @told
    def undo(self) -> None:
        """Take back the last rating, also one of an earlier session."""
        change = self.project.undo()
        if change is None:
            self.say(tr("Nothing to undo"))
            return
        self._apply(change)
        self.say(tr("Undone: {action}", action=self._where(change)))

    @told
    def redo(self) -> None:
        """Give back the rating that was taken back last."""
        change = self.project.redo()
        if change is None:
            self.say(tr("Nothing to redo"))
            return
        self._apply(change)
        self.say(tr("Redone: {action}", action=self._where(change)))

    def _where(self, change: Change) -> str:
        rows = [self.grid.row_of(image) for image in change.images]
        if len(rows) == 1 and rows[0] >= 0:
            return tr("{action} on image {number}", action=tr(change.label), number=rows[0] + 1)
        return tr("{action} on an earlier image", action=tr(change.label))

    def _apply(self, change: Change) -> None:
        for state in change.states.values():
            self.grid.rate(state)
        self._count()
        if change.events:
            self.worker.feedback(change.events)

    # -- grids ---------------------------------------------------------------------------------------------------

    def new_grid(self) -> None:
        """Ask for new images; the old ones stay until then, and every rating stays for good."""
        if self.state.loaded and not self.round.running:
            self.state.drawing = True
            self.worker.propose(GRID)

    # -- rounds --------------------------------------------------------------------------------------------------

    @property
    def model_name(self) -> str:
        """The generator's name, also before the worker answers."""
        return self.state.generator.name or Path(self.project.model).name

    @property
    def missing_ratings(self) -> int:
        """How many more images to rate before a round can run."""
        return max(0, FEWEST_RATINGS - self.state.counts.rated)

    def teach(self) -> None:
        """Run a round, or say in one line what is missing."""
        if self.round.running:
            return
        if not self.state.loaded:
            self.say(tr("The generator is still loading"))
        elif missing := self.missing_ratings:
            text = (
                tr("Rate 1 more image to teach")
                if missing == 1
                else tr("Rate {n} more images to teach", n=missing)
            )
            self.say(text)
        elif self.state.task in ("exporting", "restoring"):
            self.say(tr("Wait until the worker is free"))
        else:
            self.round.begin(self.state.counts.round)
            weights = asdict(self.state.weights)
            strength = weights.pop("strength")
            self.worker.teach(self.steps, m.RoundSettings(strength, weights), STRIP_SEEDS)

    def pause_or_resume(self) -> None:
        """Hold the round between two steps, or go on."""
        if self.round.running and not self.round.stopping:
            self.round.paused = not self.round.paused
            (self.worker.pause if self.round.paused else self.worker.resume)()

    def stop_and_keep(self) -> None:
        """End the round after the step in hand and keep what it learnt."""
        self._stop(keep=True)

    def revert(self) -> None:
        """Drop the round that runs; without one, go back to the version before the last."""
        if self.round.running:
            self._stop(keep=False)
        elif self.state.checkpoint is not None:
            self.restore(self.state.checkpoint.parent)

    def _stop(self, keep: bool) -> None:
        if self.round.running and not self.round.stopping:
            self.round.stopping = True
            self.worker.stop(keep)

    def restore(self, checkpoint: int | None) -> None:
        """Go to a version of the timeline; None is the untuned generator. Nothing is deleted."""
        if self.state.loaded and not self.round.running:
            self.worker.restore(checkpoint)

    def version_images(self, checkpoint: int | None) -> list[QImage]:
        """Return what a version made of the strip's seeds, as far as it is kept."""
        return thumbnails.read_strip(thumbnails.strip_file(self.project, checkpoint))

    @told
    def set_weights(self, /, **values: float) -> None:
        """Turn dials; the next round uses them."""
        self.state.weights = replace(self.state.weights, **values)
        self.project.set_meta(weights=asdict(self.state.weights))

    @told
    def set_option(self, name: str, value: Any) -> None:
        """Change and keep `auto_advance`, `pixel_art` or `cell_size` of this project."""
        setattr(self.state, name, value)
        self.project.set_meta(**{name: value})

    # -- export --------------------------------------------------------------------------------------------------

    def export(self, folder: Path, fp16: bool = False) -> None:
        """Write the generator as tuned now into `folder`."""
        if self.exports.running or self.round.running or not self.state.loaded:
            return
        self.exports.error, self.exports.folder, self.exports.fraction = "", "", 0.0
        self.exports.text, self.exports.running = tr("Starting"), True
        self.worker.export(folder, fp16)

    # -- what the project and the worker say ---------------------------------------------------------------------

    def _load(self) -> None:
        state, project = self.state, self.project
        state.project_name, state.seed = project.folder.name, project.seed
        state.auto_advance = bool(project.meta("auto_advance", False))
        state.cell_size = project.meta("cell_size")
        state.pixel_art = bool(project.meta("pixel_art", False))
        kept = project.meta("weights") or {}
        state.weights = Weights(**{name: float(kept[name]) for name in asdict(Weights()) if name in kept})
        shown = project.current_grid()
        if shown is None:
            self.grid.show_placeholders(GRID)
        else:
            states = project.state(shown.images)
            self.grid.show(
                [
                    Cell(i, states[i].stars, states[i].flag, None, pictures.read_image(project.image_file(i)))
                    for i in shown.images
                ]
            )
        self._count()
        self._list_rounds()

    def _count(self) -> None:
        self.state.counts = self.project.counts()
        self.state.undo_label = self.project.undo_label()
        self.state.redo_label = self.project.redo_label()

    def _list_rounds(self) -> None:
        self.state.checkpoints = self.project.checkpoints()
        self.state.checkpoint = self.project.current_checkpoint()
        self.state.rounds = self._log.rounds()

    def _ready(self, ready: m.Ready) -> None:
        self.state.generator = Generator(
            ready.model, ready.hash, ready.resolution, ready.parameters, ready.has_discriminator
        )
        self.state.device = ready.device
        if self.project.meta("pixel_art") is None:
            self.state.pixel_art = ready.pixel_art
        self.state.loaded = True
        images = [cell.image for cell in self.grid.cells if cell.image]
        if not images:
            self.new_grid()
        else:
            undrawn = [cell.image for cell in self.grid.cells if cell.image and cell.pixels is None]
            if undrawn:
                self.worker.draw(self.project.images(undrawn))
            self.worker.predict(images)
        self.worker.request_strip(STRIP_SEEDS)

    def _show_grid(self, shown: ShownGrid) -> None:
        drawn = pictures.to_images(shown.pixels)
        states = self.project.state(image.id for image in shown.images)
        self.grid.show(
            [
                Cell(image.id, states[image.id].stars, states[image.id].flag, None, pixels)
                for image, pixels in zip(shown.images, drawn, strict=True)
            ]
        )
        self.state.drawing = False
        self._count()
        self.select(min(self.state.row, len(drawn) - 1))
        self.worker.predict([image.id for image in shown.images])

    def _show_drawn(self, shown: ShownImages) -> None:
        for image, pixels in zip(shown.images, pictures.to_images(shown.pixels), strict=True):
            self.grid.draw(image, pixels)

    def _show_taste(self, taste: m.Taste) -> None:
        self.state.taste = taste
        for guess in taste.predictions:
            self.grid.predict(guess)
        cell = self.grid.cell(self.state.row)
        self.state.guess = cell.guess if cell else None

    @told
    def _show_strip(self, strip: ShownStrip) -> None:
        used = self.project.current_checkpoint()
        if self.round.running:
            step = self.round.progress.step if self.round.progress else 0
            self._name_strip(
                strip, tr("untuned"), tr("round {n}, step {step}", n=self.round.number, step=step)
            )
            return
        thumbnails.keep_strip(thumbnails.strip_file(self.project, used.id if used else None), strip.after)
        if used is not None and not thumbnails.strip_file(self.project, None).exists():
            thumbnails.keep_strip(thumbnails.strip_file(self.project, None), strip.before)
        now = tr("round {n}", n=used.round) if used else tr("untuned")
        self._name_strip(strip, tr("untuned"), now)

    def _name_strip(self, strip: ShownStrip, before: str, after: str) -> None:
        self.round.strip = StripImages(
            pictures.to_images(strip.before), pictures.to_images(strip.after), before, after
        )

    def _step(self, progress: m.Progress) -> None:
        if self.round.running and not progress.paused:
            self.round.step(progress)
            if progress.step % PREVIEW_EVERY == 0:
                self.worker.request_strip(STRIP_SEEDS)

    @told
    def _round_finished(self, finished: FinishedRound) -> None:
        outcome = outcome_of(finished, self.round.number)
        self.round.running = self.round.paused = self.round.stopping = False
        self.round.outcome = outcome
        if finished.strip is not None and finished.checkpoint is not None:
            parent = finished.checkpoint.parent
            thumbnails.keep_strip(finished.checkpoint.path.with_suffix(".png"), finished.strip.after)
            before = tr("round {n}", n=self.project.checkpoint(parent).round) if parent else tr("untuned")
            self._name_strip(finished.strip, before, tr("round {n}", n=outcome.number))
        self._count()
        self._list_rounds()
        self.say(outcome.reason)
        if outcome.kept:
            self.new_grid()
        else:
            self.worker.request_strip(STRIP_SEEDS)

    @told
    def _restored(self, checkpoint: Checkpoint | None) -> None:
        self._list_rounds()
        self._count()
        self.say(
            tr("Back to round {n}", n=checkpoint.round) if checkpoint else tr("Back to the untuned generator")
        )
        self.worker.request_strip(STRIP_SEEDS)
        self.new_grid()

    def _exporting(self, fraction: float, text: str) -> None:
        self.exports.fraction, self.exports.text = fraction, text[:1].upper() + text[1:]

    def _exported(self, folder: str) -> None:
        self.exports.fraction, self.exports.folder, self.exports.running = 1.0, folder, False
        self.say(tr("Exported to {folder}", folder=folder))

    def _failed(self, command: str, text: str, detail: str) -> None:
        if command == "Export" and self.exports.running:
            self.exports.error, self.exports.running = text, False
        if command == "RunRound":
            self.round.running = self.round.paused = self.round.stopping = False
        if command == "Propose":
            self.state.drawing = False
        if command in ("Open", "Worker"):
            self._lost_worker()
            self.state.task = "failed"
        self.say(text, bad=True, detail=detail)

    def _restarted(self, text: str) -> None:
        self._lost_worker()
        self.say(text, bad=True)

    def _lost_worker(self) -> None:
        self.state.loaded = self.state.drawing = False
        self.round.running = self.round.paused = self.round.stopping = False
        if self.exports.running:
            self.exports.error, self.exports.running = tr("The worker stopped"), False

    def _busy(self, task: str) -> None:
        # A worker without a generator is idle, which is not the same as ready.
        if self.state.task != "failed" or task in ("starting", "loading"):
            self.state.task = task
