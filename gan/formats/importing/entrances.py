"""Generators with two entrances, one for the noise and one for one-hot class labels, whose outputs are concatenated."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gan.formats.importing.state_dict import Module
from gan.networks.conditional import Condition, Entrance

_MOST_CLASSES = 100
_MOST_GROWN = 16  # limit for the size of both weights together, zeros included, in sizes of the two


def merged(found: Sequence[Module]) -> tuple[list[Module], Condition, bool] | None:
    """The modules with one entrance in place of two.

    Its weights are those of the two on the diagonal, and zero elsewhere; its normalisation is both of theirs.

    Parameters
    ----------
    found : the modules, in order.

    Returns
    -------
    The modules, how the label enters, and whether the original form of the two weights is lost, because the original code normalises them;
    None if these are not modules with two entrances.
    """
    mains = [place for place, module in enumerate(found) if module.kind in {"conv", "linear"}][:3]
    if len(mains) < 3 or mains[0] != 0:
        return None
    first, second, after = (found[place] for place in mains)
    (inputs, outputs), (more, others), (both, _) = (_ends(module) for module in (first, second, after))
    norms, their_norms = found[1 : mains[1]], found[mains[1] + 1 : mains[2]]
    classes = min(inputs, more)
    fits = first.kind == second.kind == after.kind and both == outputs + others and outputs != more and outputs > 0
    if not fits or inputs == more or not 1 < classes <= _MOST_CLASSES or not len(norms) == len(their_norms) <= 1:
        return None
    pairs = [_weights(first, second), *(_norms(*pair) for pair in zip(norms, their_norms, strict=True))]
    if any(not pair for pair in pairs):
        return None
    modules = [Module(first.name, pairs[0]), *(Module(norms[0].name, pair) for pair in pairs[1:]), *found[mains[2] :]]
    entrance = Entrance(second.name, their_norms[0].name if their_norms else "", outputs)
    condition = Condition(classes, "before" if inputs < more else "behind", classes, entrance=entrance)
    return modules, condition, first.beside is not None or second.beside is not None


def _ends(module: Module) -> tuple[int, int]:
    """Numbers of inputs and outputs of a linear layer or a transposed convolution."""
    weight = module.tensors["weight"]
    ends = int(weight.shape[0]), int(weight.shape[1])
    return ends if module.kind == "conv" else ends[::-1]


def _weights(one: Module, other: Module) -> dict[str, Tensor]:
    """The tensors of two layers side by side; {} if they do not fit one another."""
    a, b = one.tensors["weight"], other.tensors["weight"]
    if set(one.tensors) != set(other.tensors) or a.shape[2:] != b.shape[2:] or a.dtype != b.dtype:
        return {}
    shape = (a.shape[0] + b.shape[0], a.shape[1] + b.shape[1], *a.shape[2:])
    if math.prod(shape) > _MOST_GROWN * (a.numel() + b.numel()):
        return {}
    weight = torch.zeros(shape, dtype=a.dtype)
    weight[: a.shape[0], : a.shape[1]] = a
    weight[a.shape[0] :, a.shape[1] :] = b
    biases = {"bias": torch.cat([one.tensors["bias"], other.tensors["bias"]])} if "bias" in one.tensors else {}
    return {"weight": weight, **biases}


def _norms(one: Module, other: Module) -> dict[str, Tensor]:
    """The tensors of two batch normalisations side by side; {} if they are none."""
    if one.kind != "batch" or other.kind != "batch" or set(one.tensors) != set(other.tensors):
        return {}
    pairs = {leaf: (value, other.tensors[leaf]) for leaf, value in one.tensors.items() if leaf != "num_batches_tracked"}
    if any(a.dim() != 1 or b.dim() != 1 for a, b in pairs.values()):
        return {}
    return {leaf: torch.cat(pair) for leaf, pair in pairs.items()}
