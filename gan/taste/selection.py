"""Which images to show next: most by Thompson sampling, a fifth at random, a few repeats."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gan.taste.kernel import Features
from gan.taste.model import TasteModel

Why = Literal["thompson", "random", "repeat"]


@dataclass(frozen=True)
class Shares:
    """Shares of a grid."""

    random: float = 0.2  # straight from the current generator, whatever the taste, so that nothing is missed for good
    repeat: float = 0.05  # shown again, to measure the person's consistency


def quotas(count: int, shares: Shares, has_taste: bool, repeatable: int) -> tuple[int, int, int]:
    """How many of `count` images are (thompson, random, repeat); the three sum to `count`."""
    if not has_taste:
        return 0, count, 0
    repeat = min(round(count * shares.repeat), repeatable)
    random = min(max(1, round(count * shares.random)), count - repeat)
    return count - random - repeat, random, repeat


def thompson(taste: TasteModel, candidates: Features, count: int, generator: torch.Generator) -> list[int]:
    """Indices of `count` different candidates, each the best under its own sample from the posterior.

    A candidate is chosen as often as it is believed to be the best, which balances exploration and exploitation (Thompson 1933).

    Raises
    ------
    ValueError
        There are fewer candidates than `count`.
    """
    if count > len(candidates[0]):
        raise ValueError(f"{count} of {len(candidates[0])} candidates cannot be chosen")
    draws = taste.draw(candidates, count, generator)  # (count, m)
    chosen: list[int] = []
    for row in draws:
        row = row.clone()
        row[chosen] = -torch.inf
        chosen.append(int(row.argmax()))
    return chosen


def shuffled(items: Sequence[int], generator: torch.Generator) -> list[int]:
    """The items in random order, so that an image's place in the grid says nothing about why it is there."""
    order: Tensor = torch.randperm(len(items), generator=generator)
    return [items[i] for i in order.tolist()]
