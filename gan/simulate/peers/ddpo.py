"""DDPO at one step: Black et al. 2023, "Training diffusion models with reinforcement learning" (arXiv 2305.13301), the variant DDPO-IS.

As published: rewards standardised over each batch, advantages clipped at 5, PPO's clip of the importance ratio, no KL term, and the
predicted taste as the only reward. The published clip of 1e-4 is for a log-probability averaged over the 4 x 64 x 64 numbers of a latent;
for the sum, of which a ratio is made, it is 1e-4 x 16,384 = 1.64 nats, which is used here. Learning rate and batch: `Plan`.
"""

import torch
from torch import Tensor

from gan.simulate.peers.base import Given, Tuned
from gan.simulate.peers.shift_policy import Batch, Plan, train_shift

ADVANTAGE_CLIP = 5.0
CLIP_NATS = 1e-4 * 4 * 64 * 64


def surrogate(batch: Batch) -> Tensor:
    """PPO's clipped loss with the clip on the summed log-ratio, in nats."""
    advantages = batch.advantages.clamp(-ADVANTAGE_CLIP, ADVANTAGE_CLIP)
    log_ratio = batch.now - batch.before
    free, clipped = log_ratio.exp(), log_ratio.clamp(-CLIP_NATS, CLIP_NATS).exp()
    return -torch.minimum(free * advantages, clipped * advantages).mean()


def tune(given: Given) -> Tuned:
    """Train a shift by DDPO on the predicted taste."""
    return train_shift(given, Plan(), surrogate)
