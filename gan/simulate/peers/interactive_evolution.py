"""Interactive evolution of latents: Bontrager et al. 2018, "Deep interactive evolution" (arXiv 1801.08230).

The person picks from a generation what goes on; the next one is bred from the picked by uniform crossover of two parents and Gaussian
mutation, beside a few new images of the prior. Here the person gives stars, and 4 and 5 stars pick (the best rated where there are fewer
than two). Generations are as large as a grid of ours, so that both ask for the same at a time. The population that ends it becomes a
generator by the same breeding: two picked parents, crossover, mutation. Mutation, which the paper leaves to the person, was set on the
dev raters.
"""

import math

import torch
from torch import Tensor

from gan.simulate.peers.base import Given, Moved, Tuned
from gan.simulate.schedule import schedule

NEW = 0.2  # share of a generation that is drawn from the prior
MUTATION = 0.25  # share of a child's variance that is new


def breed(parents: Tensor, first: Tensor, second: Tensor, noise: Tensor, swap: Tensor) -> Tensor:
    """Children (N, d) of pairs of parents by index (N,): each coordinate from either parent, then mutated at the same variance."""
    crossed = torch.where(swap, parents[first], parents[second])
    return math.sqrt(1.0 - MUTATION) * crossed + math.sqrt(MUTATION) * noise


def tune(given: Given) -> Tuned:
    """Evolve with the person, then breed from what they picked."""
    random, width = given.random(), given.model.z_dim
    shown, stars = torch.zeros(0, width), torch.zeros(0, dtype=torch.long)
    picked = shown
    for size in schedule(given.ratings):
        fresh = size if not len(picked) else max(1, round(size * NEW))
        children = torch.zeros(0, width)
        if fresh < size:
            count = size - fresh
            pairs = torch.randint(len(picked), (2, count), generator=random)
            noise = torch.randn(count, width, generator=random)
            children = breed(picked, pairs[0], pairs[1], noise, torch.rand(count, width, generator=random) < 0.5)
        generation = torch.cat([torch.randn(fresh, width, generator=random), children])
        found = torch.from_numpy(given.rate(generation, len(shown)))
        shown, stars = torch.cat([shown, generation]), torch.cat([stars, found])
        # The picked of this generation replace those before, as in the paper; too few to breed from are filled up by the best so far.
        now = generation[found >= 4]
        picked = now if len(now) >= 2 else shown[stars.argsort(descending=True, stable=True)[:2]]

    def move(z: Tensor) -> Tensor:
        # A latent is its own source of chance: which parents and which halves are read from bits that mutation hardly uses.
        bits = (z * 4096.0).round().long().abs()
        first = bits[:, ::2].sum(dim=1) % len(picked)
        second = bits[:, 1::2].sum(dim=1) % len(picked)
        return breed(picked, first, second, z, bits % 2 == 0)

    return Moved(given.model, move)
