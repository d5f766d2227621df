"""Which images to show next: most for what a rating of them would tell, a fifth at random, a few repeats."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gan.taste.kernel import Features
from gan.taste.model import TasteModel, equal_parts, star_information

Why = Literal["informative", "random", "repeat"]
# Images better than this share of the candidates count as liked. While little is known, many do: first the whole taste is mapped, and then
# its top in detail. `tastemaker benchmark learning --queries` shows what that saves.
LIKED = 0.8
LIKED_AT_FIRST = 0.3
SETTLED = 72  # judgements of the current taste after which `LIKED` holds


@dataclass(frozen=True)
class Shares:
    """Shares of a grid."""

    random: float = 0.2  # straight from the current generator, whatever the taste, so that nothing is missed for good
    repeat: float = 0.05  # shown again, to measure the person's consistency


def quotas(count: int, shares: Shares, has_taste: bool, repeatable: int) -> tuple[int, int, int]:
    """How many of `count` images are (informative, random, repeat); the three sum to `count`."""
    if not has_taste:
        return 0, count, 0
    repeat = min(round(count * shares.repeat), repeatable)
    random = min(max(1, round(count * shares.random)), count - repeat)
    return count - random - repeat, random, repeat


def level(told: int) -> float:
    """The share of candidates above which an image counts as liked, after `told` judgements of the current taste."""
    return LIKED_AT_FIRST + (LIKED - LIKED_AT_FIRST) * min(1.0, told / SETTLED)


def informative(taste: TasteModel, candidates: Features, count: int) -> list[int]:
    """Indices of `count` different candidates whose stars together would tell most about what is liked.

    Each in turn is the one that most reduces the expected variance of f, summed over all candidates, each weighted by the probability that
    it is liked (see `level`): expected-information design as in Cohn 1996 (ALC), aimed at a level as in Picheny et al. 2010 (targeted
    IMSE). A star tells nothing about an image that surely gets five, so the noise of each is the reciprocal of what its star is expected to
    tell (`star_information`). What a rating takes from the variance does not depend on the rating, so a whole grid can be chosen at once.

    Raises
    ------
    ValueError
        There are fewer candidates than `count`.
    """
    if count > len(candidates[0]):
        raise ValueError(f"{count} of {len(candidates[0])} candidates cannot be chosen")
    mean, covariance = taste.joint(candidates)
    variance = covariance.diagonal().clamp_min(1e-9)
    deviation = variance.sqrt()
    edge = torch.quantile(equal_parts(mean, deviation), level(taste.told))
    liked = torch.special.ndtr((mean - edge) / deviation)
    noise = 1.0 / star_information(mean, deviation, taste.noise).clamp_min(1e-6)
    # After some picks the covariance is covariance - told told^T; `moved` is the weighted sum of the squares of each of its columns.
    told = covariance.new_zeros(len(mean), 0)
    moved = liked @ covariance.square()
    chosen: list[int] = []
    for _ in range(count):
        gain = moved / (variance.clamp_min(1e-9) + noise)
        gain[chosen] = -torch.inf
        best = int(gain.argmax())
        chosen.append(best)
        v = (covariance[:, best] - told @ told[best]) / (variance[best] + noise[best]).sqrt()
        weighted = liked * v
        moved = moved - 2.0 * v * (covariance @ weighted - told @ (told.t() @ weighted)) + v.square() * (weighted @ v)
        variance = variance - v.square()
        told = torch.cat([told, v[:, None]], dim=1)
    return chosen


def shuffled(items: Sequence[int], generator: torch.Generator) -> list[int]:
    """The items in random order, so that an image's place in the grid says nothing about why it is there."""
    order: Tensor = torch.randperm(len(items), generator=generator)
    return [items[i] for i in order.tolist()]
