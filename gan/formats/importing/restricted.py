"""Reads pickles as data. A pickle is a program; here it is run by a machine that can only build plain values.

The machine knows lists, tuples, dictionaries, numbers, text and bytes. A name such as `os.system` becomes a `Ref`, which is never looked
up; a call becomes a `Node`, which records the name and the arguments. Only the names in `_CALLS` are understood: functions of this module
build tensors, sizes, bytes and dictionaries for them. Nothing is imported, no attribute is fetched, and no code of any object is run.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from gan.formats.importing.machine import Bounded, Machine, plain_key
from gan.formats.importing.values import DTYPES, Malformed, Ref, Storage, TensorRef


@dataclass
class Unpickled:
    """The value of a pickle, and the names of everything that it would call."""

    value: Any
    calls: set[str]


def unpickle(
    file: BinaryIO,
    end: int,
    persistent: Callable[[Any], Any] | None = None,
    calls: Mapping[str, Callable[..., Any]] | None = None,
) -> Unpickled:
    """Read one pickle from the position of `file`, up to byte `end` at most; leaves `file` after it.

    Parameters
    ----------
    persistent : resolves persistent ids, the pickle's references to things outside it; without it they raise `Malformed`.
    calls : functions for further names, besides `_CALLS`. Their arguments are plain values, `Ref` and `Node`.

    Raises
    ------
    Malformed
        The pickle is cut short or damaged, is none at all, or uses something that no weights need.
    """
    machine = Machine(persistent, {**_CALLS, **(calls or {})})
    try:
        with (
            warnings.catch_warnings()
        ):  # about invalid escapes in old text opcodes, which the user cannot fix
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
    return type(value) is int and 0 <= value < 2**48  # torch computes sizes in bytes, as 64-bit integers


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
    """Bytes as protocol 2 pickles them."""
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
NESTED = "torch.storage._load_from_bytes"  # loads a torch file from bytes inside a pickle; see `torch_file`
UNDERSTOOD = frozenset({*_CALLS, NESTED})
