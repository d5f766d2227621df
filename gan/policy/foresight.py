"""Predicting an image's features from its latent: pretraining for a choice's hidden layers, before there is any taste.

A person rates only a few dozen images, but the features of an image can be learnt from thousands, once per generator. One network
predicts all features together (multi-task learning: Caruana 1997), and a choice starts with its hidden layers. A taste is a function
of the same features, so it then needs little more than a last layer on top.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gan.networks.adapter import Choice, ChoiceConfig, hidden_layers


@dataclass(frozen=True)
class ForesightConfig:
    """Hyperparameters. To measure what foresight gains: `tastemaker benchmark learning --raters dev --ablations one-round,no-foresight`."""

    epochs: int = 32
    batch: int = 256
    learning_rate: float = 3e-3  # peak, of AdamW with a one-cycle schedule (Smith 2018)
    weight_decay: float = 0.1


@dataclass(frozen=True, eq=False)
class Foresight:
    """The result: hidden layers that a choice can start with."""

    hidden: nn.Sequential
    mean: Tensor  # of embedded latents over the prior
    deviation: Tensor
    images: int  # number of images that it was learnt from

    def give(self, adapter: Choice) -> None:
        """Copy these hidden layers into an untrained choice. ValueError if it is trained already."""
        if not adapter.idle:
            raise ValueError("this choice has learnt something already")
        adapter.hidden.load_state_dict(self.hidden.state_dict())
        adapter.mean.copy_(self.mean)
        adapter.deviation.copy_(self.deviation)


class ForesightLearner:
    """Learns the features of images from their embedded latents.

    Parameters
    ----------
    embedded : (M, inputs), as returned by `LatentGenerator.embed`.
    features : (M, d), each with a scale of about 1.
    like : shape of the choices that will start with the result.
    seed : decides everything random here.
    """

    def __init__(
        self, embedded: Tensor, features: Tensor, like: ChoiceConfig, config: ForesightConfig | None = None, seed: int = 0
    ) -> None:
        self.config = config or ForesightConfig()
        self.mean, self.deviation = embedded.mean(dim=0), embedded.std(dim=0).clamp_min(1e-4)
        self.images = len(embedded)
        self._inputs = (embedded - self.mean) / self.deviation
        self._features = features.to(embedded.device)
        self._random = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.hidden = hidden_layers(like.inputs, like.width, like.depth).to(embedded.device)
            self._out = nn.Linear(like.width, features.shape[1]).to(embedded.device)
        self.updates = max(1, self.config.epochs * len(embedded) // self.config.batch)
        self.learnt = 0  # updates done
        parameters = [*self.hidden.parameters(), *self._out.parameters()]
        rate = self.config.learning_rate
        self._optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=self.config.weight_decay, fused=True)
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(self._optimizer, rate, total_steps=self.updates + 1)

    @property
    def done(self) -> bool:
        """Whether all updates are done."""
        return self.learnt >= self.updates

    def step(self, updates: int) -> None:
        """Do up to `updates` more optimiser steps."""
        for _ in range(min(updates, self.updates - self.learnt)):
            picks = torch.randint(len(self._inputs), (self.config.batch,), generator=self._random).to(self._inputs.device)
            loss = nn.functional.mse_loss(self.guess(self._inputs[picks]), self._features[picks])
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            self._schedule.step()
            self.learnt += 1

    def guess(self, inputs: Tensor) -> Tensor:
        """Predict features (N, d) from standardised embedded latents (N, inputs)."""
        guessed: Tensor = self._out(self.hidden(inputs))
        return guessed

    @property
    def foresight(self) -> Foresight:
        """The result so far. It shares the hidden layers, which further steps change."""
        return Foresight(self.hidden, self.mean, self.deviation, self.images)
