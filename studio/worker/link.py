"""One worker process, held by its parent: started, read and written by threads, so that nothing waits for it. No Qt."""

from __future__ import annotations

import multiprocessing
import queue
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import numpy as np

from studio.worker import messages as m
from studio.worker import spawn
from studio.worker.frames import FrameReader


@dataclass(frozen=True, slots=True)
class Gone:
    """The process has ended by itself."""

    exitcode: int | None
    reason: str = ""


class WorkerLink:
    """A worker process. `deliver` is called with every event, on a thread of this link, and with `Gone` at most once."""

    def __init__(
        self, deliver: Callable[[m.Event | Gone], None], log: Path | None, service: str = spawn.SERVICE
    ) -> None:
        """Return at once; the process starts on another thread."""
        self._deliver = deliver
        self._log = None if log is None else str(log)
        self._service = service
        self._outgoing: queue.SimpleQueue[m.Command | Callable[[], m.Command | None] | None] = (
            queue.SimpleQueue()
        )
        self._closing = threading.Event()
        self._frames: FrameReader | None = None
        self._process: multiprocessing.process.BaseProcess | None = None
        self._reader = threading.Thread(target=self._run, name="worker-reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int | None:
        """Process id; None before it has started."""
        return None if self._process is None else self._process.pid

    def send(self, command: m.Command | Callable[[], m.Command | None]) -> None:
        """Send a command, in order; or what a function returns that is called on the sending thread. Never waits."""
        self._outgoing.put(command)

    def later(self, work: Callable[[], None]) -> None:
        """Run a small task on the sending thread."""
        self._outgoing.put(work)

    def take(self, ref: m.FrameRef) -> np.ndarray:
        """The pixels of a delivered event: uint8 (N, H, W, 3); they can be taken once."""
        if self._frames is None:
            raise KeyError(ref.batch)
        return self._frames.take(ref)

    def drop(self, ref: m.FrameRef | None) -> None:
        """Discard the pixels of an event."""
        if self._frames is not None:
            self._frames.drop(ref)

    def close(self, patience: float = 2.0) -> None:
        """Ask the process to end; after `patience` seconds terminate, then kill it. Nothing more is delivered."""
        if not self._closing.is_set():
            self._closing.set()
            self.send(m.Shutdown())
        self._reader.join(patience)
        process = (
            self._process
        )  # only the reader waits for it: of two that wait, one could miss the exit code
        if process is not None and self._reader.is_alive():
            process.terminate()
            self._reader.join(1.5)
            process.kill()
            self._reader.join(1.0)

    def leave(self, patience: float = 2.0) -> threading.Thread:
        """Close on another thread, so that the window is not blocked; returns that thread, which the program waits for at its end."""
        self._closing.set()
        self.send(m.Shutdown())
        thread = threading.Thread(target=self.close, args=(patience,), name="worker-end")
        thread.start()
        return thread

    def kill(self) -> None:
        """Kill a process that does not answer; `Gone` follows."""
        if self._process is not None:
            self._process.kill()

    def _run(self) -> None:
        try:
            connection = self._start()
        except Exception as error:  # no memory for a process, no shared memory, ...
            self._clean()
            self._tell(Gone(None, str(error)))
            return
        sender = threading.Thread(target=self._write, args=(connection,), name="worker-sender", daemon=True)
        sender.start()
        reason = self._read(connection)
        self._outgoing.put(None)
        assert self._process is not None
        self._process.join(5.0)
        if self._process.is_alive():  # it closed the pipe but did not end
            self._process.kill()
            self._process.join()
        code = self._process.exitcode
        sender.join(1.0)
        with suppress(OSError):
            connection.close()
        self._clean()
        self._tell(Gone(code, reason))

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._frames = FrameReader()
        ours, theirs = context.Pipe()
        arguments = (theirs, self._frames.name, self._frames.pages, self._log, self._service)
        process = context.Process(target=spawn.main, args=arguments, name="tastemaker-worker", daemon=True)
        try:
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()  # so that the pipe ends with the process
        self._process = process
        return ours

    def _read(self, connection: Connection) -> str:
        """Deliver events until the process ends. Returns the reason if reading ended for another one."""
        assert self._process is not None and self._frames is not None
        while True:
            ready = wait([connection, self._process.sentinel])
            if connection not in ready:
                return ""
            try:
                event = connection.recv()
            except (EOFError, OSError):
                return ""
            except Exception as error:  # after an invalid message, what follows is unknown
                self._process.kill()
                return f"it said something that cannot be read: {error}"
            if isinstance(event, m.FramePage):
                self._frames.accept(event)
                self.send(m.Release(event.page))
            else:
                self._tell(event)

    def _write(self, connection: Connection) -> None:
        while (item := self._outgoing.get()) is not None:
            try:
                command = item() if callable(item) else item
                if command is not None:
                    with suppress(OSError, ValueError):  # the reader notices the end
                        connection.send(command)
            except Exception as error:  # a bug; later commands must still be sent
                name = "" if callable(item) else type(item).__name__
                self._tell(m.Failed(name, str(error), traceback.format_exc()))

    def _tell(self, event: m.Event | Gone) -> None:
        if not self._closing.is_set():
            self._deliver(event)

    def _clean(self) -> None:
        if self._frames is not None:
            self._frames.close()
