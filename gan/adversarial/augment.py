"""Augmentation against overfitting: every image that the discriminator sees, real or generated, may be shifted and have a hole cut out.

Real and generated images pass through the same random changes, which are differentiable (Zhao et al. 2020, "DiffAugment", arXiv
2006.10738). Each change is only applied with some probability, so that undistorted images stay the most likely and the generator does
not learn to draw distorted ones (Karras et al. 2020, "ADA", arXiv 2006.06676, sec. 2.2 and appendix C: leaks start around p = 0.8).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

ENOUGH = 10_000  # pictures from which on no augmentation is needed, in runs of some hundred thousand images
FEW = 500  # pictures at and below which augmentation is strongest
STRONGEST = 0.6
DRAWS = 6  # uniform random numbers per image


@dataclass(frozen=True)
class AugmentConfig:
    """How images are augmented before the discriminator sees them."""

    probability: float = 0.0  # of each of the two changes, per image; 0: none. Kept well below 1
    translation: float = 0.125  # largest shift along each axis, as a share of the side; the gap is filled by mirroring
    cutout: float = 0.4  # side of the grey hole, as a share of the image's side
    explanation: str = ""  # one sentence for users


def augmentation_for(count: int) -> AugmentConfig:
    """How to augment a training set of `count` pictures: not at all from 10,000 on, and the more the fewer there are.

    The probability grows with the logarithm of the shortfall, up to 0.6 at 500 pictures and fewer: cutout is known to leak into generated
    images if it is always applied. `explanation` says in one sentence what is done and why.
    """
    missing = math.log(ENOUGH / max(count, 1)) / math.log(ENOUGH / FEW)
    probability = round(STRONGEST * min(max(missing, 0.0), 1.0), 3)
    if probability == 0.0:
        return AugmentConfig(explanation=f"{count:,} pictures are enough to learn from as they are.")
    return AugmentConfig(
        probability=probability,
        explanation=(
            f"With {count:,} pictures the discriminator would soon know each by heart: it sees {100 * probability:.0f} % of the images, "
            "real and generated alike, shifted a little, and as many with a hole, so that it judges what they have in common."
        ),
    )


def augment(images: Tensor, config: AugmentConfig, draws: Tensor) -> Tensor:
    """Shift images and cut holes in them, differentiably.

    images (N, C, R, R) in [-1, 1]; draws (N, DRAWS) uniform in [0, 1), on the same device, determine all changes. Returns the same shape,
    channels_last.
    """
    if config.probability <= 0.0:
        return images
    side = images.shape[3]
    shifted, holed = (draws[:, :2] < config.probability).unbind(1)  # (N,) each
    reach = round(config.translation * side)
    shifts = ((draws[:, 2:4] * (2 * reach + 1)).floor().long() - reach) * shifted[:, None]  # (N, 2) pixels
    return _holes(_translate(images, shifts), holed, draws[:, 4:6], max(round(config.cutout * side), 1))


def _translate(images: Tensor, shifts: Tensor) -> Tensor:
    """Shift each image by (N, 2) rows and columns; the gap is filled with the mirrored edge."""
    n, channels, height, width = images.shape
    rows = _mirrored(torch.arange(height, device=images.device) - shifts[:, :1], height)  # (N, R)
    columns = _mirrored(torch.arange(width, device=images.device) - shifts[:, 1:], width)
    first = torch.arange(n, device=images.device)[:, None, None] * (height * width)
    source = (first + rows[:, :, None] * width + columns[:, None, :]).flatten()
    # One selection of whole pixels is several times faster than grid sampling or gathering along two axes.
    pixels = images.permute(0, 2, 3, 1).reshape(-1, channels).index_select(0, source)
    return pixels.reshape(n, height, width, channels).permute(0, 3, 1, 2)


def _mirrored(index: Tensor, size: int) -> Tensor:
    return (size - 1) - ((size - 1) - index.abs()).abs()


def _holes(images: Tensor, holed: Tensor, centres: Tensor, hole: int) -> Tensor:
    """Put a mid-grey square around `centres` (N, 2), in shares of the side, into the images where `holed` (N,) is true."""
    side = images.shape[3]
    place = torch.arange(side, device=images.device)
    start = (centres * side).floor().long() - hole // 2  # (N, 2)
    inside = (place >= start[..., None]) & (place < start[..., None] + hole)  # (N, 2, R)
    gone = inside[:, 0, :, None] & inside[:, 1, None, :] & holed[:, None, None]
    return images * (~gone)[:, None].to(images.dtype)
