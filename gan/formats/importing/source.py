"""An open foreign file: its container format, and its contents as plain data."""

import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Literal

import safetensors
import torch
from torch import Tensor

from gan.errors import UserError, reason
from gan.formats.importing import other_files, torch_file
from gan.formats.importing.restricted import Unpickled
from gan.formats.importing.values import Malformed, Storage, TensorRef

Container = Literal[
    "torch", "torchscript", "pt2", "safetensors", "pickle", "onnx", "zip", "image", "text", "unknown"
]  # fmt: skip
HEAD = 4096
_TAIL = 8  # bytes
_LARGEST = 2**33  # bytes: no generator is larger
_MOST_TENSORS = 50_000
_MOST_READ = 4  # limit for the bytes read for one network, in sizes of the file
_MOST_SIDES = 16  # limit for the dimensions of a tensor
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")


def recognise(path: Path, head: bytes) -> Container:
    """The container format of a file, by its first bytes, and by its name for ONNX. For a zip archive, `Source` looks inside."""
    if head.startswith(torch_file.LEGACY_HEAD):
        return "torch"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if head.startswith(_IMAGES):
        return "image"
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**27:
        return "safetensors"
    if head[:1] == b"\x80" and head[1:2] <= b"\x05":
        return "pickle"
    # ONNX is a protocol buffer without a magic number: field 1 (ir_version) as a varint, then field 2 (producer) or 7, 8 (graph, opset).
    if path.suffix.lower() == ".onnx" or (
        head[:1] == b"\x08" and head[1:2] <= b"\x20" and head[2:3] in {b"\x12", b"\x3a", b"\x42"}
    ):
        return "onnx"
    if head and all(byte >= 32 or byte in b"\t\r\n" for byte in head[:512]):
        return "text"
    return "unknown"


class Source:
    """An open file as the importers read it. Nothing in it is executed.

    Tensors (`TensorRef`) are read from the open file on demand, so they must be loaded before `import_file` returns.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self.file = path, file
        status = os.fstat(file.fileno())
        self.size = status.st_size
        self._stamp = (status.st_size, status.st_mtime_ns)
        self.head = file.read(HEAD)
        file.seek(max(0, self.size - _TAIL))
        if says := other_files.named(path.name, self.head, file.read(_TAIL)):
            raise Malformed(says)
        self.container: Container = recognise(path, self.head)
        self.parts: zipfile.ZipFile | None = None
        self.opened = ExitStack()  # closed with the file
        if self.container == "zip":
            self._look_inside()

    @property
    def model_name(self) -> str:
        """What a model from this file is called."""
        return re.sub(r"[^\w.+-]+", "-", self.path.stem).strip("-.") or "imported"

    def _look_inside(self) -> None:
        """Find out which of torch's archives it is: weights, TorchScript or an exported program."""
        self.file.seek(0)
        self.parts = self.opened.enter_context(torch_file.archive(self.file, self.size))
        names = {name.partition("/")[2] or name for name in self.parts.namelist()}
        if "archive_format" in names or any(name.startswith(("models/", "data/aotinductor")) for name in names) or (
            "serialized_exported_program.json" in names
        ):  # fmt: skip
            self.container = "pt2"
        elif "constants.pkl" in names or any(name.startswith("code/") for name in names):
            self.container = "torchscript"
        elif "data.pkl" in names:
            self.container = "torch"

    @property
    def name(self) -> str:
        """The file's name without its folder, for messages."""
        return self.path.name

    @cached_property
    def unpickled(self) -> Unpickled:
        """The value of a torch file or a bare pickle, and the names of everything that it would call (see `restricted`).

        Raises
        ------
        Malformed
            The file is neither, or is damaged.
        """
        self.file.seek(0)
        if self.container == "torch" and self.parts is not None:
            return torch_file.read_zip(self.parts)
        if self.container == "torch":
            return torch_file.read_legacy(self.file, self.size)
        if self.container == "pickle":
            return torch_file.read_pickle(self.file, self.size)
        raise Malformed("it is no pickle")

    @cached_property
    def contents(self) -> Any:
        """Contents of a torch, pickle or safetensors file: for weights, nested dictionaries with `TensorRef` leaves. None for others.

        Raises
        ------
        Malformed
            The file is damaged.
        """
        if self.container == "safetensors":
            return self._safetensors()
        return self.unpickled.value if self.container in {"torch", "pickle"} else None

    def _safetensors(self) -> dict[str, TensorRef]:
        found: dict[str, TensorRef] = {}
        try:
            # Kept open, because each opening reads the names of all tensors.
            file = self.opened.enter_context(safetensors.safe_open(self.path, framework="pt", device="cpu"))
            names = file.keys()
            if len(names) > _MOST_TENSORS:
                raise Malformed("it holds far more objects than weights need")
            for name in names:
                entry = file.get_slice(name)
                kind, shape = entry.get_dtype(), tuple(entry.get_shape())
                if len(shape) > _MOST_SIDES:
                    raise Malformed(f"its tensor {name:.80} has {len(shape)} dimensions")
                if kind not in _SAFE_DTYPES:
                    raise Malformed(f"it holds numbers of an unknown type ({kind})")
                found[name] = _safe_tensor(file, name, _SAFE_DTYPES[kind], shape)
        except (safetensors.SafetensorError, OSError, ValueError) as error:
            if isinstance(error, Malformed):
                raise
            raise Malformed(f"it is damaged or cut short ({reason(error)})") from error
        return found

    def load(self, tensors: dict[str, TensorRef]) -> dict[str, Tensor]:
        """Load tensors; floating-point ones become float32.

        Raises
        ------
        Malformed
            They are not finite, reach outside the file, or are together larger than it allows.
        """
        wanted = sum(ref.numel * ref.dtype.itemsize for ref in tensors.values())
        if wanted > 2 * self.size or len(tensors) > _MOST_TENSORS:  # a factor of 2, because layers may share weights
            raise Malformed("its tensors are together larger than the file")
        loaded: dict[str, Tensor] = {}
        held, data, spent = None, bytearray(), 0
        # Sorted so that views of one storage are adjacent, and it is read once.
        places = {id(ref.storage): place for place, ref in enumerate(tensors.values())}
        for name, ref in sorted(tensors.items(), key=lambda item: places[id(item[1].storage)]):
            if ref.storage is not held:
                held, data = ref.storage, bytearray(ref.storage.read())
                spent += len(data)
                if spent > _MOST_READ * self.size:
                    raise Malformed("its tensors are together larger than the file")
            value = ref.load(data)
            if value.is_floating_point():
                value = value.to(torch.float32)
                if not torch.isfinite(value).all():
                    raise Malformed(f"its weights {name:.80} are not finite numbers")
            loaded[name] = value
        return {name: loaded[name] for name in tensors}

    def unchanged(self) -> bool:
        """Whether the file has the size and time that it was opened with; another program may be writing it."""
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_size, status.st_mtime_ns) == self._stamp


