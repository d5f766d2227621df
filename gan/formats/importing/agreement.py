"""Compares several guesses at a network's strides and paddings by how well its stored batch statistics fit each.

A wrong stride, padding or upsampling factor changes how many values are summed at each pixel and how strongly neighbouring pixels are
correlated, so every later batch normalisation sees other means and variances than in training.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gan.formats.importing import evidence
from gan.networks.layered import Layer, LayeredGenerator

NOISE = 0.005  # of a mismatch: from the few images drawn, and from running statistics that lag behind the weights in training
_LATENTS = 256
_FEWEST = 8  # smallest batch, for large layers
_FLOATS = 500_000  # limit for the values of one layer, over the batch
_HOPELESS = 1.0  # mismatch of a layer above which the later layers are skipped
_BENDS = ("relu", "leaky_relu:0.2")
_EPSILONS = (1e-5, 0.8)


@torch.no_grad()
def mismatches(generators: Sequence[LayeredGenerator]) -> list[float]:
    """Mismatch of each generator with its stored batch statistics, for the best choice of activation, prior and epsilon.

    Parameters
    ----------
    generators : with the same weights and modules, but different strides, paddings and upsampling factors.

    Returns
    -------
    One mismatch each, as of `evidence.mismatch` but over all layers; NaN for all if there are no trained batch statistics.
    """
    if not any(layer.norm == "batch" for layer in generators[0].config.layers) or not evidence.trained(generators[0]):
        return [math.nan] * len(generators)
    best = [math.inf] * len(generators)
    for prior, eps, activation in itertools.product(evidence.PRIORS, _EPSILONS, _BENDS):
        reading = (activation, prior, eps)
        read = [evidence.with_weights(evidence.read_as(one.config, *reading), one) for one in generators]
        z = read[0].enter(evidence.latents(read[0].z_dim, _LATENTS))
        offs = _walk(read, list(range(len(read))), z, 0, [])
        best = [min(old, offs[number]) for number, old in enumerate(best)]
        if min(best) < NOISE:
            break
    return best


def _walk(
    read: Sequence[LayeredGenerator], alike: list[int], x: Tensor, depth: int, found: list[float]
) -> dict[int, float]:
    """Mismatch by index, for the generators `alike`: their first `depth` layers are equal, with output `x` and mismatches `found`."""
    ways: dict[Layer, list[int]] = {}
    offs: dict[int, float] = {}
    for number in alike:
        layers = read[number].config.layers
        if any(layer.norm == "batch" for layer in layers[depth:]):
            ways.setdefault(layers[depth], []).append(number)
        else:
            offs[number] = sum(found) / len(found)
    for numbers in ways.values():
        one = read[numbers[0]]
        block = one.chain()[depth]
        after, seen = evidence.look_through(block, evidence.fitting(block, x, _FLOATS, _FEWEST), one.config.upsampling)
        if max(seen, default=0.0) > _HOPELESS:
            offs |= dict.fromkeys(numbers, max(seen))
        else:
            offs |= _walk(read, numbers, after, depth + 1, found + seen)
    return offs
