"""StyleGAN2's generator, to run published weights (Karras et al. 2020, arXiv 1912.04958 and 2006.06676; our own code).

The noise inputs are constants of the network, so that a latent determines its image.
"""

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import Whole
from gan.networks.layers import normal
from gan.networks.style_based import StyleBased
from gan.networks.stylegan2_layers import (
    MOST_TAPS,
    Activation,
    Conv,
    Dense,
    Mapping,
    MappingConfig,
    bend,
    binomial_filter,
    gain_of,
    upsample,
    upsampling_conv,
)
from gan.networks.stylegan2_names import to_nvidia, to_rosinality

Architecture = Literal["skip", "resnet", "orig"]
Noise = Literal["const", "random", "none"]


@dataclass(frozen=True)
class StyleGAN2Config:
    """Shape of a generator, and how it is run."""

    resolution: int = 256  # output width and height in pixels, 4 * 2**(len(channels) - 1)
    mapping: MappingConfig = field(default_factory=MappingConfig)
    channels: tuple[int, ...] = (512, 512, 512, 512, 512, 256, 128)  # width at 4, 8, 16, ... pixels
    image_channels: int = 3  # 1 is grey
    architecture: Architecture = "skip"  # skip: images summed over resolutions; resnet: residual blocks; orig: neither
    activation: Activation = "lrelu"
    clamp: float | None = None  # every convolution's output is clipped to +-clamp
    filter_taps: int = 4
    noise_inputs: bool = True  # whether the layers have noise inputs
    noise: Literal["const", "none"] = "const"  # the noise that images are drawn with
    label: Whole | None = None  # None: the class is that of the largest of a latent's last coordinates
    truncation_cutoff: Whole | None = None  # number of layers that are truncated; None: all
    names: Literal["nvidia", "rosinality"] = "nvidia"  # which code's names the weights are exported under

    def __post_init__(self) -> None:
        if self.resolution != 4 * 2 ** (len(self.channels) - 1):
            raise ValueError(
                f"{len(self.channels)} channel widths give {4 * 2 ** (len(self.channels) - 1)} pixels, not {self.resolution}"
            )
        if self.image_channels not in {1, 3}:
            raise ValueError(f"{self.image_channels} channels are no image")
        if self.mapping.noise_width == 0:
            raise ValueError("a generator needs latents")
        if self.label is not None and self.label >= self.mapping.classes:
            raise ValueError(f"label {self.label} of {self.mapping.classes} classes")
        if self.filter_taps > MOST_TAPS:
            raise ValueError(f"a filter of {self.filter_taps} taps")
        if self.clamp is not None and not 0.0 < self.clamp < 1e9:
            raise ValueError(f"clamp is {self.clamp}, not a positive number")

    @property
    def layers(self) -> int:
        """Number of styles: one for each convolution and one for the last conversion to pixels."""
        return 2 * len(self.channels)


class StyledLayer(nn.Module):
    """Modulated convolution (eq. 1-3), noise, bias, activation; with `up`, at twice the resolution."""

    noise_const: Tensor

    def __init__(
        self, inputs: int, outputs: int, resolution: int, config: StyleGAN2Config, up: bool = False
    ) -> None:
        super().__init__()
        self.affine = Dense(config.mapping.outputs, inputs, bias=1.0)
        self.weight = normal(outputs, inputs, 3, 3)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_inputs = config.noise_inputs
        if config.noise_inputs:
            self.register_buffer("noise_const", normal(resolution, resolution).detach())
            self.noise_strength = nn.Parameter(torch.zeros([]))
        self.resolution = resolution
        self.up = up
        self.activation: Activation = config.activation
        self.clamp = config.clamp

    def forward(self, x: Tensor, w: Tensor, kernel: Tensor, noise: Noise, gain: float = 1.0) -> Tensor:
        """x (N, inputs, R, R), w (N, W) -> (N, outputs, R or 2R, ...); `gain` multiplies the result and the clamping limit."""
        style = self.affine(w)  # (N, inputs)
        x = x * style[:, :, None, None]
        y = upsampling_conv(x, self.weight, kernel) if self.up else F.conv2d(x, self.weight, padding=1)
        # sum over inputs and taps of (s_i * w_oik)^2, as one small matrix product
        energy = style.square() @ self.weight.square().sum(dim=(2, 3)).t()  # (N, outputs)
        total = gain_of(self.activation) * gain
        scale = torch.rsqrt(energy + 1e-8) * total
        shift = (self.bias * total)[:, None, None]
        if self.noise_inputs and noise != "none":
            drawn = self.noise_const
            if noise == "random":
                drawn = torch.randn(x.shape[0], self.resolution, self.resolution, device=x.device)
            # In channels-last memory order, like y: adding across memory layouts takes several times longer.
            shift = (drawn[..., None] * (self.noise_strength * total) + self.bias * total).movedim(-1, -3)
        if torch.is_grad_enabled():
            y = torch.addcmul(shift, y, scale[:, :, None, None])
        else:  # in place: a new tensor of this size costs more than the arithmetic
            y = y.mul_(scale[:, :, None, None]).add_(shift)
        return bend(y, self.activation, None if self.clamp is None else self.clamp * gain)


