"""The trained part of a tuned generator: a small network in front of it that decides which latent is drawn."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from gan.networks.base import LatentGenerator

MOST_CANDIDATES = 4096  # limit for those of a choice read from a file: they take memory and time

class Adapter(nn.Module):
    """Maps z (N, z_dim) to what is drawn instead: latents (N, z_dim), or styles for a `StyleShift`. Untrained, it changes nothing."""

    kind: ClassVar[str]  # its name in bundles and checkpoints
    config: Any  # a frozen dataclass with `z_dim`
    out: nn.Linear  # the last layer, which starts at zero

    @property
    def idle(self) -> bool:
        """Whether it is still untrained: its last layer is zero, and it changes nothing."""
        return not any(bool(p.any()) for p in self.out.parameters())

    def attach(self, generator: LatentGenerator) -> "Adapter":
        """Set the generator that it stands in front of; to be called before the first use. Returns itself."""
        return self


@dataclass(frozen=True)
class ShiftConfig:
    """Shape of a `Shift`."""

    z_dim: int = 64  # latent width of the generator behind it
    width: int = 128  # of its hidden layers
    depth: int = 2  # hidden layers


class Shift(Adapter):
    """Moves each latent: z' = (z + D(z)) * |z| / |z + D(z)|.

    D is a small multilayer perceptron whose last layer starts at zero. Keeping each latent's length keeps z' on the shell where N(0, I)
    has its mass: the generator behind it only ever sees latents like those it was trained on, whether it normalises them itself
    (style-based) or not.
    """

    kind = "residual"
    config: ShiftConfig

    def __init__(self, config: ShiftConfig) -> None:
        super().__init__()
        self.config = config
        self.hidden = hidden_layers(config.z_dim, config.width, config.depth)
        self.out = silent_layer(config.width, config.z_dim)

    def forward(self, z: Tensor) -> Tensor:
        moved = z + self.out(self.hidden(z))
        length = torch.linalg.vector_norm(z, dim=1, keepdim=True)
        return moved * (length / torch.linalg.vector_norm(moved, dim=1, keepdim=True).clamp_min(1e-6))


@dataclass(frozen=True)
class ChoiceConfig:
    """Shape of a `Choice`."""

    z_dim: int = 64  # latent width of the generator behind it
    inputs: int = 128  # width of what `LatentGenerator.embed` returns
    candidates: int = 32  # latents that one is chosen from; the first is z itself
    width: int = 192  # of its hidden layers
    depth: int = 3  # hidden layers


class Choice(Adapter):
    """Replaces z by one of N latents made from it: the candidate O_i z with the largest preference f(O_i z).

    The O_i are fixed signed permutations, the first of them the identity. If z is a draw from N(0, I), so is each O_i z, and they are
    nearly independent: every image is one that the untuned generator draws, and only the frequencies change. Choosing the best of N costs
    at most log N - (N - 1) / N nats of KL from the prior. Unlike a shift, a choice can keep several separate kinds of images that are
    liked. f is a small multilayer perceptron on the output of the generator's own mapping.
    """

    kind = "choice"
    config: ChoiceConfig
    mean: Tensor
    deviation: Tensor
    order: Tensor
    sign: Tensor

    def __init__(self, config: ChoiceConfig) -> None:
        super().__init__()
        self.config = config
        self.hidden = hidden_layers(config.inputs, config.width, config.depth)
        self.out = silent_layer(config.width, 1)
        self.register_buffer("mean", torch.zeros(config.inputs))  # of embedded latents over the prior
        self.register_buffer("deviation", torch.ones(config.inputs))

    def attach(self, generator: LatentGenerator) -> "Choice":
        self.embed = generator.embed
        self._make_candidates()
        return self

    def _make_candidates(self) -> None:
        order, sign = _signed_permutations(self.config.candidates, self.config.z_dim)
        device = self.out.weight.device
        self.register_buffer("order", torch.from_numpy(order).to(device), persistent=False)
        self.register_buffer("sign", torch.from_numpy(sign).to(device), persistent=False)

    def choose_among(self, candidates: int) -> None:
        """Choose among `candidates` latents from now on; fewer stay closer to the prior. The preference f is unchanged."""
        self.config = replace(self.config, candidates=candidates)
        self._make_candidates()

    def latents(self, z: Tensor) -> Tensor:
        """The candidates O_i z: (B, z_dim) -> (B, candidates, z_dim)."""
        return z[:, self.order] * self.sign

    def preference(self, embedded: Tensor) -> Tensor:
        """f of embedded latents: (..., inputs) -> (...)."""
        preference: Tensor = self.out(self.hidden((embedded - self.mean) / self.deviation)).squeeze(-1)
        return preference

    @torch.no_grad()
    def candidates(self, z: Tensor) -> Tensor:
        """The candidates, embedded by the generator's mapping: (B, z_dim) -> (B, candidates, inputs)."""
        return self.embed(self.latents(z).flatten(0, 1)).float().unflatten(0, (-1, self.config.candidates))

    def choose(self, z: Tensor, seen: Tensor) -> Tensor:
        """The preferred candidate of each z (B, z_dim), given `candidates(z)` as `seen` (B, candidates, inputs): (B, z_dim)."""
        chosen = self.preference(seen).argmax(dim=1)
        return take(self.latents(z), chosen[:, None]).squeeze(1)

    def forward(self, z: Tensor) -> Tensor:
        return self.choose(z, self.candidates(z))


def take(latents: Tensor, chosen: Tensor) -> Tensor:
    """Latents (B, N, d) at indices (B, C): (B, C, d)."""
    return latents.gather(1, chosen[:, :, None].expand(-1, -1, latents.shape[2]))


def _signed_permutations(count: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` fixed signed permutations of `width` coordinates: indices (count, width) int64 and signs (count, width) float32."""
    # RandomState's stream is frozen (NEP 19): a tuned generator must choose among the same latents on every machine and version.
    random = np.random.RandomState(1933)
    order = np.tile(np.arange(width), (count, 1))
    sign = np.ones((count, width), np.float32)
    for row in range(1, count):
        order[row] = random.permutation(width)
        sign[row] = random.randint(0, 2, width) * 2.0 - 1.0
    return order.astype(np.int64), sign


def hidden_layers(inputs: int, width: int, depth: int) -> nn.Sequential:
    """A multilayer perceptron without its last layer: (N, inputs) -> (N, width)."""
    widths = [inputs] + [width] * depth
    layers: list[nn.Module] = []
    for a, b in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(a, b), nn.SiLU()]
    return nn.Sequential(*layers)


def silent_layer(inputs: int, outputs: int) -> nn.Linear:
    """A last layer that returns zero until it is trained."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer

