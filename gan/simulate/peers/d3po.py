"""D3PO at one step: Yang et al. 2023, "Using human feedback to fine-tune diffusion models without any reward model" (arXiv 2311.13231).

DPO's loss on pairs of actions from the same state, with the published beta of 0.1 and no reward in the update. The taste model fitted to
the person's ratings says which of two is preferred, as a reward function does in the authors' own comparisons: the person's ratings hardly
ever share a state. The eight children of a state give four pairs. Learning rate and batch: `Plan`.
"""

import torch.nn.functional as F
from torch import Tensor

from gan.simulate.peers.base import Given, Tuned
from gan.simulate.peers.shift_policy import Batch, Plan, train_shift

BETA = 0.1


def preference_loss(batch: Batch) -> Tensor:
    """-log sigmoid(beta (gain of the preferred - gain of the other)), where gain is the log-density minus that of the untuned policy."""
    gain = batch.now - batch.untuned
    first, second = gain[:, ::2], gain[:, 1::2]
    sign = (batch.rewards[:, ::2] - batch.rewards[:, 1::2]).sign()
    return -F.logsigmoid(BETA * sign * (first - second)).mean()


def tune(given: Given) -> Tuned:
    """Train a shift by D3PO."""
    return train_shift(given, Plan(), preference_loss)
