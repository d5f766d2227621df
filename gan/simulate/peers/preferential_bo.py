"""Preferential Bayesian optimisation: Gonzalez et al. 2017 (arXiv 1704.03651), with BoTorch's `PairwiseGP`.

A Gaussian process over the principal coordinates of latents is fitted to which of two images was preferred: the person's stars compare
every image with some others of the same grid that got other stars. The next images are chosen from the session's pool by dueling-Thompson
sampling: half of a grid are the best under one posterior sample each, half the most uncertain. It asks for as many ratings as ours, in
grids of the same size. Its generator is best-of-16 by posterior mean: a utility and its maximum alone would give a single image. Kernel and
hyperpriors are BoTorch's defaults; the number of coordinates was chosen on the dev raters.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan.networks.adapter import Choice, ChoiceConfig, take
from gan.simulate.peers.base import Given, Moved, Tuned
from gan.simulate.peers.directions import Directions
from gan.simulate.schedule import schedule

COORDINATES = 8
PARTNERS = 4  # per image; it may also be the partner of others
CANDIDATES = 400  # images of the pool from which a grid is chosen
CHOICES = 16


def comparisons(stars: np.ndarray, grids: np.ndarray, random: torch.Generator) -> Tensor:
    """Pairs (m, 2) of indices, the preferred first, of images in the same grid with different stars; both (n,) int."""
    pairs: list[tuple[int, int]] = []
    for i in range(len(stars)):
        others = np.flatnonzero((grids == grids[i]) & (stars != stars[i]))
        for j in others[torch.randperm(len(others), generator=random)[:PARTNERS].numpy()]:
            pairs.append((i, int(j)) if stars[i] > stars[j] else (int(j), i))
    return torch.tensor(sorted(set(pairs)), dtype=torch.long).reshape(-1, 2)


def _fitted(x: Tensor, pairs: Tensor) -> Any:
    from botorch.fit import fit_gpytorch_mll
    from botorch.models.pairwise_gp import PairwiseGP, PairwiseLaplaceMarginalLogLikelihood
    from botorch.models.transforms.input import Normalize

    model = PairwiseGP(x.double(), pairs, input_transform=Normalize(d=x.shape[1]))
    fit_gpytorch_mll(PairwiseLaplaceMarginalLogLikelihood(model.likelihood, model), optimizer_kwargs={"options": {"maxiter": 50}})
    return model.eval()


def tune(given: Given) -> Tuned:
    """Ask, fit and choose in turn; then best-of-16 by the model. Untuned if no image was preferred to another."""
    random, pool = given.random(), given.session.pool
    directions = Directions.of(given, COORDINATES)
    everything = directions.coordinates(pool.latents)
    rows = torch.zeros(0, dtype=torch.long)
    stars, grids = np.zeros(0, np.int64), np.zeros(0, np.int64)
    learnt: Any = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about scaling, jitter and optimiser limits, which it handles itself
        for number, size in enumerate(schedule(given.ratings)):
            free = torch.ones(len(pool), dtype=torch.bool)
            free[rows] = False
            candidates = free.nonzero().squeeze(1)
            candidates = candidates[torch.randperm(len(candidates), generator=random)[: max(CANDIDATES, size)]]
            chosen = candidates[:size] if learnt is None else candidates[_duel(learnt, everything[candidates], size, random)]
            found = given.rate(pool.latents[chosen], len(rows))
            rows = torch.cat([rows, chosen])
            stars, grids = np.concatenate([stars, found]), np.concatenate([grids, np.full(size, number)])
            pairs = comparisons(stars, grids, random)
            learnt = _fitted(everything[rows], pairs) if len(pairs) else learnt
    if learnt is None:
        return given.model

    def choosing(share: float) -> Callable[[Tensor], Tensor]:
        choice = Choice(ChoiceConfig(given.model.z_dim, given.model.generator.embed_dim, max(2, round(share * CHOICES))))
        choice.attach(given.model.generator)

        @torch.no_grad()
        def move(z: Tensor) -> Tensor:
            candidates = choice.latents(z)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                utility = learnt.posterior(directions.coordinates(candidates.flatten(0, 1)).double()).mean
            return take(candidates, utility.reshape(len(z), -1).argmax(dim=1, keepdim=True)).squeeze(1)

        return move

    return Moved(given.model, choosing(1.0), choosing)


@torch.no_grad()
def _duel(learnt: Any, x: Tensor, count: int, random: torch.Generator) -> Tensor:
    """Indices (count,) of candidates (m, d): half by Thompson sampling, half by uncertainty, all different."""
    posterior = learnt.posterior(x.double())
    mean, covariance = posterior.mean.squeeze(-1), posterior.mvn.covariance_matrix
    factor = torch.linalg.cholesky(covariance + 1e-4 * covariance.diagonal().mean() * torch.eye(len(x), dtype=x.double().dtype))
    taken = torch.zeros(len(x), dtype=torch.bool)
    for _ in range(count - count // 2):
        draw = mean + factor @ torch.randn(len(x), dtype=torch.float64, generator=random)
        taken[draw.masked_fill(taken, -torch.inf).argmax()] = True
    doubt = covariance.diagonal().masked_fill(taken, -torch.inf)
    return torch.cat([taken.nonzero().squeeze(1), doubt.argsort(descending=True)[: count // 2]])
