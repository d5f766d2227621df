"""What a person said about an image, on one latent scale.

A person's liking of an image is a number f, standard normal over the untuned generator's images. Everything they do is read as an
interval that f (plus their noise) fell into: stars are its fifths, a like its upper part, a reject its lower part. Where two images are
compared, it is the difference of their f that fell into one (Bradley and Terry 1952; with Gaussian noise: Thurstone 1927).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["stars", "like", "reject", "neither", "clear", "preferred", "tie"]
KINDS: tuple[str, ...] = ("stars", "like", "reject", "neither", "clear", "preferred", "tie")
COMPARISONS = ("preferred", "tie")  # with `other`: this image was preferred to that one, or neither was

# Quintiles of N(0, 1): a star is a fifth of what the untuned generator draws.
STAR_EDGES = (-math.inf, -0.8416, -0.2533, 0.2533, 0.8416, math.inf)
LIKE_EDGE = 0.4
STAR_SCORES = (-1.40, -0.53, 0.0, 0.53, 1.40)  # mean of N(0, 1) within each fifth
TIE_EDGE = 0.3  # two images whose f differ by less may be a tie
PREFERRED_SCORE = 1.13  # mean of a positive difference of two draws from N(0, 1)


@dataclass(frozen=True)
class Feedback:
    """One event. `stars` carries 1..5 in `value` (0 clears); the others carry nothing."""

    image: int
    kind: Kind
    value: float = 0.0
    time: float = 0.0  # seconds since the epoch
    other: int | None = None  # the image it was compared with

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of feedback {self.kind!r}: use one of {', '.join(KINDS)}")
        if self.kind == "stars" and self.value not in (0, 1, 2, 3, 4, 5):
            raise ValueError(f"stars are 0 (none) to 5, not {self.value}")
        if (self.kind in COMPARISONS) != (self.other is not None) or self.other == self.image:
            raise ValueError(f"{self.kind!r} of image {self.image}: comparisons, and nothing else, name another image")


@dataclass(frozen=True)
class Observation:
    """f of an image (less that of `other`, if there is one), plus noise, lay in (low, high)."""

    image: int
    low: float
    high: float
    score: float  # one number for the interval: its mean under N(0, 1)
    stars: int  # 1..5, or 0 where a flag and no star was given
    other: int | None = None


def observations(events: Iterable[Feedback]) -> list[Observation]:
    """The standing opinion of each image after `events` in order: the last star, and the last flag, of each.

    An image may yield two observations (stars and a flag). Order is that of each image's latest event; then each pair's latest comparison.
    """
    pairs: dict[frozenset[int], Feedback] = {}
    stars: dict[int, int] = {}
    flags: dict[int, str] = {}
    order: dict[int, None] = {}
    for event in events:
        if event.other is not None:
            pair = frozenset((event.image, event.other))
            pairs.pop(pair, None)
            pairs[pair] = event
            continue
        order.pop(event.image, None)
        order[event.image] = None
        if event.kind == "stars":
            stars[event.image] = int(event.value)
        elif event.kind == "clear":
            stars.pop(event.image, None)
            flags.pop(event.image, None)
        else:
            flags[event.image] = event.kind
    found = []
    for image in order:
        if n := stars.get(image, 0):
            found.append(Observation(image, STAR_EDGES[n - 1], STAR_EDGES[n], STAR_SCORES[n - 1], n))
        flag = flags.get(image)
        if flag == "like":
            found.append(Observation(image, LIKE_EDGE, math.inf, 1.05, 0))
        elif flag == "reject":
            found.append(Observation(image, -math.inf, -LIKE_EDGE, -1.05, 0))
    for event in pairs.values():
        if event.kind == "tie":
            found.append(Observation(event.image, -TIE_EDGE, TIE_EDGE, 0.0, 0, event.other))
        else:
            found.append(Observation(event.image, 0.0, math.inf, PREFERRED_SCORE, 0, event.other))
    return found
