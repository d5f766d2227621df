"""Files that are there wholly or not at all, also after a power cut: what `gan.formats.files` is to the library."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


def copy(source: Path, target: Path) -> None:
    """Copy a file. Raises OSError, and leaves nothing then."""
    part = target.with_name(f".{target.name}.part")
    try:
        with open(source, "rb") as old, open(part, "wb") as new:
            shutil.copyfileobj(old, new)
            new.flush()
            os.fsync(new.fileno())
        replace(part, target)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def replace(part: Path, target: Path) -> None:
    """Give a file that is on disk its name for good."""
    os.replace(part, target)
    if os.name == "posix":  # Windows keeps names by itself
        with suppress(OSError):  # some network file systems cannot
            handle = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
