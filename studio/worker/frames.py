"""Pixels between two processes: pages of shared memory, written by the worker, copied and released by the window.

The window creates the memory and removes it, so that nothing is left behind however the worker ends. A batch of images of any size is
sent page by page, so the ring stays small at every resolution.
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

from studio.worker.pixels import FramePage, FrameRef

PAGE = 1 << 20  # bytes
PAGES = 16


class FrameClosed(RuntimeError):
    """The window is gone while a batch was being written."""


class FrameReader:
    """The window's side: creates the ring, collects batches. Thread-safe."""

    def __init__(self, pages: int = PAGES) -> None:
        """OSError if the system cannot provide even one page of shared memory."""
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
        """Copy a page, which is to be released to the writer afterwards."""
        with self._lock:
            if self._memory is None:
                return
            batch = self._batches.setdefault(page.batch, bytearray(page.total))
            start = page.page * PAGE
            batch[page.offset : page.offset + page.length] = _view(self._memory)[start : start + page.length]

    def take(self, ref: FrameRef) -> np.ndarray:
        """The batch as uint8 (N, H, W, 3); it can be taken once, and belongs to the caller. KeyError if it never arrived."""
        with self._lock:
            batch = self._batches.pop(ref.batch)
        return np.frombuffer(batch, np.uint8).reshape(ref.count, ref.height, ref.width, 3)

    def drop(self, ref: FrameRef | None) -> None:
        """Discard a batch that is no longer needed."""
        if ref is not None:
            with self._lock:
                self._batches.pop(ref.batch, None)

    def close(self) -> None:
        """Return the memory to the system; a second call has no effect."""
        with self._lock:
            memory, self._memory = self._memory, None
        if memory is not None:
            memory.close()
            memory.unlink()


class FrameWriter:
    """The worker's side. `send` is called on one thread only, `release` and `close` on any."""

    def __init__(self, name: str, pages: int, announce: Callable[[FramePage], None]) -> None:
        self._memory = _attach(name)
        self._announce = announce
        self._free: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._batch = 0
        for page in range(pages):
            self._free.put(page)

    def send(self, images: np.ndarray) -> FrameRef:
        """Write uint8 (N, H, W, 3) into free pages, waiting for the window to release some. Returns a reference.

        FrameClosed if the window is gone.
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
        """Mark a page as free, since the window has copied it."""
        self._free.put(page)

    def close(self) -> None:
        """End a waiting `send`: no more pages will be released."""
        self._free.put(None)

    def detach(self) -> None:
        """Unmap the memory at the end of the process."""
        self._memory.close()


def _attach(name: str) -> SharedMemory:
    if sys.version_info >= (3, 13):
        return SharedMemory(name=name, track=False)
    # Before Python 3.13, attaching registers the memory with the tracker as if this process owned it, which causes false warnings of a leak
    # if the owner removes it first.
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
    """Allocate the pages now: if /dev/shm is full, writing to them later would kill the process."""
    handle = getattr(memory, "_fd", -1)
    if handle >= 0 and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
