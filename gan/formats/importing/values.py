"""The contents of a file of weights as plain data: names, inert objects, and tensors that are read on demand."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

_STORAGES = {
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
# The others (quantised, packed, complex) are never weights of a generator, and torch itself crashes when some are read.
DTYPES = {
    str(dtype).removeprefix("torch."): dtype for dtype in (*_STORAGES.values(), torch.float8_e4m3fn, torch.float8_e5m2)
}

_LONGEST = 400  # characters


class Malformed(ValueError):
    """A file cannot be imported. The message is a clause about "it", for people; it ends up in a UserError with the file's name."""

    def __init__(self, message: str) -> None:
        line = " ".join(message.split())  # the message may quote the file, or torch's traceback
        super().__init__(line if len(line) <= _LONGEST else f"{line:.{_LONGEST}} ...")


@dataclass(frozen=True)
class Ref:
    """A global name in a pickle; it is not looked up."""

    name: str  # "module.qualified.name"


@dataclass(eq=False)
class Node:
    """An object that a pickle would build; nothing was called."""

    call: str  # the name of what would be called; "" if that is not a name but an object
    args: tuple[Any, ...] = ()
    state: Any = None  # the argument of BUILD, usually a dictionary of the object's attributes
    mapping: dict[Any, Any] = field(default_factory=dict)  # items of a subclass of dict
    sequence: list[Any] = field(default_factory=list)  # items of a subclass of list


@dataclass(frozen=True, eq=False)
class Storage:
    """A torch storage in a file, not read yet."""

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

    def load(self, data: bytearray) -> Tensor:
        """The tensor, contiguous and with its own memory.

        Parameters
        ----------
        data : the bytes that `storage.read()` returns.

        Raises
        ------
        Malformed
            It reaches outside its storage, or has more elements than that.
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
        if len(data) < count * size:
            raise Malformed("it is cut short")
        flat = torch.frombuffer(data, dtype=self.dtype, count=count)
        return flat.as_strided(self.shape, self.stride, self.offset).clone(
            memory_format=torch.contiguous_format
        )


def storage_dtype(name: str) -> torch.dtype:
    """The element type of a storage class such as "torch.FloatStorage".

    Raises
    ------
    Malformed
        The class is not known here.
    """
    known = _STORAGES.get(name.rsplit(".", 1)[-1]) if name.startswith("torch.") else None
    if known is None:
        raise Malformed(f"it holds numbers of an unknown type ({name:.60})")
    return known
