"""What messages say about pixels, which travel through shared memory. See `studio.worker.frames`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FrameRef:
    """Reference to pixels sent through shared memory: uint8 (count, height, width, 3)."""

    batch: int
    count: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class FramePage:
    """A part of a batch is in one page of the ring; the client copies it and answers with `Release`."""

    batch: int
    total: int  # bytes of the whole batch
    offset: int  # of this part within the batch, bytes
    length: int  # bytes
    page: int
