"""The learnt part of a tuned generator: a small network in front of it that moves each latent."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class AdapterConfig:
    """Shape of an adapter."""

    z_dim: int = 64  # latent width of the generator behind it
    width: int = 128  # of its hidden layers
    depth: int = 2  # hidden layers


class Adapter(nn.Module):
    """z (N, z_dim) -> z' (N, z_dim): (z + D(z)) * |z| / |z + D(z)|.

    D is a small multilayer perceptron whose last layer starts at zero, so that an untrained adapter is the identity. Keeping each
    latent's length keeps z' on the shell where N(0, I) has its mass: the generator behind it only ever sees latents like those it
    was trained on, whether it normalises them itself (style-based) or not.
    """

    def __init__(self, config: AdapterConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.z_dim] + [config.width] * config.depth
        layers: list[nn.Module] = []
        for a, b in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Linear(a, b), nn.SiLU()]
        self.hidden = nn.Sequential(*layers)
        self.out = nn.Linear(widths[-1], config.z_dim)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, z: Tensor) -> Tensor:
        moved = z + self.out(self.hidden(z))
        length = torch.linalg.vector_norm(z, dim=1, keepdim=True)
        return moved * (length / torch.linalg.vector_norm(moved, dim=1, keepdim=True).clamp_min(1e-6))

