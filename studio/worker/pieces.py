"""How many images to draw at a time, so that those of a slow generator appear gradually."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

FIRST = 4  # images in the first piece
AT_ONCE = 0.4  # seconds; what takes no longer is shown all at once, which is calmer
PIECE = 0.25  # target seconds per piece of what takes longer


def in_pieces(
    draw: Callable[[np.ndarray], np.ndarray],
    latents: np.ndarray,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[np.ndarray]:
    """Draw float32 (N, z_dim) latents; yield uint8 (n, H, W, 3) pieces in order, the first as soon as possible."""
    began = clock()
    ready = draw(latents[:FIRST])
    each = (clock() - began) / len(ready)
    rest = latents[FIRST:]
    if each * len(rest) <= AT_ONCE:
        yield ready if not len(rest) else np.concatenate([ready, draw(rest)])
        return
    yield ready
    size = max(1, int(PIECE / each))
    for start in range(0, len(rest), size):
        yield draw(rest[start : start + size])
