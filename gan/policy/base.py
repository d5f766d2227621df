"""The interface of a stochastic policy, as the estimators and the update see it."""

from typing import Protocol

import torch
from torch import Tensor, nn


class Policy(Protocol):
    """pi(action | state), for single-step episodes: a contextual bandit.

    Nothing here knows about images: the caller decides what states and actions stand for.
    """

    def parameters(self) -> list[nn.Parameter]:
        """The trainable parameters."""
        ...

    def act(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """`children` actions for each of S states: (S, children, ...)."""
        ...

    def log_prob(self, states: Tensor, actions: Tensor) -> Tensor:
        """Log-probability (or density) of actions (S, C, ...) in states (S, ...): (S, C), with a graph."""
        ...

    def kl(self, states: Tensor) -> Tensor:
        """KL(pi(. | s) || untuned pi(. | s)) in nats, exact, of each state: (S,), with a graph."""
        ...

    def evaluate(self, states: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """`log_prob` and `kl` together, sharing the forward pass."""
        ...


class LatentPolicy(Policy, Protocol):
    """A policy whose states are latents z (S, d) and whose actions stand for latents that a generator draws."""

    @property
    def most(self) -> float:
        """Upper bound of its KL to the untuned policy, in nats; infinite if there is none."""
        ...

    def see(self, states: Tensor) -> Tensor:
        """The part of the computation on states that training does not change, (S, ...). All methods but `points` accept it as `states`."""
        ...

    def points(self, states: Tensor, actions: Tensor) -> Tensor:
        """The latents (or styles) that actions (S, C, ...) stand for: (S, C, d)."""
        ...
