"""Principal directions of W, mapped to z by regression, for peers that search in a few directions.

As GANSpace does for generators without a W of their own (Harkonen et al. 2020, arXiv 2004.02546, section 2.2): principal components of an
inner layer over many samples, then the directions of z that best explain their coordinates by least squares.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan.simulate.peers.base import Given


@dataclass(frozen=True)
class Directions:
    """Principal coordinates of latents as embedded by the generator's mapping."""

    mean: Tensor  # (e,)
    components: Tensor  # (e, count); (w - mean) times this has unit variance
    basis: Tensor  # (z_dim, count), orthonormal: directions of z
    embed: torch.nn.Module  # the generator

    @classmethod
    def of(cls, given: Given, count: int) -> "Directions":
        """From the session's pool; nothing is drawn."""
        pool = given.session.pool
        w = pool.embedded().cpu()
        mean = w.mean(dim=0)
        _, values, vectors = torch.linalg.svd(w - mean, full_matrices=False)
        count = min(count, len(values))
        components = vectors[:count].t() / (values[:count] / len(w) ** 0.5).clamp_min(1e-6)
        coordinates = (w - mean) @ components
        solution = torch.linalg.lstsq(coordinates, pool.latents).solution  # (count, z_dim)
        basis, _ = torch.linalg.qr(solution.t())
        return cls(mean, components, basis, given.model.generator)

    @torch.no_grad()
    def coordinates(self, z: Tensor) -> Tensor:
        """Principal coordinates (N, count) of latents (N, z_dim), on the CPU; each about N(0, 1) over the prior."""
        device = next(self.embed.parameters()).device
        w = torch.cat([self.embed.embed(part.to(device)).float().cpu() for part in z.split(4096)])  # type: ignore[operator]
        return (w - self.mean) @ self.components

    def replace(self, z: Tensor, x: Tensor) -> Tensor:
        """Latents (N, z_dim) with their components along the basis replaced by x (N, count)."""
        return z + (x - z @ self.basis) @ self.basis.t()
