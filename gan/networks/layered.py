"""Plain chains of layers, as often written by hand: DCGANs (Radford et al. 2015, arXiv 1511.06434) and multilayer perceptrons."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import LATER, LatentGenerator, Whole
from gan.networks.reparametrised import Kept, Reparametrised

Activation = Literal["none", "relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid"]
Operation = Literal["linear", "deconv", "conv"]
Normalisation = Literal["none", "batch", "instance", "layer"]
Prior = Literal["normal", "uniform"]
Output = Literal["tanh", "sigmoid", "none"]
Order = Literal["rgb", "bgr"]
Upsampling = Literal["nearest", "bilinear"]
_WIDEST_STEP = 64  # limit for strides, paddings and factors, in pixels


@dataclass(frozen=True)
class Layer:
    """One layer with weights, and the normalisation and activation after it."""

    op: Operation  # "deconv" is a transposed convolution
    name: str  # of its module in the original code
    inputs: int
    outputs: int
    bias: bool
    kernel: int = 1
    stride: int = 1
    padding: Whole = 0
    output_padding: Whole = 0
    upsample: int = 1  # factor by which its input is upsampled
    shuffle: int = 1  # factor of the pixel shuffle after it
    shape: tuple[int, int, int] | None = (
        None  # channels, height, width that a linear layer's output is folded into
    )
    norm: Normalisation = "none"
    norm_name: str = ""
    norm_width: Whole = 0  # number of channels normalised: those of the output before it is folded, or after
    norm_affine: bool = True
    norm_groups: Whole = 0  # of channels that an instance normalisation takes together; 0: each alone
    norm_eps: float = 1e-5
    norm_last: bool = False  # after the activation instead of before it
    activation: Activation = "none"
    activation_name: str = ""  # of its module, if it has weights
    activation_width: Whole = 0  # number of its weights
    slope: float = 0.2  # of a leaky rectifier
    reparametrised: Reparametrised | None = field(default=None, metadata={LATER: True})  # how the original code keeps its weight

    def __post_init__(self) -> None:
        if self.op == "linear" and self.shape is not None and math.prod(self.shape) != self.outputs:
            raise ValueError(f"{self.outputs} outputs do not fold into {self.shape}")
        if self.norm != "none" and self.norm_width not in {self.outputs, (self.shape or (0,))[0]}:
            raise ValueError(f"a normalisation of {self.norm_width} channels after {self.outputs} outputs")
        if max(self.stride, self.padding, self.upsample, self.shuffle) > _WIDEST_STEP:  # torch crashes at very large ones
            raise ValueError(f"layer {self.name} walks in absurd steps")
        if self.output_padding >= self.stride and self.output_padding:
            raise ValueError(f"layer {self.name} adds {self.output_padding} pixels at a stride of {self.stride}")
        if self.norm_groups and (self.norm != "instance" or self.norm_width % self.norm_groups):
            raise ValueError(f"layer {self.name} has {self.norm_width} channels in {self.norm_groups} groups")
        if not self.norm_eps >= 0.0:
            raise ValueError(f"layer {self.name} has an epsilon of {self.norm_eps}")
        if self.reparametrised and self.reparametrised.rows not in {self.inputs, self.outputs}:
            raise ValueError(f"{self.reparametrised.rows} rows of {self.inputs} inputs and {self.outputs} outputs")
        if self.outputs % self.shuffle**2:
            raise ValueError(f"{self.outputs} outputs cannot be shuffled by {self.shuffle}")

    @property
    def folds_first(self) -> bool:
        """Whether a linear layer's output is folded before normalisation and activation, not after."""
        return self.shape is not None and self.norm_width != self.outputs

    def size_after(self, size: int) -> int:
        """Width of its output in pixels for an input of width `size`."""
        if self.op == "linear":
            return self.shape[1] if self.shape else 1
        size *= self.upsample
        if self.op == "deconv":
            size = (size - 1) * self.stride - 2 * self.padding + self.kernel + self.output_padding
        else:
            size = (size + 2 * self.padding - self.kernel) // self.stride + 1
        return size * self.shuffle


