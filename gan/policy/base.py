"""What a stochastic policy around a generator is to the estimators and the update, whatever it acts on."""

from typing import Protocol

import torch
from torch import Tensor, nn


class Policy(Protocol):
    """pi(action | state). One step, no future: a contextual bandit.

    Nothing here knows of images: states, and what an action stands for, are the caller's.
    """

    def parameters(self) -> list[nn.Parameter]:
        """What training changes."""
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
        """`log_prob` and `kl` at once: what they share is worked out once."""
        ...


class LatentPolicy(Policy, Protocol):
    """A policy whose states are latents z (S, d) and whose actions stand for latents that a generator draws."""

    @property
    def most(self) -> float:
        """KL that it cannot exceed, in nats; infinite where there is no such bound."""
        ...

    def see(self, states: Tensor) -> Tensor:
        """What the policy makes of states before anything that training changes, (S, ...). All but `points` take it in their place."""
        ...

    def points(self, states: Tensor, actions: Tensor) -> Tensor:
        """The latents that actions (S, C, ...) stand for: (S, C, d)."""
        ...
