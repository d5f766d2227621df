"""Atomic file writing: a file is written completely or not at all."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from gan.errors import UserError, reason


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` for binary writing; it is synced and renamed to `path` on success, and removed on failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield cast(BinaryIO, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)  # mkstemp's mode 0600 would hide exports from other users
        os.replace(name, path)
        _sync_names(path.parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def _sync_names(folder: Path) -> None:
    """Sync a folder, so that the file names in it are as durable as the files. Not needed on Windows."""
    if os.name == "posix":
        with suppress(OSError):  # some network file systems do not support it
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically."""
    with atomic_write(path) as stream:
        stream.write(data)


def write_json(path: Path, record: Any) -> None:
    """Write plain JSON values atomically.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    try:
        write_bytes(path, (json.dumps(record, indent=1) + "\n").encode())
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from error
