"""A person's feedback on images, on one latent scale.

A person's liking of an image is a number f, standard normal over the untuned generator's images. Every event means that f (plus their
noise) lay in an interval: stars are fifths of its distribution, a like the upper part, a reject the lower part. For a comparison, it is
the difference of two f that lay in an interval (Bradley and Terry 1952; with Gaussian noise: Thurstone 1927).
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["stars", "like", "reject", "neither", "clear", "preferred", "tie"]
KINDS: tuple[str, ...] = ("stars", "like", "reject", "neither", "clear", "preferred", "tie")
COMPARISONS = ("preferred", "tie")  # these need `other`: the image was preferred to it, or neither to the other

# Quintiles of N(0, 1): a star is a fifth of the untuned generator's images.
STAR_EDGES = (-math.inf, -0.8416, -0.2533, 0.2533, 0.8416, math.inf)
LIKE_EDGE = 0.4
STAR_SCORES = (-1.40, -0.53, 0.0, 0.53, 1.40)  # mean of N(0, 1) within each fifth
TIE_EDGE = 0.3  # two images whose f differ by less may be a tie
PREFERRED_SCORE = 1.13  # mean of a positive difference of two draws from N(0, 1)
REPEATED_AFTER = 8  # judgements later, itself included (so seven other images in between); a rating sooner than that is a correction
FEWEST_REPEATS = 6  # with fewer, a correlation means nothing


@dataclass(frozen=True)
class Feedback:
    """One event. `value` is 0..5 for "stars" (0 removes them) and unused otherwise; `other` is needed for comparisons only.

    ValueError if that does not hold, or an image is compared with itself.
    """

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
    """f of an image (minus that of `other`, if there is one), plus noise, lay in (low, high)."""

    image: int
    low: float
    high: float
    score: float  # one number that stands for the interval: its mean under N(0, 1)
    stars: int  # 1..5, or 0 if it comes from something else than stars
    other: int | None = None
    moment: int = 0  # position of the event among all events
    guess: float = 0.2  # probability of the answer if it is given at random; 0 if it cannot be a slip
    extra: float = 0.0  # noise variance in addition to that of the person's judgement


@dataclass(frozen=True)
class Repeat:
    """An image that was given stars again, long enough after the first time to count as an independent judgement, not a correction."""

    image: int
    before: int  # stars, 1..5
    after: int
    moment: int  # position of the earlier rating among all events


def _of_stars(image: int, stars: int, moment: int) -> Observation:
    return Observation(image, STAR_EDGES[stars - 1], STAR_EDGES[stars], STAR_SCORES[stars - 1], stars, moment=moment)


def observations(events: Iterable[Feedback]) -> list[Observation]:
    """The current opinions after `events` in order: each image's last stars and last flag, and each pair's last comparison.

    An image may yield two observations (stars and a flag). Images come first, then pairs, each in the order of their latest events.
    """
    pairs: dict[frozenset[int], tuple[int, Feedback]] = {}
    stars: dict[int, tuple[int, int]] = {}
    flags: dict[int, tuple[int, str]] = {}
    order: dict[int, None] = {}
    for moment, event in enumerate(events):
        if event.other is not None:
            pair = frozenset((event.image, event.other))
            pairs.pop(pair, None)
            pairs[pair] = moment, event
            continue
        order.pop(event.image, None)
        order[event.image] = None
        if event.kind == "stars":
            stars[event.image] = moment, int(event.value)
        elif event.kind == "clear":
            stars.pop(event.image, None)
            flags.pop(event.image, None)
        else:
            flags[event.image] = moment, event.kind
    found = []
    for image in order:
        moment, n = stars.get(image, (0, 0))
        if n:
            found.append(_of_stars(image, n, moment))
        moment, flag = flags.get(image, (0, ""))
        if flag == "like":
            found.append(Observation(image, LIKE_EDGE, math.inf, 1.05, 0, moment=moment))
        elif flag == "reject":
            found.append(Observation(image, -math.inf, -LIKE_EDGE, -1.05, 0, moment=moment))
    for moment, event in pairs.values():
        if event.kind == "tie":
            found.append(Observation(event.image, -TIE_EDGE, TIE_EDGE, 0.0, 0, event.other, moment, guess=0.2))
        else:
            found.append(Observation(event.image, 0.0, math.inf, PREFERRED_SCORE, 0, event.other, moment, guess=0.4))
    return found


def repeats(events: Iterable[Feedback]) -> list[Repeat]:
    """Images given stars again `REPEATED_AFTER` or more judgements after the last time. Removing an image's stars removes its repeats."""
    found: dict[int, list[Repeat]] = {}
    last: dict[int, tuple[int, int, int]] = {}  # image -> its stars, the position of their event, and the number of judgements at that time
    judged, latest = 0, None
    for moment, event in enumerate(events):
        if event.kind == "clear" or (event.kind == "stars" and not event.value):
            last.pop(event.image, None)
            found.pop(event.image, None)
        elif event.kind == "stars":
            judged += event.image != latest
            latest, stars = event.image, int(event.value)
            before, when, then = last.get(event.image, (0, 0, judged))
            if before and judged - then >= REPEATED_AFTER:
                found.setdefault(event.image, []).append(Repeat(event.image, before, stars, when))
            elif before and event.image in found:
                found[event.image][-1] = replace(found[event.image][-1], after=stars)  # the later judgement was corrected
            last[event.image] = stars, moment, judged
    return sorted((repeat for of_image in found.values() for repeat in of_image), key=lambda repeat: repeat.moment)


def said(events: Sequence[Feedback]) -> list[Observation]:
    """All observations that a taste is fitted to, in order: the current opinions, and the earlier rating of each repeat."""
    earlier = [_of_stars(repeat.image, repeat.before, repeat.moment) for repeat in repeats(events)]
    return sorted(observations(events) + earlier, key=lambda observation: observation.moment)


def consistency(found: Sequence[Repeat]) -> float | None:
    """Correlation of repeated ratings with the earlier ones, -1..1; None if there are too few, or all are the same."""
    if len(found) < FEWEST_REPEATS:
        return None
    before, after = ([getattr(repeat, name) for repeat in found] for name in ("before", "after"))
    if len(set(before)) < 2 or len(set(after)) < 2:
        return None
    return statistics.correlation(before, after)
