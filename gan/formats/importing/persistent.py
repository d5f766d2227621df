"""Pickled torch modules as plain data: their attributes, tensors and submodules. Their classes are neither imported nor run."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan.formats.importing.torch_file import class_of
from gan.formats.importing.values import Malformed, Node, TensorRef

REBUILD = "torch_utils.persistence._reconstruct_persistent_obj"
_DEEPEST = 12  # nesting of modules; NVIDIA's are four deep
_MOST_PARTS = 5_000  # modules and tensors together; NVIDIA's three networks have about 1,500
_LARGEST = 1e30
_SCALARS = {"numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"}


@dataclass
class Part:
    """A torch module."""

    class_name: str  # without the module's path
    attributes: dict[str, Any] = field(default_factory=dict)
    own: dict[str, TensorRef] = field(default_factory=dict)  # its parameters and buffers
    parts: dict[str, "Part"] = field(default_factory=dict)  # its submodules

    def part(self, name: str) -> "Part":
        """A submodule. Raises `Malformed` if there is none of that name."""
        found = self.parts.get(name)
        if found is None:
            raise Malformed(f"its {self.class_name} lacks the part {name}")
        return found

    def walk(self) -> Iterator["Part"]:
        """Iterate over the module and all modules in it."""
        yield self
        for part in self.parts.values():
            yield from part.walk()

    def tensors(self, prefix: str = "") -> dict[str, TensorRef]:
        """All parameters and buffers, by their names in a state_dict."""
        found = {f"{prefix}{name}": ref for name, ref in self.own.items()}
        for name, part in self.parts.items():
            found |= part.tensors(f"{prefix}{name}.")
        return found

    def number(self, name: str) -> float | None:
        """An attribute as a number; None if it is missing or None.

        Raises
        ------
        Malformed
            It is not a finite number.
        """
        value = self.attributes.get(name)
        if value is None:
            return None
        plain = _scalar(value)
        if plain is None or not math.isfinite(plain):
            raise Malformed(f"its {self.class_name} has a {name} that is no number")
        return plain


def parts_of(values: Mapping[str, Any]) -> dict[str, Part]:
    """Those of the values that are pickled modules, in NVIDIA's persistent format or plain.

    Raises
    ------
    Malformed
        The modules are nested too deeply (one may contain itself), or there are more modules and tensors than any network has.
    """
    reader = _Reader()
    read = {name: reader.read(value, 0) for name, value in values.items()}
    return {name: part for name, part in read.items() if part is not None}


class _Reader:
    def __init__(self) -> None:
        self.count = 0

    def read(self, value: Any, depth: int) -> Part | None:
        self.count += 1
        if depth > _DEEPEST or self.count > _MOST_PARTS:
            raise Malformed("it holds modules in modules without end")
        if not isinstance(value, Node):
            return None
        if value.call == REBUILD:
            meta = _plain_dict(value.args[0]) if len(value.args) == 1 else {}
            name, state = meta.get("class_name"), _plain_dict(meta.get("state"))
        else:
            name, state = class_of(value), _plain_dict(value.state)
        if not isinstance(name, str) or "_modules" not in state:
            return None
        part = Part(name.rsplit(".", 1)[-1])
        for kind in ("_parameters", "_buffers"):
            for key, ref in _plain_dict(state.get(kind)).items():
                if isinstance(ref, TensorRef):
                    self.count += 1
                    part.own[str(key)] = ref
        for key, inner in _plain_dict(state.get("_modules")).items():
            read = self.read(inner, depth + 1)
            if read is not None:
                part.parts[str(key)] = read
        part.attributes = {str(key): item for key, item in state.items() if str(key)[:1] != "_"}
        return part


def _plain_dict(value: Any) -> dict[Any, Any]:
    """The items of a dictionary or of a pickled object of a subclass of dict; {} for anything else."""
    if isinstance(value, Node):
        return value.mapping
    return value if isinstance(value, dict) else {}


def _scalar(value: Any) -> float | None:
    """A number as pickled by Python or numpy, infinite if it is huge; None for anything else."""
    if isinstance(value, int | float):
        return float(value) if abs(value) < _LARGEST else math.inf
    if not isinstance(value, Node) or value.call not in _SCALARS or len(value.args) != 2:
        return None
    dtype, data = value.args
    if not isinstance(dtype, Node) or not dtype.args or not isinstance(data, bytes):
        return None
    code = dtype.args[0]
    if not isinstance(code, str) or code not in {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"} or len(data) != int(
        code[1]
    ):
        return None
    order = ">" if isinstance(dtype.state, tuple) and len(dtype.state) > 1 and dtype.state[1] == ">" else "<"
    return float(np.frombuffer(data, np.dtype(f"{order}{code}"))[0])
