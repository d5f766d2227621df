"""StyleGAN2's discriminator, to judge images with published weights (arXiv 1912.04958 and 2006.06676; our own code)."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gan.networks.base import ImageDiscriminator, Whole
from gan.networks.stylegan2 import Architecture
from gan.networks.stylegan2_layers import (
    MOST_TAPS,
    Activation,
    Conv,
    Dense,
    Mapping,
    MappingConfig,
    binomial_filter,
    downsample,
)

_LONE_DEVIATION = math.sqrt(1e-8)  # the minibatch statistic of a single image


@dataclass(frozen=True)
class StyleGAN2DiscriminatorConfig:
    """Shape of a discriminator, and how it is run."""

    resolution: int = 256  # input width and height in pixels
    channels: tuple[int, ...] = (128, 256, 512, 512, 512, 512, 512)  # width at R, R/2, ..., 4 pixels
    image_channels: int = 3  # 1 is grey
    architecture: Architecture = "resnet"
    activation: Activation = "lrelu"
    clamp: float | None = None  # convolutions' outputs are clipped to +-clamp
    filter_taps: int = 4
    deviation_maps: Whole = 1  # maps that hold the minibatch statistic; 0: none
    deviation_group: int | None = 4  # images per group of it; None: the whole batch
    mapping: MappingConfig | None = None  # of class labels; None: no labels
    label: Whole | None = None  # the class that images are judged as; None: any

    def __post_init__(self) -> None:
        if self.resolution != 4 * 2 ** (len(self.channels) - 1) or self.resolution < 8:
            raise ValueError(f"{len(self.channels)} channel widths do not fit {self.resolution} pixels")
        if self.image_channels not in {1, 3}:
            raise ValueError(f"{self.image_channels} channels are no image")
        if self.deviation_maps and self.channels[-1] % self.deviation_maps:
            raise ValueError(f"{self.channels[-1]} channels do not fall into {self.deviation_maps} groups")
        if self.deviation_maps < 0 or (
            self.deviation_group is not None and not 1 <= self.deviation_group <= 65536
        ):
            raise ValueError("its minibatch statistic is over groups that cannot be")
        if self.label is not None and (self.mapping is None or self.label >= self.mapping.classes):
            raise ValueError(f"there is no class {self.label}")
        if self.mapping is not None and (self.mapping.noise_width or not self.mapping.classes):
            raise ValueError("a discriminator maps labels alone")
        if self.filter_taps > MOST_TAPS:
            raise ValueError(f"a filter of {self.filter_taps} taps")
        if self.clamp is not None and not 0.0 < self.clamp < 1e9:
            raise ValueError(f"clamp is {self.clamp}, not a positive number")


def minibatch_deviation(x: Tensor, group: int | None, maps: int) -> Tensor:
    """Append maps that hold the standard deviation over groups of images (Karras et al. 2018, arXiv 1710.10196, sec. 3).

    x (N, C, R, R) -> (N, C + maps, R, R). Each map averages C / maps channels; image i is in group i mod (N / group).
    """
    n, channels, height, width = x.shape
    size = n if group is None else min(group, n)
    if n % size:
        raise ValueError(f"{n} images do not fall into groups of {size}")
    grouped = x.reshape(size, n // size, maps, channels // maps, height, width)
    deviation = (grouped.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(2, 3, 4))  # (N / size, maps)
    return torch.cat([x, deviation.repeat(size, 1)[:, :, None, None].expand(n, maps, height, width)], dim=1)


class DiscriminatorBlock(nn.Module):
    """Halves the resolution: (N, a, R, R) -> (N, b, R/2, R/2). The first block, and every block with "skip", also reads pixels."""

    fromrgb: Conv
    skip: Conv

    def __init__(self, level: int, config: StyleGAN2DiscriminatorConfig) -> None:
        super().__init__()
        inputs, outputs = config.channels[level], config.channels[level + 1]
        self.architecture = config.architecture
        self.reads = level == 0 or config.architecture == "skip"
        if self.reads:
            self.fromrgb = Conv(config.image_channels, inputs, 1, config.activation, clamp=config.clamp)
        self.conv0 = Conv(inputs, inputs, 3, config.activation, clamp=config.clamp)
        self.conv1 = Conv(inputs, outputs, 3, config.activation, "down", config.clamp)
        if config.architecture == "resnet":
            self.skip = Conv(inputs, outputs, 1, resample="down", bias=False)

    def forward(self, x: Tensor | None, image: Tensor, kernel: Tensor) -> tuple[Tensor, Tensor]:
        if self.reads:
            read = self.fromrgb(image, kernel)
            x = read if x is None else x + read
        if self.architecture == "skip":
            image = downsample(image, kernel)
        assert x is not None
        if self.architecture == "resnet":
            half = math.sqrt(0.5)
            return self.skip(x, kernel, gain=half) + self.conv1(
                self.conv0(x, kernel), kernel, gain=half
            ), image
        return self.conv1(self.conv0(x, kernel), kernel), image


class Head(nn.Module):
    """Features of 4 x 4 pixels -> one number, or as many as a label's map has."""

    fromrgb: Conv

    def __init__(self, config: StyleGAN2DiscriminatorConfig) -> None:
        super().__init__()
        width = config.channels[-1]
        if config.architecture == "skip":
            self.fromrgb = Conv(config.image_channels, width, 1, config.activation)
        self.conv = Conv(width + config.deviation_maps, width, 3, config.activation, clamp=config.clamp)
        self.fc = Dense(width * 16, width, config.activation)
        self.out = Dense(width, config.mapping.outputs if config.mapping else 1)


