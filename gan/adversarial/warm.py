"""Starting from another generator, also from one of another size."""

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
    """The two networks of a model that can be trained on.

    Raises
    ------
    UserError
        It is of another kind, tuned, or without its discriminator.
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
    """Copy the layers of one pair into another, of other resolutions; returns the share of weights copied, 0 to 1.

    Generators are matched from 4 pixels upwards, discriminators from 4 pixels as well, that is from their last block backwards: a layer
    goes where images have the same size. A wider layer does what the narrow one did, and more (Net2WiderNet: Chen et al. 2016, arXiv
    1511.05641), and blocks for finer images begin with adding nothing: a generator for larger images begins with the source's, enlarged.
    Where a layer is narrower, or there was none, the random start is kept.
    """
    generator, discriminator = target
    shift = len(discriminator.blocks) - len(source[1].blocks)
    fold = discriminator.config.fold / source[1].config.fold  # how much finer the images are that go into layers of the same sizes
    critic: dict[str, torch.Tensor] = {}
    for name, value in source[1].state_dict().items():
        if not name.startswith("stem."):
            critic[_BLOCK.sub(lambda found: f"blocks.{int(found[1]) + shift}.", name)] = value
        elif shift == 0 and fold == 1:
            critic[name] = value
        elif shift == 0 and fold == 2:
            critic[name] = _finer(value, source[1].config) if name == "stem.weight" else value
    # The last thing that the last convolution looks at is no feature but how much the batch varies.
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
    """A stem's weights that see, in images twice as large, the mean of two-by-two pixels as those given see one pixel."""
    squares = stem.unflatten(1, (config.image_channels, config.fold, config.fold))
    squares = squares.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return squares.flatten(1, 3) / 2.0  # a quarter each; four times as many inputs halve what weights are multiplied with


def _copy(values: dict[str, torch.Tensor], network: nn.Module) -> int:
    """Copy what fits into what has the same name; returns how many numbers that were."""
    copied = 0
    for name, own in network.state_dict().items():
        value = values.get(name)
        if value is not None and value.ndim == own.ndim and all(a <= b for a, b in zip(value.shape, own.shape, strict=True)):
            if name == "synthesis.constant":  # no weights: what the first block looks at
                own[:, : value.shape[1]].copy_(value)
            else:
                _widen(value, own)
            copied += value.numel()
    return copied


def _widen(value: torch.Tensor, own: torch.Tensor) -> None:
    """Write a layer's numbers (outputs, inputs, ...) into those of one that is as wide or wider: what it gave out before stays as it was.

    New inputs are not listened to at first, new outputs keep their random start. Weights are divided by the root of the number of inputs
    when they are used (see `gan.networks.layers`), so more of them have to be larger.
    """
    outputs = own[: value.shape[0]]
    if value.ndim == 1:
        outputs.copy_(value)
        return
    inputs = value.shape[1]
    outputs.zero_()
    outputs[:, :inputs].copy_(value * math.sqrt(own.shape[1] / inputs))
