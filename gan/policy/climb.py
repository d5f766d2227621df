"""Learning to choose from images whose rewards are known: the policy gradient with the expectation over actions done exactly."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan.policy.categorical import CategoricalPolicy, expected_objective


@dataclass(frozen=True)
class ClimbConfig:
    """How a choice is learnt."""

    updates: int = 8  # optimiser steps between two batches of drawn images; more learn the pool's rewards by heart
    groups: int = 8  # choices in each of them
    among: int = 32  # candidates of each choice at most; what is preferred does not hang on how many there are
    learning_rate: float = 1e-2  # of AdamW on the last layer at its highest, by a one-cycle schedule over a round (Smith 2018)
    hidden_rate: float = 1e-3  # on the hidden layers, which know something already: see `Foresight`
    weight_decay: float = 1e-2


class Climb:
    """Trains a choice on a pool of latents with known rewards.

    Any N latents of the prior are a choice that could have come up, so every minibatch is groups drawn from the pool at random: the
    gradient of `expected_objective` on them is the policy gradient without the noise of sampled actions, and costs no drawing.

    Parameters
    ----------
    policy : of a `Choice`; its normalisation is set from the pool.
    embedded : (M, inputs), on the device of the policy.
    rewards : (M,); those that are not finite are left out.
    kl_weight : beta, reward units per nat.
    steps : calls of `step` that the learning rate is laid over.
    autocast : whether layers work in bfloat16, where that is quicker: what is learnt from is known less well than it rounds.
    """

    def __init__(
        self,
        policy: CategoricalPolicy,
        embedded: Tensor,
        rewards: Tensor,
        kl_weight: float,
        steps: int,
        config: ClimbConfig,
        generator: torch.Generator,
        autocast: bool = False,
    ) -> None:
        self._autocast = autocast
        self.policy, self.config, self.random, self._kl_weight = policy, config, generator, kl_weight
        self._told = told = rewards.isfinite()
        embedded, rewards = embedded[told.to(embedded.device)], rewards[told]
        if not len(rewards):
            raise ValueError("no image of the pool has a reward that is a number")
        adapter = policy.adapter
        adapter.mean.copy_(embedded.mean(dim=0))
        adapter.deviation.copy_(embedded.std(dim=0).clamp_min(1e-4))
        self._embedded, self._rewards = embedded, rewards.to(embedded.device)
        rates = [config.learning_rate, config.hidden_rate]
        layers = [{"params": list(part.parameters())} for part in (adapter.out, adapter.hidden)]
        self._optimizer = torch.optim.AdamW(layers, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, rates, total_steps=steps * config.updates + 1)

    def reward(self, rewards: Tensor) -> None:
        """Learn from these rewards of the same images from now on: (M,); where one is not finite, the earlier stays."""
        rewards = rewards[self._told].to(self._rewards.device)
        self._rewards = torch.where(rewards.isfinite(), rewards, self._rewards)

    def step(self) -> None:
        """`updates` optimiser steps."""
        shape = (self.config.groups, min(self.config.among, self.policy.adapter.config.candidates))
        for _ in range(self.config.updates):
            picks = torch.randint(len(self._rewards), shape, generator=self.random).to(self._embedded.device)
            embedded = self._embedded[picks]
            with torch.autocast(embedded.device.type, torch.bfloat16, enabled=self._autocast):
                preferences = self.policy.adapter.preference(embedded)
            preferences = preferences.float()
            rewards = self._rewards[picks]
            gain = expected_objective(preferences, rewards, self.policy.temperature, self._kl_weight)
            # The objective's optimum is known, f = t r / beta: being drawn to it as well reaches the same place in far fewer updates.
            goal = rewards * (self.policy.temperature / self._kl_weight)
            loss = torch.nn.functional.mse_loss(preferences, goal) - gain
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            self._schedule.step()
