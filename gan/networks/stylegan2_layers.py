"""Primitives of StyleGAN2 (Karras et al. 2020, arXiv 1912.04958), written from the paper.

Parameters have the names of published checkpoints, so that weights are loaded and exported without translation. Inside a layer, the
convolution has shared weights between two scalings (input by the style, output by the demodulation): equivalent to per-sample weights,
without a grouped convolution, which is several times slower on a CPU. `channels_last` throughout, for the same reason.

Legend: N batch, C channels, R resolution, W style width, K taps of the resampling filter.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import Whole
from gan.networks.layers import normal, pixel_norm

Activation = Literal["lrelu", "relu", "linear"]
# Slope below zero, and the gain that preserves unit variance. All are positively homogeneous: a(g x) = g a(x) for g > 0.
_ACTIVATIONS: dict[Activation, tuple[float, float]] = {
    "lrelu": (0.2, math.sqrt(2.0)),
    "relu": (0.0, math.sqrt(2.0)),
    "linear": (1.0, 1.0),
}

_MOST_LAYERS = 64  # limit for a damaged configuration
MOST_TAPS = 32


def gain_of(activation: Activation) -> float:
    """Factor of the activation's output; it is folded into the preceding operation, where it costs nothing."""
    return _ACTIVATIONS[activation][1]


def bend(x: Tensor, activation: Activation, limit: float | None = None) -> Tensor:
    """The activation without its gain, on an `x` that already includes it, then clipped to +-limit. May overwrite `x`."""
    slope = _ACTIVATIONS[activation][0]
    if slope != 1.0:
        x = F.leaky_relu(x, slope, inplace=True)
    return x if limit is None else x.clamp(-limit, limit)


def unbend(x: Tensor, activation: Activation) -> Tensor:
    """The inverse of the activation with its gain; `x` itself if it is not invertible."""
    slope, gain = _ACTIVATIONS[activation]
    return F.leaky_relu(x / gain, 1.0 / slope) if slope else x


# ------------------------------------------------------------------------------------------------------------- resampling


def binomial_filter(taps: int) -> Tensor:
    """The (taps, taps) low-pass filter of binomial coefficients, with sum 1; with 4 taps it is StyleGAN2's [1, 3, 3, 1]."""
    # In Python numbers: on the meta device, tensor arithmetic would cost seconds of imports for nothing.
    row = [math.comb(taps - 1, k) / 2 ** (taps - 1) for k in range(taps)]
    return torch.tensor([[a * b for b in row] for a in row])


def _fit(x: Tensor, before: int, after: int) -> Tensor:
    """Pad the last two dimensions with zeros; negative numbers crop rows and columns."""
    if before == after == 0:
        return x
    if before >= 0 and after >= 0:
        return F.pad(x, (before, after, before, after))
    height, width = x.shape[2:]
    x = x[:, :, max(-before, 0) : height + min(after, 0), max(-before, 0) : width + min(after, 0)]
    return _fit(x, max(before, 0), max(after, 0))


def fir(x: Tensor, kernel: Tensor, before: int, after: int, stride: int = 1) -> Tensor:
    """Convolve each channel with one kernel (K, K), after padding by `before` and `after` zeros; only every stride-th pixel is kept.

    A convolution in the mathematical sense: the kernel is flipped, which matters if it is asymmetric.
    """
    channels = x.shape[1]
    weight = kernel.flip((0, 1)).expand(channels, 1, -1, -1)
    if before == after and before >= 0:
        return F.conv2d(x, weight, stride=stride, padding=before, groups=channels)
    return F.conv2d(_fit(x, before, after), weight, stride=stride, groups=channels)


def upsample(x: Tensor, kernel: Tensor) -> Tensor:
    """(N, C, R, R) -> (N, C, 2R, 2R): zeros inserted between the pixels, then the filter, times 4 to preserve brightness."""
    taps, channels = kernel.shape[0], x.shape[1]
    weight = (kernel * 4.0).expand(channels, 1, -1, -1)
    # The transposed convolution returns 2R - 2 + K pixels, of which the middle 2R are kept.
    before = (taps - 2) // 2
    after = taps - 2 - before
    if before == after:
        return F.conv_transpose2d(x, weight, stride=2, padding=before, groups=channels)
    return _fit(F.conv_transpose2d(x, weight, stride=2, groups=channels), -before, -after)


