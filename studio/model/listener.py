"""Turns the contents of the project and the worker's events into observable state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import wraps
from itertools import zip_longest
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from studio.i18n import tr
from studio.model import pictures, settings
from studio.model.grid_model import Cell, GridModel, said
from studio.model.rounds import RoundLog, outcome_of, version_name
from studio.model.state import (
    DRAWING_VIEWS,
    GRID,
    GRID_VIEWS,
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
from studio.model.thumbnails import Strips
from studio.project.records import Checkpoint, ProjectError
from studio.project.store import Project
from studio.worker import messages as m
from studio.worker.client import WorkerClient
from studio.worker.shown import FinishedRound, ShownGrid, ShownImages, ShownStrip

P = ParamSpec("P")
L = TypeVar("L", bound="Listener")
_WORTH_TELLING = 2.0  # seconds of reading
_KEEP_MS = 400  # delay for storing a slider, until it rests


def told(action: Callable[Concatenate[L, P], None]) -> Callable[Concatenate[L, P], None]:
    """Decorator: if the project cannot be written, show why in one line, and change nothing."""

    @wraps(action)
    def safe(self: L, /, *values: P.args, **named: P.kwargs) -> None:
        try:
            action(self, *values, **named)
        except ProjectError as error:
            self.say(str(error), bad=True)

    return safe


class Listener(QObject):
    """Keeps `state`, `round`, `exports` and `grid` in step with the project and the worker."""

    advance = Signal()  # select the next image
    view_wanted = Signal(str)  # key of a view to show
    applied = Signal(object)  # Change: an action, or its undoing

    def __init__(self, project: Project, worker: WorkerClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.project, self.worker = project, worker
        self.state, self.round, self.exports = StudioState(self), RoundState(self), ExportState(self)
        self.grid = GridModel(self)
        self.steps: int | None = None  # per round; None: the worker's default
        self.strips = Strips(project, worker.later)
        self._log = RoundLog(project)
        self._arriving = False  # whether images of the current grid are still being drawn
        self._crashed: Message | None = None  # what was shown about a crash from which the worker is recovering
        self._located: Path | None = None  # where the person says the generator is, until a worker has found it there
        self._unkept: dict[str, Any] = {}
        self._keeping = QTimer(self)
        self._keeping.setSingleShot(True)
        self._keeping.setInterval(_KEEP_MS)
        self._keeping.timeout.connect(self._keep_now)
        worker.ready.connect(self._ready)
        worker.grid.connect(self._show_grid)
        worker.taste.connect(self._show_taste)
        worker.reading.connect(self._reading)
        worker.progress.connect(self._step)
        worker.round_finished.connect(self._round_finished)
        worker.strip.connect(self._show_strip)
        worker.drawn.connect(self._show_drawn)
        worker.restored.connect(self._restored)
        worker.exporting.connect(self._exporting)
        worker.exported.connect(self._exported)
        worker.export_stopped.connect(self._export_stopped)
        worker.failed.connect(self._failed)
        worker.not_taught.connect(self._not_taught)
        worker.notice.connect(self.say)
        worker.restarted.connect(self._restarted)
        worker.busy_changed.connect(self._busy)
        self._load()

    def start(self) -> None:
        """Start the worker, in place of one that runs; returns at once."""
        # A grid that the other worker was asked for is due; one that is arriving is drawn to its end.
        self.state.grid_due = self.state.grid_due or (self.state.drawing and not self._arriving)
        self.state.drawing = self._arriving
        self.state.loaded = False
        self.worker.use_signals(settings.value("implicit"))
        self.worker.open(self.project, settings.value("device"), self._located)

    def locate(self, folder: Path) -> None:
        """Start the worker on the project's generator in another folder, which is kept if it is the same generator."""
        self._located = folder
        self.start_again()

    def start_again(self) -> None:
        """Start a worker again after it could not continue."""
        if self.state.task == "failed":
            self.state.message = None
            self.start()

    def close(self) -> None:
        """End the worker and close the project."""
        self._keep_now()
        self.worker.close()
        self.project.close()

    def say(self, text: str, bad: bool = False, detail: str = "") -> None:
        """Show one line in the status bar."""
        self.state.message = None
        self.state.message = Message(tr(text), "bad" if bad else "plain", detail)

    @property
    def model_name(self) -> str:
        """The generator's name, also before the worker has answered."""
        return self.state.generator.name or Path(self.project.model).name

    def select(self, row: int) -> None:
        """Make the image at `row` the one that keys rate."""
        self.state.row = max(0, row)
        cell = self.grid.cell(row)
        self.state.guess = cell.guess if cell else None
        if self.state.view != "loupe":  # the loupe shows its own image, also when a new grid arrives
            self.select_images((cell.image,) if cell and cell.image and cell.drawn else ())

    def select_images(self, images: Sequence[int]) -> None:
        """Make these images the ones that keys rate and mark."""
        self.state.selected = tuple(images)

    def new_grid(self) -> None:
        """Request a new grid; the old one stays until then, and all ratings stay for good."""
        if self.state.loaded and not self.round.running:
            self.state.drawing, self.state.grid_due = True, False
            self.worker.propose(GRID)

    @told
    def _owe_grid(self, due: bool) -> None:
        """Set whether a grid of the version in use is due; the project remembers it until that grid is there."""
        self.state.grid_due = due
        if bool(self.project.meta("grid_due")) != due:
            self.project.set_meta(grid_due=due)

    def _offer_grid(self) -> None:
        """Request a new grid because a round made another version."""
        self._owe_grid(True)
        self.new_grid()
        self.state.unseen = self.state.drawing and self.state.view not in GRID_VIEWS

    def _in_hand(self) -> bool:
        """Whether the person is still rating the grid, having rated during a round."""
        looked_at = self.state.view in ("rate", "loupe") and self.round.rated and not self.state.drawing
        return looked_at and not all(cell.rated for cell in self.grid.cells)

    def keep(self, **values: Any) -> None:
        """Store settings in the project, with a short delay."""
        self._unkept.update(values)
        self._keeping.start()

    @told
    def _keep_now(self) -> None:
        values, self._unkept = self._unkept, {}
        self._keeping.stop()
        if values:
            self.project.set_meta(**values)

    # -- what the project and the worker say ---------------------------------------------------------------------

    def _load(self) -> None:
        state, project = self.state, self.project
        state.project_name, state.seed = project.folder.name, project.seed
        state.auto_advance = bool(project.meta("auto_advance", False))
        state.cell_size = project.meta("cell_size")
        state.pixel_art = bool(project.meta("pixel_art", False))
        kept = dict(project.meta("weights") or {})
        outside = {str(name): float(value) for name, value in kept.pop("outside", {}).items()}
        state.weights = Weights(**{name: float(kept[name]) for name in asdict(Weights()) if name in kept}, outside=outside)
        shown = project.current_grid()
        if shown is None:
            self.grid.show_placeholders(GRID)
        else:
            states = project.state(shown.images)
            self.grid.show(
                [
                    Cell(i, **said(states[i]), pixels=pictures.read_image(project.image_file(i)))
                    for i in shown.images
                ]
            )
        self.state.grid_due = bool(project.meta("grid_due"))
        self._count()
        self._list_rounds()

    def _count(self) -> None:
        self.state.counts = self.project.counts()
        self.state.undo_label = self.project.undo_label()
        self.state.redo_label = self.project.redo_label()

    def _list_rounds(self) -> None:
        self.state.checkpoints = tuple(c for c in self.project.checkpoints() if not c.deleted)
        self.state.checkpoint = self.project.current_checkpoint()
        self.state.rounds = self._log.rounds()

    def _ready(self, ready: m.Ready) -> None:
        imported = ready.card.get("imported", {})
        self.state.generator = Generator(
            ready.model,
            ready.hash,
            ready.resolution,
            ready.parameters,
            ready.has_discriminator,
            ready.square,
            imported=bool(imported),
            folded=imported.get("folded") is True,
            graph=imported.get("from") == "ONNX",
        )
        self.state.device = tr(ready.device)
        if self.project.meta("pixel_art") is None:
            self.state.pixel_art = ready.pixel_art
        self.state.loaded = True
        if self._crashed is not None and self.state.message == self._crashed:
            self.state.message = Message(self._crashed.text)  # it is over, so let it fade like any other message
        self._crashed = None
        self._keep_place()
        self._know_generator(ready.hash)
        images = [cell.image for cell in self.grid.cells if cell.image]
        if not images:
            self.new_grid()
        else:
            undrawn = [cell.image for cell in self.grid.cells if cell.image and cell.pixels is None]
            if undrawn:
                self.worker.draw(self.project.images(undrawn))
            self.worker.predict(images)
            self.look_at_grid()
        self.worker.request_strip(STRIP_SEEDS)

    @told
    def _keep_place(self) -> None:
        """Write down where the generator is now."""
        folder, self._located = self._located, None
        if folder is not None:
            self.project.set_meta(model=str(folder))
            self.say(tr("The generator was found in {folder}", folder=folder))

    @told
    def _know_generator(self, found: str) -> None:
        """Report once if the generator differs from the one that the project had before, whose images were rated."""
        known = self.project.meta("model_hash")
        if known != found:
            self.project.set_meta(model_hash=found)
        if known not in (None, found):
            self.say(tr("This project's generator has changed: it draws other images than those you rated."), bad=True)

    def _show_grid(self, shown: ShownGrid) -> None:
        drawn = pictures.to_images(shown.pixels)
        states = self.project.state(image.id for image in shown.images)
        self.grid.show(
            [
                Cell(image.id, **said(states[image.id]), pixels=pixels)
                for image, pixels in zip_longest(shown.images, drawn)
            ]
        )
        self._arriving = len(drawn) < len(shown.images)
        self.state.drawing = self._arriving
        self._owe_grid(False)
        self._count()
        self.select(self.state.row if self.state.row + 1 < len(shown.images) else 0)
        self.worker.predict([image.id for image in shown.images])

    def _show_drawn(self, shown: ShownImages) -> None:
        for image, pixels in zip(shown.images, pictures.to_images(shown.pixels), strict=True):
            self.grid.draw(image, pixels)
        if self._arriving and all(cell.drawn for cell in self.grid.cells):
            self._arriving = self.state.drawing = False

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
        self.strips.keep(used.id if used else None, strip.after)
        if used is not None and not self.strips.read(None):
            self.strips.keep(None, strip.before)
        self._name_strip(strip, tr("untuned"), version_name(used, inside=True))

    def show_kept_strip(self) -> None:
        """Show the strips that earlier sittings kept, until the worker has drawn them again."""
        used = self.state.checkpoint
        before, after = self.strips.read(None), self.strips.read(used.id if used else None)
        if before and after and not self.round.strip.after:
            self.round.strip = StripImages(before, after, tr("untuned"), version_name(used, inside=True))

    def _name_strip(self, strip: ShownStrip, before: str, after: str) -> None:
        self.round.strip = StripImages(
            pictures.to_images(strip.before), pictures.to_images(strip.after), before, after
        )

    def _step(self, progress: m.Progress) -> None:
        if self.round.running and not progress.paused:
            self.round.step(progress)
            if progress.step and progress.step % PREVIEW_EVERY == 0:
                self.worker.request_strip(STRIP_SEEDS)

    @told
    def _round_finished(self, finished: FinishedRound) -> None:
        outcome = outcome_of(finished, self.round.number)
        self.round.running = self.round.paused = self.round.stopping = False
        self.round.outcome = outcome
        if finished.strip is not None and finished.checkpoint is not None:
            parent = finished.checkpoint.parent
            self.strips.keep(finished.checkpoint.id, finished.strip.after)
            before = version_name(self.project.checkpoint(parent) if parent else None, inside=True)
            self._name_strip(finished.strip, before, tr("round {n}", n=outcome.number))
        self._count()
        self._list_rounds()
        if outcome.kept and self._in_hand():  # a new grid would replace the one that is being rated
            self._owe_grid(False)
            self.say(tr("{reason} · this grid stays until you ask for new images", reason=outcome.reason))
        else:
            self.say(outcome.reason)
            if outcome.kept:
                self._offer_grid()
        if not outcome.kept:
            self.look_at_grid()
            self.worker.request_strip(STRIP_SEEDS)

    @told
    def _restored(self, checkpoint: Checkpoint | None) -> None:
        self._list_rounds()
        self._count()
        name = version_name(checkpoint, inside=True)
        self.say(tr("In use now: {version}", version=name) if checkpoint else tr("Back to the untuned generator"))
        self.worker.request_strip(STRIP_SEEDS)
        # Walking through the timeline does not show a grid of every version: images that nobody sees are not drawn.
        self._owe_grid(True)
        self.look_at_grid()

    def look_at_grid(self) -> None:
        """Request the grid that is due, if a view that shows it is open."""
        if self.state.grid_due and self.state.view in DRAWING_VIEWS:
            self.new_grid()

    def _export_stopped(self) -> None:
        self.exports.fraction, self.exports.running = 0.0, False
        self.say(tr("Export stopped; nothing was written"))

    def _exporting(self, fraction: float, text: str) -> None:
        words = tr(text)
        self.exports.fraction, self.exports.text = fraction, words[:1].upper() + words[1:]

    def _exported(self, folder: str) -> None:
        self.exports.fraction, self.exports.folder, self.exports.running = 1.0, folder, False
        self.say(tr("Exported to {folder}", folder=folder))

    def _failed(self, command: str, text: str, detail: str) -> None:
        if command == "Export" and self.exports.running:
            self.exports.error, self.exports.running = tr(text), False
        if command == "RunRound":
            text = self._refuse(text)
        if command == "Propose":
            self.state.drawing = self.state.unseen = False
        if command in ("Open", "Worker"):
            self._lost_worker()
            self._located = None
            self.state.task = "failed"
        elif self.state.task == "failed":
            return  # requests made meanwhile fail too; the reason was shown already
        self.say(text, bad=True, detail=detail)

    def _not_taught(self, text: str) -> None:
        self.say(self._refuse(text))

    def _refuse(self, text: str) -> str:
        """End the round before it began; return why, as a sentence."""
        self.round.running = self.round.paused = self.round.stopping = False
        said = tr(text)
        self.round.refusal = said[:1].upper() + said[1:]
        return self.round.refusal

    def _restarted(self, text: str) -> None:
        self._lost_worker()
        self.say(text, bad=True)
        self._crashed = self.state.message

    def _lost_worker(self) -> None:
        self.state.loaded = self.state.drawing = self.state.unseen = self._arriving = False
        self.round.running = self.round.paused = self.round.stopping = False
        if self.exports.running:
            self.exports.error, self.exports.running = tr("The worker stopped"), False

    def _reading(self, left: m.Reading) -> None:
        self.state.reading = left if left.seconds > _WORTH_TELLING else None

    def _busy(self, task: str) -> None:
        if not task or task in ("starting", "loading"):
            self.state.reading = None
        # A worker without a generator is idle, which is not the same as ready.
        if self.state.task != "failed" or task in ("starting", "loading"):
            self.state.task = task
