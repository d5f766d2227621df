"""From modules to residual blocks: which convolutions are a block's own, which is its shortcut, and where its normalisations belong.

Every module must have a place. What has none is refused, because an image drawn without it would be wrong.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from gan.formats.importing.residual_names import (
    ASIDE,
    Naming,
    by_number,
    ends,
    is_named_so,
    no_place,
    once,
    pair,
)
from gan.formats.importing.state_dict import Module
from gan.formats.importing.values import Malformed
from gan.networks.residual import Enlarged, Layout

_MOST_BLOCKS = 32  # the limit of a bundle too
_MOST_MODULES = 16 * _MOST_BLOCKS
_LARGEST_SIDE = 64  # pixels of what the first layer gives


@dataclass(frozen=True)
class Group:
    """The modules of one block, in order."""

    first: Module
    second: Module
    shortcut: Module | None
    norms: tuple[Module, ...]  # none or two
    shortcut_norm: Module | None
    layouts: tuple[Layout, ...]  # what the widths and numbers of its modules allow, the most likely first
    doubles: bool | None  # whether it enlarges, where the numbers of its modules tell
    enlarged: Enlarged | None  # where it does so, if they tell
    smooth: bool  # whether it may enlarge smoothly: not before a normalisation, which would have to be drawn in that order

    @property
    def inputs(self) -> int:
        """Number of channels that it takes."""
        return ends(self.first)[0]

    @property
    def outputs(self) -> int:
        """Number of channels that it gives."""
        return ends(self.second)[1]


@dataclass(frozen=True)
class Structure:
    """A residual generator's modules by their places."""

    stem: Module
    stem_folds: bool
    side: int
    groups: tuple[Group, ...]
    last: Module
    stem_norm: Module | None
    last_norm: Module | None
    lone: Module | None  # a normalisation that may be that of the first or of the last layer
    named: bool  # whether names say that it is residual
    also: dict[str, str] = field(default_factory=dict)  # second names of modules that the original code has registered twice

    @property
    def has_shortcuts(self) -> bool:
        """Whether a block has a shortcut with weights, so that it can be nothing but residual."""
        return any(group.shortcut is not None for group in self.groups)


def structure(found: list[Module], kept: bool) -> Structure | None:
    """Read modules as a residual generator.

    Parameters
    ----------
    found : the modules, in the order of the file.
    kept : whether that is the order in which the original code made them.

    Returns
    -------
    The structure; None if there are no blocks of two convolutions each.

    Raises
    ------
    Malformed
        There are such blocks, but a module has no place in them or beside them.
    """
    if len(found) > _MOST_MODULES:
        return None
    single, also = once(found)
    containers, alone = _containers(single)
    if not 1 <= len(containers) <= _MOST_BLOCKS:
        return None
    first = next(module for module in single if module.kind == "conv")
    if ends(first)[0] in {1, 3}:
        raise Malformed("it takes images, not random numbers: it is a discriminator or classifier, not a generator")
    groups = _in_order([(prefix, _group(prefix, members, kept)) for prefix, members in containers], kept)
    if len(groups) < 2 and groups[0].shortcut is None:
        return None
    for before, after in zip(groups, groups[1:], strict=False):
        if before.outputs != after.inputs:
            raise no_place(after.first)
    stem, stem_folds, side, last, norms = _ends_of(alone, groups)
    stem_norm, last_norm, lone = _outer_norms(norms, stem, last, groups, kept)
    return Structure(stem, stem_folds, side, groups, last, stem_norm, last_norm, lone, is_named_so(found), also)


def _containers(found: list[Module]) -> tuple[list[tuple[str, list[Module]]], list[Module]]:
    """The containers with two or three convolutions each, by name, and the modules outside of them."""
    inside: list[tuple[str, list[Module]]] = []
    alone: list[Module] = []

    def look(prefix: tuple[str, ...], members: list[Module]) -> None:
        convolutions = sum(module.kind == "conv" for module in members)
        if prefix and 2 <= convolutions <= 3:
            inside.append((".".join(prefix), members))
            return
        deeper: dict[str, list[Module]] = {}
        for module in members:
            parts = module.name.split(".")
            if convolutions < 2 or len(parts) <= len(prefix) + 1:
                alone.append(module)
            else:
                deeper.setdefault(parts[len(prefix)], []).append(module)
        for name, modules in deeper.items():
            look((*prefix, name), modules)

    look((), found)
    return inside, alone


