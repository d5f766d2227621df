"""Writes folders that appear complete, or not at all."""

import glob
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gan.errors import UserError, reason

CLUTTER = {
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "__pycache__",
}  # created by file managers and Python; nothing is lost with them
_STALE = 3600.0  # seconds after which the leftovers of a killed export are removed


def only_new(target: Path, names: set[str]) -> None:
    """Refuse a folder that is not empty.

    Raises
    ------
    UserError
    """
    if names:
        raise UserError(f"{target} is not empty; name a new folder")


@contextmanager
def whole_folder(
    target: Path, allow: Callable[[Path, set[str]], None] = only_new, last: str = ""
) -> Iterator[Path]:
    """An empty folder to write into; its contents become `target` at the end. After an exception nothing of it remains.

    Parameters
    ----------
    target : absolute. It may be missing; or empty, and is then filled rather than replaced, since it may be a shell's working directory; or
        a folder that `allow` accepts, which is replaced once the new one is complete.
    allow : called with the target and the names in it; raises UserError to refuse.
    last : a file whose presence marks the folder as complete; it is moved after all others.

    Raises
    ------
    UserError
        The target is a file, is refused, or cannot be written.
    """
    _check(target, allow)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
    except OSError as error:
        raise UserError(f"cannot export to {target}: {reason(error)}") from error
    try:
        yield partial
        os.chmod(partial, 0o755)  # mkdtemp's 0700 would hide the export from other users
        _put(partial, target, last)
    except OSError as error:
        raise UserError(f"cannot export to {target}: {reason(error)}") from error
    except UserError as error:
        if str(partial) not in str(error):
            raise
        # The temporary folder is gone by now, and the user did not name it.
        raise UserError(str(error).replace(str(partial), str(target))) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check(target: Path, allow: Callable[[Path, set[str]], None]) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise UserError(f"{target} is a file; an export is a folder")
    try:
        names = {entry.name for entry in target.iterdir()} - CLUTTER
    except OSError as error:
        raise UserError(f"cannot export to {target}: {reason(error)}") from error
    if names:
        allow(target, names)


def _put(partial: Path, target: Path, last: str) -> None:
    if not target.exists():
        os.rename(partial, target)
        return
    if not {entry.name for entry in target.iterdir()} - CLUTTER:
        # It may be a working directory or a mount: fill it rather than replace it.
        moved = []
        try:
            for name in sorted(os.listdir(partial), key=lambda name: (name == last, name)):
                os.rename(partial / name, target / name)
                moved.append(target / name)
        except OSError:
            for path in moved:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            raise
        return
    earlier = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent)) / "earlier"
    try:
        os.rename(target, earlier)
        try:
            os.rename(partial, target)
        except BaseException:
            os.rename(earlier, target)
            raise
    finally:
        shutil.rmtree(earlier.parent, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Remove the leftovers of killed exports to the same target that are too old to belong to a running one."""
    for stale in target.parent.glob(f".{glob.escape(target.name)}.partial-*"):
        with suppress(OSError):
            if time.time() - stale.stat().st_mtime > _STALE:
                shutil.rmtree(stale, ignore_errors=True)
