"""Atomic, durable file operations, safe against power loss; the counterpart of `gan.files` without torch."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


def copy(source: Path, target: Path) -> None:
    """Copy a file. If it raises OSError, nothing is left."""
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
    """Rename a synced file to its final name, durably."""
    os.replace(part, target)
    if os.name == "posix":  # Windows makes names durable by itself
        with suppress(OSError):  # some network file systems do not support it
            handle = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
