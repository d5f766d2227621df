"""Receives commands in the worker: a thread reads them at once, a queue keeps those that still matter."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection

from studio.worker import messages as m

LATEST_WINS = (m.Propose, m.Strip, m.Predict, m.Explore, m.SuggestTitles)


class Outbox:
    """The sending end of the pipe, for any thread. Once the window is gone, events are dropped."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, event: m.Event) -> None:
        """Send an event; blocks only if the window reads slowly."""
        with self._lock:
            try:
                self._connection.send(event)
            except (OSError, ValueError):  # the window is gone: the inbox ends this process
                return


class Inbox:
    """Reads commands on a thread of its own, so that Ping, Stop and Pause are handled while the main thread works."""

    def __init__(self, connection: Connection, outbox: Outbox) -> None:
        self._connection = connection
        self._outbox = outbox
        self._waiting: deque[m.Command] = deque()
        self._changed = threading.Condition()
        self._release: Callable[[int], None] = lambda page: None
        self._close: Callable[[], None] = lambda: None
        self.ended = False  # whether Shutdown arrived, or the window is gone
        self.paused = False
        self.stop: m.Stop | None = None
        self.export_cancelled = False
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    @property
    def export_unwanted(self) -> bool:
        """Whether the running export was cancelled, or the window is gone."""
        return self.ended or self.export_cancelled

    def attach(self, release: Callable[[int], None], close: Callable[[], None]) -> None:
        """Set the callbacks for a page that was released, and for the end."""
        self._release, self._close = release, close

    def next(self, timeout: float | None = None) -> m.Command | None:
        """The oldest pending command; None after `timeout` seconds, or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self.ended, timeout)
            return self._waiting.popleft() if self._waiting and not self.ended else None

    def next_of(self, kinds: tuple[type, ...]) -> m.Command | None:
        """The oldest pending command of these kinds, without waiting; the others keep their order."""
        with self._changed:
            for command in self._waiting:
                if isinstance(command, kinds):
                    self._waiting.remove(command)
                    return command
        return None

    def wait(self, seconds: float) -> None:
        """Sleep until a command arrives, at most for so long."""
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
                    )  # earlier ones were for an earlier round
                if isinstance(command, m.Export):
                    self.export_cancelled = False  # an earlier cancellation was for an earlier export
                self._waiting.append(command)
            self._changed.notify_all()


def ended_soon(inbox: Inbox, seconds: float, give_up: Callable[[], None]) -> threading.Thread:
    """Call `give_up` if the main thread is still working `seconds` after the end was requested."""

    def watch() -> None:
        while not inbox.ended:
            inbox.wait(1.0)
        time.sleep(seconds)
        give_up()

    thread = threading.Thread(target=watch, name="end", daemon=True)
    thread.start()
    return thread
