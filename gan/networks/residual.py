"""Residual generators of others, as in SNGAN (Miyato et al. 2018, arXiv 1802.05957, table 4) and WGAN-GP (Gulrajani et al. 2017,
arXiv 1704.00028, appendix F): a linear layer to a small feature map, residual blocks that enlarge it, and a convolution to the image.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import LatentGenerator
from gan.networks.layered import BENDS, Activation, Order, Output, Prior, Upsampling, as_images, as_prior
from gan.networks.reparametrised import Kept, Reparametrised

# Where a block has its normalisations and activations: before its convolutions (He et al. 2016, arXiv 1603.05027), or after them, with an
# activation of the sum (He et al. 2015, arXiv 1512.03385) or without.
Layout = Literal["before", "after", "after_sum"]
# Where a block enlarges its input: before its first convolution, before its second one, or at its end.
Enlarged = Literal["first", "second", "end"]
Normalise = Callable[["Norm", Tensor], Tensor]
_WIDEST_KERNEL = 15
_MOST_PIXELS = 1024


@dataclass(frozen=True)
class Mapped:
    """A convolution that keeps the size, or the layer with which a generator begins."""

    name: str  # of its module in the original code
    inputs: int
    outputs: int
    bias: bool
    kernel: int = 1
    also: str = ""  # its second name, where the original code has registered it twice
    reparametrised: Reparametrised | None = None  # how the original code keeps its weight

    def __post_init__(self) -> None:
        if self.reparametrised and self.reparametrised.rows not in {self.inputs, self.outputs}:
            raise ValueError(f"{self.reparametrised.rows} rows of {self.inputs} inputs and {self.outputs} outputs")
        if self.kernel > _WIDEST_KERNEL:
            raise ValueError(f"layer {self.name} has a kernel of {self.kernel} px")


@dataclass(frozen=True)
class Normalised:
    """A batch normalisation."""

    name: str
    norm_width: int  # number of channels
    affine: bool
    also: str = ""


@dataclass(frozen=True)
class BlockConfig:
    """One residual block. Without a `shortcut` its input is added as it is, enlarged where the block enlarges."""

    first: Mapped
    second: Mapped
    shortcut: Mapped | None
    first_norm: Normalised | None
    second_norm: Normalised | None
    shortcut_norm: Normalised | None
    upsample: int  # factor by which it enlarges

    @property
    def inputs(self) -> int:
        """Number of channels that it takes."""
        return self.first.inputs

    @property
    def outputs(self) -> int:
        """Number of channels that it gives."""
        return self.second.outputs


@dataclass(frozen=True)
class ResidualConfig:
    """A residual generator from a latent to an image."""

    z_dim: int
    resolution: int
    image_channels: int  # 1 or 3
    side: int  # width in pixels of what the first layer gives
    stem: Mapped
    stem_folds: bool  # whether it is a linear layer whose output is reshaped, rather than a transposed convolution
    stem_norm: Normalised | None
    stem_bends: bool  # whether an activation follows it
    blocks: tuple[BlockConfig, ...]
    last_norm: Normalised | None
    last_bends: bool
    last: Mapped
    layout: Layout = "before"
    enlarged: Enlarged = "first"
    upsampling: Upsampling = "nearest"
    activation: Activation = "relu"
    slope: float = 0.2  # of a leaky rectifier
    norm_eps: float = 1e-5
    prior: Prior = "normal"
    output: Output = "tanh"
    order: Order = "rgb"
    renamed: bool = False  # whether the original names are lost

    def __post_init__(self) -> None:
        if self.image_channels not in {1, 3} or self.last.outputs != self.image_channels:
            raise ValueError(f"{self.image_channels} image channels of {self.last.outputs} outputs")
        if self.stem.inputs != self.z_dim or (not self.stem_folds and self.stem.kernel != self.side):
            raise ValueError(f"the first layer takes {self.stem.inputs} of {self.z_dim} latents")
        width, size = self.blocks[0].inputs, self.side
        if self.stem.outputs != width * (size**2 if self.stem_folds else 1):
            raise ValueError(f"{self.stem.outputs} outputs do not fold into {width} channels of {size} px")
        _check_norm(self.stem_norm, self.stem.outputs, width)
        for block in self.blocks:
            if block.upsample not in {1, 2}:
                raise ValueError(f"a block that enlarges by {block.upsample}")
            _check_block(block, width, self.layout)
            width, size = block.outputs, size * block.upsample
        _check_norm(self.last_norm, width)
        if self.last.inputs != width or any(not kernel % 2 for kernel in self._kernels()):
            raise ValueError(f"the last layer takes {self.last.inputs} channels, not {width}")
        if size != self.resolution or size > _MOST_PIXELS:
            raise ValueError(f"the blocks give {size} px")
        if not self.norm_eps >= 0.0:
            raise ValueError(f"an epsilon of {self.norm_eps}")

    def _kernels(self) -> list[int]:
        every = [layer for block in self.blocks for layer in (block.first, block.second, block.shortcut)]
        return [layer.kernel for layer in (*every, self.last) if layer is not None]


def _check_norm(norm: Normalised | None, *widths: int) -> None:
    if norm is not None and norm.norm_width not in widths:
        raise ValueError(f"normalisation {norm.name} has {norm.norm_width} channels, not {widths[0]}")


def _check_block(block: BlockConfig, width: int, layout: Layout) -> None:
    first, second, aside = block.first, block.second, block.shortcut
    if first.inputs != width or second.inputs != first.outputs:
        raise ValueError(f"layers {first.name} and {second.name} do not follow one another")
    if aside is None and second.outputs != width:
        raise ValueError(f"layer {second.name} gives {second.outputs} channels, to which {width} cannot be added")
    if aside is not None and (aside.inputs, aside.outputs) != (width, second.outputs):
        raise ValueError(f"the shortcut {aside.name} does not lead past its block")
    before = layout == "before"
    _check_norm(block.first_norm, width if before else first.outputs)
    _check_norm(block.second_norm, second.inputs if before else second.outputs)
    _check_norm(block.shortcut_norm, second.outputs)
    if block.shortcut_norm is not None and aside is None:
        raise ValueError(f"normalisation {block.shortcut_norm.name} of no shortcut")


class Norm(nn.Module):
    """A batch normalisation with stored statistics."""

    mean: Tensor
    variance: Tensor

    def __init__(self, config: Normalised) -> None:
        super().__init__()
        self.config = config
        width = config.norm_width
        self.weight = nn.Parameter(torch.ones(width)) if config.affine else None
        self.bias = nn.Parameter(torch.zeros(width)) if config.affine else None
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def original(self) -> dict[str, Tensor]:
        """Its tensors under their original names."""
        found: dict[str, Tensor] = {}
        for name in filter(None, (self.config.name, self.config.also)):
            if self.weight is not None and self.bias is not None:
                found |= {f"{name}.weight": self.weight.detach(), f"{name}.bias": self.bias.detach()}
            found |= {f"{name}.running_mean": self.mean, f"{name}.running_var": self.variance}
            found[f"{name}.num_batches_tracked"] = torch.tensor(0)
        return found


class Map(nn.Module):
    """A linear layer or convolution; `transposed` : its weight has its inputs first."""

    def __init__(self, config: Mapped, linear: bool = False, transposed: bool = False) -> None:
        super().__init__()
        self.config = config
        ends = (config.inputs, config.outputs) if transposed else (config.outputs, config.inputs)
        self.weight = nn.Parameter(torch.empty(*ends, *(() if linear else (config.kernel, config.kernel))))
        self.bias = nn.Parameter(torch.empty(config.outputs)) if config.bias else None
        if not self.weight.is_meta:
            nn.init.normal_(self.weight, std=1.0 / math.sqrt(config.inputs * config.kernel))
            if self.bias is not None:
                nn.init.zeros_(self.bias)
        if config.reparametrised is not None:
            self.kept = Kept(config.reparametrised, self.weight.numel())

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of (N, C, H, W) that keeps its size."""
        return F.conv2d(x, self.weight, self.bias, padding=self.config.kernel // 2)

    def original(self) -> dict[str, Tensor]:
        """Its tensors under their original names."""
        found: dict[str, Tensor] = {}
        weight = self.weight.detach()
        for name in filter(None, (self.config.name, self.config.also)):
            found |= {f"{name}.weight": weight} if self.config.reparametrised is None else self.kept.original(name, weight)
            if self.bias is not None:
                found[f"{name}.bias"] = self.bias.detach()
        return found


def _norm(config: Normalised | None) -> Norm | None:
    return None if config is None else Norm(config)


class ResidualBlock(nn.Module):
    """(N, inputs, R, R) -> (N, outputs, R * upsample, R * upsample)."""

    def __init__(self, config: BlockConfig) -> None:
        super().__init__()
        self.config = config
        self.first, self.second = Map(config.first), Map(config.second)
        self.shortcut = None if config.shortcut is None else Map(config.shortcut)
        self.first_norm, self.second_norm = _norm(config.first_norm), _norm(config.second_norm)
        self.shortcut_norm = _norm(config.shortcut_norm)

    def forward(self, x: Tensor, outer: "ResidualGenerator", normalise: Normalise) -> Tensor:
        """`outer` tells the layout, and how to bend and to enlarge; `normalise` applies a normalisation."""
        layout, at = outer.config.layout, outer.config.enlarged

        def normal(norm: Norm | None, x: Tensor) -> Tensor:
            return x if norm is None else normalise(norm, x)

        def grown(x: Tensor, here: bool) -> Tensor:
            return outer.enlarge(x, self.config.upsample) if here else x

        aside = grown(x, here=True)
        if self.shortcut is not None:
            aside = normal(self.shortcut_norm, self.shortcut(aside))
        if layout == "before":
            x = self.first(grown(outer.bend(normal(self.first_norm, x)), at == "first"))
            x = self.second(grown(outer.bend(normal(self.second_norm, x)), at == "second"))
            return grown(x, at == "end") + aside
        x = outer.bend(normal(self.first_norm, self.first(grown(x, at == "first"))))
        x = normal(self.second_norm, self.second(grown(x, at == "second")))
        x = grown(x, at == "end") + aside
        return outer.bend(x) if layout == "after_sum" else x


class ResidualGenerator(LatentGenerator):
    """A residual generator. Its latents are N(0, I), whatever prior the original had."""

    kind = "resnet"
    config: ResidualConfig

    def __init__(self, config: ResidualConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = Map(config.stem, linear=config.stem_folds, transposed=not config.stem_folds)
        self.stem_norm = _norm(config.stem_norm)
        self.blocks = nn.ModuleList(ResidualBlock(block) for block in config.blocks)
        self.last_norm = _norm(config.last_norm)
        self.last = Map(config.last)

    def bend(self, x: Tensor) -> Tensor:
        """The activation of all hidden layers."""
        if self.config.activation == "leaky_relu":
            return F.leaky_relu(x, self.config.slope)
        return BENDS[self.config.activation](x)

    def enlarge(self, x: Tensor, factor: int) -> Tensor:
        """(N, C, H, W) enlarged by a whole factor."""
        if factor == 1:
            return x
        smooth = self.config.upsampling == "bilinear"
        return F.interpolate(x, scale_factor=factor, mode=self.config.upsampling, align_corners=False if smooth else None)

    def begin(self, z: Tensor, normalise: Normalise) -> Tensor:
        """Latents (N, z_dim) -> what enters the first block (N, C, side, side)."""
        config, z = self.config, as_prior(z, self.config.prior)
        folded = (-1, config.blocks[0].inputs, config.side, config.side)
        if config.stem_folds:
            x = F.linear(z, self.stem.weight, self.stem.bias)
            if self.stem_norm is None or self.stem_norm.config.norm_width != config.stem.outputs:
                x = x.reshape(folded)
        else:
            x = F.conv_transpose2d(z[:, :, None, None], self.stem.weight, self.stem.bias)
        x = x if self.stem_norm is None else normalise(self.stem_norm, x)
        x = x.reshape(folded)
        return self.bend(x) if config.stem_bends else x

    def end(self, x: Tensor, normalise: Normalise) -> Tensor:
        """What leaves the last block -> what the last layer gives (N, 1 or 3, R, R)."""
        x = x if self.last_norm is None else normalise(self.last_norm, x)
        return self.last(self.bend(x) if self.config.last_bends else x)  # type: ignore[no-any-return]

    def stored(self, norm: Norm, x: Tensor) -> Tensor:
        """A normalisation with its stored statistics."""
        return F.batch_norm(x, norm.mean, norm.variance, norm.weight, norm.bias, eps=self.config.norm_eps)

    def raw(self, z: Tensor, normalise: Normalise | None = None) -> Tensor:
        """Output of the last layer, before the output activation; `normalise` replaces `stored`."""
        normalise = normalise or self.stored
        x = self.begin(z, normalise)
        for block in self.stages():
            x = block(x, self, normalise)
        return self.end(x, normalise)

    def stages(self) -> list[ResidualBlock]:
        """Its blocks, in order."""
        return [block for block in self.blocks if isinstance(block, ResidualBlock)]

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        return self.finish(self.raw(z))

    def finish(self, x: Tensor) -> Tensor:
        """Output of the last layer -> images (N, 3, R, R) in [-1, 1]."""
        return as_images(x, self.config.output, self.config.order)

    def original_state_dict(self) -> dict[str, Tensor] | None:
        if self.config.renamed:
            return None
        return {key: value for part in self.modules() if isinstance(part, Map | Norm) for key, value in part.original().items()}
