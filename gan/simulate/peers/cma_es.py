"""CMA-ES on principal directions (Hansen 2016, arXiv 1604.00772; the `cma` package): a Gaussian in a few directions of z.

Fitness is the taste model's mean over a few images whose other coordinates are drawn from the prior, the same ones for a whole
generation. The search starts at the prior (mean 0, standard deviation 1) with the package's default population size and learning rates. The
result is the final search distribution, with the other directions free: a generator, not a single image. The number of generations was
chosen on dev raters (8, 20 and 40 tried); the number of directions and of images per candidate was not varied.
"""

import warnings

import numpy as np
import torch
from torch import Tensor

from gan.simulate.peers.base import Given, Moved, Tuned
from gan.simulate.peers.directions import Directions

DIRECTIONS = 16
GENERATIONS = 20
IMAGES = 4  # per candidate


def tune(given: Given) -> Tuned:
    """Search, and sample from the final search distribution."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing matplotlib, which it only needs for plots
        import cma

    random = given.random()
    directions = Directions.of(given, DIRECTIONS)
    count = directions.basis.shape[1]
    search = cma.CMAEvolutionStrategy(np.zeros(count), 1.0, {"seed": given.seed + 1, "verbose": -9})
    for _ in range(GENERATIONS):
        candidates = search.ask()
        x = torch.from_numpy(np.stack(candidates).astype(np.float32)).repeat_interleave(IMAGES, 0)
        others = torch.randn(IMAGES, given.model.z_dim, generator=random).repeat(len(candidates), 1)
        liking = given.score(directions.replace(others, x)).liking.reshape(-1, IMAGES).mean(dim=1)
        search.tell(candidates, (-liking).double().tolist())
    mean = torch.from_numpy(np.asarray(search.mean, np.float32))
    covariance = torch.from_numpy(search.sigma**2 * np.asarray(search.sm.covariance_matrix, np.float64))
    scales = torch.from_numpy(np.asarray(search.sigma_vec.scaling, np.float64) * np.ones(count))
    values, vectors = torch.linalg.eigh(scales[:, None] * covariance * scales)
    root = (vectors * values.clamp_min(0.0).sqrt()).float()

    def move(z: Tensor) -> Tensor:
        return directions.replace(z, mean + (z @ directions.basis) @ root.t())

    return Moved(given.model, move)
