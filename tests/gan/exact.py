"""What estimates are compared with."""

import math

from torch import Tensor


def expected_objective(preferences: Tensor, rewards: Tensor, temperature: float, kl_weight: float) -> Tensor:
    """E[r] - beta KL(pi || uniform) of choices whose every reward is known, to be maximised; its gradient has no sampling noise.

    The sum over all actions that REINFORCE estimates by drawing some (Sutton et al. 1999, theorem 1; Ciosek and Whiteson 2018,
    "expected policy gradients", arXiv 1706.05374).

    Parameters
    ----------
    preferences, rewards : (G, N): f and r of N candidates in each of G groups.
    kl_weight : beta, in reward units per nat.

    Returns
    -------
    scalar, the mean over groups.
    """
    log_probs = (preferences / temperature).log_softmax(dim=1)
    kl = math.log(log_probs.shape[1]) + (log_probs.exp() * log_probs).sum(dim=1)
    return ((log_probs.exp() * rewards).sum(dim=1) - kl_weight * kl).mean()
