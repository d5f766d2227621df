"""Finds in a checkpoint the dictionary of tensors that is a generator of plain layers or of residual blocks."""

import math
import re
from dataclasses import dataclass, replace

from gan.formats.importing import entrances, labels, relatives, residual
from gan.formats.importing.chain import Chain, chains, links
from gan.formats.importing.residual_names import is_named_so
from gan.formats.importing.source import Source
from gan.formats.importing.state_dict import Candidate, Module, candidates, modules, orders
from gan.formats.importing.values import Malformed
from gan.networks.conditional import Condition

_MOST_UNUSED = 0.1  # share of the weights that may be left over
_HINT = math.log(50.0)
_SIDEWAYS = re.compile(r"(?:^|[._])(?:c_sc|shortcut|skip|res|res_?blocks?|residual|downsample)\d*(?:[._]|$)")


@dataclass(frozen=True)
class Found:
    """A dictionary of tensors that can be read as a generator: as a chain of layers, as residual blocks, or as either."""

    candidate: Candidate
    modules: list[Module]
    chains: list[Chain]  # none if it is no chain
    unused: list[Module]  # what has no place in the chains
    table: Module | None  # the embedding of class labels
    condition: Condition | None  # how a label enters that has an entrance of its own
    structure: residual.Structure | None
    lost: bool  # whether the form in which the original code keeps its weights is lost

    def kept(self, name: str) -> Module:
        """The module of this name."""
        return next(module for module in self.modules if module.name == name)


def first_generator(source: Source) -> Found:
    """The most promising dictionary of tensors that is a generator.

    Raises
    ------
    Malformed
        None is; the message is about the most promising one.
    """
    found = candidates(source.contents)
    problem: Malformed | None = None
    for candidate in found:
        try:
            return _read(source, candidate, found)
        except Malformed as error:
            problem = problem or error
    # The names of what is promising alone: a discriminator beside it may be of any kind.
    known = relatives.named(f"{one.path}.{name}" for one in found if one.score >= 0 for name in one.tensors)
    raise Malformed(known) if known else problem or Malformed("it holds no generator")


def _read(source: Source, candidate: Candidate, found: list[Candidate]) -> Found:
    plain, lost = modules(source.load(candidate.tensors))
    in_order = source.container != "safetensors"
    blocks, unplaced = None, None
    try:
        blocks = residual.structure(plain, in_order)
    except Malformed as error:
        unplaced = error
    if blocks is not None and blocks.has_shortcuts:
        return Found(candidate, plain, [], [], None, None, blocks, lost)
    try:
        return replace(_chain(plain, in_order, lost, candidate, found), structure=blocks)
    except Malformed as error:
        if blocks is not None:
            return Found(candidate, plain, [], [], None, None, blocks, lost)
        raise (unplaced if unplaced is not None and is_named_so(plain) else error) from error


def _chain(plain: list[Module], in_order: bool, lost: bool, candidate: Candidate, found: list[Candidate]) -> Found:
    """The modules as a chain of layers. Raises `Malformed` if they are none."""
    condition, weights = None, sum(value.numel() for module in plain for value in module.tensors.values())
    if (with_one := entrances.merged(plain)) is not None:
        plain, condition, gone = with_one
        lost = lost or gone
    made, unused, table = _chains(orders(plain, in_order), _hints(candidate, found))
    if sum(value.numel() for module in unused for value in module.tensors.values()) > _MOST_UNUSED * weights:
        raise Malformed(
            f"it is of an architecture that is not known here (its part {unused[0].name or next(iter(unused[0].tensors))!r:.60} "
            "has no place in a chain of layers)"
        )
    # Without what is left over, the original code would not take the weights back.
    return Found(candidate, plain, made, unused, table, condition, None, lost or bool(unused))


def _chains(
    tried: list[list[Module]], hints: dict[int, float]
) -> tuple[list[Chain], list[Module], Module | None]:
    """The chains of the first order of modules that has any, the modules left over, and the embedding of class labels, if any."""
    problem: Malformed | None = None
    for order in tried:
        table, others = labels.table_of(order)
        for way, modules_of_way in ((None, order), (table, others)):
            if modules_of_way is order or table is not None:
                try:
                    linked, unused = links(modules_of_way)
                    made = chains(linked, hints)
                    _refuse_branches(modules_of_way, unused)
                    return made, unused, way
                except Malformed as error:
                    problem = problem or error
    sideways = any(_SIDEWAYS.search(module.name) for module in tried[0])  # "c_sc" is no label
    if not sideways and any(labels.is_named_so(module) for module in tried[0]):
        raise Malformed("it takes class labels in a way that is not known here")
    raise problem or Malformed("it holds no layers of a generator")


def _refuse_branches(found: list[Module], unused: list[Module]) -> None:
    """Refuse modules that fit one another in sequence by accident: mostly residual blocks of one width."""
    odd = [module for module in unused if module.kind == "batch"]
    weighted = [module for module in found if module.weight is not None]
    odd += [module for module in weighted[1:] if _SIDEWAYS.search(module.name) and _leads_without(found, module)]
    if odd:
        raise Malformed(
            f"it is of an architecture that is not known here (its part {odd[0].name!r:.60} has no place in a chain of layers)"
        )


def _leads_without(found: list[Module], aside: Module) -> bool:
    """Whether the other modules form a chain without `aside`, which is then a parallel branch."""
    try:
        chains(links([module for module in found if module is not aside])[0])
    except Malformed:
        return False
    return True


def _hints(candidate: Candidate, found: list[Candidate]) -> dict[int, float]:
    """Log-odds of image sizes, from what the discriminator in the same file takes."""
    beside = candidate.discriminator_beside(found)
    if beside is None:
        return {}
    shapes = [ref.shape for ref in beside.tensors.values()]
    square = [shape for shape in shapes if len(shape) == 4 and shape[2] > 1]
    linear = [shape for shape in shapes if len(shape) == 2]
    if not square and linear:
        return {
            math.isqrt(linear[0][1] // channels): _HINT for channels in (1, 3) if linear[0][1] % channels == 0
        }
    if linear and square:  # halved by every convolution, then flattened
        side = math.isqrt(max(linear[0][1] // max(square[-1][0], 1), 1))
        return {side * 2**halvings: _HINT for halvings in (len(square) - 1, len(square))}
    if square:  # halved by every one but the last, which looks at all that is left
        return {square[-1][2] * 2 ** (len(square) - 1): _HINT}
    return {}
