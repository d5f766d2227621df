"""The person's place among the images of the generator, and the images around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from PySide6.QtCore import QObject, QTimer

from studio.i18n import tr
from studio.model import pictures
from studio.model.actions import Actions
from studio.model.grid_model import Cell, GridModel
from studio.model.property import Property, bind
from studio.project.records import Change, NewImage, ProjectError
from studio.project.search import Query
from studio.worker import messages as m
from studio.worker.messages import Prediction
from studio.worker.shown import ShownExploration

AROUND = 8  # number of neighbours
CENTRE = 4  # index of the image itself in the three by three cells
_SETTLED_MS = 250  # after a slider's last move


@dataclass(frozen=True)
class Place:
    """A point, and how it is viewed."""

    start: bytes | None = None  # latent; None: that of `seed`
    seed: int = 0
    amounts: tuple[float, ...] = ()
    truncation: float = 1.0
    radius: float = 0.3
    variation: int = 0
    locked: frozenset[int] = field(default_factory=frozenset)


class Explore(QObject):
    """Requests the images at a place from the worker and shows them in `grid`; only rated or kept ones are added to the project."""

    place: Property[Place] = Property(Place())
    ends: Property[tuple[tuple[str, str], ...]] = Property(())  # words for the two ends of each direction
    drawing: Property[bool] = Property(False)
    blending: Property[str] = Property("")  # description of the image that is blended into

    def __init__(self, actions: Actions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self.grid = GridModel(self)
        self._latents: tuple[bytes, ...] = ()
        self._trail: list[Place] = []  # for going back
        self._into: bytes | None = None
        self._asked = 0
        self._owed = False  # a request that waits until a generator is loaded
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED_MS)
        self._settle.timeout.connect(self._ask)
        actions.worker.explored.connect(self._show)
        actions.applied.connect(self._applied)
        self.grid.show_placeholders(AROUND + 1)
        bind(actions.state, "loaded", self._catch_up)

    # -- going ---------------------------------------------------------------------------------------------------

    @property
    def shown(self) -> bool:
        """Whether anything was requested yet."""
        return self._asked > 0 or self._owed

    def go_to_seed(self, seed: int) -> None:
        """Start from a seed."""
        self._go(replace(self.place, start=None, seed=seed, amounts=()))

    def go_to_image(self, image: int) -> None:
        """Start from an image of the project."""
        found = self._actions.reader.images([image])
        if found:
            self._go(replace(self.place, start=found[0].latent, amounts=()))

    def go_to_row(self, row: int) -> None:
        """Start from an image that is shown here."""
        if 0 <= row < len(self._latents):
            self._go(replace(self.place, start=self._latents[row], amounts=(), truncation=1.0))

    def back(self) -> None:
        """Return to the previous place."""
        if self._trail:
            self._into, self.blending = None, ""
            self.place = self._trail.pop()
            self._ask()

    def others(self) -> None:
        """Show other neighbours."""
        self._change(replace(self.place, variation=self.place.variation + 1))
        self._ask()

    def slide(self, direction: int, amount: float) -> None:
        """Move along a direction; the image follows at once, its neighbours when the slider rests."""
        count = len(self.ends)
        amounts = [*self.place.amounts, *([0.0] * count)][:count]
        amounts[direction] = amount
        self._change(replace(self.place, amounts=tuple(amounts)))
        self._ask(wide=False)
        self._settle.start()

    def truncate(self, truncation: float) -> None:
        """Truncate towards the most ordinary image: 1 not at all, 0 completely."""
        self._change(replace(self.place, truncation=truncation))
        self._ask(wide=False)
        self._settle.start()

    def set_radius(self, radius: float) -> None:
        """Set the distance of the neighbours."""
        self._change(replace(self.place, radius=radius))
        self._settle.start()

    def lock(self, direction: int, on: bool) -> None:
        """Keep a direction constant among the neighbours, or release it."""
        locked = self.place.locked | {direction} if on else self.place.locked - {direction}
        self._change(replace(self.place, locked=locked))
        self._settle.start()

    def blend(self, image: int) -> None:
        """Show the steps from here to an image of the project."""
        found = self._actions.reader.images([image])
        if found:
            self._into = found[0].latent
            self.blending = tr("Blending into image {n}", n=image)
            self._ask()

    def favourites(self, most: int = 12) -> list[int]:
        """Return the favourite images, newest first."""
        project = self._actions.project
        found = [*project.find(Query(stars=4, order="changed")), *project.find(Query(flag="like"))]
        return list(dict.fromkeys(found))[:most]

    def _go(self, place: Place) -> None:
        if self.shown:
            self._trail.append(self.place)
        self._change(place)
        self._ask()

    def _change(self, place: Place) -> None:
        self._into, self.blending = None, ""
        self.place = place

    def _ask(self, wide: bool = True) -> None:
        self._owed = not self._actions.state.loaded
        if self._owed:
            return
        if wide:
            self._settle.stop()
        place = self.place
        self._asked, self.drawing = self._asked + 1, True
        self._actions.worker.explore(
            m.Explore(
                self._asked,
                place.start,
                place.seed,
                place.amounts,
                place.truncation,
                AROUND if wide else 0,
                place.radius,
                place.variation,
                tuple(sorted(place.locked)),
                self._into if wide else None,
            )
        )

    def _catch_up(self, loaded: bool) -> None:
        """Make requests that had to wait, and repeat those that a worker did not answer before it ended."""
        if loaded and (self._owed or self.drawing):
            self._ask()

    # -- what is there -------------------------------------------------------------------------------------------

    def _show(self, shown: ShownExploration) -> None:
        found = shown.found
        if found.request != self._asked:
            return
        self.drawing = False
        self.ends = found.ends
        images = pictures.to_images(shown.pixels)
        cells = []
        for row, pixels in enumerate(images):
            guess = Prediction(0, found.stars[row], 0.0, 0.0, None, None, 0.0) if found.stars else None
            cells.append(Cell(-1 - row, guess=guess, pixels=pixels))
        latents = list(found.latents)
        if len(cells) == 1:  # while a slider moves
            kept = self.grid.cells
            if len(kept) == AROUND + 1:
                kept[CENTRE] = cells[0]
                cells = kept
                before = list(self._latents)
                if len(before) == AROUND + 1:
                    before[CENTRE] = latents[0]
                    latents = before
        elif self._into is None:
            cells.insert(CENTRE, cells.pop(0))
            latents.insert(CENTRE, latents.pop(0))
        self._latents = tuple(latents)
        self.grid.show(cells)

    def adopt(self, rows: Sequence[int]) -> tuple[int, ...]:
        """Add images that are shown here to the project, so that they can be rated; returns their ids."""
        project, ids = self._actions.project, []
        for row in rows:
            cell = self.grid.cell(row)
            if cell is None or cell.pixels is None or row >= len(self._latents):
                continue
            if cell.image > 0:
                ids.append(cell.image)
                continue
            side = cell.pixels.width()
            try:
                (image,) = project.add_images([NewImage(self._latents[row], "explore", None, side, side)])
                project.save_pixels(image, pictures.to_bytes(cell.pixels), side, side)
            except ProjectError as error:
                self._actions.say(str(error), bad=True)
                break
            self._actions.worker.know(project.images([image]))
            cells = self.grid.cells
            cells[row] = replace(cell, image=image)
            self.grid.show(cells)
            ids.append(image)
        return tuple(ids)

    def rate(self, rows: Sequence[int], kind: str, value: int = 0) -> None:
        """Rate images that are shown here, which adds them to the project."""
        ids = self.adopt(rows)
        if ids:
            self._actions.select_images(ids)
            self._actions.rate(kind, value)

    def _applied(self, change: Change) -> None:
        for state in change.states.values():
            self.grid.rate(state)
