"""Pixels between two processes: pages of shared memory, written by the worker, copied out and released by the window.

The window makes the memory and removes it, so that nothing is left behind however the worker ends. A batch of images of
any size travels page by page, so that the ring is small whatever the resolution.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from studio.worker.messages import FramePage, FrameRef

PAGE = 1 << 20  # bytes
PAGES = 16


class FrameClosed(RuntimeError):
    """The window has gone while a batch was being written."""


class FrameReader:
    """The window's end: makes the ring, collects batches. Thread-safe."""

    def __init__(self, pages: int = PAGES) -> None:
        """Raises OSError when the system has not even one page of shared memory to give."""
        self.pages = pages
        while True:
            memory = SharedMemory(create=True, size=self.pages * PAGE)
            try:
                _reserve(memory, self.pages * PAGE)
            except OSError:
                memory.close()
                memory.unlink()
                if self.pages == 1:
                    raise
                self.pages //= 2
                continue
            break
        self._memory: SharedMemory | None = memory
        self._batches: dict[int, bytearray] = {}
        self._lock = threading.Lock()
        self.name = memory.name

    def accept(self, page: FramePage) -> None:
        """Copy a page out. Release it to the writer afterwards."""
        with self._lock:
            if self._memory is None:
                return
            batch = self._batches.setdefault(page.batch, bytearray(page.total))
            start = page.page * PAGE
            batch[page.offset : page.offset + page.length] = _view(self._memory)[start : start + page.length]

    def take(self, ref: FrameRef) -> np.ndarray:
        """The batch as uint8 (N, H, W, 3), once: the array belongs to the caller. Raises KeyError if it never came."""
        with self._lock:
            batch = self._batches.pop(ref.batch)
        return np.frombuffer(batch, np.uint8).reshape(ref.count, ref.height, ref.width, 3)

    def drop(self, ref: FrameRef | None) -> None:
        """Forget a batch that nobody wants any more."""
        if ref is not None:
            with self._lock:
                self._batches.pop(ref.batch, None)

    def close(self) -> None:
        """Give the memory back to the system; a second call does nothing."""
        with self._lock:
            memory, self._memory = self._memory, None
        if memory is not None:
            memory.close()
            memory.unlink()


class FrameWriter:
    """The worker's end. `send` belongs to one thread, `release` and `close` to any."""

    def __init__(self, name: str, pages: int, announce: Callable[[FramePage], None]) -> None:
        self._memory = _attach(name)
        self._announce = announce
        self._free: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._batch = 0
        for page in range(pages):
            self._free.put(page)

    def send(self, images: np.ndarray) -> FrameRef:
        """Write uint8 (N, H, W, 3) into free pages, waiting for the window to free some; the reference to it.

        Raises FrameClosed when the window has gone.
        """
        count, height, width, _ = images.shape
        data = np.ascontiguousarray(images, np.uint8).tobytes()
        self._batch += 1
        for offset in range(0, max(len(data), 1), PAGE):
            page = self._free.get()
            if page is None:
                raise FrameClosed("the window has gone")
            part = data[offset : offset + PAGE]
            _view(self._memory)[page * PAGE : page * PAGE + len(part)] = part
            self._announce(FramePage(self._batch, len(data), offset, len(part), page))
        return FrameRef(self._batch, count, height, width)

    def release(self, page: int) -> None:
        """The window has copied a page."""
        self._free.put(page)

    def close(self) -> None:
        """No more pages will come free: end a `send` that waits."""
        self._free.put(None)

    def detach(self) -> None:
        """Unmap the memory, at the end of the process."""
        self._memory.close()


def _attach(name: str) -> SharedMemory:
    if sys.version_info >= (3, 13):
        return SharedMemory(name=name, track=False)
    # Before 3.13 attaching registers the memory with the tracker as if this process owned it, which ends in false
    # warnings of a leak when the owner has removed it first.
    register = resource_tracker.register
    resource_tracker.register = _ignore  # type: ignore[assignment]
    try:
        return SharedMemory(name=name)
    finally:
        resource_tracker.register = register


def _view(memory: SharedMemory) -> memoryview:
    assert memory.buf is not None, "the memory was closed"
    return memory.buf


def _ignore(*_: object) -> None:
    pass


def _reserve(memory: SharedMemory, size: int) -> None:
    """Have the system set the pages aside now: writing to what a full /dev/shm cannot back kills the process."""
    handle = getattr(memory, "_fd", -1)
    if handle >= 0 and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
