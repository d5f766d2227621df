"""D3PO at one step: Yang et al. 2023, "Using human feedback to fine-tune diffusion models without any reward model" (arXiv 2311.13231).

DPO's loss on pairs of actions from the same state, beta 0.1 as published, without any reward in the update. Which of two is preferred is
said by the taste model fitted to the person's ratings, as the authors' code says it by a reward function in their comparisons: the
person's own pairs are too few to share a state. Of the eight children of a state, four pairs. Learning rate and batch: `Plan`.
"""

import torch.nn.functional as F
from torch import Tensor

from gan.simulate.peers.base import Given, Tuned
from gan.simulate.peers.shift_policy import Batch, Plan, train_shift

BETA = 0.1


def preference_loss(batch: Batch) -> Tensor:
    """-log sigmoid(beta (gain of the preferred - gain of the other)), gain: log-density over the untuned policy's."""
    gain = batch.now - batch.untuned
    first, second = gain[:, ::2], gain[:, 1::2]
    sign = (batch.rewards[:, ::2] - batch.rewards[:, 1::2]).sign()
    return -F.logsigmoid(BETA * sign * (first - second)).mean()


def tune(given: Given) -> Tuned:
    """Train a shift by D3PO."""
    return train_shift(given, Plan(), preference_loss)
