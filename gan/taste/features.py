"""Image features that a taste is learnt from: colour, layout and form statistics, and the discriminator's last hidden layer."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gan.networks import ImageDiscriminator

GROUPS = ("colour", "layout", "form", "discriminator")
_TO_LMS = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_TO_LAB = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
_EXTREMES = (0.05, 0.5, 0.95)  # quantiles of lightness
_LAYOUT_DIMENSIONS = 24
_DISCRIMINATOR_DIMENSIONS = 32


def oklab(images: Tensor) -> Tensor:
    """sRGB (N, 3, H, W) in [-1, 1] -> OKLab (N, 3, H, W), L in [0, 1], a and b within about +-0.4 (Ottosson 2020)."""
    srgb = (images.float() + 1.0) / 2.0
    linear = torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb.clamp_min(0.0) + 0.055) / 1.055) ** 2.4)
    to_lms, to_lab = linear.new_tensor(_TO_LMS), linear.new_tensor(_TO_LAB)
    lms = torch.einsum("ij,njhw->nihw", to_lms, linear).clamp_min(0.0) ** (1.0 / 3.0)
    return torch.einsum("ij,njhw->nihw", to_lab, lms)


def _colour(lab: Tensor) -> Tensor:
    """Global colour statistics: means, spreads, chroma, a hue histogram weighted by chroma, a lightness histogram. (N, 25)."""
    lightness, a, b = lab.flatten(2).unbind(dim=1)  # each (N, P)
    chroma = (a.square() + b.square() + 1e-10).sqrt()
    centres = torch.arange(8, device=lab.device) * (torch.pi / 4.0)
    # Soft bins cos(hue - centre)^4 * chroma, so that a colour near the edge of a bin does not jump.
    scaling = chroma ** (0.25 - 1.0)
    towards = torch.stack([centres.cos(), centres.sin()], dim=1) @ torch.stack([a * scaling, b * scaling], dim=1)
    hues = towards.relu().square().square().mean(dim=2)
    levels = torch.linspace(0.1, 0.9, 6, device=lab.device)
    lights = torch.exp(-0.5 * ((lightness[:, None, :] - levels[None, :, None]) / 0.1).square()).mean(dim=2)
    planes = torch.stack([lightness, a, b, chroma], dim=1)
    means = planes.mean(dim=2)
    # The norm takes a tenth of the time of `std`, and has a gradient for an image of one colour.
    spreads = torch.linalg.vector_norm(planes - means[:, :, None], dim=2) / math.sqrt(planes.shape[2] - 1)
    moments = [means[:, :3], spreads[:, :3], means[:, 3:], spreads[:, 3:]]
    return torch.cat([*moments, _quantiles(lightness, _EXTREMES), hues, lights], dim=1)


def _quantiles(values: Tensor, at: tuple[float, ...]) -> Tensor:
    """Quantiles of each row, as `torch.quantile` computes them: (N, P) -> (N, len(at))."""
    if values.requires_grad or values.device.type != "cpu":
        return torch.quantile(values, values.new_tensor(at), dim=1).t()
    ordered = torch.from_numpy(np.sort(values.numpy(), axis=1))  # twenty times as fast as torch's sort
    place = torch.tensor(at) * (values.shape[1] - 1)
    below = place.long()
    return torch.lerp(ordered[:, below], ordered[:, below + 1], place - below)


def _halved(images: Tensor) -> Tensor:
    """Means of 2 by 2 pixels: (..., H, W) -> (..., H/2, W/2), ignoring an odd last row or column."""
    height, width = images.shape[-2] // 2 * 2, images.shape[-1] // 2 * 2
    rows = images[..., 0:height:2, :] + images[..., 1:height:2, :]  # sums of slices: a tenth of the time that pooling takes
    return (rows[..., 0:width:2] + rows[..., 1:width:2]) / 4.0


def _small(images: Tensor) -> Tensor:
    """(N, 3, H, W) -> (N, 3, 32, 32)."""
    while images.shape[-2:] != (32, 32) and images.shape[-2] % 64 == 0 and images.shape[-1] % 64 == 0:
        images = _halved(images)
    return images if images.shape[-2:] == (32, 32) else F.adaptive_avg_pool2d(images, 32)


def _detail(plane: Tensor) -> tuple[Tensor, Tensor]:
    """Mean deviation of pixels from the mean of their 2 by 2 block, and those means: (N, H, W) -> two (N, H/2, W/2)."""
    height, width = plane.shape[1] // 2 * 2, plane.shape[2] // 2 * 2
    means = _halved(plane)
    corners = [plane[:, i:height:2, j:width:2] for i in (0, 1) for j in (0, 1)]
    return torch.stack([(corner - means).abs() for corner in corners]).mean(dim=0), means


def _form(small: Tensor) -> Tensor:
    """Texture, symmetry and balance, largely independent of colour. OKLab (N, 3, 32, 32) -> (N, 21)."""
    lightness = small[:, :1]
    found: list[Tensor] = []
    level = lightness.squeeze(1)
    for _ in range(3):  # detail at 1, 2 and 4 pixels of 32: all, upper half, lower half
        detail, level = _detail(level)
        half = detail.shape[1] // 2
        found += [part.mean(dim=(1, 2)) for part in (detail, detail[:, :half], detail[:, half:])]
    found.append((small - small.flip(3)).abs().mean(dim=(1, 2, 3)))  # left-right asymmetry
    found.append((small - small.flip(2)).abs().mean(dim=(1, 2, 3)))  # top-bottom asymmetry
    found.append(lightness.diff(dim=2).abs().mean(dim=(1, 2, 3)))  # horizontal edges
    found.append(lightness.diff(dim=3).abs().mean(dim=(1, 2, 3)))  # vertical edges
    centre = small[:, :, 8:24, 8:24].mean(dim=(2, 3))
    found += list((centre - small.mean(dim=(2, 3))).unbind(dim=1))  # centre minus mean: L, a, b
    found += list((small[:, :, :16].mean(dim=(2, 3)) - small[:, :, 16:].mean(dim=(2, 3))).unbind(dim=1))  # upper half minus lower half
    edges = lightness.mean(dim=3).diff(dim=2).abs().squeeze(1) + 1e-6  # (N, 31): difference of each row from the next
    rows = torch.linspace(0.0, 1.0, edges.shape[1], device=edges.device)
    found.append((edges.square() * rows).sum(1) / edges.square().sum(1))  # position of the horizon
    found.append(lightness.flatten(1).amax(dim=1))
    return torch.stack(found, dim=1)


@dataclass(frozen=True)
class RawFeatures:
    """Features of N images before standardisation, one tensor per group, each (N, d_group) float32 on the CPU."""

    groups: tuple[Tensor, ...]

    def __len__(self) -> int:
        return self.groups[0].shape[0]

    def __getitem__(self, images: Tensor) -> "RawFeatures":
        """The features of the images at these indices."""
        return RawFeatures(tuple(group[images] for group in self.groups))

    @staticmethod
    def cat(parts: list["RawFeatures"]) -> "RawFeatures":
        """Concatenate the features of several batches."""
        return RawFeatures(tuple(torch.cat(group) for group in zip(*(part.groups for part in parts), strict=True)))


def raw_features(images: Tensor, discriminator_features: Tensor | None) -> RawFeatures:
    """Features of images (N, 3, R, R) in [-1, 1]; `discriminator_features` (N, F) from `ImageDiscriminator.judge`, or None.

    Differentiable except at black pixels, where OKLab has no derivative: the gradient is NaN there.
    """
    images = images.float().contiguous()  # planar: the following steps are faster than on interleaved channels
    lab = oklab(_small(images))  # resized first, since the powers of the colour space are the expensive part
    fine, _ = _detail((images[:, 0] + images[:, 1] + images[:, 2]) / 3.0)
    half = fine.shape[1] // 2
    sharpness = torch.stack([fine[:, :half].mean(dim=(1, 2)), fine[:, half:].mean(dim=(1, 2))], dim=1)
    groups = [_colour(lab), F.adaptive_avg_pool2d(lab, 8).flatten(1), torch.cat([_form(lab), sharpness], dim=1)]
    if discriminator_features is not None:
        groups.append(discriminator_features)
    return RawFeatures(tuple(group.float().cpu() for group in groups))


def judge(discriminator: ImageDiscriminator | None, images: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Discriminator features (N, F) and logits (N,), or None and None; with a graph only if `images` requires one."""
    if discriminator is None:
        return None, None
    with torch.set_grad_enabled(torch.is_grad_enabled() and images.requires_grad):
        features, logits = discriminator.judge(images)
    return features, logits


