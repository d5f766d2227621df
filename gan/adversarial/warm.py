"""Starting from another generator, also from one of another resolution."""

import math
import re

import torch
import torch.nn.functional as F
from torch import nn

from gan.errors import UserError
from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator
from gan.networks.generator import SynthesisBlock

_BLOCK = re.compile(r"^blocks\.(\d+)\.")


def pair(model: Model, name: str) -> tuple[Generator, Discriminator]:
    """The two networks of a model, if it can be trained further.

    Raises
    ------
    UserError
        The model is of another kind, is tuned, or has no discriminator.
    """
    generator, discriminator = model.generator, model.discriminator
    if not isinstance(generator, Generator):
        raise UserError(f"{name} cannot be trained on: it is a {generator.kind} generator, and only Tastemaker's own can")
    if not isinstance(discriminator, Discriminator):
        raise UserError(f"{name} cannot be trained on: it comes without its discriminator")
    if model.adapter is not None:
        raise UserError(f"{name} cannot be trained on: it is tuned; start from the generator that it was tuned from")
    return generator, discriminator


@torch.no_grad()
def transfer(source: tuple[Generator, Discriminator], target: tuple[Generator, Discriminator]) -> float:
    """Copy the layers of one pair into another, possibly of another resolution. Returns the share of weights copied, 0 to 1.

    Layers are matched by the size of their feature maps, from 4 pixels upwards (in discriminators from the last block backwards). A wider
    layer first computes what the narrow one did (Net2WiderNet: Chen et al. 2016, arXiv 1511.05641), and blocks for higher resolutions first
    add nothing: a generator for larger images starts with the source's images, enlarged. Layers that are narrower, or have no counterpart,
    keep their random weights.
    """
    generator, discriminator = target
    shift = len(discriminator.blocks) - len(source[1].blocks)
    fold = discriminator.config.fold / source[1].config.fold  # ratio of the resolutions whose images enter layers of the same size
    critic: dict[str, torch.Tensor] = {}
    for name, value in source[1].state_dict().items():
        if not name.startswith("stem."):
            critic[_BLOCK.sub(lambda found: f"blocks.{int(found[1]) + shift}.", name)] = value
        elif shift == 0 and fold == 1:
            critic[name] = value
        elif shift == 0 and fold == 2:
            critic[name] = _finer(value, source[1].config) if name == "stem.weight" else value
    # The last input channel of the last convolution is not a feature but the minibatch statistic.
    features, more = critic["conv.weight"][:, :-1], discriminator.config.channels[-1] - source[1].config.channels[-1]
    if more > 0:
        critic["conv.weight"] = torch.cat([F.pad(features, (0, 0, 0, 0, 0, more)), critic["conv.weight"][:, -1:]], dim=1)
        critic["conv.weight"] *= math.sqrt(critic["conv.weight"].shape[1] / (features.shape[1] + 1))
    copied = _copy(source[0].state_dict(), generator) + _copy(critic, discriminator)
    for block in list(generator.synthesis.blocks)[len(source[0].synthesis.blocks) :]:
        assert isinstance(block, SynthesisBlock)
        block.to_image.weight.zero_()
    if generator.synthesis.detail is not None and source[0].synthesis.detail is None:
        generator.synthesis.detail.weight.zero_()
    return copied / sum(value.numel() for network in target for value in network.state_dict().values())


def _finer(stem: torch.Tensor, config: DiscriminatorConfig) -> torch.Tensor:
    """A stem's weights for images twice as large: they see the mean of 2 by 2 pixels where the given ones see a pixel."""
    squares = stem.unflatten(1, (config.image_channels, config.fold, config.fold))
    squares = squares.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return squares.flatten(1, 3) / 2.0  # a quarter each; but four times as many inputs halve the run-time scaling of the weights


def _copy(values: dict[str, torch.Tensor], network: nn.Module) -> int:
    """Copy tensors of matching names where they fit. Returns the number of values copied."""
    copied = 0
    for name, own in network.state_dict().items():
        value = values.get(name)
        if value is not None and value.ndim == own.ndim and all(a <= b for a, b in zip(value.shape, own.shape, strict=True)):
            if name == "synthesis.constant":  # not a weight but the input of the first block
                own[:, : value.shape[1]].copy_(value)
            else:
                _widen(value, own)
            copied += value.numel()
    return copied


def _widen(value: torch.Tensor, own: torch.Tensor) -> None:
    """Copy a layer's weights (outputs, inputs, ...) into a layer that is at least as wide, so that its old outputs stay the same.

    New inputs start with weight zero, and new outputs keep their random weights. Weights are divided by the root of the number of inputs
    when they are used (see `gan.networks.layers`), so with more inputs they must be larger.
    """
    outputs = own[: value.shape[0]]
    if value.ndim == 1:
        outputs.copy_(value)
        return
    inputs = value.shape[1]
    outputs.zero_()
    outputs[:, :inputs].copy_(value * math.sqrt(own.shape[1] / inputs))