class ToImage(nn.Module):
    """Features -> pixels: a modulated 1x1 convolution without demodulation. (N, inputs, R, R) -> (N, image_channels, R, R)."""

    def __init__(self, inputs: int, config: StyleGAN2Config) -> None:
        super().__init__()
        self.affine = Dense(config.mapping.outputs, inputs, bias=1.0)
        self.weight = normal(config.image_channels, inputs, 1, 1)
        self.bias = nn.Parameter(torch.zeros(config.image_channels))
        self.scale = 1.0 / math.sqrt(inputs)
        self.clamp = config.clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        # A 1x1 convolution to so few channels is fastest as a matrix product, in which per-sample weights cost nothing.
        n, channels, height, width = x.shape
        weight = (
            self.weight[:, :, 0, 0].t() * (self.affine(w) * self.scale)[:, :, None]
        )  # (N, inputs, image_channels)
        pixels = x.permute(0, 2, 3, 1).reshape(n, height * width, channels)
        y = torch.baddbmm(self.bias, pixels, weight).reshape(n, height, width, -1).permute(0, 3, 1, 2)
        return y if self.clamp is None else y.clamp(-self.clamp, self.clamp)


class Block(nn.Module):
    """The layers of one resolution. The first block starts from a constant, all others double the resolution of their input."""

    const: nn.Parameter
    conv0: StyledLayer
    torgb: ToImage
    skip: Conv

    def __init__(self, level: int, config: StyleGAN2Config) -> None:
        super().__init__()
        inputs, outputs = config.channels[max(level - 1, 0)], config.channels[level]
        resolution = 4 * 2**level
        self.first = level == 0
        self.residual = config.architecture == "resnet" and not self.first
        self.draws = config.architecture == "skip" or resolution == config.resolution
        if self.first:
            self.const = normal(outputs, 4, 4)
        else:
            self.conv0 = StyledLayer(inputs, outputs, resolution, config, up=True)
        self.conv1 = StyledLayer(outputs, outputs, resolution, config)
        if self.draws:
            self.torgb = ToImage(outputs, config)
        if self.residual:
            self.skip = Conv(inputs, outputs, 1, resample="up", bias=False)

    def forward(
        self, x: Tensor | None, image: Tensor | None, styles: list[Tensor], kernel: Tensor, noise: Noise
    ) -> tuple[Tensor, Tensor | None]:
        """`styles` : of conv0 (absent in the first block), conv1 and torgb, each (N, W)."""
        if self.first:
            x = self.const.expand(styles[0].shape[0], -1, -1, -1).contiguous(
                memory_format=torch.channels_last
            )
            x = self.conv1(x, styles[0], kernel, noise)
        else:
            assert x is not None
            half = math.sqrt(0.5) if self.residual else 1.0  # two branches of unit variance are added
            y = self.conv1(self.conv0(x, styles[0], kernel, noise), styles[1], kernel, noise, gain=half)
            x = self.skip(x, kernel, gain=half) + y if self.residual else y
        if image is not None:
            image = upsample(image, kernel)
        if self.draws:
            drawn = self.torgb(x, styles[-1])
            image = drawn if image is None else image + drawn
        return x, image


class Synthesis(nn.Module):
    """Styles -> images."""

    resample_filter: Tensor

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("resample_filter", binomial_filter(config.filter_taps))
        for level in range(len(config.channels)):
            self.add_module(f"b{4 * 2**level}", Block(level, config))

    def forward(self, styles: list[Tensor], noise: Noise | None = None) -> Tensor:
        """Images (N, image_channels, R, R) from `config.layers` styles (N, W); without `noise`, the configured one."""
        noise = noise or self.config.noise
        x: Tensor | None = None
        image: Tensor | None = None
        for level in range(len(self.config.channels)):
            # A block's conversion to pixels shares its style with the first convolution of the next block.
            own = styles[0:2] if level == 0 else styles[2 * level - 1 : 2 * level + 2]
            x, image = self.get_submodule(f"b{4 * 2**level}")(x, image, own, self.resample_filter, noise)
        assert image is not None
        return image


class StyleGAN2(StyleBased):
    """The generator: `StyleBased` says what enters and what comes out."""

    kind: ClassVar[str] = "stylegan2"
    config: StyleGAN2Config

    def __init__(self, config: StyleGAN2Config | None = None) -> None:
        super().__init__()
        self.config = config or StyleGAN2Config()
        self.mapping = Mapping(self.config.mapping)
        self.synthesis = Synthesis(self.config)
        self.register_buffer("w_avg", torch.zeros(self.config.mapping.outputs))

    def original_state_dict(self) -> dict[str, Tensor]:
        """The weights under the names of the code that they come from; it loads them strictly."""
        tensors = dict(self.state_dict())
        if self.config.names == "rosinality":
            return to_rosinality(tensors, len(self.config.channels), self.config.mapping.layers)
        return to_nvidia(tensors)
