"""Primitives of the compact style-based networks.

Legend: N batch, C channels, R resolution, W style width.
Weights are drawn from N(0, 1) and scaled at run time ("equalised learning rate", Karras et al. 2018, arXiv 1710.10196, sec. 4.1),
so that Adam moves every layer at the same relative speed.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LEAK = 0.2
_FOLDED_FROM = 32  # pixels from which repeated ones are not computed with; smaller feature maps have more weights than pixels
GAIN = math.sqrt(2.0)  # approximately preserves unit variance through a leaky rectifier


def activate(x: Tensor) -> Tensor:
    """Leaky ReLU times sqrt(2): unit variance in, about unit variance out."""
    return F.leaky_relu(x, _LEAK) * GAIN


def deactivate(x: Tensor) -> Tensor:
    """The inverse of `activate`."""
    return F.leaky_relu(x / GAIN, 1.0 / _LEAK)


def pixel_norm(x: Tensor) -> Tensor:
    """x / rms(x) over dimension 1 (Karras et al. 2018, sec. 4.2)."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def upsample2(x: Tensor) -> Tensor:
    """(N, C, R, R) -> (N, C, 2R, 2R), bilinear: a [1, 3, 3, 1] low-pass filter, which causes no checkerboard artifacts."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def enlarged_conv(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A convolution of x with every pixel repeated, two by two, with zeros around it.

    (N, C, R, R), (outputs, C, 3, 3), (outputs,) -> (N, outputs, 2 R, 2 R).
    """
    if x.shape[3] < _FOLDED_FROM:
        return F.conv2d(F.interpolate(x, scale_factor=2.0, mode="nearest"), weight, bias, padding=1)
    # Of three neighbours two are the same pixel, so that four weights do for two steps: 4/9 of the multiplications.
    w = torch.stack([weight[:, :, 2], weight[:, :, 1] + weight[:, :, 2], weight[:, :, 0] + weight[:, :, 1], weight[:, :, 0]], dim=2)
    w = torch.stack([w[..., 2], w[..., 1] + w[..., 2], w[..., 0] + w[..., 1], w[..., 0]], dim=3)
    return F.conv_transpose2d(x, w.transpose(0, 1), bias, stride=2, padding=1)


def smooth(x: Tensor, period: int) -> Tensor:
    """Means over `period` x `period` neighbours, taken twice with opposite offsets: (N, C, H, W) -> the same shape.

    This removes everything that repeats every `period` pixels. Edge pixels are replicated beyond the edge.
    """
    for before, after in ((period // 2, (period - 1) // 2), ((period - 1) // 2, period // 2)):
        x = F.avg_pool2d(F.pad(x, (before, after, before, after), mode="replicate"), period, stride=1)
    return x


def modulate(x: Tensor, factor: Tensor, bias: Tensor | None = None) -> Tensor:
    """x times a factor per channel of each image, plus a bias per channel: (N, C, H, W), (N, C), (C,) -> (N, C, H, W)."""
    interleaved = x.permute(0, 2, 3, 1)
    if x.device.type != "cpu" or torch.compiler.is_compiling() or not interleaved.is_contiguous():
        x = x * factor[:, :, None, None]
        return x if bias is None else x + bias[:, None, None]
    # A CPU broadcasts along contiguous memory, and the channels of one pixel are too few: whole lines are up to ten times faster.
    lines, width = interleaved.flatten(2), x.shape[3]
    across = factor.repeat(1, width)[:, None]
    lines = lines * across if bias is None else torch.addcmul(bias.repeat(width), lines, across)
    return lines.view(interleaved.shape).permute(0, 3, 1, 2)


def normal(*shape: int, deviation: float = 1.0) -> nn.Parameter:
    """A parameter drawn from N(0, deviation^2); not drawn on the meta device, where it would cost a second of imports for nothing."""
    values = torch.empty(*shape)
    return nn.Parameter(values if values.is_meta else values.normal_().mul_(deviation))


class Linear(nn.Module):
    """Fully connected layer with equalised learning rate. (N, inputs) -> (N, outputs)."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, lr_multiplier: float = 1.0) -> None:
        super().__init__()
        self.weight = normal(outputs, inputs, deviation=1.0 / lr_multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), bias / lr_multiplier))
        self.scale = lr_multiplier / math.sqrt(inputs)
        self.lr_multiplier = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * self.scale, self.bias * self.lr_multiplier)


class Conv(nn.Module):
    """Convolution, stride 1, same size, equalised learning rate. (N, inputs, R, R) -> (N, outputs, R, R).

    The output is multiplied by `gain` and, with `rectify`, passes a leaky rectifier; their order does not matter. The factor is applied to
    the weights, which are far fewer than the pixels.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, bias: bool = True, gain: float = 1.0, rectify: bool = False
    ) -> None:
        super().__init__()
        self.weight = normal(outputs, inputs, kernel, kernel)
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.gain, self.rectify = gain, rectify
        self.scale = gain / math.sqrt(inputs * kernel * kernel)
        self.padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias * self.gain
        y = F.conv2d(x, self.weight * self.scale, bias, padding=self.padding)
        return F.leaky_relu(y, _LEAK) if self.rectify else y


class StyledConv(nn.Module):
    """Modulated convolution (Karras et al. 2020, arXiv 1912.04958, eq. 1-3), without a grouped convolution.

    Scaling the input by the style, convolving with shared weights and scaling the output by the demodulation factor is the same as
    convolving with per-sample weights, and several times faster on a CPU.

    A demodulated output passes a leaky rectifier and keeps the precision of the convolution: bfloat16 if `gan.adversarial` trains in it.
    An output without demodulation is part of an image and has the precision of the weights.
    """

    def __init__(
        self, inputs: int, outputs: int, w_dim: int, kernel: int = 3, demodulate: bool = True, upsample: bool = False
    ) -> None:
        super().__init__()
        self.upsample = upsample
        self.weight = normal(outputs, inputs, kernel, kernel)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.style = Linear(w_dim, inputs, bias=1.0)
        self.scale = 1.0 / math.sqrt(inputs * kernel * kernel)
        self.padding = kernel // 2
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x (N, inputs, R, R), w (N, W) -> (N, outputs, R, R), or (N, outputs, 2R, 2R) with `upsample`."""
        style = self.style(w)  # (N, inputs)
        weight = self.weight * self.scale
        x = modulate(x, style)
        if self.upsample:  # after the style, which is equivalent and touches a quarter of the pixels
            x = upsample2(x)
        y = F.conv2d(x, weight, padding=self.padding)
        if not self.demodulate:
            return y + self.bias[:, None, None]
        # sum over inputs and taps of (s_i * w_oik)^2, as one small matrix product
        energy = style.square() @ weight.square().sum(dim=(2, 3)).t()  # (N, outputs)
        factor = (GAIN * torch.rsqrt(energy + 1e-8)).to(y.dtype)
        bias = (GAIN * self.bias).to(y.dtype)
        return F.leaky_relu(modulate(y, factor, bias), _LEAK)