@dataclass(frozen=True)
class LayeredConfig:
    """A chain of layers from a latent to an image."""

    z_dim: int
    resolution: int
    image_channels: int  # 1 or 3
    layers: tuple[Layer, ...]
    prior: Prior = "normal"  # prior of the original: N(0, 1) or U(-1, 1)
    output: Output = "tanh"
    order: Order = "rgb"
    folding: Literal["chw", "hwc"] = "chw"  # how the last linear layer's output is folded into an image
    upsampling: Upsampling = "nearest"
    renamed: bool = False  # whether the original names are lost

    @property
    def entering(self) -> int:
        """Number of inputs of the first layer."""
        return self.z_dim

    def __post_init__(self) -> None:
        if self.image_channels not in {1, 3}:
            raise ValueError(f"{self.image_channels} image channels")
        width, size = self.entering, 1
        for layer in self.layers:
            if layer.op == "linear" and size != 1:
                raise ValueError("a linear layer after convolutions")
            if layer.inputs != width:
                raise ValueError(f"layer {layer.name} takes {layer.inputs} channels, not {width}")
            width = layer.shape[0] if layer.shape else layer.outputs // layer.shuffle**2
            size = layer.size_after(size)
            if layer.activation_width not in {0, 1, width if not layer.shape or layer.folds_first else layer.outputs}:
                raise ValueError(f"{layer.activation_width} slopes after layer {layer.name}")
            if not 1 <= size <= 4096 or (layer.shape and layer.shape[1] != layer.shape[2]):
                raise ValueError(f"layer {layer.name} gives {size} pixels")
        if (width, size) != (self.image_channels, self.resolution):
            raise ValueError(f"the layers give {size} px and {width} channels")


BENDS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": F.relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


class Block(nn.Module):
    """One `Layer`, with its weights."""

    norm_weight: Tensor
    norm_bias: Tensor
    norm_mean: Tensor
    norm_variance: Tensor
    slope: Tensor

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer
        size = (layer.kernel, layer.kernel) if layer.op != "linear" else ()
        ends = (layer.inputs, layer.outputs) if layer.op == "deconv" else (layer.outputs, layer.inputs)
        self.weight = nn.Parameter(torch.empty(*ends, *size))
        self.bias = nn.Parameter(torch.empty(layer.outputs)) if layer.bias else None
        if not self.weight.is_meta:
            nn.init.normal_(self.weight, std=1.0 / math.sqrt(layer.inputs * layer.kernel))
            if self.bias is not None:
                nn.init.zeros_(self.bias)
        if layer.reparametrised is not None:
            self.kept = Kept(layer.reparametrised, self.weight.numel())
        if layer.norm != "none" and layer.norm_affine:
            self.norm_weight = nn.Parameter(torch.ones(layer.norm_width))
            self.norm_bias = nn.Parameter(torch.zeros(layer.norm_width))
        if layer.norm == "batch":
            self.register_buffer("norm_mean", torch.zeros(layer.norm_width))
            self.register_buffer("norm_variance", torch.ones(layer.norm_width))
        if layer.activation == "prelu":
            self.slope = nn.Parameter(torch.full((layer.activation_width,), 0.25))

    def forward(
        self, x: Tensor, upsampling: str, normalise: Callable[["Block", Tensor], Tensor] | None = None
    ) -> Tensor:
        """If given, `normalise(block, x)` replaces the block's own normalisation, so that its input can be observed."""
        layer, normalise = self.layer, normalise or Block.normalise
        if layer.op == "linear":
            x = F.linear(x.flatten(1), self.weight, self.bias)
        else:
            x = x[:, :, None, None] if x.dim() == 2 else x
            if layer.upsample > 1:
                smooth = upsampling == "bilinear"
                x = F.interpolate(
                    x, scale_factor=layer.upsample, mode=upsampling, align_corners=False if smooth else None
                )
            if layer.op == "deconv":
                x = F.conv_transpose2d(
                    x, self.weight, self.bias, layer.stride, layer.padding, layer.output_padding
                )
            else:
                x = F.conv2d(x, self.weight, self.bias, layer.stride, layer.padding)
            if layer.shuffle > 1:
                x = F.pixel_shuffle(x, layer.shuffle)
        if layer.shape is not None and layer.folds_first:
            x = x.reshape(-1, *layer.shape)
        if not layer.norm_last:
            x = normalise(self, x)
        x = self._activate(x)
        if layer.norm_last:
            x = normalise(self, x)
        if layer.shape is not None and not layer.folds_first:
            x = x.reshape(-1, *layer.shape)
        return x

    def normalise(self, x: Tensor) -> Tensor:
        """The layer's normalisation alone; batch normalisation uses the stored statistics."""
        norm = self.layer.norm
        if norm == "none":
            return x
        weight = self.norm_weight if self.layer.norm_affine else None
        bias = self.norm_bias if self.layer.norm_affine else None
        if norm == "batch":
            return F.batch_norm(x, self.norm_mean, self.norm_variance, weight, bias, eps=self.layer.norm_eps)
        if norm == "layer":
            return F.layer_norm(x, (self.layer.norm_width,), weight, bias, self.layer.norm_eps)
        if self.layer.norm_groups:
            return F.group_norm(x, self.layer.norm_groups, weight, bias, self.layer.norm_eps)
        return F.instance_norm(x, weight=weight, bias=bias, eps=self.layer.norm_eps)

    def _activate(self, x: Tensor) -> Tensor:
        kind = self.layer.activation
        if kind == "leaky_relu":
            return F.leaky_relu(x, self.layer.slope)
        return F.prelu(x, self.slope) if kind == "prelu" else BENDS[kind](x)

    def original(self) -> dict[str, Tensor]:
        """Its weights under their original names."""
        layer = self.layer
        weight = self.weight.detach()
        named = {f"{layer.name}.weight": weight} if layer.reparametrised is None else self.kept.original(layer.name, weight)
        if self.bias is not None:
            named[f"{layer.name}.bias"] = self.bias.detach()
        if layer.norm != "none" and layer.norm_affine:
            named[f"{layer.norm_name}.weight"] = self.norm_weight.detach()
            named[f"{layer.norm_name}.bias"] = self.norm_bias.detach()
        if layer.norm == "batch":
            named[f"{layer.norm_name}.running_mean"] = self.norm_mean
            named[f"{layer.norm_name}.running_var"] = self.norm_variance
            named[f"{layer.norm_name}.num_batches_tracked"] = torch.tensor(0)
        if layer.activation == "prelu":
            named[f"{layer.activation_name}.weight"] = self.slope.detach()
        return named


