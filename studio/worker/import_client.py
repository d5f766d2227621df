"""The process that reads foreign generators, as the window holds it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Qt, Signal

from studio.worker import imports
from studio.worker import messages as m
from studio.worker.link import Gone, WorkerLink

SERVICE = "studio.worker.import_service"


class ImportClient(QObject):
    """Methods that return at once, and signals on the window's thread. The process starts with the first file."""

    read = Signal(object, object)  # imports.FileRead, uint8 (N, H, W, 3)
    kept = Signal(Path)
    failed = Signal(str, str)  # one line for people, detail

    _arrived = Signal(int, object)  # number of the link, event: from its thread to the window's

    def __init__(self, log: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log = log
        self._link: WorkerLink | None = None
        self._links = self._number = 0
        self._arrived.connect(self._handle, Qt.ConnectionType.QueuedConnection)

    def read_file(self, file: Path, choices: dict[str, str]) -> None:
        """Answered by `read`, or `failed`; only the last one asked for is answered."""
        self._send(lambda number: imports.ReadFile(number, str(file), tuple(choices.items())))

    def keep(self, folder: Path) -> None:
        """Write what was read last. Answered by `kept`, or `failed`."""
        self._send(lambda number: imports.KeepFile(number, str(folder)))

    def close(self) -> None:
        """End the process."""
        link, self._link = self._link, None
        if link is not None:
            link.close(1.0)

    def _send(self, make: Any) -> None:
        if self._link is None:
            self._links += 1
            self._link = WorkerLink(partial(self._arrived.emit, self._links), self._log, SERVICE)
        self._number += 1
        self._link.send(make(self._number))

    def _handle(self, link: int, event: Any) -> None:
        if link != self._links or self._link is None:
            return  # of a process that was closed
        stale = getattr(event, "number", self._number) != self._number
        match event:
            case imports.FileRead() if stale:
                self._link.drop(event.preview)
            case imports.FileRead():
                pixels: np.ndarray = self._link.take(event.preview)
                self.read.emit(event, pixels)
            case imports.FileKept() if not stale:
                self.kept.emit(Path(event.folder))
            case m.Failed():
                self.failed.emit(event.message, event.detail)
            case Gone():
                self._link = None
                why = event.reason or f"exit code {event.exitcode}"
                self.failed.emit(f"The process that reads the file has ended by itself ({why}).", "")
