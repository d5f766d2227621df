"""Pickles read as data. A pickle is a program; here it is run by a machine that can only build plain values.

The machine knows lists, dictionaries, numbers, text and bytes. A name such as `os.system` becomes a `Ref`, never looked up; calling
one becomes a `Node`, which says what was to be called with what. A handful of names (`_CALLS`) are understood and give tensors or
dictionaries, made here. Nothing is imported, no attribute is fetched, no object's own code runs.
"""

import io
import math
import pickletools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import torch
from torch import Tensor

_MOST_STEPS = 1_000_000  # operations of one pickle; a large checkpoint with its optimizer has some 100,000
_DEEPEST_KEY = 3  # tuples in keys of dictionaries: hashing deep ones takes forever
_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}


class Malformed(ValueError):
    """The file is not what it says it is; one sentence for people. Importers turn it into a UserError with the file's name."""


@dataclass(frozen=True)
class Ref:
    """A name that a pickle mentions; not looked up."""

    name: str  # "module.qualified.name"


@dataclass(eq=False)
class Node:
    """An object that a pickle wanted built; nothing was called."""

    call: str  # the name of what was to be called; "" where that is itself an object
    args: tuple[Any, ...] = ()
    state: Any = None  # what it was to be given afterwards: an object's attributes, most often a dictionary
    mapping: dict[Any, Any] = field(default_factory=dict)  # for subclasses of dict: their items
    sequence: list[Any] = field(default_factory=list)  # likewise of list


@dataclass(frozen=True, eq=False)
class Storage:
    """Numbers in a file, not read yet."""

    dtype: torch.dtype
    count: int  # elements
    read: Callable[[], bytes]


@dataclass(frozen=True, eq=False)
class TensorRef:
    """A tensor in a file, not read yet: a view of a storage."""

    storage: Storage
    offset: int  # elements
    shape: tuple[int, ...]
    stride: tuple[int, ...]  # elements
    dtype: torch.dtype

    @property
    def numel(self) -> int:
        return math.prod(self.shape)

    def load(self) -> Tensor:
        """The tensor, contiguous and with memory of its own.

        Raises
        ------
        Malformed
            It reaches outside its storage, or repeats elements.
        """
        size = self.dtype.itemsize
        count = self.storage.count * self.storage.dtype.itemsize // size
        inside = len(self.shape) == len(self.stride) and min((self.offset, *self.shape, *self.stride)) >= 0
        last = (
            self.offset + sum((side - 1) * step for side, step in zip(self.shape, self.stride, strict=True))
            if inside
            else 0
        )
        if not inside or self.numel > count or (self.numel and last >= count):
            raise Malformed("a tensor in it reaches outside its data")
        if not self.numel:
            return torch.zeros(self.shape, dtype=self.dtype)
        data = self.storage.read()
        if len(data) < count * size:
            raise Malformed("it is cut short")
        flat = torch.frombuffer(bytearray(data), dtype=self.dtype, count=count)
        return flat.as_strided(self.shape, self.stride, self.offset).clone(
            memory_format=torch.contiguous_format
        )


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
    machine = _Machine(persistent, {**_CALLS, **(calls or {})})
    try:
        value = machine.run(_Bounded(file, end))
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


