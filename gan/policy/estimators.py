"""Advantages: how much better an action did than could be expected. Rewards and advantages are (states, children), in any unit."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor

Estimator = Literal["reinforce", "rloo", "pathwise"]


def reinforce(rewards: Tensor) -> Tensor:
    """The rewards themselves: Williams 1992 without a baseline, the reference that other estimators are held against.

    Unbiased, and of a variance that grows with the square of the rewards' mean.
    """
    return rewards


def grouped_rloo(rewards: Tensor) -> Tensor:
    """Leave-one-out advantage within the children of one state.

    Ahmadian et al. 2024 (arXiv 2402.14740), eq. 6, with the state as the prompt: r_i - mean of the others. Unbiased, since the others
    say nothing of an action's own noise; each row has mean zero.
    """
    children = rewards.shape[1]
    if children < 2:
        raise ValueError("leave-one-out needs at least two children of a state")
    return (rewards - rewards.mean(dim=1, keepdim=True)) * (children / (children - 1))


# The score-function estimators; "pathwise" needs no advantages (see `gan.policy.pathwise`).
ESTIMATORS: dict[str, Callable[[Tensor], Tensor]] = {"reinforce": reinforce, "rloo": grouped_rloo}


def scale(advantages: Tensor, floor: float) -> Tensor:
    """Advantages in units of their standard deviation over everything, but never of less than `floor`.

    Without the floor a batch in which nothing differs would turn noise into full-sized steps.
    """
    return advantages / advantages.std().clamp_min(floor)
