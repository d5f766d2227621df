"""Layers of StyleGAN3 (Karras et al. 2021, arXiv 2106.12423), written from the paper.

Parameters have the names of published checkpoints, so that weights are loaded and exported without translation. As in StyleGAN2, a
convolution has shared weights between two scalings; all is in `channels_last` order, in which a CPU filters several times faster.

Legend: N batch, C channels, S samples along a side, W style width.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.layers import modulate, normal
from gan.networks.stylegan2_layers import Dense
from gan.networks.stylegan3_filters import downsample, lowpass, radial_lowpass, upsample

MOST_TAPS = 64
_MOST_VALUES = 2**30  # of one image within a layer, so that a small file cannot ask for all memory; StyleGAN3-R at 1024 px has 2**28.4
_AT_ONCE = 2**26  # values within a layer from which a batch is taken in parts, for the sake of memory
_LEAK, _GAIN = 0.2, math.sqrt(2.0)
_LEAST = 1e-30  # keeps a square root of zero from becoming infinite


@dataclass(frozen=True)
class Signal:
    """What a layer puts out: an image of limited bandwidth, sampled evenly. Frequencies are in cycles along the side of the drawn image."""

    channels: int
    size: int  # samples along a side, with the margin around what is drawn
    rate: int  # samples along the side of the drawn image
    cutoff: float  # up to which frequency it carries anything
    half_width: float  # half the width of the band in which filters fall from all to nothing

    def __post_init__(self) -> None:
        if not 0.0 < self.cutoff < self.rate:
            raise ValueError(f"a signal with frequencies up to {self.cutoff} at {self.rate} samples")
        if not 0.0 < self.half_width < 1e6:
            raise ValueError(f"a signal with a band of {self.half_width}")


@dataclass(frozen=True)
class FilterConfig:
    """What the hidden layers have in common."""

    kernel: int = 3  # width of the convolutions: 3 in StyleGAN3-T, 1 in StyleGAN3-R
    relative_taps: int = 6  # taps of a filter for each sample at the lower of its two rates
    oversampling: int = 2  # how much finer than its surroundings the nonlinearity is sampled
    clamp: float | None = 256.0  # nonlinearities are clipped to +-clamp

    def __post_init__(self) -> None:
        if self.kernel not in {1, 3}:
            raise ValueError(f"convolutions of {self.kernel} by {self.kernel}")
        if self.clamp is not None and not 0.0 < self.clamp < 1e9:
            raise ValueError(f"clamp is {self.clamp}, not a positive number")


class Geometry:
    """How a layer resamples from one signal to the next (section 3.2 and appendix C)."""

    def __init__(self, before: Signal, after: Signal, config: FilterConfig) -> None:
        self.before, self.after = before, after
        self.rate = max(before.rate, after.rate) * config.oversampling  # within the nonlinearity
        self.up, self.down = self.rate // before.rate, self.rate // after.rate
        if self.rate % before.rate or self.rate % after.rate:
            raise ValueError(f"no whole factors between {before.rate}, {self.rate} and {after.rate} samples")
        self.up_taps, self.down_taps = (1 if factor == 1 else config.relative_taps * factor for factor in (self.up, self.down))
        if max(self.up_taps, self.down_taps) > MOST_TAPS:
            raise ValueError(f"filters of {max(self.up_taps, self.down_taps)} taps")
        # The nonlinearity is computed only where the second filter reads it. Input and output have the same centre, where a sample of the
        # input stands for the time until the next (appendix C.3): thus the unequal halves.
        entering = before.size + config.kernel - 1
        self.within = (after.size - 1) * self.down + self.down_taps
        full = entering * self.up + self.up_taps - 1
        padding = self.within - full + 2 * (self.up_taps - 1)
        low = (padding + self.up) // 2
        self.padding = low, padding - low
        self.low = self.up_taps - 1 - low  # left out of the result of a transposed convolution, which ends up - 1 samples earlier
        self.high = self.up_taps - self.up - (padding - low)
        if min(self.low, self.high) < 0 or self.within < 1:
            raise ValueError(f"{before.size} samples do not suffice for {after.size}")
        if after.channels * max(self.within, entering) ** 2 > _MOST_VALUES:
            raise ValueError("a layer that takes more memory than any known generator")

    def filters(self, radial: bool) -> dict[str, Tensor]:
        """The filters as the paper designs them; a direction that does not resample has none."""
        found: dict[str, Tensor] = {}
        if self.up > 1:
            found["up_filter"] = torch.tensor(lowpass(self.up_taps, self.before.cutoff, self.before.half_width, self.rate))
        if self.down > 1:
            design = radial_lowpass if radial else lowpass
            found["down_filter"] = torch.tensor(design(self.down_taps, self.after.cutoff, self.after.half_width, self.rate))
        return found


class FilteredLayer(nn.Module):
    """Modulated convolution and filtered leaky rectifier: (N, before.channels, S, S) -> (N, after.channels, S', S').

    The rectifier is applied to a finer sampling, and what it adds beyond the next signal's bandwidth is filtered out (section 3.1).
    """

    magnitude_ema: Tensor
    up_filter: Tensor | None
    down_filter: Tensor | None

    def __init__(self, width: int, before: Signal, after: Signal, config: FilterConfig, radial: bool) -> None:
        super().__init__()
        self.geometry = geometry = Geometry(before, after, config)
        self.affine = Dense(width, before.channels, bias=1.0)
        self.weight = normal(after.channels, before.channels, config.kernel, config.kernel)
        self.bias = nn.Parameter(torch.zeros(after.channels))
        self.register_buffer("magnitude_ema", torch.ones([]))  # mean square of the input, measured in training
        filters = geometry.filters(radial)
        self.register_buffer("up_filter", filters.get("up_filter"))
        self.register_buffer("down_filter", filters.get("down_filter"))
        self.padding = config.kernel - 1
        self.clamp = config.clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        style = self.affine(w)  # (N, inputs)
        # Demodulation (Karras et al. 2020, arXiv 1912.04958, eq. 3) cancels every factor of style and weights. The scale of the input,
        # a mean over training rather than that of this image, is divided out after it.
        energy = style.square() @ self.weight.square().sum(dim=(2, 3)).t()  # (N, outputs)
        scale = torch.rsqrt(energy.clamp(min=_LEAST)) * (torch.rsqrt(self.magnitude_ema) * _GAIN)
        y = F.conv2d(modulate(x, style), self.weight, padding=self.padding)
        y = modulate(y, scale, self.bias * _GAIN)
        images = max(1, _AT_ONCE // (y.shape[1] * self.geometry.within**2))
        if torch.compiler.is_compiling() or y.shape[0] <= images:
            return self.bend(y)
        return torch.cat([self.bend(part) for part in y.split(images)])

    def bend(self, x: Tensor) -> Tensor:
        """The filtered rectifier, without its gain, on an `x` that already includes it."""
        geometry = self.geometry
        if self.up_filter is not None:
            x = upsample(x, self.up_filter, geometry.up, geometry.low, geometry.high)
        else:
            x = x[:, :, geometry.low : x.shape[2] - geometry.high, geometry.low : x.shape[3] - geometry.high]
        x = F.leaky_relu(x, _LEAK, inplace=True)
        if self.clamp is not None:  # in place where that is possible: a new tensor of this size costs more than the arithmetic
            x = x.clamp(-self.clamp, self.clamp) if torch.is_grad_enabled() else x.clamp_(-self.clamp, self.clamp)
        return x if self.down_filter is None else downsample(x, self.down_filter, geometry.down)


class ToImage(nn.Module):
    """Features -> pixels: a modulated 1x1 convolution without demodulation. (N, C, R, R) -> (N, image_channels, R, R)."""

    magnitude_ema: Tensor

    def __init__(self, width: int, inputs: int, outputs: int, clamp: float | None) -> None:
        super().__init__()
        self.affine = Dense(width, inputs, bias=1.0)
        self.weight = normal(outputs, inputs, 1, 1)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("magnitude_ema", torch.ones([]))
        self.scale = 1.0 / math.sqrt(inputs)
        self.clamp = clamp

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        factor = self.affine(w) * (self.scale * torch.rsqrt(self.magnitude_ema))
        y = F.conv2d(modulate(x, factor), self.weight, self.bias)
        return y if self.clamp is None else y.clamp(-self.clamp, self.clamp)


def _disc(count: int, radius: float) -> Tensor:
    """Points (count, 2) that are even over a disc; not drawn on the meta device, where it would cost a second of imports for nothing."""
    points = torch.empty(count, 2)
    if points.is_meta:
        return points
    angle, share = points.uniform_().unbind(dim=1)
    return torch.stack([torch.cos(2.0 * math.pi * angle), torch.sin(2.0 * math.pi * angle)], dim=1) * (radius * share.sqrt())[:, None]


class FourierFeatures(nn.Module):
    """Waves on a plane that w turns and shifts, mixed by one matrix (section 3.2): (N, W) -> (N, channels, size, size)."""

    transform: Tensor
    freqs: Tensor
    phases: Tensor

    def __init__(self, width: int, signal: Signal) -> None:
        super().__init__()
        if signal.cutoff >= signal.rate / 2:
            raise ValueError(f"waves of up to {signal.cutoff} cycles at {signal.rate} samples")
        self.signal = signal
        self.weight = normal(signal.channels, signal.channels)
        self.affine = Dense(width, 4)  # cosine and sine, up to a common factor, and a shift in x and y
        self.affine.weight = nn.Parameter(torch.zeros(4, width))
        self.affine.bias = nn.Parameter(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        # Of the plane, where somebody wants the images turned. (`torch.eye` on the meta device would cost seconds of imports.)
        self.register_buffer("transform", torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
        self.register_buffer("freqs", _disc(signal.channels, signal.cutoff))
        phases = torch.empty(signal.channels)
        self.register_buffer("phases", phases if phases.is_meta else phases.uniform_(-0.5, 0.5))

    def forward(self, w: Tensor) -> Tensor:
        freqs, phases = self._moved(self.affine(w))  # (N, C, 2), (N, C)
        size, rate, cutoff = self.signal.size, self.signal.rate, self.signal.cutoff
        # Waves that `transform` makes too fine fade out between the cutoff and the highest frequency that the samples can carry.
        strength = (1.0 - (freqs.norm(dim=2) - cutoff) / (rate / 2 - cutoff)).clamp(0.0, 1.0)[:, None]
        ticks = (torch.arange(size, device=w.device, dtype=w.dtype) + (0.5 - size / 2)) / rate
        across = (2.0 * math.pi) * (ticks[:, None] * freqs[:, None, :, 0])  # (N, S, C)
        down = (2.0 * math.pi) * (ticks[:, None] * freqs[:, None, :, 1] + phases[:, None])
        # sin(a + b), which takes the sines of a row and of a column instead of those of a plane
        waves = (down.sin() * strength)[:, :, None] * across.cos()[:, None]
        waves = waves + (down.cos() * strength)[:, :, None] * across.sin()[:, None]
        return F.linear(waves, self.weight / math.sqrt(self.signal.channels)).permute(0, 3, 1, 2)

    def _moved(self, placed: Tensor) -> tuple[Tensor, Tensor]:
        """Frequencies and phases on the plane as `placed` (N, 4) turns and shifts it: first the turn of the image, then the shift."""
        cos, sin, *shift = (placed / placed[:, :2].norm(dim=1, keepdim=True)).unbind(dim=1)
        turn = torch.stack([cos, -sin, sin, cos], dim=1).reshape(-1, 2, 2)
        moved = torch.cat([turn, -(turn @ torch.stack(shift, dim=1)[:, :, None])], dim=2) @ self.transform  # (N, 2, 3)
        return self.freqs @ moved[:, :, :2], self.phases + (self.freqs @ moved[:, :, 2:]).squeeze(2)
