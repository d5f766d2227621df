"""Atomic file writing: a file is written completely or not at all."""

import errno
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from gan.errors import UserError, reason

DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}  # full, broken or read-only
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)  # what a file system says that has none
_LONGEST = 40  # characters of a name that its temporary file repeats: with all of them that name could be too long


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` for binary writing; it is synced and renamed to `path` on success, and removed on failure.

    A missing folder is made; on failure it goes too.

    Raises
    ------
    OSError
        It cannot be written; a full disk is said with the name `path`. A device or a pipe is refused, because it would be replaced rather
        than written to.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "not an ordinary file", str(path))
    made = not path.parent.exists()
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
    except BaseException as error:
        with suppress(OSError):
            os.unlink(name)
            if made:
                path.parent.rmdir()  # which another file may be in by now
        failed = _disk_error(error)
        if failed is not None and failed.filename is None:  # the system does not say which file it failed to write
            raise type(failed)(failed.errno, failed.strerror, str(path)) from error
        raise


def _disk_error(error: BaseException) -> OSError | None:
    """The failed write that an error is or stems from: torch.save reports it as a RuntimeError about its archive."""
    behind: BaseException | None = error if isinstance(error, OSError | RuntimeError) else None
    while behind is not None and not (isinstance(behind, OSError) and behind.errno in DISK):
        behind = behind.__cause__ or behind.__context__
    return behind


def check_place(folder: Path) -> None:
    """Refuse, before hours of work, a place that no folder can be made in or written to.

    Raises
    ------
    UserError
    """
    try:
        os.fspath(folder).encode()
    except UnicodeEncodeError:  # safetensors opens no such path
        raise UserError(f"cannot write {folder}: its name is not valid UTF-8") from None
    try:
        os.lstat(folder)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # such as a name that is too long
        raise UserError(f"cannot write {folder}: {reason(error)}") from error
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(path))
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UserError(f"{folder} cannot be written: {there} is no folder that may be written to")


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


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an operating-system lock on the file `path`, which is removed at the end, as is its folder if that was made for it and is empty.

    The lock ends with its process in any case, so that a file left by a killed one locks nothing. Where a file system has no locks, none
    is held.

    Raises
    ------
    BlockingIOError
        Another process holds it.
    OSError
        The file cannot be written.
    """
    made = not path.parent.exists()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _locked_handle(path)
    try:
        yield
    finally:
        if sys.platform == "win32":  # no open file can be removed there, and none that another process waits for
            os.close(handle)
        with suppress(OSError):
            path.unlink()
        if sys.platform != "win32":  # closed only now: another process must not lock a file that is about to go
            os.close(handle)
        if made:
            with suppress(OSError):
                path.parent.rmdir()


def _locked_handle(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return handle
            os.close(handle)
            raise BlockingIOError(errno.EAGAIN, "another process has locked it", str(path)) from None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), os.stat(path)):
                return handle
        os.close(handle)  # whoever held it has removed it meanwhile


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
