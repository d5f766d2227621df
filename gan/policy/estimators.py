"""Advantages: how much better an action did than its siblings."""

from torch import Tensor


def reinforce(rewards: Tensor) -> Tensor:
    """Rewards minus their mean over everything, the reference estimator.

    Williams 1992, with a constant baseline. (states, children) -> same shape.
    """
    return rewards - rewards.mean()


def grouped_rloo(rewards: Tensor) -> Tensor:
    """Leave-one-out advantage within the children of one state.

    Ahmadian et al. 2024 (arXiv 2402.14740), eq. 6, with the state as the prompt: r_i - mean of the others. (states, children), any
    unit -> same shape; each row has mean zero.
    """
    children = rewards.shape[1]
    if children < 2:
        raise ValueError("leave-one-out needs at least two children of a state")
    return (rewards - rewards.mean(dim=1, keepdim=True)) * (children / (children - 1))


def scale(advantages: Tensor, floor: float) -> Tensor:
    """Advantages in units of their standard deviation over everything, but never of less than `floor`.

    Without the floor a batch in which nothing differs would turn noise into full-sized steps.
    """
    return advantages / advantages.std().clamp_min(floor)
