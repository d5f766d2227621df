"""What the names of a residual generator's modules tell: which are shortcuts, in which order they come, and which are there twice."""

import re
from collections.abc import Callable, Iterable, Sequence

import torch

from gan.formats.importing.state_dict import Module, words
from gan.formats.importing.values import Malformed

ASIDE = re.compile(
    r"(?i)(?:^|[._])(?:c_?sc|b_?sc|n_?sc|sc|short_?cut|skip|by_?pass|identity|proj(?:ection)?|aside|down_?sample|"
    r"(?:conv|bn|norm)_?(?:sc?|short_?cut|skip|res|by_?pass|identity))\d*(?:[._]|$)"
)
_GLANCE = 64  # values of two tensors that are compared before all are
_LABELS = {"label", "labels", "class", "classes", "emb", "embed", "embedding", "embeddings", "cond", "condition"}
_RESIDUAL = re.compile(r"(?i)(?:^|[._])(?:res|rb|residual|gblock|by_?pass|skip|short_?cut)|res_?(?:net|block)")
Naming = Callable[[Module], str]  # the name of a module in its block


def ends(module: Module) -> tuple[int, int]:
    """Numbers of inputs and outputs of a convolution or linear layer."""
    weight = module.tensors["weight"]
    return int(weight.shape[1]), int(weight.shape[0])


def no_place(module: Module) -> Malformed:
    """The refusal of a module that no residual block has."""
    if words(module.name) & _LABELS:
        return Malformed("it takes class labels in a way that is not known here")
    return Malformed(
        f"it is of an architecture that is not known here (its part {module.name or next(iter(module.tensors))!r:.60} has no place among "
        "residual blocks)"
    )


def is_named_so(found: Iterable[Module]) -> bool:
    """Whether the names of modules say that they are of residual blocks."""
    return any(_RESIDUAL.search(module.name) or ASIDE.search(module.name) for module in found)


def once(found: list[Module]) -> tuple[list[Module], dict[str, str]]:
    """The modules without those that are the same under a second name, and the second name by the one that is kept.

    Code that makes its layers as attributes and then lists them in an nn.Sequential has each twice in its state_dict.
    """
    kept: list[Module] = []
    also: dict[str, str] = {}
    for module in found:
        twin = next((other for other in kept if _same(module, other)), None)
        if twin is None:
            kept.append(module)
            continue
        if twin.name in also:
            raise no_place(module)
        # Numbers in a container tell more than names: they are kept, in their place.
        stays, goes = (module, twin) if module.place and not twin.place else (twin, module)
        if stays is module:
            kept.remove(twin)
            kept.append(module)
        also[stays.name] = goes.name
    return kept, also


def _same(one: Module, other: Module) -> bool:
    if one.kind != other.kind or set(one.tensors) != set(other.tensors):
        return False
    pairs = [(value, other.tensors[leaf]) for leaf, value in one.tensors.items()]
    if any(a.shape != b.shape or not torch.equal(a.flatten()[:_GLANCE], b.flatten()[:_GLANCE]) for a, b in pairs):
        return False
    told = any(a.numel() > 1 and bool((a != a.flatten()[0]).any()) for a, _ in pairs)  # fresh normalisations are all alike
    return told and all(torch.equal(a, b) for a, b in pairs)


def pair(two: list[Module], within: Naming, kept: bool) -> tuple[Module, Module]:
    """Two modules of a kind in order: by the numbers in their names, otherwise as in the file."""
    order = by_number([within(module) for module in two])
    if order is None and not kept:
        raise Malformed(
            f"the order of its layers {two[0].name!r:.60} and {two[1].name!r:.60} cannot be told: safetensors keeps none; "
            "save its state_dict with torch.save"
        )
    first, second = (two[place] for place in order or (0, 1))
    return first, second


def by_number(names: Sequence[str]) -> list[int] | None:
    """The places of names whose first different parts differ only in numbers, by these; None of other names."""
    parts = [name.split(".") for name in names]
    depth = 0
    while all(len(one) > depth + 1 for one in parts) and len({one[depth] for one in parts}) == 1:
        depth += 1
    if len({re.sub(r"\d+", "#", one[depth]) for one in parts}) > 1:
        return None
    numbers = [[int(number[:9]) for number in re.findall(r"\d+", one[depth])] for one in parts]
    if len({tuple(one) for one in numbers}) < len(numbers):
        return None
    return sorted(range(len(names)), key=numbers.__getitem__)
