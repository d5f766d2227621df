"""Acting behind the mapping: a learnt shift of w, the same for all layers of the synthesis or one for each.

It reaches images that no latent gives, good and bad, so a tuned generator is `Styled` instead of a map of latents in front of the old one.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gan.errors import UserError
from gan.networks import LatentGenerator, latents
from gan.policy.adapter import Adapter, hidden_layers, silent_layer
from gan.policy.gaussian import log_density

_FRAME_IMAGES = 4096  # latents from which the principal directions are taken
_FRAME_SEED = 1_900_000_000


@dataclass(frozen=True)
class StyleConfig:
    """Shape of a shift of styles."""

    z_dim: int  # latent width of the generator
    w_dim: int  # width of a style
    layers: int  # styles that its synthesis takes
    blocks: int  # shifts that are learnt: 1 for all layers together, or `layers`
    rank: int  # principal directions of w that each shift is made of
    width: int = 128  # of the hidden layers
    depth: int = 2  # hidden layers


class StyleShift(Adapter):
    """z (N, z_dim) -> styles (N, layers, w_dim) = bend(v + L D_b(v)) in block b, v = straighten(mapping(z)).

    L holds the first `rank` principal directions of v over the prior, each as long as its standard deviation. v is what precedes the
    mapping's last rectifier: nearly Gaussian, so that a standard deviation means as much in any direction and at any place (Wulff and
    Torralba 2020, arXiv 2009.06529). D is a small multilayer perceptron whose last layer starts at zero.

    Parameters
    ----------
    config : see `around`, which makes one that fits a generator.
    """

    kind: ClassVar[str] = "styles"
    config: StyleConfig
    mean: Tensor
    deviation: Tensor
    directions: Tensor

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        self.config = config
        self.hidden = hidden_layers(config.w_dim, config.width, config.depth)
        self.out = silent_layer(config.width, config.blocks * config.rank)
        self.register_buffer("mean", torch.zeros(config.w_dim))
        self.register_buffer("deviation", torch.ones(config.w_dim))
        self.register_buffer("directions", torch.zeros(config.rank, config.w_dim))

    @classmethod
    def around(cls, generator: LatentGenerator, rank: int, by_block: bool, seed: int = 0) -> "StyleShift":
        """One for this generator, attached to it and on its device.

        Parameters
        ----------
        rank : directions; fewer where w has fewer.
        by_block : a shift of its own for each layer of the synthesis.
        seed : of the hidden layers' weights.

        Raises
        ------
        UserError
            The generator has no mapping apart from its synthesis.
        """
        layers = generator.style_layers
        if not layers:
            raise UserError(f'a generator of kind "{generator.kind}" has no styles to shift: choose or shift its latents')
        config = StyleConfig(
            generator.z_dim, generator.embed_dim, layers, layers if by_block else 1, min(rank, generator.embed_dim)
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            adapter = cls(config)
        adapter.to(next(generator.parameters()).device)
        adapter.attach(generator)
        adapter._take_directions()
        return adapter

    def attach(self, generator: LatentGenerator) -> "StyleShift":
        self.embed, self.straighten, self.bend = generator.embed, generator.straighten, generator.bend
        return self

    @torch.no_grad()
    def _take_directions(self) -> None:
        z = latents(range(_FRAME_SEED, _FRAME_SEED + _FRAME_IMAGES), self.config.z_dim).to(self.mean.device)
        v = self.straight(z)
        self.mean.copy_(v.mean(dim=0))
        self.deviation.copy_(v.std(dim=0).clamp_min(1e-4))
        _, values, directions = torch.linalg.svd(v - self.mean, full_matrices=False)
        rank = self.config.rank
        self.directions.copy_(directions[:rank] * (values[:rank, None] / math.sqrt(len(z) - 1)))

    @torch.no_grad()
    def straight(self, z: Tensor) -> Tensor:
        """v: (N, z_dim) -> (N, w_dim)."""
        return self.straighten(self.embed(z).float())

    def offsets(self, v: Tensor) -> Tensor:
        """D(v), in standard deviations: (N, w_dim) -> (N, blocks * rank)."""
        offsets: Tensor = self.out(self.hidden((v - self.mean) / self.deviation))
        return offsets

    def styles(self, v: Tensor, offsets: Tensor) -> Tensor:
        """Styles of v (..., w_dim) shifted by offsets (..., blocks * rank): (..., layers, w_dim)."""
        shifts = offsets.unflatten(-1, (self.config.blocks, self.config.rank)) @ self.directions
        styles = self.bend(v.unsqueeze(-2) + shifts)
        return styles.expand(*styles.shape[:-2], self.config.layers, -1)

    def forward(self, z: Tensor) -> Tensor:
        v = self.straight(z)
        return self.styles(v, self.offsets(v))


class StylePolicy:
    """a ~ N(D(v), s^2 I): offsets along principal directions, in their standard deviations; an image is drawn of v + L a.

    Parameters
    ----------
    adapter : attached; shared with the generator that comes of it, which draws D(v) itself, without the noise.
    sigma : s > 0: how far from D(v) an action is tried.
    """

    most = math.inf

    def __init__(self, adapter: StyleShift, sigma: float) -> None:
        if not sigma > 0.0:
            raise ValueError(f"sigma must be above 0, not {sigma}")
        self.adapter, self.sigma = adapter, sigma

    def parameters(self) -> list[nn.Parameter]:
        return list(self.adapter.parameters())

    def mean(self, states: Tensor) -> Tensor:
        """(S, z_dim) -> (S, blocks * rank)."""
        return self.adapter.offsets(self.adapter.straight(states))

    def see(self, states: Tensor) -> Tensor:
        """The states themselves."""
        return states

    def log_prob(self, states: Tensor, actions: Tensor) -> Tensor:
        """Log-density of actions (S, C, blocks * rank), summed over dimensions: (S, C)."""
        return self.evaluate(states, actions)[0]

    def kl(self, states: Tensor) -> Tensor:
        """KL to the untuned policy, D = 0, in nats, exact: |D|^2 / (2 s^2). (S, z_dim) -> (S,)."""
        return self._kl(self.mean(states))

    def evaluate(self, states: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """`log_prob` and `kl`, from one pass: (S, C) and (S,)."""
        mean = self.mean(states)
        return log_density(actions, mean[:, None], self.sigma), self._kl(mean)

    def _kl(self, mean: Tensor) -> Tensor:
        return mean.square().sum(dim=1) / (2.0 * self.sigma**2)

    @torch.no_grad()
    def act(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """`children` actions for each state: (S, z_dim) -> (S, children, blocks * rank)."""
        return self.rsample(states, children, generator)

    def rsample(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """As `act`, with a graph from the parameters to the actions."""
        mean = self.mean(states)
        noise = torch.randn(mean.shape[0], children, mean.shape[1], generator=generator).to(mean.device)
        return mean[:, None, :] + self.sigma * noise

    def points(self, states: Tensor, actions: Tensor) -> Tensor:
        """Styles: (S, z_dim), (S, C, blocks * rank) -> (S, C, layers, w_dim)."""
        v = self.adapter.straight(states)
        return self.adapter.styles(v[:, None].expand(-1, actions.shape[1], -1), actions)


class Synthesis(LatentGenerator):
    """A generator from its styles on: draws (N, layers, w_dim)."""

    kind = "synthesis"

    def __init__(self, generator: LatentGenerator) -> None:
        super().__init__()
        self.generator, self.config = generator, generator.config

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        return self.generator.synthesise(z)


class Styled(LatentGenerator):
    """A generator whose styles are shifted: what tuning behind the mapping comes to. A `Model` of it draws; no bundle holds one."""

    kind = "styled"

    def __init__(self, generator: LatentGenerator, adapter: StyleShift) -> None:
        super().__init__()
        self.generator, self.adapter, self.config = generator, adapter, generator.config

    @property
    def z_dim(self) -> int:
        return self.generator.z_dim

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        return self.generator.synthesise(self.adapter(z))
