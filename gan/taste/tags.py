"""The words a person puts to images, as weak evidence of whether they like them.

A word says nothing by itself: what "keep" or "sky" is worth follows from the ratings of images that have it. Each word has an effect of its
own on the rating, drawn to none (a random effect: Robinson 1991); how far all of them are believed follows from how well they guess ratings
that they were not fitted to. Not at all at first, and never where they guess no better than chance.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from gan.taste.events import Observation
from gan.taste.signals import reliable

FEWEST = 24  # rated images, below which nothing is learnt from words,
FEWEST_TAGGED = 6  # and of those that have a word
_DRAWN = 2.0  # ratings in the middle that each word is believed to have beside its own
_HALF = 0.25  # half the width of the interval of f that words stand for; next to their noise, a point


@dataclass(frozen=True)
class Tag:
    """A word given to an image, or taken from it."""

    image: int
    word: str
    given: bool = True
    time: float = 0.0  # seconds since the epoch

    def __post_init__(self) -> None:
        if not self.word.strip():
            raise ValueError(f"a tag of image {self.image} without a word")


@dataclass(frozen=True)
class Told:
    """What words are worth."""

    weight: float  # correlation with liking that can be relied on, 0..1: the learnt weight
    rated: int  # images with words that this was learnt from
    effects: Mapping[str, float]  # of each word on f
    found: tuple[Observation, ...]  # of images that have words and no rating; none while the weight is 0


def standing(tags: Iterable[Tag]) -> dict[int, dict[str, float]]:
    """The words that each image has after all of that, each with its time. "Sky" and "sky" are one word."""
    found: dict[int, dict[str, float]] = {}
    for tag in tags:
        words = found.setdefault(tag.image, {})
        if tag.given:
            words[tag.word.casefold()] = tag.time
        else:
            words.pop(tag.word.casefold(), None)
    return {image: words for image, words in found.items() if words}


def learn(tags: Iterable[Tag], scores: Mapping[int, float], times: Sequence[float]) -> Told | None:
    """Learn what words are worth; None while too few images have a rating, or a word and a rating.

    Parameters
    ----------
    tags : all there were, in order.
    scores : rated images, and their rating on the scale of f.
    times : of all events of feedback, ascending: where among them a word belongs.
    """
    words_of = standing(tags)
    rated = sum(image in words_of for image in scores)
    if len(scores) < FEWEST or rated < FEWEST_TAGGED:
        return None
    words = sorted({word for image in scores for word in words_of.get(image, ())})
    places = {word: place for place, word in enumerate(words)}

    def row(image: int) -> torch.Tensor:
        has = torch.zeros(len(words), dtype=torch.float64)
        has[[places[word] for word in words_of.get(image, ()) if word in places]] = 1.0
        return has

    has = torch.stack([row(image) for image in scores])
    said = torch.tensor(list(scores.values()), dtype=torch.float64)
    columns = torch.cat([has, torch.ones(len(has), 1, dtype=torch.float64)], dim=1)  # the constant is not drawn to nothing
    penalty = torch.diag(torch.tensor([_DRAWN] * len(words) + [1e-6], dtype=torch.float64))
    solved = torch.linalg.solve(columns.t() @ columns + penalty, columns.t())
    effects = solved @ said
    leverage = (columns * solved.t()).sum(dim=1).clamp_max(0.999)
    guesses = said - (said - columns @ effects) / (1.0 - leverage)  # of each rating by all others: exact for ridge regression
    weight = reliable(guesses, said)
    found: list[Observation] = []
    if weight:
        # As if each had been rated as such images are, by somebody who says little. (What a variable that correlates so would be as a
        # noisy reading of f itself lies far outside of all ratings, and a few of those among images alike outweigh what was really said.)
        extra = (1.0 - weight**2) / weight**2
        for image in sorted(words_of.keys() - scores.keys()):
            if not any(word in places for word in words_of[image]):
                continue
            score = float(row(image) @ effects[:-1] + effects[-1])
            moment = bisect_right(times, max(words_of[image].values()))
            found.append(Observation(image, score - _HALF, score + _HALF, score, 0, None, moment, 0.0, extra))
    return Told(weight, rated, dict(zip(words, effects[:-1].tolist(), strict=True)), tuple(found))
