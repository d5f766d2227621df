"""Filtered expert iteration: sample actions, imitate the best, repeat.

Best-of-K filtering as in RAFT (Dong et al. 2023, arXiv 2304.06767): of the eight actions sampled in each state, the one with the highest
predicted taste is kept, and the policy is fitted to it by maximum likelihood; the others are discarded. This is the limit of
reward-weighted regression (Peters and Schaal 2007) at temperature zero. RAFT's K of 8 is used; learning rate and batch: `Plan`.
"""

import torch
from torch import Tensor

from gan.simulate.peers.base import Given, Tuned
from gan.simulate.peers.shift_policy import Batch, Plan, train_shift


def imitation(batch: Batch) -> Tensor:
    """Minus the log-density of each state's best action, averaged over states."""
    best = batch.rewards.argmax(dim=1, keepdim=True)
    return -torch.gather(batch.now, 1, best).mean()


def tune(given: Given) -> Tuned:
    """Train a shift by imitating the best of eight."""
    return train_shift(given, Plan(), imitation)
