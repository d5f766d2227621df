"""Advantages: how much better an action did than could be expected. Rewards and advantages are (states, children), in any unit.

A reward that is not a finite number says nothing of its action: the advantage is 0, and siblings are compared among themselves.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Estimator = Literal["reinforce", "rloo", "pathwise"]


def reinforce(rewards: Tensor) -> Tensor:
    """The rewards themselves: Williams 1992 without a baseline, the reference that other estimators are held against.

    Unbiased, and of a variance that grows with the square of the rewards' mean.
    """
    return torch.where(rewards.isfinite(), rewards, 0.0)


def grouped_rloo(rewards: Tensor) -> Tensor:
    """Leave-one-out advantage within the children of one state.

    Ahmadian et al. 2024 (arXiv 2402.14740), eq. 6, with the state as the prompt: r_i - mean of the others. Unbiased, since the others
    say nothing of an action's own noise; each row has mean zero.
    """
    if rewards.shape[1] < 2:
        raise ValueError("leave-one-out needs at least two children of a state")
    told = rewards.isfinite()
    count = told.sum(dim=1, keepdim=True).clamp_min(2)  # alone, a child is its own mean
    gaps = torch.where(told, rewards - rewards.where(told, 0.0).sum(dim=1, keepdim=True) / told.sum(dim=1, keepdim=True), 0.0)
    return gaps * (count / (count - 1))


# The score-function estimators; "pathwise" needs no advantages (see `gan.policy.pathwise`).
ESTIMATORS: dict[str, Callable[[Tensor], Tensor]] = {"reinforce": reinforce, "rloo": grouped_rloo}


def scale(advantages: Tensor, floor: float) -> Tensor:
    """Advantages in units of their standard deviation over everything, but never of less than `floor`.

    Without the floor a batch in which nothing differs would turn noise into full-sized steps.
    """
    return advantages / advantages.std().clamp_min(floor)
