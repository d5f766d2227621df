"""The entry point of the child process. Nothing here imports torch, so the process answers before torch is loaded."""

from __future__ import annotations

import faulthandler
import importlib
import os
import signal
import sys
import threading
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection

from studio.worker import messages as m
from studio.worker.frames import FrameWriter
from studio.worker.inbox import Inbox, Outbox, ended_soon

SERVICE = "studio.worker.service"
NICENESS = 10
LAST_SECONDS = 5.0  # for the current step once the window is gone


def main(connection: Connection, memory: str, pages: int, log: str | None, service: str = SERVICE) -> None:
    """Serve commands from `connection` until `Shutdown`, or until the window is gone.

    memory, pages : the ring of `studio.worker.frames`. log : a file for the tracebacks of crashes.
    """
    with suppress(ValueError, OSError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a terminal is for the window
        signal.signal(signal.SIGTERM, _end)
    stream = None
    if log is not None:
        with suppress(OSError):
            stream = open(log, "a", encoding="utf-8")  # noqa: SIM115 - faulthandler needs it until the end
            faulthandler.enable(stream)
    _yield_to_the_window()
    # Threads that wait for each other must not take time from whoever they wait for. torch reads this when it is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    outbox = Outbox(connection)
    outbox.send(m.Hello(m.PROTOCOL, os.getpid()))
    inbox = Inbox(connection, outbox)
    frames = FrameWriter(memory, pages, outbox.send)
    inbox.attach(frames.release, frames.close)
    ended_soon(inbox, LAST_SECONDS, lambda: os._exit(1))
    _keep_locks_in_this_process()
    code = 0
    try:
        if not inbox.ended:  # checked before importing torch, which takes seconds
            importlib.import_module(service).serve(inbox, outbox, frames)
    except SystemExit:
        code = 1
    except BaseException as error:
        code, detail = 1, traceback.format_exc()
        if stream is not None:
            stream.write(detail)
        outbox.send(m.Failed("Worker", f"The worker could not go on: {error}", detail))
    frames.detach()
    if stream is not None:
        stream.close()
    os._exit(code)  # at once: an orderly shutdown of torch takes time and gains nothing


def _end(number: int, frame: object) -> None:
    """End what is being done as an exception does, so that half an export is removed."""
    sys.exit()


def _keep_locks_in_this_process() -> None:
    """Give tqdm a lock that is local to this process.

    torch's exporter uses tqdm, whose own lock is a named semaphore for several processes. It would outlive this process, which ends
    abruptly, and Python would report a leak in the person's terminal.
    """
    with suppress(ImportError):
        from tqdm import tqdm  # type: ignore[import-untyped]

        tqdm.set_lock(threading.RLock())


def _yield_to_the_window() -> None:
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), 0x4000)  # BELOW_NORMAL_PRIORITY_CLASS
    else:
        with suppress(OSError):
            os.nice(NICENESS)