def _group(prefix: str, members: list[Module], kept: bool) -> Group:
    def within(module: Module) -> str:
        return module.name.removeprefix(prefix).lstrip(".")

    convolutions = [module for module in members if module.kind == "conv"]
    norms = [module for module in members if module.kind == "batch"]
    if odd := [module for module in members if module.kind not in {"conv", "batch"}]:
        raise no_place(odd[0])
    aside = _aside(convolutions, within)
    main = [module for module in convolutions if module is not aside]
    if any(_kernel(module) < 3 for module in main) or any(_kernel(module) % 2 == 0 for module in convolutions):
        raise no_place(main[-1])
    first, second = pair(main, within, kept)
    if ends(first)[1] != ends(second)[0] and ends(second)[1] == ends(first)[0]:
        first, second = second, first
    if ends(first)[1] != ends(second)[0]:
        raise no_place(second)
    around = (ends(first)[0], ends(second)[1])
    if (aside is None and around[0] != around[1]) or (aside is not None and ends(aside) != around):
        raise no_place(aside or second)
    aside_norm = _norm_aside(norms, aside, main, within)
    own = [module for module in norms if module is not aside_norm]
    if len(own) not in {0, 2}:
        raise no_place(own[-1])
    layouts: tuple[Layout, ...] = ("before", "after_sum", "after")
    doubles: bool | None = True if aside is not None and (aside.place or ("", 0))[1] == 1 else None
    enlarged: Enlarged | None = None
    smooth = True
    if own:
        one, other = pair(own, within, kept)
        layouts = _layouts((one, other), (first, second), members)
        own = [one, other]
        if layouts == ("before",):
            told, enlarged, smooth = _numbers((one, first, other, second))
            doubles = told if doubles is None else doubles
    return Group(first, second, aside, tuple(own), aside_norm, layouts, doubles, enlarged, smooth)


def _kernel(module: Module) -> int:
    return int(module.tensors["weight"].shape[2])


def _aside(convolutions: list[Module], within: Naming) -> Module | None:
    """The shortcut among the convolutions of a block."""
    if len(convolutions) < 3:
        return None
    small = [module for module in convolutions if _kernel(module) == 1]
    named = [module for module in convolutions if ASIDE.search(within(module))]
    for several in (small, named):
        if len(several) == 1:
            return several[0]
    raise no_place(convolutions[-1])


def _norm_aside(norms: list[Module], aside: Module | None, main: list[Module], within: Naming) -> Module | None:
    """The normalisation of the shortcut: named like one, or in its container."""
    if aside is None:
        return None
    home = within(aside).rpartition(".")[0]
    shared = home and all(within(module).rpartition(".")[0] != home for module in main)
    found = [
        module for module in norms if ASIDE.search(within(module)) or (shared and within(module).rpartition(".")[0] == home)
    ]
    if len(found) > 1:
        raise no_place(found[1])
    if found and found[0].place and aside.place and found[0].place < aside.place:  # it comes first
        raise no_place(found[0])
    return found[0] if found else None


def _in_order(found: list[tuple[str, Group]], kept: bool) -> tuple[Group, ...]:
    """The blocks in the order of the file, or by the numbers in their names."""
    order = by_number([prefix for prefix, _ in found])
    groups = [group for _, group in found]
    if kept and (order is None or _follow(groups)):
        return tuple(groups)
    if order is None and len(groups) > 1:
        raise Malformed(
            f"the order of its layers {found[0][0]!r:.60} and {found[1][0]!r:.60} cannot be told: safetensors keeps none; "
            "save its state_dict with torch.save"
        )
    return tuple(groups[place] for place in order or (0,))


def _follow(groups: Iterable[Group]) -> bool:
    widths = [(group.inputs, group.outputs) for group in groups]
    return all(before[1] == after[0] for before, after in zip(widths, widths[1:], strict=False))


def _layouts(norms: tuple[Module, Module], main: tuple[Module, Module], members: list[Module]) -> tuple[Layout, ...]:
    """Where the normalisations of a block may be, by their widths, and by numbers and order where these tell."""
    widths = tuple(int(norm.tensors["running_mean"].numel()) for norm in norms)
    before = widths == (ends(main[0])[0], ends(main[1])[0])
    after = widths == (ends(main[0])[1], ends(main[1])[1])
    numbered = {module.place[0] if module.place else "" for module in (*norms, *main)}
    if len(numbered) == 1 and "" not in numbered:  # one nn.Sequential
        norm_first = (norms[0].place or ("", 0))[1] < (main[0].place or ("", 0))[1]
        before, after = before and norm_first, after and not norm_first
    if not (before or after):
        raise no_place(norms[0])
    behind: tuple[Layout, ...] = ("after_sum", "after")
    if not after:
        return ("before",)
    if not before:
        return behind
    order = [module for module in members if module in norms or module in main]
    woven = [module.kind for module in order] == ["conv", "batch", "conv", "batch"]
    return (*behind, "before") if woven else ("before", *behind)