@dataclass(frozen=True)
class Standardiser:
    """Makes raw features comparable: centres and scales each group; wide groups are first projected on their principal directions.

    Fitted once on the untuned generator's own images, so that units stay the same for the whole life of a project.
    """

    means: tuple[Tensor, ...]
    maps: tuple[Tensor, ...]  # (d_raw, d) each: column scaling, or whitened principal directions

    @classmethod
    def fit(cls, raw: RawFeatures) -> "Standardiser":
        """From reference images, a few hundred or more."""
        means, maps = [], []
        for name, group in zip(GROUPS, raw.groups, strict=False):
            mean = group.mean(dim=0)
            centred = group - mean
            scaling = 1.0 / centred.std(dim=0).clamp_min(1e-4)
            if name in ("layout", "discriminator"):
                limit = _LAYOUT_DIMENSIONS if name == "layout" else _DISCRIMINATOR_DIMENSIONS
                if name == "layout":
                    scaling = torch.ones_like(scaling)  # the columns have one unit already, and their differences in strength matter
                _, values, directions = torch.linalg.svd(centred * scaling, full_matrices=False)
                keep = max(1, min(limit, int((values > values[0] * 1e-4).sum())))
                # The floors matter if all images are the same: what is left is rounding error, and must stay small.
                spread = (values[:keep] / max(len(group) - 1, 1) ** 0.5).clamp_min(1e-4)
                # Half-whitened (divided by the square root of the spread): strong directions stay somewhat stronger.
                basis = scaling[:, None] * (directions[:keep].t() / spread.sqrt())
                maps.append(basis / (centred @ basis).square().mean().sqrt().clamp_min(1e-3))
            else:
                maps.append(torch.diag(scaling))
            means.append(mean)
        return cls(tuple(means), tuple(maps))

    def __call__(self, raw: RawFeatures) -> tuple[Tensor, ...]:
        """One tensor per group, (N, d_group), mean square about 1 over reference images, clipped to +-6."""
        return tuple(
            ((group - mean) @ matrix).clamp(-6.0, 6.0)
            for group, mean, matrix in zip(raw.groups, self.means, self.maps, strict=True)
        )
