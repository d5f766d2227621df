"""The machine as the worker sees it: cores and devices, and what to do when memory is short."""

from __future__ import annotations

import os

import torch

from gan.session import TuningSession

SMALLEST_BATCH = 8  # images


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def device_label(device: torch.device) -> str:
    """A device for display: "CPU, 2 cores", "NVIDIA H200"."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type == "mps":
        return "Apple GPU"
    cores = usable_cores()
    return f"CPU, {cores} core{'s' if cores != 1 else ''}"


def work_in_smaller_batches(session: TuningSession) -> bool:
    """Halve the number of images per batch. Returns False if it is small already."""
    try:
        drawer = session.pool.drawer  # the scorer's, which need not exist yet
    except (MemoryError, RuntimeError):  # not even the few images fit that a cached pool is checked with
        return False
    if drawer.chunk <= SMALLEST_BATCH:
        return False
    drawer.chunk = max(SMALLEST_BATCH, drawer.chunk // 2)
    return True
