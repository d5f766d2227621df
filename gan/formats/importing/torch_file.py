"""Reads torch's two file formats without torch's unpickler: the zip archive, and the sequence of pickles from before torch 1.6.

Tensors are read on demand, so the optimizer's state in a checkpoint costs nothing.
"""

import io
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO

from gan.formats.importing import other_files
from gan.formats.importing.restricted import NESTED, Unpickled, unpickle
from gan.formats.importing.values import Malformed, Node, Ref, Storage, storage_dtype

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_HEAD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_LARGEST_PICKLE = 2**28  # bytes of `data.pkl`, which does not contain the weights
_MOST_ENTRIES = 100_000
_DEEPEST = 2  # nesting of torch files inside pickles


def archive(file: BinaryIO, size: int) -> zipfile.ZipFile:
    """Open a file as a zip archive, if torch could have written it: nothing overlaps, and nothing but TorchScript's code is compressed.

    Raises
    ------
    Malformed
        It is damaged, compressed (a small file could then exhaust the memory) or encrypted, or has names that lead outside of it.
    """
    try:
        found = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, OSError) as error:
        raise Malformed("it is damaged or cut short: a zip archive that cannot be opened") from error
    entries = found.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise Malformed("it is an archive of far more parts than weights need")
    if says := other_files.archived(entry.filename for entry in entries):
        raise Malformed(says)
    for entry in entries:
        name = entry.filename
        # torch names the archive's folder after the file, which may contain a time of day: only a colon after a single letter is a drive.
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
            raise Malformed("it is an archive with names outside itself")
        compressed = entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size
        # torch compresses only TorchScript's code, which is recognised here but not read.
        if entry.flag_bits & 1 or (compressed and name.split("/")[1:2] != ["code"]):
            raise Malformed("it is a compressed or encrypted archive, which torch does not write")
    if sum(entry.compress_size for entry in entries) > size:
        raise Malformed("it is an archive whose parts overlap")
    if len({entry.filename for entry in entries}) != len(entries):
        raise Malformed("it is an archive with two parts of one name")
    return found


def _member(parts: zipfile.ZipFile, name: str) -> bytes:
    try:
        return parts.read(name)
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError, NotImplementedError) as error:
        raise Malformed("it is damaged: a part of it is missing or does not match its checksum") from error


def read_zip(parts: zipfile.ZipFile) -> Unpickled:
    """Read a file written by `torch.save`. Tensors become `TensorRef`, which can be loaded while the archive is open.

    Raises
    ------
    Malformed
        It is damaged, too large, or from a big-endian machine.
    """
    names = parts.namelist()
    pickles = [
        name for name in names if name == "data.pkl" or (name.endswith("/data.pkl") and name.count("/") == 1)
    ]
    if len(pickles) != 1:
        raise Malformed("it is a zip archive, but not of torch's making")
    root = pickles[0].removesuffix("data.pkl")
    if f"{root}byteorder" in names and _member(parts, f"{root}byteorder").strip() != b"little":
        raise Malformed("it was written on a big-endian machine")
    if parts.getinfo(pickles[0]).file_size > _LARGEST_PICKLE:
        raise Malformed("it is far larger outside its weights than any generator")
    data = _member(parts, pickles[0])

    def persistent(key: Any) -> Storage:
        if not (isinstance(key, tuple) and len(key) == 5 and key[0] == "storage" and isinstance(key[1], Ref)):
            raise Malformed("it is damaged: it refers to a part in no known way")
        _, kind, name, _, count = key
        dtype = storage_dtype(kind.name)
        entry = f"{root}data/{name}" if isinstance(name, str) else ""
        if entry not in known or type(count) is not int or not 0 <= count * dtype.itemsize <= known[entry]:
            raise Malformed("it is damaged: a tensor's data is missing or cut short")
        made = storages.setdefault(entry, Storage(dtype, count, lambda: _member(parts, entry)))
        return made if (made.dtype, made.count) == (dtype, count) else Storage(dtype, count, made.read)

    storages: dict[str, Storage] = {}
    known = {entry.filename: entry.file_size for entry in parts.infolist()}
    return unpickle(io.BytesIO(data), len(data), persistent, _nested(0))