class StyleGAN2Discriminator(ImageDiscriminator):
    """Images -> logits. With class labels there is one logit per class; an image's is that of its class, or a mean over all."""

    kind: ClassVar[str] = "stylegan2"
    config: StyleGAN2DiscriminatorConfig
    mapping: Mapping
    resample_filter: Tensor

    def __init__(self, config: StyleGAN2DiscriminatorConfig | None = None) -> None:
        super().__init__()
        self.config = config or StyleGAN2DiscriminatorConfig()
        self.register_buffer("resample_filter", binomial_filter(self.config.filter_taps))
        for level in range(len(self.config.channels) - 1):
            self.add_module(f"b{self.config.resolution >> level}", DiscriminatorBlock(level, self.config))
        self.b4 = Head(self.config)
        if self.config.mapping:
            self.mapping = Mapping(self.config.mapping)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits (N,) of images (N, 3, R, R) in [-1, 1] and one-hot labels (N, classes), the batch judged together as in training."""
        x = self._trunk(images)
        if self.config.deviation_maps:
            x = minibatch_deviation(x, self.config.deviation_group, self.config.deviation_maps)
        answers = self._answers(self._features(x))
        if not self.config.mapping:
            return answers.squeeze(1)
        return (answers * self._map(labels)).sum(dim=1)

    def judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, F) and logits (N,) of images (N, 3, R, R) in [-1, 1], each image judged alone.

        The minibatch statistic is that of a single image. A logit of a conditional discriminator estimates the log odds of an image being
        real given its class; if no class is fixed, the odds are averaged over all classes.
        """
        x = self._trunk(images)
        if self.config.deviation_maps:
            lone = torch.full_like(x[:, : self.config.deviation_maps], _LONE_DEVIATION)
            x = torch.cat([x, lone], dim=1)
        features = self._features(x)
        answers = self._answers(features)
        if not self.config.mapping:
            return features, answers.squeeze(1)
        classes = self.config.mapping.classes
        of_classes = answers @ self._map(torch.eye(classes, device=images.device)).t()  # (N, classes)
        if self.config.label is not None:
            return features, of_classes[:, self.config.label]
        return features, of_classes.logsumexp(dim=1) - math.log(classes)

    def _trunk(self, images: Tensor) -> Tensor:
        """(N, 3, R, R) -> (N, C, 4, 4), before the minibatch statistic."""
        if self.config.image_channels == 1:
            images = images.mean(dim=1, keepdim=True)
        images = images.float().contiguous(memory_format=torch.channels_last)
        x: Tensor | None = None
        for level in range(len(self.config.channels) - 1):
            block = self.get_submodule(f"b{self.config.resolution >> level}")
            x, images = block(x, images, self.resample_filter)
        assert x is not None
        return x + self.b4.fromrgb(images, self.resample_filter) if self.config.architecture == "skip" else x

    def _features(self, x: Tensor) -> Tensor:
        """(N, C + maps, 4, 4) -> (N, F)."""
        features: Tensor = self.b4.fc(self.b4.conv(x, self.resample_filter).flatten(1))
        return features

    def _answers(self, features: Tensor) -> Tensor:
        """(N, F) -> (N, 1), or (N, M) to be multiplied with a label's map (Miyato and Koyama 2018, arXiv 1802.05637)."""
        answers: Tensor = self.b4.out(features)
        return answers

    def _map(self, labels: Tensor | None) -> Tensor:
        """One-hot labels (N, classes) -> (N, M), scaled so that the product keeps unit variance."""
        mapped = self.mapping(None, labels)
        return mapped / math.sqrt(mapped.shape[1])
