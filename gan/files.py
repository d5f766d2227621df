"""Atomic file writing: a file is written completely or not at all."""

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from gan.errors import UserError, reason

_LONGEST = 40  # characters of a name that its temporary file repeats: with all of them that name could be too long


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` for binary writing; it is synced and renamed to `path` on success, and removed on failure.

    Raises
    ------
    OSError
        It cannot be written. A device or a pipe is refused, because it would be replaced rather than written to.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "not an ordinary file", str(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # the system's words would say that the new file exists
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), error.filename) from None
    handle, name = tempfile.mkstemp(prefix=f".{path.name[:_LONGEST]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield cast(BinaryIO, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)  # mkstemp's mode 0600 would hide exports from other users
        try:
            os.replace(name, path)
        except OSError as error:  # it names the temporary file, which nobody has asked for
            raise type(error)(error.errno, error.strerror, str(path)) from None
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
