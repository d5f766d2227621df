"""Low-pass filters and resampling of StyleGAN3 (Karras et al. 2021, arXiv 2106.12423, section 3 and appendix C), written from the paper.

Both directions are grouped convolutions along one axis after the other. In `channels_last` order a CPU computes those several times
faster than in the usual one; the transposed convolution never multiplies the zeros that upsampling inserts, and the strided one computes no
sample that is thrown away.

Legend: N batch, C channels, S samples along a side, T taps.
"""

import math

import numpy as np
import torch.nn.functional as F
from torch import Tensor

_POINTS = 512  # of the integral for J1; exact to double precision for arguments below about 400


def lowpass(taps: int, cutoff: float, half_width: float, rate: float) -> list[float]:
    """A separable low-pass filter: a sinc under a Kaiser window (appendix C), with sum 1.

    Parameters
    ----------
    taps : number of coefficients.
    cutoff : frequency at which it passes half.
    half_width : of the band in which it falls from all to nothing; it sets the window's shape.
    rate : samples per unit; `cutoff` and `half_width` are in cycles per unit.
    """
    where = (np.arange(taps) - (taps - 1) / 2) / rate
    row = np.sinc(2.0 * cutoff * where) * _window(taps, half_width, rate)
    return [float(value) for value in row / row.sum()]


def radial_lowpass(taps: int, cutoff: float, half_width: float, rate: float) -> list[list[float]]:
    """A rotationally symmetric low-pass filter: a jinc under a separable window (appendix C), with sum 1. Arguments as of `lowpass`."""
    where = (np.arange(taps) - (taps - 1) / 2) / rate
    radius = np.hypot(where[:, None], where[None, :])
    window = _window(taps, half_width, rate)
    # J1(2 pi f r) / (pi r), whose limit in the middle is f
    middle = radius == 0.0
    jinc = np.where(middle, cutoff, _bessel(2.0 * math.pi * cutoff * radius) / (math.pi * np.where(middle, 1.0, radius)))
    square = jinc * np.outer(window, window)
    return [[float(value) for value in row] for row in square / square.sum()]


def _window(taps: int, half_width: float, rate: float) -> np.ndarray:
    """Kaiser's window for a transition band of 2 * half_width (Kaiser 1974; Oppenheim and Schafer, eq. 7.75 and 7.76)."""
    attenuation = 2.285 * (taps - 1) * math.pi * 4.0 * half_width / rate + 7.95  # decibels; pi is half the rate
    if attenuation > 50.0:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation > 21.0:
        beta = 0.5842 * (attenuation - 21.0) ** 0.4 + 0.07886 * (attenuation - 21.0)
    else:
        beta = 0.0
    return np.kaiser(taps, beta)


def _bessel(x: np.ndarray) -> np.ndarray:
    """J1, by its integral over one period, for which evenly spaced points are exact as soon as there are more than x."""
    angles = (np.arange(_POINTS) + 0.5) * (math.pi / _POINTS)
    waves: np.ndarray = np.cos(angles - x[..., None] * np.sin(angles)).mean(axis=-1)
    return waves


def upsample(x: Tensor, kernel: Tensor, factor: int, low: int, high: int) -> Tensor:
    """Put factor - 1 zeros after each sample, filter along both axes, and multiply by factor^2 to keep the magnitude.

    Parameters
    ----------
    x : (N, C, S, S).
    kernel : (T,) coefficients.
    low, high : samples of the full result, of which there are (S - 1) * factor + T along a side, that are left out on either side; not
        negative, and high is low or low + 1.
    """
    channels = x.shape[1]
    row = kernel * factor
    for axis in (0, 1):
        weight = row.reshape((-1, 1) if axis == 0 else (1, -1)).expand(channels, 1, -1, -1)
        stride, padding = ((factor, 1), (low, 0)) if axis == 0 else ((1, factor), (0, low))
        x = F.conv_transpose2d(x, weight, stride=stride, padding=padding, groups=channels)
    return x if high == low else x[:, :, :-1, :-1]


def downsample(x: Tensor, kernel: Tensor, factor: int) -> Tensor:
    """Filter, without padding, and keep every factor-th sample along both axes: (N, C, S, S) -> (N, C, (S - T) // factor + 1, ...).

    kernel : (T,) coefficients for each axis, or (T, T).
    """
    channels = x.shape[1]
    if kernel.dim() == 2:
        return F.conv2d(x, kernel.flip((0, 1)).expand(channels, 1, -1, -1), stride=factor, groups=channels)
    row = kernel.flip(0)
    x = F.conv2d(x, row.reshape(-1, 1).expand(channels, 1, -1, -1), stride=(factor, 1), groups=channels)
    return F.conv2d(x, row.expand(channels, 1, 1, -1), stride=(1, factor), groups=channels)