def as_prior(z: Tensor, prior: Prior) -> Tensor:
    """Latents from N(0, I) as latents from the prior of the original code."""
    # 2 Phi(z) - 1, with the standard normal distribution function Phi, maps normal numbers to uniform ones in (-1, 1).
    return torch.erf(z * math.sqrt(0.5)) if prior == "uniform" else z


def as_images(x: Tensor, output: Output, order: Order) -> Tensor:
    """What a last layer gives (N, 1 or 3, R, R) as images (N, 3, R, R) in [-1, 1]."""
    if output == "tanh":
        x = torch.tanh(x)
    elif output == "sigmoid":
        x = torch.sigmoid(x) * 2.0 - 1.0
    if order == "bgr":
        x = x.flip(1)
    return x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x


class LayeredGenerator(LatentGenerator):
    """A chain of layers. Its latents are N(0, I), whatever prior the original had."""

    config: LayeredConfig

    def __init__(self, config: LayeredConfig) -> None:
        super().__init__()
        self.config = config
        self.blocks = nn.ModuleList(Block(layer) for layer in config.layers)

    def enter(self, z: Tensor) -> Tensor:
        """Convert latents from N(0, I) to the original's prior."""
        return as_prior(z, self.config.prior)

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        x = self.enter(z)
        for block in self.blocks:
            x = block(x, self.config.upsampling)
        return self.finish(x)

    def finish(self, x: Tensor) -> Tensor:
        """Output of the last layer -> images (N, 3, R, R) in [-1, 1]."""
        side, channels = self.config.resolution, self.config.image_channels
        if self.config.folding == "hwc":
            x = x.reshape(-1, side, side, channels).permute(0, 3, 1, 2)
        return as_images(x, self.config.output, self.config.order)

    def original_state_dict(self) -> dict[str, Tensor] | None:
        if self.config.renamed:
            return None
        return {key: value for block in self.chain() for key, value in block.original().items()}

    def chain(self) -> list[Block]:
        """Its layers, in order."""
        return [block for block in self.blocks if isinstance(block, Block)]


class DcganGenerator(LayeredGenerator):
    """Convolutions, starting from a 1 x 1 latent or from linear layers."""

    kind = "dcgan"


class MlpGenerator(LayeredGenerator):
    """Linear layers only."""

    kind = "mlp"
