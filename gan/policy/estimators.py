"""Advantages: how much better an action did than expected. Rewards and advantages are (states, children), in any unit.

A reward that is not finite is ignored: its action gets the advantage 0, and the other children are compared among themselves.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Estimator = Literal["reinforce", "rloo", "pathwise"]


def reinforce(rewards: Tensor) -> Tensor:
    """The rewards themselves: Williams 1992 without a baseline, the reference that other estimators are compared with.

    Unbiased; its variance grows with the square of the mean reward.
    """
    return torch.where(rewards.isfinite(), rewards, 0.0)


def grouped_rloo(rewards: Tensor) -> Tensor:
    """Leave-one-out advantage within the children of one state.

    Ahmadian et al. 2024 (arXiv 2402.14740), eq. 6, with the state as the prompt: r_i - mean of the others. Unbiased, since the other
    rewards do not depend on the action's own noise; each row has mean zero. ValueError with fewer than two children.
    """
    if rewards.shape[1] < 2:
        raise ValueError("leave-one-out needs at least two children of a state")
    told = rewards.isfinite()
    count = told.sum(dim=1, keepdim=True).clamp_min(2)  # the advantage of a single finite reward is 0
    gaps = torch.where(told, rewards - rewards.where(told, 0.0).sum(dim=1, keepdim=True) / told.sum(dim=1, keepdim=True), 0.0)
    return gaps * (count / (count - 1))


# The score-function estimators; "pathwise" needs no advantages (see `gan.policy.pathwise`).
ESTIMATORS: dict[str, Callable[[Tensor], Tensor]] = {"reinforce": reinforce, "rloo": grouped_rloo}


def scale(advantages: Tensor, floor: float) -> Tensor:
    """Advantages divided by their standard deviation over the whole batch, or by `floor` if that is larger.

    Without the floor, a batch whose rewards hardly differ would turn noise into full-sized steps.
    """
    return advantages / advantages.std().clamp_min(floor)
