"""Base of classes that hold a worker process in the window: one process at a time, with events on the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from studio.worker import messages as m
from studio.worker.link import Gone, WorkerLink


class LinkHolder(QObject):
    """Starts a process and handles its events in `_hear`. Events of a process that was let go are ignored."""

    _arrived = Signal(int, object)  # number of the link, event: from its thread to the window's

    def __init__(self, service: str, parent: QObject | None = None) -> None:
        """`service` : the module that the process runs. Nothing is started yet."""
        super().__init__(parent)
        self._service = service
        self._link: WorkerLink | None = None
        self._links = 0
        self._arrived.connect(self._handle, Qt.ConnectionType.QueuedConnection)

    @property
    def pid(self) -> int | None:
        """Process id, once it runs."""
        return None if self._link is None else self._link.pid

    def _connect(self, log: Path | None) -> WorkerLink:
        """Start a process on another thread; the output of a crash is written to `log`."""
        self._links += 1
        deliver: Callable[[m.Event | Gone], None] = partial(self._arrived.emit, self._links)
        self._link = WorkerLink(deliver, log, self._service)
        return self._link

    def _send(self, command: Any) -> None:
        if self._link is not None:
            self._link.send(command)

    def _handle(self, link: int, event: Any) -> None:
        if link == self._links and self._link is not None:
            self._hear(event)

    def _hear(self, event: Any) -> None:
        """Handle an event of the process; `Gone` comes at most once, as the last one."""
        raise NotImplementedError
