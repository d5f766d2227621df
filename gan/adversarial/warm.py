"""Starting from another generator, also from one of another size."""

import re

import torch
from torch import nn

from gan.errors import UserError
from gan.model import Model
from gan.networks import Discriminator, Generator

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
    """Copy the layers of one pair that fit another, of other resolutions; returns the share of weights copied, 0 to 1.

    Generators are matched from 4 pixels upwards, discriminators from 4 pixels as well, that is from their last block backwards: a layer
    goes where images have the same size. What does not fit keeps its random start.
    """
    shift = len(target[1].blocks) - len(source[1].blocks)

    def renamed(name: str) -> str:
        return _BLOCK.sub(lambda found: f"blocks.{int(found[1]) + shift}.", name)

    same_size = source[1].config.resolution == target[1].config.resolution
    critic = {renamed(name): value for name, value in source[1].state_dict().items() if same_size or not name.startswith("stem.")}
    copied = _copy(source[0].state_dict(), target[0]) + _copy(critic, target[1])
    return copied / sum(value.numel() for network in target for value in network.state_dict().values())


def _copy(values: dict[str, torch.Tensor], network: nn.Module) -> int:
    """Copy what has the same name and shape; returns how many numbers that were."""
    own = network.state_dict()
    fitting = {name: value for name, value in values.items() if name in own and own[name].shape == value.shape}
    network.load_state_dict({**own, **fitting})
    return sum(value.numel() for value in fitting.values())
