"""Kinds of a person's feedback, as rows for the learner.

Every row lists its images in `images`. Times are Unix seconds, image ids the project's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

STAR_KINDS = ("stars", "clear")
FLAG_KINDS = ("like", "reject", "neither")
RATING_KINDS = STAR_KINDS + FLAG_KINDS
"""What the learner hears of single images."""

MARK_KINDS = ("label", "tag", "untag", "note", "title")
"""A colour label, a note, a title: for the person alone. A word, given or taken away: the learner hears of it too."""

TAG_KINDS = ("tag", "untag")

TITLE_STARS = "title_stars"
"""What was thought of a suggested title of an image."""

CHOICE_KINDS = ("duel", "survey")
OUTCOMES = ("a", "b", "tie", "skip")
SIDES = ("a", "b")

EDIT_KINDS = ("rename", "delete", "branch", "restore")
"""Of versions of the generator, not of images; the last two change which of them is in use."""

UNDOABLE_KINDS = (*RATING_KINDS, *MARK_KINDS, TITLE_STARS, *CHOICE_KINDS, *EDIT_KINDS)

SIGNAL_KINDS = ("dwell", "loupe", "zoom", "save", "copy", "export")
"""Implicit signals: never undone, and recorded only if the person allows it."""

MOST_STARS = 5
MOST_LABELS = 4


@dataclass(frozen=True, slots=True)
class Feedback:
    """One rating of one image."""

    image: int
    kind: str  # one of RATING_KINDS
    value: float  # stars 1..5 for "stars", else 0
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return (self.image,)


@dataclass(frozen=True, slots=True)
class Duel:
    """Two images side by side, and which one was preferred."""

    event: int  # id of the project's event, for `Retracted`
    a: int  # image
    b: int
    outcome: str  # one of OUTCOMES
    left: str  # which of them was on the left: "a" | "b"
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return (self.a, self.b)


@dataclass(frozen=True, slots=True)
class Survey:
    """The best of several images."""

    event: int  # id of the project's event, for `Retracted`
    best: int  # image
    others: tuple[int, ...]
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return (self.best, *self.others)


@dataclass(frozen=True, slots=True)
class Retracted:
    """A `Duel` or `Survey` was undone. (Ratings are undone by sending the earlier rating again.)"""

    event: int  # id of the project's event
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Signal:
    """An implicit signal: something that a person did with an image."""

    image: int
    kind: str  # one of SIGNAL_KINDS
    value: float  # seconds for "dwell", 1 for every other kind
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return (self.image,)


@dataclass(frozen=True, slots=True)
class Tag:
    """A word was given to an image, or taken from it."""

    image: int
    kind: str  # one of TAG_KINDS
    word: str
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return (self.image,)


Choice = Duel | Survey
Opinion = Feedback | Duel | Survey | Retracted | Signal | Tag


def standing(opinions: Iterable[Opinion]) -> list[Opinion]:
    """Opinions in order, without retracted ones and without the retractions."""
    kept: list[Opinion] = []
    for opinion in opinions:
        if isinstance(opinion, Retracted):
            kept = [o for o in kept if not (isinstance(o, (Duel, Survey)) and o.event == opinion.event)]
        else:
            kept.append(opinion)
    return kept
