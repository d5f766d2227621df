"""What to show next: mostly what might be best, a fifth at random, now and then something again."""

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
    """How a grid is made up."""

    random: float = 0.2  # straight from the current generator: what no taste has chosen, so that nothing is missed for good
    repeat: float = 0.05  # shown again, to see how consistent the person is


def quotas(count: int, shares: Shares, has_taste: bool, repeatable: int) -> tuple[int, int, int]:
    """How many of `count` are (thompson, random, repeat); they sum to `count`."""
    if not has_taste:
        return 0, count, 0
    repeat = min(round(count * shares.repeat), repeatable)
    random = min(max(1, round(count * shares.random)), count - repeat)
    return count - random - repeat, random, repeat


def thompson(taste: TasteModel, candidates: Features, count: int, generator: torch.Generator) -> list[int]:
    """Indices of `count` candidates, each the best under its own draw from the posterior, none twice.

    A candidate is chosen as often as it is believed to be the best one: exploring and enjoying in one rule (Thompson 1933).

    Raises
    ------
    ValueError
        There are fewer candidates than that.
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
    """A random order, so that a place in the grid says nothing about why an image is there."""
    order: Tensor = torch.randperm(len(items), generator=generator)
    return [items[i] for i in order.tolist()]
