"""Pickles read as data. A pickle is a program; here it is run by a machine that can only build plain values.

The machine knows lists, dictionaries, numbers, text and bytes. A name such as `os.system` becomes a `Ref`, never looked up; calling
one becomes a `Node`, which says what was to be called with what. A handful of names (`_CALLS`) are understood and give tensors or
dictionaries, made here. Nothing is imported, no attribute is fetched, no object's own code runs.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from gan.formats.importing.machine import Bounded, Machine, plain_key
from gan.formats.importing.values import DTYPES, Malformed, Ref, Storage, TensorRef


@dataclass
class Unpickled:
    """What a pickle holds, and every name that it wanted called."""

    value: Any
    calls: set[str]


def unpickle(
    file: BinaryIO,
    end: int,
    persistent: Callable[[Any], Any] | None = None,
    calls: Mapping[str, Callable[..., Any]] | None = None,
) -> Unpickled:
    """Read one pickle from where `file` stands, up to byte `end` at most; leaves `file` after it.

    Parameters
    ----------
    persistent : resolves the pickle's references to things outside it; without it they are malformed.
    calls : more names to understand, beside `_CALLS`: functions of the call's arguments, which are plain values, `Ref` and `Node`.

    Raises
    ------
    Malformed
        Cut short, not a pickle, or asking for what no weights need.
    """
    machine = Machine(persistent, {**_CALLS, **(calls or {})})
    try:
        with (
            warnings.catch_warnings()
        ):  # odd escapes in old text opcodes: no concern of whoever imports the file
            warnings.simplefilter("ignore")
            value = machine.run(Bounded(file, end))
    except Malformed:
        raise
    except (
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        AttributeError,
        OverflowError,
        AssertionError,
    ) as error:
        raise Malformed(f"it is damaged: its pickle cannot be read ({type(error).__name__})") from error
    return Unpickled(value, machine.called)


def _ordered_dict(*args: Any) -> dict[Any, Any]:
    if not args or args == ((),) or args == ([],):
        return {}
    (pairs,) = args
    return {plain_key(key): value for key, value in pairs}


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**48  # torch counts in 64 bits, and bytes


def _sizes(value: Any) -> tuple[int, ...]:
    if not isinstance(value, tuple | list) or len(value) > 16 or not all(map(_is_size, value)):
        raise Malformed("it is damaged: a tensor in it has no proper shape")
    return tuple(value)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *more: Any) -> TensorRef:
    if not isinstance(storage, Storage) or not _is_size(offset):
        raise Malformed("it is damaged: a tensor in it has no data")
    return TensorRef(storage, offset, _sizes(shape), _sizes(stride), storage.dtype)


def _tensor_v3(
    storage: Any, offset: Any, shape: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, *more: Any
) -> TensorRef:
    if not isinstance(storage, Storage) or not _is_size(offset) or not isinstance(dtype, Ref):
        raise Malformed("it is damaged: a tensor in it has no data")
    named = DTYPES.get(dtype.name.removeprefix("torch."))
    if named is None:
        raise Malformed(f"it holds numbers of an unknown type ({dtype.name:.60})")
    return TensorRef(storage, offset, _sizes(shape), _sizes(stride), named)


def _parameter(data: Any, *more: Any) -> Any:
    return data


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    """How protocol 2 writes bytes."""
    if not isinstance(text, str) or encoding not in {"latin1", "utf-8"}:
        raise Malformed("it is damaged: bytes in it are encoded in no known way")
    return text.encode(encoding)


_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.Size": tuple,
    "_codecs.encode": _encode,
}
NESTED = "torch.storage._load_from_bytes"  # a torch file in bytes inside a pickle: `torch_file` reads it
UNDERSTOOD = frozenset({*_CALLS, NESTED})
