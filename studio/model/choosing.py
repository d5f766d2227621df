"""Duels and surveys: which images are compared next, and what was answered.

Images come from the grid and, when all of those were asked about, from a new one; or from everything ever shown.
"""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal

from studio.model.grid_model import GridModel
from studio.model.guesses import Guesses
from studio.model.property import Property, changed
from studio.model.reading import Reader
from studio.model.state import RoundState, StudioState
from studio.project.opinions import Duel, Retracted, Survey
from studio.project.records import Change
from studio.project.search import Query

NEW, SEEN = "new", "seen"
SIZES = (4, 6, 9)  # images per survey
_RIVALS = 6  # candidates from which the closest match is chosen


def pick_pair(
    pool: Sequence[int],
    asked: Counter[int],
    met: set[frozenset[int]],
    expected: Callable[[int], float | None],
    luck: random.Random,
) -> tuple[int, int] | None:
    """Choose two images that have not met: one that was asked about least, and a rival of about the same expected stars.

    A match with an open outcome is the most informative. None if every image has met every other.
    """
    order = sorted(pool, key=lambda image: (asked[image], luck.random()))
    for a in order[:64]:
        rivals = [b for b in pool if b != a and frozenset((a, b)) not in met]
        if not rivals:
            continue
        fewest = min(asked[b] for b in rivals)
        some = [b for b in rivals if asked[b] == fewest]
        some = luck.sample(some, min(_RIVALS, len(some)))
        level = expected(a)
        if level is None:
            return a, some[0]
        return a, min(some, key=lambda b: abs((expected(b) or 3.0) - level))
    return None


class Chooser(QObject):
    """Shared by duels and surveys: where images come from, and how many were asked about. What was answered comes back through `apply`."""

    grid_wanted = Signal()

    source: Property[str] = Property(NEW)  # NEW or SEEN
    shown: Property[tuple[int, ...]] = Property(())  # compared now; empty while images are being drawn
    done: Property[int] = Property(0)  # since the window opened
    total: Property[int] = Property(0)  # in the project

    def __init__(self, reader: Reader, state: StudioState, round_: RoundState, grid: GridModel, parent: QObject) -> None:
        super().__init__(parent)
        self._reader, self._state, self._grid = reader, state, grid
        self._luck = random.Random()
        self._asked: Counter[int] = Counter()
        self._pool: list[int] = []
        self._open = False  # whether its view is open
        grid.dataChanged.connect(self._images_came)
        for told, name in ((state, "drawing"), (state, "loaded"), (round_, "running")):
            changed(told, name).connect(self._images_came)

    def begin(self) -> None:
        """Show images, unless some are shown already."""
        if not self._open:
            self._open = True
            self._recall()
        if not self.shown:
            self.next()

    def leave(self) -> None:
        """Request no more images until `begin`."""
        self._open = False

    def take_from(self, source: str) -> None:
        """Choose among new images, or among those shown earlier."""
        self.source = source
        self._pool = []
        self.next()

    def next(self) -> None:
        """Show the next images, or request new ones and wait."""
        self.shown = ()
        if self.source == SEEN and not self._pool:
            everything = self._reader.read(lambda project: project.find(Query()), array("q"))
            self._pool = self._luck.sample(everything, min(240, len(everything)))
        chosen = self._choose(self._pool if self.source == SEEN else self._grid.images())
        if chosen:
            self._set_out(chosen)
            self.shown = chosen
        elif self.source == NEW and self._open and not self._state.drawing:
            self.grid_wanted.emit()

    def _count(self, by: int, images: Sequence[int]) -> None:
        self.done, self.total = max(0, self.done + by), max(0, self.total + by)
        for image in images:
            self._asked[image] = max(0, self._asked[image] + by)

    def _images_came(self, *_: object) -> None:
        if self._open and not self.shown and not self._state.drawing:
            self.next()

    def _choose(self, pool: Sequence[int]) -> tuple[int, ...]:
        raise NotImplementedError

    def _set_out(self, images: tuple[int, ...]) -> None:
        """Prepare what belongs to images that are about to be shown."""

    def _recall(self) -> None:
        raise NotImplementedError

    def apply(self, change: Change) -> None:
        """Go on after an answer, or ask again what was undone."""
        raise NotImplementedError