class _Bounded:
    """A file that ends at `end` and never hands out (or makes room for) more than there is."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._file, self._end = file, end

    def tell(self) -> int:
        return self._file.tell()

    def read(self, count: int) -> bytes:
        if count < 0 or count > self._end - self._file.tell():
            raise Malformed("it is cut short")
        return self._file.read(count)

    def readline(self) -> bytes:
        return self._file.readline(self._end - self._file.tell())


_MARK = object()


class _Machine:
    """A stack, a memo and the opcodes that build values."""

    def __init__(
        self, persistent: Callable[[Any], Any] | None, calls: Mapping[str, Callable[..., Any]]
    ) -> None:
        self.persistent, self.calls = persistent, calls
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.called: set[str] = set()

    def run(self, file: _Bounded) -> Any:
        for step, (opcode, argument, _) in enumerate(pickletools.genops(file)):  # type: ignore[arg-type]
            if step > _MOST_STEPS:
                raise Malformed("it holds far more objects than weights need")
            name = opcode.name
            if name in _PLAIN:
                self.stack.append(argument)
            elif name == "STOP":
                break
            else:
                action = getattr(self, f"_{name.lower()}", None)
                if action is None:
                    raise Malformed(f"its pickle uses {name}, which no weights need")
                action(argument)
        value = self.stack.pop()
        if value is _MARK:
            raise Malformed("it is damaged: its pickle ends inside a list")
        return value

    def _marked(self) -> list[Any]:
        items = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        items.reverse()
        return items

    def _pop_value(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise Malformed("it is damaged: its pickle lacks a value")
        return value

    # ------------------------------------------------------------------ opcodes, named as pickletools names them

    def _proto(self, _: Any) -> None:
        pass

    _frame = _proto

    def _none(self, _: Any) -> None:
        self.stack.append(None)

    def _newtrue(self, _: Any) -> None:
        self.stack.append(True)

    def _newfalse(self, _: Any) -> None:
        self.stack.append(False)

    def _mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def _pop(self, _: Any) -> None:
        self.stack.pop()

    def _pop_mark(self, _: Any) -> None:
        self._marked()

    def _dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def _empty_list(self, _: Any) -> None:
        self.stack.append([])

    def _empty_tuple(self, _: Any) -> None:
        self.stack.append(())

    def _empty_dict(self, _: Any) -> None:
        self.stack.append({})

    _empty_set = _empty_list  # sets in checkpoints are few and small: a list holds what they hold

    def _list(self, _: Any) -> None:
        self.stack.append(self._marked())

    _frozenset = _list

    def _tuple(self, _: Any) -> None:
        self.stack.append(tuple(self._marked()))

    def _tuple1(self, _: Any) -> None:
        self.stack.append((self._pop_value(),))

    def _tuple2(self, _: Any) -> None:
        second, first = self._pop_value(), self._pop_value()
        self.stack.append((first, second))

    def _tuple3(self, _: Any) -> None:
        third, second, first = self._pop_value(), self._pop_value(), self._pop_value()
        self.stack.append((first, second, third))

    def _dict(self, _: Any) -> None:
        items = self._marked()
        self.stack.append({_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)})

    def _append(self, _: Any) -> None:
        item = self._pop_value()
        _sequence(self.stack[-1]).append(item)

    def _appends(self, _: Any) -> None:
        items = self._marked()
        _sequence(self.stack[-1]).extend(items)

    _additems = _appends

    def _setitem(self, _: Any) -> None:
        value, key = self._pop_value(), self._pop_value()
        _mapping(self.stack[-1])[_key(key)] = value

    def _setitems(self, _: Any) -> None:
        items = self._marked()
        _mapping(self.stack[-1]).update(
            (_key(key), value) for key, value in zip(items[::2], items[1::2], strict=True)
        )

    def _get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    _binget = _long_binget = _get

    def _put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    _binput = _long_binput = _put

    def _memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _persid(self, key: Any) -> None:
        if self.persistent is None:
            raise Malformed("it refers to parts outside it")
        self.stack.append(self.persistent(key))

    def _binpersid(self, _: Any) -> None:
        self._persid(self._pop_value())

    def _global(self, words: str) -> None:
        module, _, name = words.partition(" ")
        self.stack.append(Ref(f"{module}.{name}"))

    def _stack_global(self, _: Any) -> None:
        name, module = self._pop_value(), self._pop_value()
        if not isinstance(name, str) or not isinstance(module, str):
            raise Malformed("it is damaged: its pickle names an object by something other than text")
        self.stack.append(Ref(f"{module}.{name}"))

    def _call(self, what: Any, args: Any) -> None:
        if not isinstance(args, tuple):
            raise Malformed("it is damaged: its pickle calls something without arguments")
        name = what.name if isinstance(what, Ref) else ""
        self.called.add(name)
        known = self.calls.get(name)
        self.stack.append(known(*args) if known is not None else Node(name, args))

    def _reduce(self, _: Any) -> None:
        args, what = self._pop_value(), self._pop_value()
        self._call(what, args)

    _newobj = _reduce

    def _newobj_ex(self, _: Any) -> None:
        keywords, args, what = self._pop_value(), self._pop_value(), self._pop_value()
        self._call(what, (*args, keywords) if keywords else args)

    def _inst(self, words: str) -> None:
        args = tuple(self._marked())
        self._global(words)
        self._call(self._pop_value(), args)

    def _obj(self, _: Any) -> None:
        what, *args = self._marked()
        self._call(what, tuple(args))

    def _build(self, _: Any) -> None:
        state = self._pop_value()
        target = self.stack[-1]
        if isinstance(target, Node):
            target.state = state
        # Attributes of the dictionaries and tensors understood here (a state_dict's `_metadata`) are of no use to anyone.


_PLAIN = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
}  # fmt: skip


def _key(key: Any, depth: int = 0) -> Any:
    """A key of a dictionary, if it is a plain one."""
    if key is None or isinstance(key, str | int | float | bytes | Ref | Node):
        return key
    if isinstance(key, tuple) and depth < _DEEPEST_KEY and len(key) < 100:
        return tuple(_key(item, depth + 1) for item in key)
    raise Malformed("it is damaged: a dictionary in it has keys that are not plain")


def _sequence(target: Any) -> list[Any]:
    if isinstance(target, list):
        return target
    if isinstance(target, Node):
        return target.sequence
    raise Malformed("it is damaged: its pickle adds items to what is no list")


def _mapping(target: Any) -> dict[Any, Any]:
    if isinstance(target, dict):
        return target
    if isinstance(target, Node):
        return target.mapping
    raise Malformed("it is damaged: its pickle sets items of what is no dictionary")


# ---------------------------------------------------------------------------------------------- the calls that are understood


def _ordered_dict(*args: Any) -> dict[Any, Any]:
    if not args or args == ((),) or args == ([],):
        return {}
    (pairs,) = args
    return {_key(key): value for key, value in pairs}


def _sizes(value: Any) -> tuple[int, ...]:
    if not isinstance(value, tuple | list) or len(value) > 16 or not all(type(side) is int for side in value):
        raise Malformed("it is damaged: a tensor in it has no proper shape")
    return tuple(value)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *more: Any) -> TensorRef:
    if not isinstance(storage, Storage) or type(offset) is not int:
        raise Malformed("it is damaged: a tensor in it has no data")
    return TensorRef(storage, offset, _sizes(shape), _sizes(stride), storage.dtype)


def _tensor_v3(
    storage: Any, offset: Any, shape: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, *more: Any
) -> TensorRef:
    named = getattr(torch, str(dtype.name).removeprefix("torch."), None) if isinstance(dtype, Ref) else None
    if not isinstance(storage, Storage) or not isinstance(named, torch.dtype):
        raise Malformed("it is damaged: a tensor in it has no data")
    return TensorRef(storage, offset, _sizes(shape), _sizes(stride), named)


def _parameter(data: Any, *more: Any) -> Any:
    return data


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    """How protocol 2 writes bytes."""
    if not isinstance(text, str) or encoding not in {"latin1", "utf-8"}:
        raise Malformed("it is damaged: bytes in it are encoded in no known way")
    return text.encode(encoding)


def _nested_storage(data: Any) -> Storage:
    """A storage pickled inside a pickle (copies, multiprocessing, NVIDIA's files): read by the same machine as everything else."""
    if not isinstance(data, bytes | bytearray):
        raise Malformed("it is damaged: a storage in it is not bytes")
    from gan.formats.importing.torch_file import read_legacy  # noqa: PLC0415 (each needs the other)

    inner = read_legacy(io.BytesIO(data), len(data), nested=True).value
    if not isinstance(inner, Storage):
        raise Malformed("it is damaged: a storage in it holds something else")
    return inner


_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered_dict,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.storage._load_from_bytes": _nested_storage,
    "torch.Size": tuple,
    "_codecs.encode": _encode,
}
UNDERSTOOD = frozenset(_CALLS)


def storage_dtype(name: str) -> torch.dtype:
    """The element type of a storage class such as "torch.FloatStorage".

    Raises
    ------
    Malformed
        There is no such class.
    """
    known = _DTYPES.get(name.rsplit(".", 1)[-1]) if name.startswith("torch.") else None
    if known is None:
        raise Malformed(f"it holds numbers of an unknown type ({name:.60})")
    return known


def tensors_in(value: Any) -> Iterator[TensorRef]:
    """Every tensor in a value, each once, however it is nested; inside nodes too."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        if isinstance(item, TensorRef):
            seen.add(id(item))
            yield item
        elif isinstance(item, dict):
            seen.add(id(item))
            waiting += item.values()
        elif isinstance(item, list | tuple):
            seen.add(id(item))
            waiting += item
        elif isinstance(item, Node):
            seen.add(id(item))
            waiting += [item.args, item.state, item.mapping, item.sequence]
