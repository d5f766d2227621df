"""The residual discriminator, whose last hidden layer also serves as features for the taste model."""

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import LATER, ImageDiscriminator
from gan.networks.layers import GAIN, Conv, Linear, activate


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Shape of a discriminator."""

    resolution: int = 64  # input width and height in pixels
    channels: tuple[int, ...] = (48, 96, 128, 128)  # width at R / (pixel * fold) pixels, half of that, ..., 4 pixels
    image_channels: int = 3
    features: int = 128  # width of the last hidden layer
    pixel: int = field(
        default=1, metadata={LATER: True}
    )  # side of the squares of pixels that are averaged first: more than 1 for pixel art
    fold: int = field(default=2, metadata={LATER: True})  # side of the squares of pixels that become channels

    def __post_init__(self) -> None:
        fitting = 2 * 2 ** len(self.channels) * self.pixel * self.fold
        if self.resolution != fitting:
            raise ValueError(
                f"{len(self.channels)} channel widths fit {fitting} pixels, not {self.resolution}"
            )


class ResidualBlock(nn.Module):
    """Halves the resolution: (N, inputs, R, R) -> (N, outputs, R/2, R/2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = math.sqrt(0.5)  # half of the variance comes from each branch
        self.conv0 = Conv(inputs, inputs, 3, gain=GAIN, rectify=True)
        self.conv1 = Conv(inputs, outputs, 3, gain=GAIN * half, rectify=True)
        self.skip = Conv(inputs, outputs, 1, bias=False, gain=half)

    def forward(self, x: Tensor) -> Tensor:
        # Averaging before conv1 makes it four times cheaper; pooling is a sufficient low-pass filter here.
        y = self.conv1(F.avg_pool2d(self.conv0(x), 2))
        return y + self.skip(F.avg_pool2d(x, 2))


def minibatch_stddev(x: Tensor, group: int = 8) -> Tensor:
    """Append one map with the standard deviation over groups of images (Karras et al. 2018, sec. 3), which reveals a collapse to D.

    x (N, C, R, R) -> (N, C + 1, R, R). Groups are strided (i, i + N/group, ...); if N is not divisible, all are one group.
    """
    n, _, height, width = x.shape
    size = group if n % group == 0 else n
    if n == 1:
        deviation = torch.zeros(1, 1, 1, 1, dtype=x.dtype, device=x.device)
    else:
        grouped = x.float().reshape(size, n // size, -1)
        variance = (grouped - grouped.mean(dim=0)).square().mean(dim=0)  # `var` takes five times as long
        deviation = (variance + 1e-8).sqrt().mean(dim=1)  # (n / size,)
        deviation = deviation.repeat(size).reshape(n, 1, 1, 1).to(x.dtype)
    return torch.cat([x, deviation.expand(n, 1, height, width)], dim=1)


class Discriminator(ImageDiscriminator):
    """Images -> one logit each. It is trained with a relativistic loss, so its logits only have a meaning relative to other logits."""

    kind = "residual"
    config: DiscriminatorConfig

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        self.config = config or DiscriminatorConfig()
        widths = self.config.channels
        # Squares of pixels become channels: this saves the costly full-resolution layers and loses no pixel.
        self.stem = Conv(self.config.fold**2 * self.config.image_channels, widths[0], 3, gain=GAIN, rectify=True)
        self.blocks = nn.ModuleList(ResidualBlock(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True))
        self.conv = Conv(widths[-1] + 1, widths[-1], 3, gain=GAIN, rectify=True)
        self.hidden = Linear(widths[-1] * 16, self.config.features)
        self.logit = Linear(self.config.features, 1)

    def _trunk(self, images: Tensor) -> Tensor:
        """(N, image_channels, R, R) in [-1, 1] -> (N, C, 4, 4), before the minibatch statistic."""
        if self.config.pixel > 1:
            images = F.avg_pool2d(images, self.config.pixel)
        x = self.stem(F.pixel_unshuffle(images, self.config.fold))
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N,) of images (N, image_channels, R, R) in [-1, 1]."""
        return self._head(self._trunk(images), across_batch=True)[1]

    def judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, features) and logits (N,), each image independent of the others.

        The minibatch statistic is set to its value for a single image, zero, so that the score of an image does not depend on the rest of
        its batch. Compare these logits only with other logits of this method.
        """
        return self._head(self._trunk(images), across_batch=False)

    def _head(self, x: Tensor, across_batch: bool) -> tuple[Tensor, Tensor]:
        if across_batch:
            x = minibatch_stddev(x)
        else:
            x = torch.cat([x, torch.zeros_like(x[:, :1])], dim=1)
        x = self.conv(x)
        features = activate(self.hidden(x.flatten(1)))
        return features.float(), self.logit(features).squeeze(1).float()
