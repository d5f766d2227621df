"""What a person said or did, as the worker hears it. See `studio.worker.messages`.

Every kind names its images in `images`. The worker passes on to `gan.taste` what that understands and keeps the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FeedbackEvent:
    """One thing that a person said about one image."""

    image: int
    kind: str  # "stars" | "clear" | "like" | "reject" | "neither"
    value: float  # stars 1..5; 0 for every other kind
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return (self.image,)


@dataclass(frozen=True, slots=True)
class Duel:
    """Two images side by side, and which one was preferred."""

    event: int  # the project's event id, for `Retracted`
    a: int  # image
    b: int
    outcome: str  # "a" | "b" | "tie" | "skip"
    left: str  # which of them was on the left: "a" | "b"
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return (self.a, self.b)


@dataclass(frozen=True, slots=True)
class Survey:
    """The best of several images."""

    event: int  # the project's event id, for `Retracted`
    best: int  # image
    others: tuple[int, ...]
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return (self.best, *self.others)


@dataclass(frozen=True, slots=True)
class Retracted:
    """A `Duel` or `Survey` was undone. Ratings are undone by saying the earlier rating again."""

    event: int  # the project's event id
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Signal:
    """Something a person did with one image without saying what they think of it."""

    image: int
    kind: str  # "dwell" | "loupe" | "zoom" | "save" | "copy" | "export"
    value: float  # seconds for "dwell", 1 for every other kind
    time: float

    @property
    def images(self) -> tuple[int, ...]:
        return (self.image,)


Opinion = FeedbackEvent | Duel | Survey | Retracted | Signal


def standing(opinions: Iterable[Opinion]) -> list[Opinion]:
    """Opinions in order, without those that were retracted later and without the retractions."""
    kept: list[Opinion] = []
    for opinion in opinions:
        if isinstance(opinion, Retracted):
            kept = [o for o in kept if not (isinstance(o, (Duel, Survey)) and o.event == opinion.event)]
        else:
            kept.append(opinion)
    return kept
