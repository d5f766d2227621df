"""Class labels of plain chains of layers: whether a generator takes them, and how they are joined with its noise."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from gan.formats.importing import evidence
from gan.formats.importing.source import check_weights
from gan.formats.importing.state_dict import Module, words
from gan.formats.importing.values import Malformed
from gan.networks.conditional import Condition, ConditionalConfig, ConditionalGenerator, Joined
from gan.networks.layered import LayeredConfig, LayeredGenerator

_NAMES = {
    "label", "labels", "class", "classes", "emb", "embed", "embedding", "embeddings", "cond", "condition", "cls", "category", "y", "c",
}  # fmt: skip
_MOST_CLASSES = 1000
_NOISE = {32, 50, 62, 64, 100, 128, 200, 256, 512}  # common widths of the noise
_COUNTS = {*range(2, 11), 26, 47, 62, 100}  # numbers of classes of common data sets, tried as one-hot labels
# How an embedding may be joined with the noise. False: it is narrower than the first layer's input; True: it is as wide.
_JOINED: dict[bool, tuple[tuple[Joined, str, float], ...]] = {
    False: (
        ("before", "yes: its row of a table comes before them", 0.5),
        ("behind", "yes: its row of a table comes behind them", 0.5),
    ),
    True: (
        ("times", "yes: its row of a table is multiplied with them", 0.85),
        ("plus", "yes: its row of a table is added to them", 0.15),
    ),
}
_ONE_HOT: tuple[tuple[Joined, float], ...] = (("behind", 0.6), ("before", 0.4))
_TEXT = "Does it take a class label with its random numbers?"


@dataclass(frozen=True)
class _Way:
    """One way in which labels may enter; `condition` is None if they do not."""

    value: str
    label: str
    chance: float
    condition: Condition | None


def is_named_so(module: Module) -> bool:
    """Whether the name of a module suggests that it handles labels."""
    return bool(words(module.name) & _NAMES)


def table_of(found: list[Module]) -> tuple[Module | None, list[Module]]:
    """The embedding of class labels among the modules (a weight with a row per class), if one has such a name, and the other modules."""
    for module in found:
        if module.kind == "linear" and set(module.tensors) == {"weight"} and is_named_so(module):
            return module, [other for other in found if other is not module]
    return None, found


def choose(
    generator: LayeredGenerator,
    table: Module | None,
    ask: Callable[[str, str, list[tuple[str, str, float, str]]], str],
    known: Condition | None = None,
) -> LayeredGenerator:
    """The generator with class labels, if it takes any.

    Parameters
    ----------
    generator : as read so far, with the whole input of the first layer as noise.
    table : the embedding found by `table_of`.
    ask : takes a key, a text and weighted answers (as `ask.rank` does); returns the answer taken.
    known : how the label enters, where the layers tell; nothing is asked then.

    Raises
    ------
    Malformed
        The labels enter in no known way.
    """
    if known is not None:
        return _conditioned(generator, known, None)
    rows = None if table is None else table.weight
    if table is not None:
        check_weights({f"{table.name}.weight": table.tensors["weight"]})
    ways = {way.value: way for way in _ways(generator.z_dim, rows, "" if table is None else table.name)}
    made = {
        value: generator if way.condition is None else _conditioned(generator, way.condition, rows)
        for value, way in ways.items()
    }
    weighed = []
    for value, way in ways.items():
        off = evidence.entrance_mismatch(made[value]) if len(ways) > 1 else math.nan
        says = "" if math.isnan(off) else f"batch statistics off by {off:.3f}"
        weighed.append((value, way.label, math.log(way.chance) + evidence.log_likelihood(off), says))
    return made[ask("condition", _TEXT, weighed)]


def only(generator: LayeredGenerator, label: int) -> LayeredGenerator:
    """The generator restricted to one class."""
    config = generator.config
    assert isinstance(config, ConditionalConfig)
    changed: Any = {"z_dim": config.noise, "condition": replace(config.condition, label=label)}
    return evidence.with_weights(replace(config, **changed), generator)


def _ways(inputs: int, rows: Tensor | None, name: str) -> list[_Way]:
    """The ways in which labels may enter a first layer of `inputs` inputs; `rows`, `name` : of the embedding (classes, width), if any."""
    if rows is not None:
        classes, width = int(rows.shape[0]), int(rows.shape[1])
        if not 0 < width <= inputs or not 1 < classes <= _MOST_CLASSES:
            raise Malformed("it takes class labels in a way that is not known here")
        joins = _JOINED[width == inputs]
        return [_Way(how, says, chance, Condition(classes, how, width, name)) for how, says, chance in joins]
    ways = [_Way("none", "no: all that enters is random", 1.0, None)]
    if inputs not in _NOISE:
        for classes in sorted(_COUNTS):
            if inputs - classes in _NOISE:
                chance = 2.0 if classes == 10 else 0.2
                for how, share in _ONE_HOT:
                    says = f"yes: {classes} classes, one-hot {how} them"
                    ways.append(_Way(f"{classes}-{how}", says, share * chance, Condition(classes, how, classes)))
    return ways


def _conditioned(
    generator: LayeredGenerator, condition: Condition, rows: Tensor | None
) -> ConditionalGenerator:
    beside = condition.width if condition.joined in {"before", "behind"} else 0
    values = {field.name: getattr(generator.config, field.name) for field in fields(LayeredConfig)}
    values["z_dim"] = generator.z_dim - beside + condition.classes
    with torch.device("meta"):
        made = ConditionalGenerator(ConditionalConfig(**values, condition=condition))
    state = generator.state_dict()
    if rows is not None:
        state["table"] = rows
    made.load_state_dict(state, assign=True)
    return made.eval()
