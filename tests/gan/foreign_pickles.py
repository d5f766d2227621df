"""torch's zip files with a pickle written by hand: small files that ask for much. They are read in child processes, under limits."""

import io
import json
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


def _encoded() -> bytes:
    """One text made bytes again and again."""
    call = kept(name("_codecs", "encode"), 1) + b"0" + kept(text("a" * 2**20), 2) + b"0"
    return saved(call + b"(" + b"".join(again(1) + row([again(2)]) + b"R" for _ in range(6000)) + b"l")


def _negative() -> bytes:
    """A large tensor under many names, and one whose size takes theirs back."""
    count = 5_000_000
    first = kept(tensor((1, count), (count, 1), count), 1)
    names = [("0.weight", first), *((f"{i}.weight", again(1)) for i in range(1, 400))]
    return saved(table([*names, ("z", tensor((-1, count * 398), (1, 1), count))]), bytes(4 * count))


def _parts() -> bytes:
    """NVIDIA's way: a module of many parts under many names."""

    def module(parts: bytes) -> bytes:
        state = table([("_modules", parts), ("_parameters", b"}"), ("_buffers", b"}")])
        return called(name("torch_utils.persistence", "_reconstruct_persistent_obj"), table([("class_name", text("M")), ("state", state)]))

    leaf = kept(module(b"}"), 1) + b"0"
    whole_module = kept(module(table((f"m{i}", again(1)) for i in range(4000))), 2) + b"0"
    names = [("G_ema", again(2)), ("G", again(2)), *((f"n{i}", again(2)) for i in range(500))]
    return b"\x80\x02" + leaf + whole_module + table(names) + b"."


def _cycle() -> bytes:
    """A dictionary that holds itself under many names."""
    own = [(f"k{i}", again(1)) for i in range(60)]
    return saved(b"}" + b"r" + struct.pack("<I", 1) + table([*own, ("a", tensor((10,), (1,))), ("b", tensor((10,), (1,)))])[1:])


def _views() -> bytes:
    """A thousand small views of one large storage, each with a reference of its own to it."""
    count = 5_000_000
    return saved(table((f"{i}.weight", tensor((2, 2), (2, 1), count)) for i in range(1000)), bytes(4 * count))


def _scalars() -> bytes:
    """A safetensors file of many tensors."""
    count = 10_000
    header = {f"{i}.weight": {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]} for i in range(count)}
    words = json.dumps(header).encode()
    return struct.pack("<Q", len(words)) + words + bytes(4 * count)


def _convolutions() -> bytes:
    """More of them in a row than any network has."""
    weight = tensor((1, 1, 3, 3), (9, 9, 3, 1))
    return saved(table((f"{i}.weight", weight) for i in range(400)), struct.pack("<1000f", *[0.1] * 1000))


HEAVY: dict[str, Callable[[], bytes]] = {
    **{f"numbers of type {dtype}": lambda dtype=dtype: _typed(dtype) for dtype in ("quint8", "uint1", "float4_e2m1fn_x2", "complex64")},
    "a text made bytes many times": _encoded,
    "sizes below nothing": _negative,
    "a module of many parts under many names": _parts,
    "a dictionary in itself under many names": _cycle,
    "small views of a large storage": _views,
    "a safetensors file of many tensors": _scalars,
    "hundreds of convolutions": _convolutions,
}
