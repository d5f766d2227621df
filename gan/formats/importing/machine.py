"""A pickle machine limited to plain values: a stack, a memo, and the opcodes that build them. See `restricted`."""

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from gan.formats.importing.values import Malformed, Node, Ref

_MOST_STEPS = 400_000  # opcodes in one pickle; a large checkpoint with its optimizer has some 100,000
_MOST_COPIED = 8  # limit for the arguments of all calls together, in sizes of the pickle; ordinary pickles stay near 1
_DEEPEST_KEY = 3  # nesting of tuples as dictionary keys; hashing deep ones takes exponential time


class Bounded:
    """A file that ends at byte `end` and never returns, or allocates memory for, more than there is."""

    def __init__(self, file: BinaryIO, end: int) -> None:
        self._file, self._end = file, end

    def tell(self) -> int:
        return self._file.tell()

    @property
    def left(self) -> int:
        """Bytes up to the end."""
        return self._end - self._file.tell()

    def read(self, count: int) -> bytes:
        if count < 0 or count > self.left:
            raise Malformed("it is cut short")
        return self._file.read(count)

    def readline(self) -> bytes:
        return self._file.readline(self.left)


_MARK = object()


class Machine:
    """A stack, a memo and the opcodes that build plain values."""

    def __init__(
        self, persistent: Callable[[Any], Any] | None, calls: Mapping[str, Callable[..., Any]]
    ) -> None:
        self.persistent, self.calls = persistent, calls
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.called: set[str] = set()
        self.left = 0  # bytes that the arguments of further calls may have

    def run(self, file: Bounded) -> Any:
        self.left = 2**20 + _MOST_COPIED * file.left
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

    # ------------------------------------------------------------------ opcodes, named as in pickletools

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

    _empty_set = _empty_list  # a list does: sets in checkpoints are few and small

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
        self.stack.append({plain_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)})

    def _append(self, _: Any) -> None:
        item = self._pop_value()
        _sequence(self.stack[-1]).append(item)

    def _appends(self, _: Any) -> None:
        items = self._marked()
        _sequence(self.stack[-1]).extend(items)

    _additems = _appends

    def _setitem(self, _: Any) -> None:
        value, key = self._pop_value(), self._pop_value()
        _mapping(self.stack[-1])[plain_key(key)] = value

    def _setitems(self, _: Any) -> None:
        items = self._marked()
        _mapping(self.stack[-1]).update(
            (plain_key(key), value) for key, value in zip(items[::2], items[1::2], strict=True)
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
        # The result of a call is about as large as its arguments, and the memo can pass one large value to any number of calls.
        self.left -= 8 * len(args) + sum(map(_bytes_in, args))
        if self.left < 0:
            raise Malformed("it holds far more objects than weights need")
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
        # Attributes of dictionaries and tensors (such as a state_dict's `_metadata`) are not needed.


_PLAIN = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
}  # fmt: skip


def plain_key(key: Any, depth: int = 0) -> Any:
    """The key of a dictionary, if it is a plain value; raises `Malformed` otherwise."""
    if key is None or isinstance(key, str | int | float | bytes | Ref | Node):
        return key
    if isinstance(key, tuple) and depth < _DEEPEST_KEY and len(key) < 100:
        return tuple(plain_key(item, depth + 1) for item in key)
    raise Malformed("it is damaged: a dictionary in it has keys that are not plain")


def _bytes_in(value: Any) -> int:
    """Approximate size of a value in bytes, without the values it refers to."""
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    return 8 * len(value) if isinstance(value, list | tuple | dict) else 0


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
