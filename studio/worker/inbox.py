"""Commands as they arrive in the worker: a thread that reads them all at once, a queue that keeps what still matters."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection

from studio.worker import messages as m

LATEST_WINS = (m.Propose, m.Strip, m.Predict, m.Explore, m.SuggestTitles)


class Outbox:
    """The pipe's way out, for any thread. Once the window is gone, what is sent is dropped."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, event: m.Event) -> None:
        """Send an event; blocks only while the window's end reads slowly."""
        with self._lock:
            try:
                self._connection.send(event)
            except (OSError, ValueError):  # the window has gone: the inbox ends this process
                return


class Inbox:
    """Reads commands on a thread of its own, so that Ping, Stop and Pause are heard while the main thread works."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection = connection
        self._outbox = outbox
        self._waiting: deque[m.Command] = deque()
        self._changed = threading.Condition()
        self._release: Callable[[int], None] = lambda page: None
        self._close: Callable[[], None] = lambda: None
        self.ended = False  # Shutdown came, or the window is gone
        self.paused = False
        self.stop: m.Stop | None = None
        self.export_cancelled = False
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    @property
    def export_unwanted(self) -> bool:
        """Whether the export that runs was cancelled, or nobody is left to want it."""
        return self.ended or self.export_cancelled

    def attach(self, release: Callable[[int], None], close: Callable[[], None]) -> None:
        """Whom to tell that a page is free again, and that no more will be."""
        self._release, self._close = release, close

    def next(self, timeout: float | None = None) -> m.Command | None:
        """The oldest waiting command; None when `timeout` seconds passed, or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.ended, timeout)
            return self._waiting.popleft() if self._waiting and not self.ended else None

    def next_of(self, kinds: tuple[type, ...]) -> m.Command | None:
        """The oldest waiting command of these kinds, without waiting; the others keep their order."""
        with self._changed:
            for command in self._waiting:
                if isinstance(command, kinds):
                    self._waiting.remove(command)
                    return command
        return None

    def wait(self, seconds: float) -> None:
        """Sleep until something arrives, at most so long."""
        with self._changed:
            self._changed.wait(seconds)

    def _read(self) -> None:
        while True:
            try:
                command = self._connection.recv()
            except (EOFError, OSError):
                command = m.Shutdown()
            if isinstance(command, m.Ping):
                self._outbox.send(m.Heartbeat(command.number))
            elif isinstance(command, m.Release):
                self._release(command.page)
            else:
                self._note(command)
            if isinstance(command, m.Shutdown):
                self._close()
                return

    def _note(self, command: m.Command) -> None:
        with self._changed:
            if isinstance(command, m.Shutdown):
                self.ended = True
            elif isinstance(command, m.Stop):
                self.stop, self.paused = command, False
            elif isinstance(command, (m.Pause, m.Resume)):
                self.paused = isinstance(command, m.Pause)
            elif isinstance(command, m.CancelExport):
                self.export_cancelled = True
            else:
                if isinstance(command, LATEST_WINS):
                    stale = [old for old in self._waiting if type(old) is type(command)]
                    for old in stale:
                        self._waiting.remove(old)
                if isinstance(command, m.RunRound):
                    self.stop, self.paused = (
                        None,
                        False,
                    )  # those that came before it were for an earlier round
                if isinstance(command, m.Export):
                    self.export_cancelled = False  # a cancelling before it was for an earlier one
                self._waiting.append(command)
            self._changed.notify_all()


def ended_soon(inbox: Inbox, seconds: float, give_up: Callable[[], None]) -> threading.Thread:
    """Call `give_up` when the main thread is still at work so many seconds after the end was asked for."""

    def watch() -> None:
        while not inbox.ended:
            inbox.wait(1.0)
        time.sleep(seconds)
        give_up()

    thread = threading.Thread(target=watch, name="end", daemon=True)
    thread.start()
    return thread
