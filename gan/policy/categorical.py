"""A policy that chooses among latents: a softmax over the candidates that a `Choice` makes from z."""

import math

import torch
from torch import Tensor, nn

from gan.networks.adapter import Choice, take


class CategoricalPolicy:
    """pi(i | z) = softmax_i(f(O_i z) / t) over N candidates O_i z, each of them a draw from the prior.

    If f / t = r / beta, then for large N its draws tend to the optimum of E[r] - beta KL(policy || prior), which is proportional to
    p(z) exp(r / beta): self-normalised importance resampling (Rubin 1987) with a learnt weight. Untuned, f is constant and all candidates
    are equally likely. The exported generator takes the likeliest candidate.

    Parameters
    ----------
    adapter : attached to a generator; shared with the exported generator.
    temperature : t > 0.
    """

    def __init__(self, adapter: Choice, temperature: float) -> None:
        if not temperature > 0.0:
            raise ValueError(f"temperature must be above 0, not {temperature}")
        self.adapter, self.temperature = adapter, temperature

    @property
    def most(self) -> float:
        """KL when one candidate is certain: log N, in nats."""
        return math.log(self.adapter.config.candidates)

    def parameters(self) -> list[nn.Parameter]:
        return list(self.adapter.parameters())

    def see(self, states: Tensor) -> Tensor:
        """Candidates embedded by the generator's mapping, most of the work: (S, d) -> (S, N, e)."""
        return self.adapter.candidates(states)

    def _log_probs(self, states: Tensor) -> Tensor:
        seen = states if states.dim() == 3 else self.see(states)
        return (self.adapter.preference(seen) / self.temperature).log_softmax(dim=1)

    def log_prob(self, states: Tensor, actions: Tensor) -> Tensor:
        """Log-probabilities of actions (S, C), which are indices of candidates, in states (S, d) or `see(states)`: (S, C)."""
        return self.evaluate(states, actions)[0]

    def kl(self, states: Tensor) -> Tensor:
        """KL to the untuned policy in nats, exact: log N - entropy. (S, d) -> (S,)."""
        return _kl_to_uniform(self._log_probs(states))

    def evaluate(self, states: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """`log_prob` and `kl`, from one forward pass: (S, C) and (S,)."""
        log_probs = self._log_probs(states)
        return log_probs.gather(1, actions), _kl_to_uniform(log_probs)

    @torch.no_grad()
    def act(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """`children` candidates for each state, drawn with replacement: (S, d) -> (S, children) int64."""
        probs = self._log_probs(states).exp().cpu()
        return torch.multinomial(probs, children, replacement=True, generator=generator).to(states.device)

    def points(self, states: Tensor, actions: Tensor) -> Tensor:
        """The chosen candidates: states (S, d), actions (S, C) -> (S, C, d)."""
        return take(self.adapter.latents(states), actions)


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
    return ((log_probs.exp() * rewards).sum(dim=1) - kl_weight * _kl_to_uniform(log_probs)).mean()


def _kl_to_uniform(log_probs: Tensor) -> Tensor:
    """log N - entropy, in nats: (S, N) -> (S,)."""
    return math.log(log_probs.shape[1]) + (log_probs.exp() * log_probs).sum(dim=1)
