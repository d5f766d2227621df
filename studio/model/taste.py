"""What the worker has learnt about the taste, requested while its view is open, and the presets of the reward."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QImage

from studio.i18n import tr
from studio.model import pictures
from studio.model.actions import Actions
from studio.model.property import Property, changed
from studio.worker.shown import ShownTaste

_GATHER_MS = 700  # for ratings in quick succession


@dataclass(frozen=True)
class Learnt:
    """The taste as words, images and numbers."""

    words: tuple[tuple[str, float], ...] = ()  # English word, strength 0..1
    best: list[QImage] = field(default_factory=list)
    worst: list[QImage] = field(default_factory=list)
    best_stars: tuple[float, ...] = ()
    worst_stars: tuple[float, ...] = ()
    curve: tuple[tuple[int, float], ...] = ()
    confidence: float = 0.0  # 0: nothing is known, 1: every image is certain
    dropped: list[QImage] = field(default_factory=list)  # liked images that are hardly drawn any more
    kept: tuple[float, float] | None = None  # shares of all images and of liked ones that are still drawn; None: not tuned
    pending: tuple[str, ...] = ()  # "words", "kept": still being worked out


class TasteState(QObject):
    """`learnt`, kept up to date while `watching`."""

    learnt: Property[Learnt | None] = Property(None)

    def __init__(self, actions: Actions, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions = actions
        self._watching, self._stale = False, True
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_GATHER_MS)
        self._soon.timeout.connect(self._ask)
        actions.worker.explained.connect(self._show)
        for name in ("taste", "loaded"):
            changed(actions.state, name).connect(self._changed)

    def watch(self, on: bool) -> None:
        """Set whether the view is open; if so, anything out of date is requested."""
        self._watching = on
        if on and self._stale:
            self._ask()

    def _changed(self, _: object) -> None:
        self._stale = True
        if self._watching:
            self._soon.start()

    def _ask(self) -> None:
        taste = self._actions.state.taste
        if self._actions.state.loaded and taste is not None and taste.count:
            self._stale = False
            self._actions.worker.explain()

    def _show(self, shown: ShownTaste) -> None:
        said = shown.said
        if shown.pixels is None:
            self.learnt = None
            return
        images = pictures.to_images(shown.pixels)
        half = len(said.stars) // 2
        self.learnt = Learnt(
            said.words,
            images[:half],
            images[half : 2 * half],
            said.stars[:half],
            said.stars[half:],
            said.curve,
            1.0 - said.doubt,
            images[2 * half :],
            said.kept,
            said.pending,
        )


@dataclass(frozen=True)
class Preset:
    """A set of weights for the reward terms, as factors of the defaults."""

    key: str
    name: str
    tip: str
    weights: dict[str, float]


def presets() -> list[Preset]:
    """Return the presets, the default first."""
    return [
        Preset(
            "balanced",
            tr("Balanced"),
            tr("Your taste, among images as real as the generator's own"),
            {"taste": 1.0, "realism": 1.0, "typicality": 0.0, "novelty": 1.0},
        ),
        Preset(
            "faithful",
            tr("Faithful"),
            tr("Stay close to what the generator makes anyway"),
            {"taste": 0.8, "realism": 1.5, "typicality": 1.0, "novelty": 0.6},
        ),
        Preset(
            "bold",
            tr("Bold"),
            tr("Follow your taste, also where the generator is less sure of itself"),
            {"taste": 1.5, "realism": 0.6, "typicality": 0.0, "novelty": 1.0},
        ),
        Preset(
            "varied",
            tr("Varied"),
            tr("Rather many different good images than the best ones"),
            {"taste": 1.0, "realism": 1.0, "typicality": 0.0, "novelty": 2.0},
        ),
    ]
