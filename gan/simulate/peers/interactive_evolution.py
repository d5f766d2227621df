"""Interactive evolution of latents: Bontrager et al. 2018, "Deep interactive evolution" (arXiv 1801.08230).

The person selects parents from each generation; the next one is bred by uniform crossover of two parents and Gaussian mutation, with a few
new images of the prior. Here the person gives stars, and 4 and 5 stars select (the best rated if there are fewer than two). Generations are
as large as our grids, so that both ask for as much at a time. The final population becomes a generator by the same breeding: two selected
parents, crossover, mutation. The strength of mutation, which the paper leaves to the person, was chosen on the dev raters.
"""

import math

import torch
from torch import Tensor

from gan.simulate.peers.base import Given, Moved, Tuned
from gan.simulate.schedule import schedule

NEW = 0.2  # share of a generation that is drawn from the prior
MUTATION = 0.25  # share of a child's variance that is new


def breed(parents: Tensor, first: Tensor, second: Tensor, noise: Tensor, swap: Tensor) -> Tensor:
    """Children (N, d) of pairs of parents by index (N,): each coordinate from either parent, then mutated at constant variance."""
    crossed = torch.where(swap, parents[first], parents[second])
    return math.sqrt(1.0 - MUTATION) * crossed + math.sqrt(MUTATION) * noise


def tune(given: Given) -> Tuned:
    """Evolve with the person, then breed from the selected parents."""
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
        # The selected of this generation replace earlier ones, as in the paper; if they are too few, the best so far are added.
        now = generation[found >= 4]
        picked = now if len(now) >= 2 else shown[stars.argsort(descending=True, stable=True)[:2]]

    def move(z: Tensor) -> Tensor:
        # A latent is its own source of randomness: parents and crossover are read from bits that hardly affect the mutation.
        bits = (z * 4096.0).round().long().abs()
        first = bits[:, ::2].sum(dim=1) % len(picked)
        second = bits[:, 1::2].sum(dim=1) % len(picked)
        return breed(picked, first, second, z, bits % 2 == 0)

    return Moved(given.model, move)