def _numbers(own: tuple[Module, Module, Module, Module]) -> tuple[bool | None, Enlarged | None, bool]:
    """Whether a block enlarges, where, and whether perhaps smoothly, from the numbers of its modules in one nn.Sequential.

    What has no weights takes a number, too.
    """
    places = [module.place for module in own if module.place]
    if len(places) < 4 or len({parent for parent, _ in places}) > 1:
        return None, None, True
    norm, first, other, second = (number for _, number in places)
    spare = (first - 2, second - first - 3)  # modules besides the normalisation and the activation before each convolution
    if spare == (1, 0):
        return True, "first", norm == 0
    if spare == (0, 1):
        return True, "second", other == first + 1
    return None, None, True


def _ends_of(alone: list[Module], groups: tuple[Group, ...]) -> tuple[Module, bool, int, Module, list[Module]]:
    """The first layer, whether its output is reshaped, the size of that in pixels, the last layer, and the normalisations beside them."""
    if odd := [module for module in alone if module.kind not in {"conv", "linear", "batch"}]:
        raise no_place(odd[0])
    linear = [module for module in alone if module.kind == "linear"]
    convolutions = [module for module in alone if module.kind == "conv"]
    lasts = [module for module in convolutions if ends(module)[1] in {1, 3} and ends(module)[0] == groups[-1].outputs]
    if len(lasts) != 1:
        raise Malformed("its residual blocks are followed by no layer that makes an image of one or three channels")
    others = [module for module in convolutions if module is not lasts[0]]
    if len(linear) + len(others) != 1:
        extra = (*others, *linear[1:])
        raise no_place(extra[0]) if extra else Malformed("its residual blocks come after no layer that takes random numbers")
    stem, width = (*linear, *others)[0], groups[0].inputs
    if linear:
        side = math.isqrt(ends(stem)[1] // width)
        fits = side**2 * width == ends(stem)[1]
    else:  # a transposed convolution: its weight has the inputs first
        side = _kernel(stem)
        fits = int(stem.tensors["weight"].shape[1]) == width and side > 1
    if not fits or not 1 <= side <= _LARGEST_SIDE or _kernel(lasts[0]) % 2 == 0:
        raise no_place(stem)
    return stem, bool(linear), side, lasts[0], [module for module in alone if module.kind == "batch"]


def _outer_norms(
    norms: list[Module], stem: Module, last: Module, groups: tuple[Group, ...], kept: bool
) -> tuple[Module | None, Module | None, Module | None]:
    """The normalisations of the first and of the last layer, and one that may be either's."""
    entering = {groups[0].inputs, int(stem.tensors["weight"].shape[0])} if stem.kind == "linear" else {groups[0].inputs}

    def fits(module: Module, widths: set[int]) -> bool:
        return int(module.tensors["running_mean"].numel()) in widths

    def beside(module: Module, layer: Module) -> bool:
        home = layer.name.rpartition(".")[0]
        other = last if layer is stem else stem
        return bool(home) and module.name.rpartition(".")[0] == home and other.name.rpartition(".")[0] != home

    first = [module for module in norms if fits(module, entering) and not beside(module, last)]
    final = [module for module in norms if fits(module, {groups[-1].outputs}) and not beside(module, stem)]
    if odd := [module for module in norms if module not in first and module not in final]:
        raise no_place(odd[0])
    if len(norms) > 2 or (len(norms) == 2 and not (first and final)):
        raise no_place(norms[-1])
    if len(norms) == 2:
        if len(first) == len(final) == 2:
            one, other = pair(norms, lambda module: module.name, kept)
            return one, other, None
        one = first[0] if len(first) == 1 else next(module for module in first if module is not final[0])
        return one, next(module for module in norms if module is not one), None
    if not norms:
        return None, None, None
    if first and final:
        return None, None, norms[0]
    return (norms[0], None, None) if first else (None, norms[0], None)
