"""The window's interface to the process that reads foreign generators."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from studio.worker import imports
from studio.worker import messages as m
from studio.worker.holder import LinkHolder
from studio.worker.link import Gone

SERVICE = "studio.worker.import_service"


class ImportClient(LinkHolder):
    """Methods that return at once, and signals on the window's thread. The process is started for the first file."""

    read = Signal(object, object)  # imports.FileRead, uint8 (N, H, W, 3)
    kept = Signal(Path)
    failed = Signal(str, str)  # one line for display, details

    def __init__(self, log: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(SERVICE, parent)
        self._log = log
        self._number = 0

    def read_file(self, file: Path, choices: dict[str, str]) -> None:
        """Read a file. Answered by `read` or `failed`; only the latest request is answered."""
        self._ask(lambda number: imports.ReadFile(number, str(file), tuple(choices.items())))

    def keep(self, folder: Path) -> None:
        """Write the generator read last. Answered by `kept` or `failed`."""
        self._ask(lambda number: imports.KeepFile(number, str(folder)))

    def close(self) -> None:
        """End the process without waiting for it, within about two seconds: while it reads a file, it does not end at once."""
        link, self._link = self._link, None
        if link is not None:
            link.leave(1.0)

    def _ask(self, make: Callable[[int], object]) -> None:
        if self._link is None:
            self._connect(self._log)
        self._number += 1
        self._send(make(self._number))

    def _hear(self, event: Any) -> None:
        assert self._link is not None
        stale = getattr(event, "number", self._number) != self._number
        match event:
            case imports.FileRead() if stale:
                self._link.drop(event.preview)
            case imports.FileRead():
                pixels: np.ndarray = self._link.take(event.preview)
                self.read.emit(event, pixels)
            case imports.FileKept() if not stale:
                self.kept.emit(Path(event.folder))
            case m.Failed() if event.number in (None, self._number):
                self.failed.emit(event.message, event.detail)
            case Gone():
                self._link = None
                why = event.reason or f"exit code {event.exitcode}"
                self.failed.emit(f"The process that reads the file has ended by itself ({why}).", "")