class Duels(Chooser):
    """Two images; which of them is on the left is random, and recorded."""

    decided = Signal(object, object, str, str)  # two images, the outcome: "a", "b", "tie" or "skip", and which was on the left

    left = "a"

    def __init__(
        self, reader: Reader, state: StudioState, round_: RoundState, grid: GridModel, guesses: Guesses, parent: QObject
    ) -> None:
        super().__init__(reader, state, round_, grid, parent)
        self._guesses = guesses
        self._met: set[frozenset[int]] = set()

    def sides(self) -> tuple[int, int] | None:
        """Return the images at the left and at the right."""
        if len(self.shown) != 2:
            return None
        a, b = self.shown
        return (a, b) if self.left == "a" else (b, a)

    def answer(self, side: str) -> None:
        """ "left" or "right" is better, or "tie", or "skip"."""
        if len(self.shown) != 2:
            return
        a, b = self.shown
        other = "b" if self.left == "a" else "a"
        outcome = {"left": self.left, "right": other}.get(side, side)
        self.decided.emit(a, b, outcome, self.left)

    def _choose(self, pool: Sequence[int]) -> tuple[int, ...]:
        fresh = pool if self.source == SEEN else [image for image in pool if not self._asked[image]]
        guess = self._guesses.of

        def expected(image: int) -> float | None:
            found = guess(image)
            return found.stars if found else None

        return pick_pair(fresh, self._asked, self._met, expected, self._luck) or ()

    def _set_out(self, images: tuple[int, ...]) -> None:
        self.left = self._luck.choice("ab")

    def _recall(self) -> None:
        duels = [choice for choice in self._reader.choices() if isinstance(choice, Duel)]
        self.total = len(duels)
        self._asked = Counter(image for duel in duels for image in duel.images)
        self._met = {frozenset(duel.images) for duel in duels}

    def apply(self, change: Change) -> None:
        duel = change.choice
        if not isinstance(duel, Duel):
            return
        undone = isinstance(change.events[0], Retracted)
        self._count(-1 if undone else 1, duel.images)
        if undone:
            self._met.discard(frozenset(duel.images))
            self.shown = ()
            self.left = duel.left
            self.shown = duel.images  # ask the same question again
        else:
            self._met.add(frozenset(duel.images))
            self.next()


class Surveys(Chooser):
    """Several images, of which the best is chosen."""

    decided = Signal(object, list)  # the best image, and the others

    size: Property[int] = Property(6)  # one of SIZES

    def __init__(self, reader: Reader, state: StudioState, round_: RoundState, grid: GridModel, parent: QObject) -> None:
        super().__init__(reader, state, round_, grid, parent)
        self._skipped: list[tuple[int, ...]] = []  # skipped since the last answer
        self._orders: dict[frozenset[int], tuple[int, ...]] = {}  # the order in which the images of an answer were shown

    def leave(self) -> None:
        self._skipped.clear()
        super().leave()

    def take_from(self, source: str) -> None:
        self._skipped.clear()
        super().take_from(source)

    def resize(self, size: int) -> None:
        """Change the number of images, from the next survey on."""
        self.size = size
        self._skipped.clear()
        self.next()

    def answer(self, place: int) -> None:
        """Answer that the image at `place`, from 0, is the best; a place without an image is ignored."""
        if 0 <= place < len(self.shown):
            best = self.shown[place]
            self._orders[frozenset(self.shown)] = self.shown
            self.decided.emit(best, [image for image in self.shown if image != best])

    def skip(self) -> None:
        """Show other images; nothing is recorded."""
        if self.shown:
            self._skipped.append(self.shown)
        self._asked.update(self.shown)
        self.next()

    @property
    def skipped(self) -> bool:
        """Whether questions were skipped since the last answer."""
        return bool(self._skipped)

    def take_back_skip(self) -> None:
        """Ask the question again that was skipped last."""
        images = self._skipped.pop()
        self._asked.subtract(images)
        self.shown = images

    def _choose(self, pool: Sequence[int]) -> tuple[int, ...]:
        fresh = pool if self.source == SEEN else [image for image in pool if not self._asked[image]]
        if len(fresh) < self.size:
            return ()
        order = sorted(fresh, key=lambda image: (self._asked[image], self._luck.random()))
        return tuple(self._luck.sample(order[: self.size], self.size))

    def _recall(self) -> None:
        surveys = [choice for choice in self._reader.choices() if isinstance(choice, Survey)]
        self.total = len(surveys)
        self._asked = Counter(image for survey in surveys for image in survey.images)

    def apply(self, change: Change) -> None:
        survey = change.choice
        self._skipped.clear()  # later actions are undone before earlier skips
        if not isinstance(survey, Survey):
            return
        undone = isinstance(change.events[0], Retracted)
        self._count(-1 if undone else 1, survey.images)
        if undone:
            images = frozenset(survey.images)
            self.shown = self._orders.get(images, tuple(sorted(images)))
        else:
            self.next()
