"""Filtered expert iteration: act, keep the best, imitate it, act again.

Best-of-K filtering as in RAFT (Dong et al. 2023, arXiv 2304.06767): of the eight actions tried from each state the one with the highest
predicted taste is kept, and the policy is fitted to it by maximum likelihood; the rest is thrown away. The limit of reward-weighted
regression (Peters and Schaal 2007) for a temperature of zero. RAFT's K of 8 is ours as well; learning rate and batch: `Plan`.
"""

import torch
from torch import Tensor

from gan.simulate.peers.base import Given, Tuned
from gan.simulate.peers.shift_policy import Batch, Plan, train_shift


def imitation(batch: Batch) -> Tensor:
    """Minus the log-density of each state's best action, per dimension of no consequence."""
    best = batch.rewards.argmax(dim=1, keepdim=True)
    return -torch.gather(batch.now, 1, best).mean()


def tune(given: Given) -> Tuned:
    """Train a shift by imitating the best of eight."""
    return train_shift(given, Plan(), imitation)
