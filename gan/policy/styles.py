"""A policy behind the mapping: a learnt shift of w, the same for all layers of the synthesis or one for each.

It reaches images that no latent gives, good and bad. A tuned generator is therefore a `Styled`, not an adapter of latents in front of the
old one.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gan.errors import UserError
from gan.networks import LatentGenerator, latents
from gan.networks.adapter import Adapter, hidden_layers, silent_layer
from gan.policy.gaussian import log_density

_FRAME_IMAGES = 4096  # latents from which the principal directions are taken
_FRAME_SEED = 1_900_000_000


@dataclass(frozen=True)
class StyleConfig:
    """Shape of a `StyleShift`."""

    z_dim: int  # latent width of the generator
    w_dim: int  # width of a style
    layers: int  # number of styles that the synthesis takes
    blocks: int  # number of learnt shifts: 1 for all layers together, or `layers`
    rank: int  # number of principal directions that each shift combines
    width: int = 128  # of the hidden layers
    depth: int = 2  # hidden layers


class StyleShift(Adapter):
    """Maps z (N, z_dim) to styles (N, layers, w_dim): bend(v + L D_b(v)) in block b, with v = straighten(mapping(z)).

    L holds the first `rank` principal directions of v over the prior, each scaled by its standard deviation. v is the input of the
    mapping's last rectifier: it is nearly Gaussian, so that a standard deviation means much the same in any direction and at any place
    (Wulff and Torralba 2020, arXiv 2009.06529). D is a small multilayer perceptron whose last layer starts at zero.

    Parameters
    ----------
    config : usually made by `around`, which fits it to a generator.
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
        """Make one for this generator, attached to it and on its device.

        Parameters
        ----------
        rank : number of directions, capped at the width of w.
        by_block : whether each layer of the synthesis gets a shift of its own.
        seed : of the hidden layers' initial weights.

        Raises
        ------
        UserError
            The generator has no mapping that is separate from its synthesis.
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
        """v of latents: (N, z_dim) -> (N, w_dim)."""
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
    """a ~ N(D(v), s^2 I): offsets along the principal directions, in units of their standard deviations; v + L a is what is drawn.

    Parameters
    ----------
    adapter : attached; shared with the exported generator, which uses D(v) itself, without the noise.
    sigma : s > 0: how far actions stray from D(v).
    """

    most = math.inf

    def __init__(self, adapter: StyleShift, sigma: float) -> None:
        if not sigma > 0.0:
            raise ValueError(f"sigma must be above 0, not {sigma}")
        self.adapter, self.sigma = adapter, sigma

    def parameters(self) -> list[nn.Parameter]:
        return list(self.adapter.parameters())

    def mean(self, states: Tensor) -> Tensor:
        """D(v) of latents: (S, z_dim) -> (S, blocks * rank)."""
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
        """`log_prob` and `kl`, from one forward pass: (S, C) and (S,)."""
        mean = self.mean(states)
        return log_density(actions, mean[:, None], self.sigma), self._kl(mean)

    def _kl(self, mean: Tensor) -> Tensor:
        return mean.square().sum(dim=1) / (2.0 * self.sigma**2)

    @torch.no_grad()
    def act(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """`children` actions for each state: (S, z_dim) -> (S, children, blocks * rank)."""
        return self.rsample(states, children, generator)

    def rsample(self, states: Tensor, children: int, generator: torch.Generator) -> Tensor:
        """As `act`, differentiable in the parameters."""
        mean = self.mean(states)
        noise = torch.randn(mean.shape[0], children, mean.shape[1], generator=generator).to(mean.device)
        return mean[:, None, :] + self.sigma * noise

    def points(self, states: Tensor, actions: Tensor) -> Tensor:
        """Styles: (S, z_dim), (S, C, blocks * rank) -> (S, C, layers, w_dim)."""
        v = self.adapter.straight(states)
        return self.adapter.styles(v[:, None].expand(-1, actions.shape[1], -1), actions)


class Synthesis(LatentGenerator):
    """The synthesis of a generator alone: draws styles (N, layers, w_dim)."""

    kind = "synthesis"

    def __init__(self, generator: LatentGenerator) -> None:
        super().__init__()
        self.generator, self.config = generator, generator.config

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        return self.generator.synthesise(z)


class Styled(LatentGenerator):
    """A generator whose styles are shifted: the result of tuning behind the mapping. A `Model` can hold and draw it, a bundle cannot."""

    kind = "styled"

    def __init__(self, generator: LatentGenerator, adapter: StyleShift) -> None:
        super().__init__()
        self.generator, self.adapter, self.config = generator, adapter, generator.config

    @property
    def z_dim(self) -> int:
        return self.generator.z_dim

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        return self.generator.synthesise(self.adapter(z))
