"""torch's zip files with a pickle written by hand: small files that ask for much. They are read in child processes, under limits."""

import io
import struct
import zipfile
from collections.abc import Callable, Iterable


def text(words: str) -> bytes:
    return b"X" + struct.pack("<I", len(words)) + words.encode()


def whole(number: int) -> bytes:
    data = number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def row(items: Iterable[bytes]) -> bytes:
    """A tuple."""
    return b"(" + b"".join(items) + b"t"


def called(what: bytes, *arguments: bytes) -> bytes:
    return what + row(arguments) + b"R"


def kept(value: bytes, index: int) -> bytes:
    return value + b"r" + struct.pack("<I", index)


def again(index: int) -> bytes:
    return b"j" + struct.pack("<I", index)


def table(items: Iterable[tuple[str, bytes]]) -> bytes:
    """A dictionary."""
    return b"}(" + b"".join(text(key) + value for key, value in items) + b"u"


def tensor(shape: Iterable[int], stride: Iterable[int], count: int = 1000, offset: int = 0, dtype: str = "") -> bytes:
    """A view of the one storage of `count` floats; `dtype` is torch's name of another type that they are read as."""
    storage = row((text("storage"), name("torch", "FloatStorage"), text("0"), text("cpu"), whole(count))) + b"Q"
    arguments = (storage, whole(offset), row(map(whole, shape)), row(map(whole, stride)), b"\x89", b"}")
    if dtype:
        return called(name("torch._utils", "_rebuild_tensor_v3"), *arguments, name("torch", dtype))
    return called(name("torch._utils", "_rebuild_tensor_v2"), *arguments)


def saved(value: bytes, data: bytes = b"\0" * 4000) -> bytes:
    """A torch file that holds a value; `data` is the one storage's."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as parts:
        for part, content in (("data.pkl", b"\x80\x02" + value + b"."), ("version", b"3\n"), ("data/0", data)):
            parts.writestr(f"a/{part}", content)
    return stream.getvalue()


def _typed(dtype: str) -> bytes:
    return saved(table((f"{i}.weight", tensor((10, 10), (10, 1), dtype=dtype)) for i in range(2)))


HEAVY: dict[str, Callable[[], bytes]] = {
    **{f"numbers of type {dtype}": lambda dtype=dtype: _typed(dtype) for dtype in ("quint8", "uint1", "float4_e2m1fn_x2", "complex64")},
}
