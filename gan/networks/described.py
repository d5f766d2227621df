"""Networks as plain values: what a bundle's configuration says of each, and a network built from it.

Nothing in the values is trusted: every field is checked against its type and a limit before anything is built.
"""

import types
from dataclasses import asdict, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from torch import nn

from gan.networks.base import LATER
from gan.networks.registry import parts

_LARGEST = 65536  # limit for dimensions of a network, so that a damaged configuration cannot exhaust memory
_WIDEST = 2**22  # limit for layers to or from a whole feature map; the file must hold as much before memory is allocated
_LONGEST = 32  # limit for the number of layers
_WIDE = {"inputs", "outputs", "norm_width", "activation_width"}
_LONGEST_WORD = 300


def describe(network: Any) -> dict[str, Any] | None:
    """How a network is built, its kind included; None for None."""
    return None if network is None else {"kind": network.kind, **asdict(network.config)}


def telling(config: Any) -> dict[str, Any]:
    """A configuration as plain values, without the fields that earlier versions lack where they have their default.

    So two versions say the same of the same network.
    """
    said: dict[str, Any] = {}
    for field in fields(config):
        value = getattr(config, field.name)
        if not (field.metadata.get(LATER) and value == field.default):
            said[field.name] = _telling(value)
    return said


def _telling(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_telling(item) for item in value]
    return telling(value) if is_dataclass(value) else value


def build(part: str, values: dict[str, Any]) -> nn.Module:
    """The network that `describe` described, of a kind that `registry.parts[part]` knows, with weights of its own.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        The values describe no valid network.
    """
    kind = parts[part][values["kind"]]
    network: nn.Module = kind.build(_object(part, {key: value for key, value in values.items() if key != "kind"}, kind.config))
    return network


def _object(name: str, values: Any, config_type: type) -> Any:
    """A configuration from its JSON object: exactly its fields, each of its type; only fields added later may be missing."""
    if not isinstance(values, dict):
        raise ValueError(f'"{name}" is not an object')
    hints = get_type_hints(config_type, include_extras=True)
    known = {field.name for field in fields(config_type)}
    needed = {field.name for field in fields(config_type) if not field.metadata.get(LATER)}
    if odd := sorted((set(values) - known) | (needed - set(values))):
        raise ValueError(f'"{name}" has missing or unknown fields: {", ".join(odd)}')
    return config_type(**{key: _field(key, values[key], hints[key]) for key in sorted(values)})


def _field(name: str, value: Any, hint: Any) -> Any:
    """A value of a configuration, checked against its type (`registry` lists the types)."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        each = inner[:1] * len(value) if isinstance(value, list) and inner[-1] is Ellipsis else inner
        if not isinstance(value, list) or len(value) != len(each) or not 1 <= len(value) <= _LONGEST:
            raise ValueError(f"{name} {value!r:.60} is not a short list of the right length")
        return tuple(_field(name, item, of) for item, of in zip(value, each, strict=True))
    if origin in {Union, types.UnionType}:  # X | None
        return None if value is None else _field(name, value, inner[0])
    if hint is int or origin is Annotated:
        smallest = 1 if hint is int else inner[1]
        # Layers take time to build even without allocating memory.
        largest = _LONGEST if name in {"depth", "layers", "mapping_layers"} else _WIDEST if name in _WIDE else _LARGEST
        if type(value) is not int or not smallest <= value <= largest:
            raise ValueError(f"{name} {value!r:.60} is not a size in {smallest}..{largest}")
        return value
    if hint is float:
        if type(value) not in {int, float} or not abs(value) <= 1e30:  # NaN fails too
            raise ValueError(f"{name} {value!r:.60} is not a number")
        return float(value)
    if origin is Literal:
        if type(value) is not str or value not in inner:
            raise ValueError(f"{name} {value!r:.60} is none of {', '.join(inner)}")
        return value
    if is_dataclass(hint) and isinstance(hint, type):
        return _object(name, value, hint)
    if type(value) is not hint or (hint is str and len(value) > _LONGEST_WORD):
        raise ValueError(f"{name} {value!r:.60} is not a {hint.__name__}")
    return value
