"""The parts of a residual generator from the modules of a file: how it may grow, its configuration's parts, and its weights."""

import itertools
import math
from collections.abc import Mapping

from torch import Tensor

from gan.formats.importing.chain import SMALLEST, size_score
from gan.formats.importing.residual import Group, Structure
from gan.formats.importing.residual_names import ends
from gan.formats.importing.source import check_weights
from gan.formats.importing.state_dict import Module
from gan.formats.importing.values import Malformed
from gan.networks.residual import BlockConfig, Mapped, Normalised

LARGEST_IMAGE = 48_000_000  # limit for the values of one layer, for one image
_MOST_SIZES = 16  # ways to enlarge that are compared
_MOST_FLIPPED = 2  # blocks that may do otherwise than the likeliest way, if there are many
_LARGEST = 1024  # pixels


def growths(found: Structure, channels: int) -> dict[str, tuple[tuple[int, ...], float]]:
    """Sizes in pixels before and after each block, with their log score, by their name "4-8-16"; the likeliest first."""
    chances = [_doubling(group, found.groups) for group in found.groups]
    likely = [chance >= 0.5 for chance in chances]
    most = len(chances) if len(chances) <= 8 else _MOST_FLIPPED
    made: dict[str, tuple[tuple[int, ...], float]] = {}
    for count in range(most + 1):
        for flipped in itertools.combinations(range(len(chances)), count):
            grows = [one != (place in flipped) for place, one in enumerate(likely)]
            sizes = [found.side]
            for one in grows:
                sizes.append(sizes[-1] * (2 if one else 1))
            if SMALLEST <= sizes[-1] <= _LARGEST:
                score = sum(math.log(chance if one else 1.0 - chance) for one, chance in zip(grows, chances, strict=True))
                made["-".join(map(str, sizes))] = tuple(sizes), score + size_score(sizes[-1], channels)
    if not made:
        raise Malformed("its residual blocks give no image of a usual size")
    ranked = sorted((item for item in made.items() if _floats(found, item[1][0]) <= LARGEST_IMAGE), key=lambda item: -item[1][1])
    if not ranked:
        raise Malformed("its layers have absurd sizes")
    return dict(ranked[:_MOST_SIZES])


def _doubling(group: Group, groups: tuple[Group, ...]) -> float:
    """The probability that a block enlarges."""
    if group.doubles is not None:
        return 0.98
    if any(other.doubles for other in groups):  # where others tell, this one would, too
        return 0.05
    # Code gives a shortcut weights where its block changes the number of channels, or also where it changes the size.
    for_size = any(other.shortcut is not None and other.inputs == other.outputs for other in groups)
    if group.shortcut is None and any(other.shortcut is not None for other in groups):
        return 0.03 if for_size else 0.5
    return 0.93


def _floats(found: Structure, sizes: tuple[int, ...]) -> int:
    """Values of the largest layer, for one image that grows like this."""
    widths = [max(group.inputs, ends(group.first)[1], group.outputs) for group in found.groups]
    return max(width * size**2 for width, size in zip(widths, sizes[1:], strict=True))


def mapped(module: Module, also: Mapping[str, str], transposed: bool = False) -> Mapped:
    """How a layer is built. `also` : second names by the first, where the original code registers a layer twice."""
    inputs, outputs = ends(module)[::-1] if transposed else ends(module)
    weight = module.tensors["weight"]
    kernel = int(weight.shape[2]) if weight.dim() == 4 else 1
    return Mapped(module.name, inputs, outputs, "bias" in module.tensors, kernel, also.get(module.name, ""), module.reparametrised)


def normalised(module: Module | None, also: Mapping[str, str]) -> Normalised | None:
    """How a batch normalisation is built; None for none."""
    if module is None:
        return None
    width = int(module.tensors["running_mean"].numel())
    return Normalised(module.name, width, "weight" in module.tensors, also.get(module.name, ""))


def block(group: Group, factor: int, also: Mapping[str, str]) -> BlockConfig:
    """How a residual block is built that enlarges by `factor`."""
    one, other = group.norms or (None, None)
    return BlockConfig(
        mapped(group.first, also), mapped(group.second, also), None if group.shortcut is None else mapped(group.shortcut, also),
        normalised(one, also), normalised(other, also), normalised(group.shortcut_norm, also), factor,
    )  # fmt: skip


def state(found: Structure) -> dict[str, Tensor]:
    """The weights by their names in a `ResidualGenerator`; those of `Structure.lone` as of a part "lone"."""
    parts: dict[str, Module | None] = {
        "stem": found.stem, "stem_norm": found.stem_norm, "last": found.last, "last_norm": found.last_norm, "lone": found.lone
    }  # fmt: skip
    for number, group in enumerate(found.groups):
        one, other = group.norms or (None, None)
        names = ("first", "second", "shortcut", "first_norm", "second_norm", "shortcut_norm")
        modules = (group.first, group.second, group.shortcut, one, other, group.shortcut_norm)
        parts |= {f"blocks.{number}.{name}": module for name, module in zip(names, modules, strict=True)}
    own = {"running_mean": "mean", "running_var": "variance"}
    state: dict[str, Tensor] = {}
    for place, module in parts.items():
        if module is not None:
            tensors = {leaf: value for leaf, value in module.tensors.items() if leaf != "num_batches_tracked"}
            state |= {f"{place}.{own.get(leaf, leaf)}": value for leaf, value in tensors.items()}
            beside = module.beside[1] if module.beside else {}
            state |= {f"{place}.kept.{name}": value for name, value in beside.items()}
    check_weights(state)
    return state


def is_fresh(norm: Module) -> bool:
    """Whether a batch normalisation has seen no images: its statistics are those it began with."""
    return bool((norm.tensors["running_mean"] == 0).all() and (norm.tensors["running_var"] == 1).all())
