"""Which of several readings of one network's strides and paddings its batch statistics agree with.

A wrong stride, padding or enlargement changes how many numbers are summed up at each pixel and how alike neighbours are, so every later
batch normalisation sees other means and variances than in training.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gan.formats.importing import evidence
from gan.networks.layered import Layer, LayeredGenerator

_LATENTS = 64
_FEWEST = 8  # images that large layers are looked at with
_FLOATS = 1_000_000  # numbers of a layer that are looked at
_HOPELESS = 1.0  # of `evidence.mismatch`: later layers of such a reading are not looked at
_BENDS = ("relu", "leaky_relu:0.2")
_EPSILONS = (1e-5, 0.8)


@torch.no_grad()
def mismatches(generators: Sequence[LayeredGenerator]) -> list[float]:
    """How far each is from its stored batch statistics, under the best reading of all that is not geometry.

    Parameters
    ----------
    generators : of the same weights and modules, with different strides, paddings and enlargements.

    Returns
    -------
    One `evidence.mismatch` each, over all layers; NaN for all where there are no statistics that training left.
    """
    if not any(layer.norm == "batch" for layer in generators[0].config.layers) or not evidence.trained(generators[0]):
        return [math.nan] * len(generators)
    best = [math.inf] * len(generators)
    for reading in itertools.product(_BENDS, evidence.PRIORS, _EPSILONS):
        read = [evidence.with_weights(evidence.read_as(one.config, *reading), one) for one in generators]
        z = read[0].enter(evidence.latents(read[0].z_dim, _LATENTS))
        offs = _walk(read, list(range(len(read))), z, 0, [])
        best = [min(old, offs[number]) for number, old in enumerate(best)]
    return best


def _walk(
    read: Sequence[LayeredGenerator], alike: list[int], x: Tensor, depth: int, found: list[float]
) -> dict[int, float]:
    """Mismatches of those that are alike up to a depth; what enters the next layer is `x`, and `found` are those of the layers before."""
    ways: dict[Layer, list[int]] = {}
    offs: dict[int, float] = {}
    for number in alike:
        layers = read[number].config.layers
        if any(layer.norm == "batch" for layer in layers[depth:]):
            ways.setdefault(layers[depth], []).append(number)
        else:
            offs[number] = sum(found) / len(found)
    for layer, numbers in ways.items():
        one = read[numbers[0]]
        after, seen = evidence.look_through(one.chain()[depth], _few(layer, x), one.config.upsampling)
        if max(seen, default=0.0) > _HOPELESS:
            offs |= dict.fromkeys(numbers, max(seen))
        else:
            offs |= _walk(read, numbers, after, depth + 1, found + seen)
    return offs


def _few(layer: Layer, x: Tensor) -> Tensor:
    size = layer.size_after(x.shape[-1] if x.dim() == 4 else 1)
    return x[: max(_FEWEST, _FLOATS // max(1, layer.outputs * size**2))]
