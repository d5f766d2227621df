"""Tags, the words that a person gives to images, as weak evidence of whether they like them.

A word means nothing by itself: what "keep" or "sky" is worth follows from the ratings of images that have it. Each word has an effect on
the rating, shrunk towards zero (a random effect: Robinson 1991). Their common weight follows from how well they predict held-out
ratings: zero at first, and whenever they are no better than chance.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from gan.taste.events import Observation
from gan.taste.signals import reliable

FEWEST = 24  # rated images below which nothing is learnt
FEWEST_TAGGED = 6  # and the same for rated images with a tag
_DRAWN = 2.0  # prior strength: each word counts as having this many average ratings besides its own
_HALF = 0.25  # half the width of the interval of f that the words stand for: negligible beside their noise


@dataclass(frozen=True)
class Tag:
    """A word given to an image, or taken from it. ValueError if it is blank."""

    image: int
    word: str
    given: bool = True
    time: float = 0.0  # seconds since the epoch

    def __post_init__(self) -> None:
        if not self.word.strip():
            raise ValueError(f"a tag of image {self.image} without a word")


@dataclass(frozen=True)
class Told:
    """What words are worth, and the observations made from them."""

    weight: float  # correlation with liking, less a margin of doubt, 0..1
    rated: int  # number of images with words that this was learnt from
    effects: Mapping[str, float]  # effect of each word on f
    found: tuple[Observation, ...]  # of images with words and no rating; none while the weight is 0


def standing(tags: Iterable[Tag]) -> dict[int, dict[str, float]]:
    """The words that each image has after all these tags, each with its time. Case is ignored."""
    found: dict[int, dict[str, float]] = {}
    for tag in tags:
        words = found.setdefault(tag.image, {})
        if tag.given:
            words[tag.word.casefold()] = tag.time
        else:
            words.pop(tag.word.casefold(), None)
    return {image: words for image, words in found.items() if words}


def learn(tags: Iterable[Tag], scores: Mapping[int, float], times: Sequence[float]) -> Told | None:
    """Learn what words are worth; None while too few images have a rating, or both a word and a rating.

    Parameters
    ----------
    tags : all tags, in order.
    scores : by rated image, its rating on the scale of f.
    times : of all feedback events, ascending; they place a word among the events.
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
    columns = torch.cat([has, torch.ones(len(has), 1, dtype=torch.float64)], dim=1)  # the constant is not shrunk
    penalty = torch.diag(torch.tensor([_DRAWN] * len(words) + [1e-6], dtype=torch.float64))
    solved = torch.linalg.solve(columns.t() @ columns + penalty, columns.t())
    effects = solved @ said
    leverage = (columns * solved.t()).sum(dim=1).clamp_max(0.999)
    guesses = said - (said - columns @ effects) / (1.0 - leverage)  # leave-one-out predictions, exact for ridge regression
    weight = reliable(guesses, said)
    found: list[Observation] = []
    if weight:
        # The observation is the predicted rating itself, with much noise. (Scaled to a noisy reading of f, as for signals, it would lie far
        # outside all ratings, and a few such images that look alike would outweigh real ratings.)
        extra = (1.0 - weight**2) / weight**2
        for image in sorted(words_of.keys() - scores.keys()):
            if not any(word in places for word in words_of[image]):
                continue
            score = float(row(image) @ effects[:-1] + effects[-1])
            moment = bisect_right(times, max(words_of[image].values()))
            found.append(Observation(image, score - _HALF, score + _HALF, score, 0, None, moment, 0.0, extra))
    return Told(weight, rated, dict(zip(words, effects[:-1].tolist(), strict=True)), tuple(found))
