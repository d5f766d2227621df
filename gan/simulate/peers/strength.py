"""A peer's generator at less than full strength: the result had it gone less far."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan.model import Model
from gan.networks.adapter import Adapter, Choice
from gan.policy.styles import Styled
from gan.simulate.peers.base import Moved, Tuned

SHARES = (0.33, 0.67)


def weakened(tuned: Tuned, share: float) -> Tuned | None:
    """`tuned` at a share in (0, 1) of its strength; None if it cannot be weakened.

    A map of latents or styles moves them less far in the same directions: a shift's last layer is scaled, and any other map of latents is
    blended with z, keeping its length.
    """
    if isinstance(tuned, Moved):
        move = _blended(tuned.move, share) if tuned.weaker is None else tuned.weaker(share)
        return Moved(tuned.model, move)
    if not isinstance(tuned, Model):
        return None
    if isinstance(tuned.generator, Styled):
        generator = copy.copy(tuned.generator)
        generator._modules = {**tuned.generator._modules, "adapter": _scaled(tuned.generator.adapter, share)}
        return Model(tuned.name, generator, None, tuned.discriminator, tuned.card, tuned.device)
    if tuned.adapter is None or isinstance(tuned.adapter, Choice):
        return None
    adapter = _scaled(tuned.adapter, share)
    return Model(tuned.name, tuned.generator, adapter, tuned.discriminator, tuned.card, tuned.device)


def _blended(move: Callable[[Tensor], Tensor], share: float) -> Callable[[Tensor], Tensor]:
    def less(z: Tensor) -> Tensor:
        moved = move(z)
        between = (1.0 - share) * z + share * moved
        length = torch.linalg.vector_norm(moved, dim=1, keepdim=True)
        return between * (length / torch.linalg.vector_norm(between, dim=1, keepdim=True).clamp_min(1e-6))

    return less


def _scaled(adapter: Adapter, share: float) -> Adapter:
    scaled = copy.deepcopy(adapter)
    last: nn.Linear = scaled.out
    with torch.no_grad():
        last.weight.mul_(share)
        last.bias.mul_(share)
    return scaled
