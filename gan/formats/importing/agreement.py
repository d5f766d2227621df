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

NOISE = 0.005  # of a mismatch: few images, and statistics that lag behind the weights as they learn
_LATENTS = 256
_FEWEST = 8  # images that large layers are looked at with
_FLOATS = 500_000  # numbers of a layer that are looked at
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
    """Mismatches of those that are alike up to a depth; what enters the next layer is `x`, and `found` are those of the layers before."""
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
