"""All actions of the person in one place: the project is written first, then the worker is told.

Views call these methods and bind to `state`, `round`, `exports` and `grid`; they have no project and no worker of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from studio.i18n import tr
from studio.model import saving, settings
from studio.model.choosing import Duels, Surveys
from studio.model.exports import OF_FAVOURITES, favourites
from studio.model.gallery import Gallery
from studio.model.guesses import Guesses
from studio.model.image_cache import ImageCache
from studio.model.listener import Listener, told
from studio.model.loupe import Loupe
from studio.model.reading import Reader
from studio.model.scorers import SCORER
from studio.model.state import FEWEST_RATINGS, STRIP_SEEDS
from studio.project.opinions import MOST_STARS
from studio.project.records import Change, Checkpoint, Going
from studio.project.store import Project
from studio.worker import messages as m
from studio.worker.client import WorkerClient
from studio.worker.opening import proof


class Actions(Listener):
    """The studio without its window."""

    def __init__(self, project: Project, worker: WorkerClient, parent: QObject | None = None) -> None:
        super().__init__(project, worker, parent)
        self.images = ImageCache(project, worker, settings.value("cache_mb"), self.grid.pixels_of, self)
        self.reader = Reader(project, self)
        self.reader.failed.connect(lambda text: self.say(text, bad=True))
        self.guesses = Guesses(project, self.reader, worker, self.grid.images, self)
        self.loupe = Loupe(self)
        self.gallery = Gallery(self.reader, self)
        self.applied.connect(self.gallery.apply)
        self.guesses.changed.connect(self.gallery.touch)
        self.grid.dataChanged.connect(self.gallery.touch)
        shared = self.reader, self.state, self.round, self.grid
        self.duels, self.surveys = Duels(*shared, self.guesses, self), Surveys(*shared, self)
        self.duels.decided.connect(self.decide_duel)
        self.surveys.decided.connect(self.decide_survey)
        for chooser in (self.duels, self.surveys):
            chooser.grid_wanted.connect(self.new_grid)
            self.applied.connect(chooser.apply)
        self._leading: Going | None = None  # the switch that an undo or redo has requested from the worker
        self._exporting_images: list[int] = []  # favourites in the running export
        worker.exported.connect(self._note_exported)

    def start(self) -> None:
        self._leading = None  # a worker that is replaced does not answer
        super().start()

    @property
    def missing(self) -> Path | None:
        """Where the project's generator was, if it is not there any more."""
        model = Path(self.reader.read(lambda project: project.model, ""))
        return model if model.is_absolute() and not model.exists() else None

    def known_again(self) -> bool:
        """Whether the project knows enough of its generator to tell it from others."""
        wanted = self.reader.read(proof, m.Proof(""))
        return bool(wanted.hash or wanted.files)

    def close(self) -> None:
        """End the worker and close the project."""
        self.images.close()
        self.guesses.keep()
        super().close()

    # -- ratings -------------------------------------------------------------------------------------------------

    @told
    def rate(self, kind: str, value: int = 0, row: int | None = None, advance: bool = False) -> None:
        """Rate the image at `row` of the grid, or the selected ones: "stars" 1..5, "clear", "like", "reject", "neither"."""
        if row is None:
            images = self.state.selected
        else:
            cell = self.grid.cell(row)
            images = (cell.image,) if cell and cell.image and cell.drawn else ()
        if not images:
            return
        self._apply(self.project.rate(images, kind, value))
        if advance or self.state.auto_advance:
            self.advance.emit()

    @told
    def rate_images(self, images: Sequence[int], kind: str, value: int = 0) -> None:
        """Rate these images, wherever they are shown."""
        if images:
            self._apply(self.project.rate(images, kind, value))

    @told
    def mark(self, kind: str, value: int = 0, text: str = "", images: Sequence[int] | None = None) -> None:
        """Give the selected images, or these, a "label" 1..4, a "tag", a "note" or a "title", or remove a tag ("untag")."""
        chosen = self.state.selected if images is None else tuple(images)
        if chosen:
            self._apply(self.project.rate(chosen, kind, value, text))

    @told
    def rate_title(self, image: int, text: str, stars: int) -> None:
        """Rate a suggested title of an image: 1..5 stars, or 0 to remove them."""
        self._apply(self.project.rate_title(image, text, stars))

    @told
    def decide_duel(self, a: int, b: int, outcome: str, left: str) -> None:
        """Record which of two images is better: "a", "b", "tie" or "skip", and which was on the left."""
        self._apply(self.project.duel(a, b, outcome, left))

    @told
    def decide_survey(self, best: int, others: Sequence[int]) -> None:
        """Record the best of several images."""
        self._apply(self.project.survey(best, others))

    @told
    def note_in_passing(self, kind: str, image: int, value: float = 1.0) -> None:
        """Record that an image was looked at, enlarged, saved, copied or exported, if the person allows it."""
        if image:
            self._note(kind, (image,), value)

    def _note(self, kind: str, images: Sequence[int], value: float = 1.0) -> None:
        if images and settings.value("implicit"):
            self.worker.feedback(self.project.signals(images, kind, value))

    @told
    def undo(self) -> None:
        """Undo the last action, also of an earlier session."""
        if self.can_take_back_skip():
            self.surveys.take_back_skip()
            self.say(tr("Undone: {action}", action=tr("skip")))
            return
        if self._goes_elsewhere(back=True):
            return
        change = self.project.undo()
        if change is None:
            self.say(tr("Nothing to undo"))
            return
        self._apply(change)
        self.say(tr("Undone: {action}", action=self._where(change)))

    def can_take_back_skip(self) -> bool:
        """Whether undo goes back to a skipped survey, which the project does not record."""
        return self.state.view == "survey" and self.surveys.skipped

    @told
    def redo(self) -> None:
        """Redo the action that was undone last."""
        if self._goes_elsewhere(back=False):
            return
        change = self.project.redo()
        if change is None:
            self.say(tr("Nothing to redo"))
            return
        self._apply(change)
        self.say(tr("Redone: {action}", action=self._where(change)))

    def _goes_elsewhere(self, back: bool) -> bool:
        """Have the worker switch to the version that an undo or redo requires, or say why it cannot. Returns False if none is required."""
        if self._on_the_way():
            return True
        going = self.project.going(back)
        if going is not None and self._may_go():
            self._leading = going
            self.worker.restore(going.checkpoint, going.action)
        return going is not None

    def _restored(self, checkpoint: Checkpoint | None) -> None:
        self._leading = None
        super()._restored(checkpoint)

    def _restarted(self, text: str) -> None:
        self._leading = None  # the worker that was asked is gone
        super()._restarted(text)

    @told
    def _failed(self, command: str, text: str, detail: str) -> None:
        super()._failed(command, text, detail)
        if command in ("Restore", "Open", "Worker"):
            going, self._leading = self._leading, None
            if command == "Restore" and going is not None and going.checkpoint is not None:
                self.project.pass_over(going.action)
                self._count()
                self.say(
                    tr("{reason}; this step is left out, undo and redo go on", reason=tr(text).rstrip(".。")),
                    bad=True,
                    detail=detail,
                )

    def _where(self, change: Change) -> str:
        rows = [self.grid.row_of(image) for image in change.images]
        if len(rows) == 1 and rows[0] >= 0:
            return tr("{action} on image {number}", action=tr(change.label), number=rows[0] + 1)
        if len(change.images) != 1 or change.choice is not None:
            return tr(change.label)
        return tr("{action} on an earlier image", action=tr(change.label))

    def _apply(self, change: Change) -> None:
        for state in change.states.values():
            self.grid.rate(state)
        self._count()
        if change.events:
            self.worker.feedback(change.events)
            self.round.rated = self.round.running
            self._forget_refusal()
        if change.checkpoint is not None:
            self._list_rounds()
        self.applied.emit(change)

    def _forget_refusal(self) -> None:
        if self.round.refusal:
            self.round.refusal, self.state.message = "", None

    @told
    def save_images(self, paths: Mapping[int, Path]) -> None:
        """Write images as PNG files with metadata; stops at the first that cannot be written, and reports it."""
        seen = self.project.seen(list(paths))
        found = {image: pixels for image in paths if (pixels := self.images.image(image)) is not None}
        if len(found) < len(paths):  # all or none: the missing ones have been requested now
            self.say(tr("The image is being drawn; try again in a moment"))
            return
        for image, path in paths.items():
            saving.save(saving.described(found[image], seen[image], self.model_name, self.state.generator.hash), path)
            self.note_in_passing("save", image)
        if len(paths) == 1:
            self.say(tr("Saved {file}", file=path))
        elif paths:
            self.say(tr("Saved {n} images in {folder}", n=len(paths), folder=path.parent))

    # -- rounds --------------------------------------------------------------------------------------------------

    @property
    def missing_ratings(self) -> int:
        """How many more images must be rated before a round can run."""
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
            self._forget_refusal()
            self.round.begin(self.state.counts.round)
            weights = self.state.weights
            self.worker.teach(self.steps, m.RoundSettings(weights.strength, weights.terms), STRIP_SEEDS)

    def pause_or_resume(self) -> None:
        """Pause the round between two steps, or continue it."""
        if self.round.running and not self.round.stopping:
            self.round.paused = not self.round.paused
            (self.worker.pause if self.round.paused else self.worker.resume)()

    def stop_and_keep(self) -> None:
        """End the round after the current step and keep the result."""
        self._stop(keep=True)

    def revert(self) -> None:
        """Discard the running round; without one, go back to the version before the last."""
        if self.round.running:
            self._stop(keep=False)
        elif self.state.checkpoint is not None:
            self.restore(self.state.checkpoint.parent)

    def _stop(self, keep: bool) -> None:
        if self.round.running and not self.round.stopping:
            self.round.stopping = True
            self.worker.stop(keep)

    @told
    def restore(self, checkpoint: int | None) -> None:
        """Switch to a version of the timeline, or if it is deleted to its nearest ancestor; None is the untuned generator."""
        if self._may_go():
            self.worker.restore(self.project.standing(checkpoint))

    def _may_go(self) -> bool:
        """Whether another version can be switched to now; if not, says why."""
        why = ""
        if self.round.running:
            why = tr("Wait until the round has ended")
        elif self.state.task == "failed":
            why = tr("Start the worker again first")
        elif not self.state.loaded:
            why = tr("The generator is still loading")
        if why:
            self.say(why)
        return not why

    def _on_the_way(self) -> bool:
        """Whether a switch of version is in progress, and says so: what depends on it has to wait."""
        if self.worker.restoring:
            self.say(tr("Wait until the worker is free"))
        return self.worker.restoring

    @told
    def rename_version(self, checkpoint: int, name: str) -> None:
        """Give a version a name; an empty one removes it."""
        self._apply(self.project.rename_checkpoint(checkpoint, name))

    @told
    def delete_version(self, checkpoint: int) -> None:
        """Hide a version from the timeline; its file is kept, so that undo can bring it back."""
        if self._on_the_way():
            return
        self._apply(self.project.delete_checkpoint(checkpoint))
        self.say(tr("Deleted; undo brings it back"))

    @told
    def branch_version(self, checkpoint: int, name: str) -> None:
        """Copy a version under another name and continue from there: the start of another branch."""
        if self._on_the_way() or not self._may_go():
            return
        images = self.version_images(checkpoint)
        branch = self.project.branch_checkpoint(checkpoint, name)
        self.strips.keep_images(branch.id, images)
        self._count()
        self._list_rounds()
        self.worker.restore(branch.id, self.project.next_action(back=True))

    def version_images(self, checkpoint: int | None) -> list[QImage]:
        """Return a version's images of the strip's seeds, if they are stored."""
        return self.strips.read(checkpoint)

    def set_weights(self, /, **values: float) -> None:
        """Set sliders; the next round uses them."""
        changed: dict[str, Any] = dict(values)
        self.state.weights = replace(self.state.weights, **changed)
        self.keep(weights=asdict(self.state.weights))

    def set_weight(self, term: str, factor: float) -> None:
        """Set one slider, which may be that of an outside scorer."""
        if term.startswith(SCORER):
            outside = {**self.state.weights.outside, term.removeprefix(SCORER): factor}
            self.state.weights = replace(self.state.weights, outside=outside)
            self.keep(weights=asdict(self.state.weights))
        else:
            self.set_weights(**{term: factor})

    def set_option(self, name: str, value: Any) -> None:
        """Change and store `auto_advance`, `pixel_art` or `cell_size` of this project."""
        setattr(self.state, name, value)
        self.keep(**{name: value})

    # -- export --------------------------------------------------------------------------------------------------

    def export(self, folder: Path, **settings: Any) -> None:
        """Write the generator as tuned now, or images of it, into `folder`; the settings are those of `gan.formats.exports`."""
        if self.exports.running or self.round.running or not self.state.loaded:
            return
        self.exports.error, self.exports.folder, self.exports.fraction = "", "", 0.0
        self.exports.text, self.exports.running = tr("Starting"), True
        of_favourites = settings.get("format") in OF_FAVOURITES
        least = settings.get("least_stars", MOST_STARS)
        self._exporting_images = sorted(favourites(self.project, least)) if of_favourites else []
        self.worker.export(folder, settings)

    @told
    def _note_exported(self, _: str) -> None:
        images, self._exporting_images = self._exporting_images, []
        self._note("export", images)

    def cancel_export(self) -> None:
        """Cancel the running export; nothing of it remains."""
        if self.exports.running:
            self.exports.text = tr("Stopping")
            self.worker.cancel_export()