_SAFE_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


def _safe_tensor(file: Any, name: str, dtype: torch.dtype, shape: tuple[int, ...]) -> TensorRef:
    count, stride = 1, []
    for side in reversed(shape):
        stride.append(count)
        count *= side

    def read() -> bytes:
        values: Tensor = file.get_tensor(name).reshape(-1)
        return values.view(torch.uint8).numpy().tobytes() if count else b""

    return TensorRef(Storage(dtype, count, read), 0, shape, tuple(reversed(stride)), dtype)


def check_weights(tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not floating-point where weights belong.

    Raises
    ------
    Malformed
        A tensor is not floating-point; the message names it.
    """
    for name, value in tensors.items():
        if not value.is_floating_point():
            raise Malformed(
                f"its tensor {name:.80} holds {str(value.dtype).removeprefix('torch.')} numbers, which are no weights"
            )


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a file for the duration of the block. `Malformed`, OSError and the errors that damaged files cause become a `UserError`."""
    try:
        if path.is_dir():
            if says := other_files.folder(os.listdir(path)):
                raise Malformed(says)
            raise UserError(f"{path} is a folder, and not a generator that Tastemaker made")
        if not path.is_file():
            raise UserError(
                f"no such file: {path}" if not path.exists() else f"{path} is not an ordinary file"
            )
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > _LARGEST:
                raise UserError(f"{path.name} is larger than any generator (over {_LARGEST >> 30} GiB)")
            source = Source(path, file)
            try:
                yield source
            finally:
                source.opened.close()
            if not source.unchanged():
                raise UserError(f"{path.name} changed while it was read: try again when nothing writes to it")
    except Malformed as error:
        raise UserError(f"{path.name} cannot be imported: {error}") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from error
    except MemoryError as error:
        raise UserError(f"{path.name} needs more memory than there is") from error
    except (TypeError, ArithmeticError, RuntimeError) as error:  # including RecursionError: damage that no check foresaw
        if "allocate memory" in str(error):  # torch's wording
            raise UserError(f"{path.name} needs more memory than there is") from error
        raise UserError(f"{path.name} cannot be imported: it is damaged or cut short ({type(error).__name__})") from error
