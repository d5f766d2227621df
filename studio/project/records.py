"""Rows of a project as frozen dataclasses, and its error."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.project.opinions import Choice, Opinion


class ProjectError(Exception):
    """A project cannot be opened, read or written; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class NewImage:
    """An image about to be shown for the first time."""

    latent: bytes  # float32, little-endian
    kind: str = "random"  # why it is shown: "informative" | "random" | "repeat" | ...
    seed: int | None = None
    width: int = 0  # pixels
    height: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was shown; any checkpoint can draw it again from its latent."""

    id: int
    latent: bytes  # float32, little-endian
    kind: str
    seed: int | None
    checkpoint: int | None  # that drew it; None: the untuned generator
    width: int
    height: int
    created: float  # Unix seconds


@dataclass(frozen=True, slots=True)
class Grid:
    """Images shown together, in order."""

    id: int
    images: tuple[int, ...]
    checkpoint: int | None
    created: float


@dataclass(frozen=True, slots=True)
class ImageState:
    """The current feedback on an image; its fields are independent of each other."""

    image: int
    stars: int = 0  # 1..5; 0: none
    flag: str | None = None  # "like" | "reject" | None
    label: int = 0  # colour 1..4; 0: none
    tags: tuple[str, ...] = ()  # in the order given
    note: str = ""
    title: str = ""

    @property
    def rated(self) -> bool:
        """Whether it has stars or a flag."""
        return self.stars > 0 or self.flag is not None


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the log."""

    id: int
    time: float
    session: str
    kind: str
    image: int | None
    value: float
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What an action, or undoing it, changed; without images, choice and checkpoint, nothing."""

    images: tuple[int, ...]
    states: dict[int, ImageState]  # the new ones
    kind: str  # of the action: one of UNDOABLE_KINDS
    value: float
    label: str  # English, for undo menus and the status bar: "4 stars", "4 stars on 3 images"
    events: tuple[Opinion, ...] = field(default=())  # to be passed to the learner
    choice: Choice | None = None  # the duel or survey that was made or undone
    checkpoint: int | None = None  # the version that was named, deleted, created or switched to (0: the untuned generator)


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of rated and shown images."""

    rated: int
    shown: int
    rated_in_round: int  # since the last kept round
    round: int  # number of the round that ratings are being collected for, from 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tuned state of the generator."""

    id: int
    parent: int | None  # None: the untuned generator
    round: int  # from 1
    path: Path  # absolute
    created: float
    metrics: dict[str, Any]
    name: str
    kept: bool
    reason: str
    deleted: bool = False  # by the person; its file is kept, so that this can be undone


@dataclass(frozen=True, slots=True)
class Going:
    """The switch of version that undoing or redoing an action requires."""

    action: int
    checkpoint: int | None  # to switch to; None: the untuned generator


@dataclass(frozen=True, slots=True)
class TitleRating:
    """Stars for one title of one image."""

    image: int
    text: str  # in the language in which it was suggested
    stars: int  # 1..5


@dataclass(frozen=True, slots=True)
class Guess:
    """The latest prediction for an image."""

    image: int
    stars: float  # 1 to 5
    spread: float  # one standard deviation of the prediction, in stars
