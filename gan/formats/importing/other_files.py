"""Names the files that hold no generator that can be imported, by their first bytes and names, so that a refusal says what a file is."""

import re
from collections.abc import Iterable

_UNPACK = "unpack it and import the file of weights in it"
_TENSORFLOW = "export its generator to ONNX, for example with tf2onnx, and import that"
_ARRAYS = "which has no weights of torch under names; where the generator's program is at hand, save generator.state_dict() with torch.save"
PICKLED_ARRAYS = f"it is a pickle of NumPy arrays, {_ARRAYS}"
# (place in the file, bytes there, what it is as a clause about "it")
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x93NUMPY", f"it is a single NumPy array (.npy), {_ARRAYS}"),
    (257, b"ustar", f"it is a tar archive; {_UNPACK}"),
    (0, b"\x1f\x8b", f"it is compressed with gzip; {_UNPACK}"),
    (0, b"\xfd7zXZ\x00", f"it is compressed with xz; {_UNPACK}"),
    (0, b"BZh", f"it is compressed with bzip2; {_UNPACK}"),
    (0, b"\x28\xb5\x2f\xfd", f"it is compressed with Zstandard; {_UNPACK}"),
    (0, b"7z\xbc\xaf\x27\x1c", f"it is a 7z archive; {_UNPACK}"),
    (0, b"Rar!\x1a\x07", f"it is a RAR archive; {_UNPACK}"),
    (0, b"MATLAB ", f"it is a MATLAB file (.mat), {_ARRAYS}"),
    (0, b"\x89HDF", "it is an HDF5 file (Keras); export its generator to ONNX and import that"),
    (4, b"TFL3", f"it is a TensorFlow Lite model; {_TENSORFLOW}"),
    (0, b"GGUF", "it is a GGUF file, which holds a language model and no generator of images"),
    (0, b"%PDF", "it is a PDF document"),
    (0, b"SQLite format 3\x00", "it is a SQLite database"),
    (0, b"\x7fELF", "it is a program, not weights"),
    (0, b"MZ", "it is a program, not weights"),
    (4, b"ftyp", "it is a film or a picture"),
)
_TABLE_END = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # of the table format that TensorFlow's index has from LevelDB
_PARTS = re.compile(r"\.(?:data-\d{5}-of-\d{5}|index|meta)$|\.ckpt(?:-\d+)?$")
_OWN = (b"PK\x03\x04", b"\x80")  # a zip archive or a pickle: torch's files, which are called .ckpt, too
_TORCH = {"data.pkl", "constants.pkl", "version", "archive_format", "byteorder", "serialized_exported_program.json"}


def named(name: str, head: bytes, tail: bytes = b"") -> str | None:
    """What a file is that cannot be imported, as a clause about "it"; None if its bytes and its name tell nothing.

    Parameters
    ----------
    name : of the file, without its folder.
    head : the first bytes, a few hundred at least.
    tail : the last bytes.
    """
    for place, magic, says in _MAGIC:
        if head[place : place + len(magic)] == magic:
            return says
    lower = name.lower()
    if tail.endswith(_TABLE_END) or head.startswith(b"model_checkpoint_path:"):
        return f"it is a part of a TensorFlow checkpoint; {_TENSORFLOW}"
    if not head.strip(b"\0") or head.startswith(_OWN) or head[8:9] == b"{" or all(9 <= byte < 127 for byte in head[:64]):
        return None  # empty, torch's, safetensors or text, whatever its name
    if _PARTS.search(lower):
        return f"it is a part of a TensorFlow checkpoint; {_TENSORFLOW}"
    if lower.endswith(".pb"):
        return f"it is a TensorFlow graph; {_TENSORFLOW}"
    if lower.endswith(".msgpack"):
        return "it holds the weights of a JAX program (Flax), which only that program can use"
    return None


def folder(names: Iterable[str]) -> str | None:
    """What a folder is, by the names of what it holds, as a clause about "it"; None if they tell nothing."""
    if "saved_model.pb" in names:
        return f"it is the folder of a TensorFlow model; {_TENSORFLOW}"
    return None


def archived(names: Iterable[str]) -> str | None:
    """What a zip archive is that torch did not write, by the names of its parts, as `named`."""
    parts = [name for name in names if not name.endswith("/")]
    if parts and all(name.endswith(".npy") for name in parts):
        return f"it is an archive of NumPy arrays (.npz), {_ARRAYS}"
    if any(name.rpartition("/")[2] in _TORCH for name in parts):
        return None
    if {"config.json", "model.weights.h5"} <= set(parts):
        return "it is a Keras model (.keras); export its generator to ONNX and import that"
    if any(name.endswith("saved_model.pb") for name in parts):
        return f"it is an archive of a TensorFlow model; {_TENSORFLOW}"
    if "[Content_Types].xml" in parts:
        return "it is an office document"
    inner = [name for name in parts if name.lower().endswith((".pth", ".pt", ".ckpt", ".safetensors", ".onnx", ".pkl", ".h5"))]
    if inner:
        return f"it is a zip archive; {_UNPACK}"
    return None
