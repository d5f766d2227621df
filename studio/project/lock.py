"""Only one program at a time writes a project: an operating-system lock, which ends with its process in any case."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from studio.project.records import ProjectError

_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What a file system says that has no locks: better a project that two programs could open than none."""


class ProjectInUse(ProjectError):
    """Another program has the project open."""


class FolderLock:
    """Holds `project.lock` in a folder. Raises ProjectInUse if another program holds it."""

    def __init__(self, folder: Path) -> None:
        self._handle = os.open(folder / "project.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._handle)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return
            os.close(self._handle)
            self._handle = -1
            raise ProjectInUse(f"{folder} is open in another Tastemaker; close it there first.") from None

    def release(self) -> None:
        """Release the lock; a second call has no effect."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