def read_pickle(file: BinaryIO, size: int) -> Unpickled:
    """Read a bare pickle, which was not written by `torch.save`, such as NVIDIA's.

    Raises
    ------
    Malformed
        It is damaged or nested too deeply.
    """
    return unpickle(file, size, calls=_nested(0))


def _nested(depth: int) -> dict[str, Callable[..., Any]]:
    """The call that loads a storage pickled inside a pickle (copies, multiprocessing, NVIDIA's files): read by the same machine."""

    def storage(data: Any) -> Storage:
        if not isinstance(data, bytes | bytearray):
            raise Malformed("it is damaged: a storage in it is not bytes")
        if depth >= _DEEPEST:
            raise Malformed("it nests files inside files")
        inner = read_legacy(io.BytesIO(data), len(data), depth + 1).value
        if not isinstance(inner, Storage):
            raise Malformed("it is damaged: a storage in it holds something else")
        return inner

    return {NESTED: storage}


def read_legacy(file: BinaryIO, size: int, depth: int = 0) -> Unpickled:
    """Read a file from before torch 1.6. Tensors become `TensorRef`, which can be loaded while the file is open.

    Parameters
    ----------
    file : positioned at its start.
    size : of the file in bytes.
    depth : number of files that it is nested in.

    Raises
    ------
    Malformed
        It is damaged, nested too deeply, or from a big-endian machine.
    """
    if unpickle(file, size).value != LEGACY_MAGIC:
        raise Malformed("it is a pickle, but not of torch's making")
    if unpickle(file, size).value != 1001:
        raise Malformed("it was written in a form of torch's old format that is not known")
    system = unpickle(file, size).value
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise Malformed("it was written on a big-endian machine")
    wanted: dict[str, Storage] = {}
    places: dict[str, int] = {}

    def persistent(key: Any) -> Any:
        if not isinstance(key, tuple) or len(key) < 2:
            raise Malformed("it is damaged: it refers to a part in no known way")
        if key[0] == "module" and isinstance(key[1], Ref):
            return key[1]  # a class with its source code; it stays a name
        if (
            key[0] != "storage"
            or len(key) not in {5, 6}
            or not isinstance(key[1], Ref)
            or not isinstance(key[2], str)
        ):
            raise Malformed("it is damaged: it refers to a part in no known way")
        _, kind, name, _, count = key[:5]
        if key[5:] not in {(), (None,)}:
            raise Malformed("it is from a version of torch too old to be read")
        dtype = storage_dtype(kind.name)
        if type(count) is not int or not 0 <= count * dtype.itemsize <= size:
            raise Malformed("it is damaged: a tensor's data is missing or cut short")
        if name in wanted and (wanted[name].dtype, wanted[name].count) != (dtype, count):
            raise Malformed("it is damaged: two tensors disagree about their data")

        def read() -> bytes:
            if name not in places:
                raise Malformed("it is damaged: a tensor's data is missing")
            file.seek(places[name])
            return file.read(count * dtype.itemsize)

        return wanted.setdefault(name, Storage(dtype, count, read))

    result = unpickle(file, size, persistent, _nested(depth))
    keys = unpickle(file, size).value
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise Malformed("it is damaged: it does not list its data")
    for key in keys:
        if key not in wanted or key in places:
            raise Malformed("it is damaged: it lists data that nothing uses")
        count = int.from_bytes(file.read(8), "little")
        places[key] = file.tell()
        if count != wanted[key].count or places[key] + count * wanted[key].dtype.itemsize > size:
            raise Malformed("it is damaged: a tensor's data is missing or cut short")
        file.seek(places[key] + count * wanted[key].dtype.itemsize)
    return result


def class_of(value: Any) -> str | None:
    """The class of a pickled object, such as "models.Generator"; None for plain data."""
    if not isinstance(value, Node):
        return None
    if (
        value.call in {"copyreg._reconstructor", "copy_reg._reconstructor"}
        and value.args
        and isinstance(value.args[0], Ref)
    ):
        return value.args[0].name
    return value.call or "an unknown class"