def downsample(x: Tensor, kernel: Tensor) -> Tensor:
    """(N, C, R, R) -> (N, C, R/2, R/2): the filter, then every second pixel."""
    taps = kernel.shape[0]
    return fir(x, kernel, (taps - 1) // 2, (taps - 2) // 2, stride=2)


def upsampling_conv(x: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """A convolution (O, C, k, k) at twice the resolution, then the filter: (N, C, R, R) -> (N, O, 2R, 2R)."""
    taps, size = kernel.shape[0], weight.shape[2]
    y = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # 2R - 2 + k pixels
    before = (taps + 1) // 2 + size // 2 - (size - 1)
    after = (taps - 2) // 2 + size // 2 - (size - 2)
    return fir(y, kernel * 4.0, before, after)


def downsampling_conv(x: Tensor, weight: Tensor, kernel: Tensor) -> Tensor:
    """The filter, then a convolution (O, C, k, k) with stride 2: (N, C, R, R) -> (N, O, R/2, R/2)."""
    taps, size = kernel.shape[0], weight.shape[2]
    if size == 1:
        return F.conv2d(downsample(x, kernel), weight)
    x = fir(x, kernel, (taps - 1) // 2 + size // 2, (taps - 2) // 2 + size // 2)
    return F.conv2d(x, weight, stride=2)


# ----------------------------------------------------------------------------------------------------------------- layers


class Dense(nn.Module):
    """Fully connected layer with equalised learning rate, then an activation. (N, inputs) -> (N, outputs)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        activation: Activation = "linear",
        lr_multiplier: float = 1.0,
        bias: float = 0.0,
    ) -> None:
        super().__init__()
        self.weight = normal(outputs, inputs, deviation=1.0 / lr_multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias))
        self.scale = lr_multiplier / math.sqrt(inputs) * gain_of(activation)
        self.bias_scale = lr_multiplier * gain_of(activation)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return bend(F.linear(x, self.weight * self.scale, self.bias * self.bias_scale), self.activation)


class Conv(nn.Module):
    """Convolution with equalised learning rate, then an activation; with "up" or "down" it doubles or halves the resolution."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: int,
        activation: Activation = "linear",
        resample: Literal["up", "down"] | None = None,
        clamp: float | None = None,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = normal(outputs, inputs, size, size)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = gain_of(activation) / math.sqrt(inputs * size * size)
        self.activation = activation
        self.resample = resample
        self.clamp = clamp

    def forward(self, x: Tensor, kernel: Tensor, gain: float = 1.0) -> Tensor:
        """`gain` multiplies the result and the clamping limit."""
        weight = self.weight * (self.scale * gain)
        if (
            self.resample == "up"
        ):  # only ever with one tap, where filtering after the convolution is the same and cheaper
            y = upsample(F.conv2d(x, weight), kernel)
        elif self.resample == "down":
            y = downsampling_conv(x, weight, kernel)
        else:
            y = F.conv2d(x, weight, padding=self.weight.shape[2] // 2)
        if self.bias is not None:
            y = y + (self.bias * (gain_of(self.activation) * gain))[:, None, None]
        return bend(y, self.activation, None if self.clamp is None else self.clamp * gain)


@dataclass(frozen=True)
class MappingConfig:
    """Shape of a mapping network."""

    noise_width: Whole = 512  # width of z; 0 in a discriminator, which only maps the label
    classes: Whole = 0  # 0: no labels
    label_width: Whole = 0  # width of a label's embedding
    layers: int = 8
    hidden: int = 512  # width between the layers
    outputs: int = 512  # width of w
    lr_multiplier: float = 0.01
    activation: Activation = "lrelu"

    def __post_init__(self) -> None:
        if (self.classes == 0) != (self.label_width == 0):
            raise ValueError("labels need an embedding, and an embedding needs labels")
        if self.noise_width < 0 or self.noise_width + self.classes == 0:
            raise ValueError("a mapping network needs latents or labels")
        if self.layers > _MOST_LAYERS:
            raise ValueError(f"a mapping network of {self.layers} layers")
        if not 1e-6 <= self.lr_multiplier <= 1e3:
            raise ValueError(f"lr_multiplier is {self.lr_multiplier}, not in 1e-6..1000")


class Mapping(nn.Module):
    """z (N, noise_width) and one-hot labels (N, classes) -> w (N, outputs). Both are normalised first, so lengths have no effect."""

    embed: Dense

    def __init__(self, config: MappingConfig) -> None:
        super().__init__()
        self.config = config
        if config.classes:
            self.embed = Dense(config.classes, config.label_width)
        widths = (
            [config.noise_width + config.label_width]
            + [config.hidden] * (config.layers - 1)
            + [config.outputs]
        )
        for i, (a, b) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            self.add_module(f"fc{i}", Dense(a, b, config.activation, config.lr_multiplier))

    def forward(self, z: Tensor | None, labels: Tensor | None) -> Tensor:
        parts = []
        if self.config.noise_width:
            assert z is not None
            parts.append(pixel_norm(z.float()))
        if self.config.classes:
            assert labels is not None
            parts.append(pixel_norm(self.embed(labels)))
        x = torch.cat(parts, dim=1)
        for i in range(self.config.layers):
            x = self.get_submodule(f"fc{i}")(x)
        return x
