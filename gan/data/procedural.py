"""Pools of procedurally drawn pictures, drawn once and kept as a memory-mapped array."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs

from gan.data.scenes import render

SCENES_VERSION = 1  # part of the cache's name: raise it when gan.data.scenes draws a seed differently


def cache_folder() -> Path:
    """Where derived data that can be made again is kept."""
    return Path(platformdirs.user_cache_dir("tastemaker", appauthor=False))


def scene_pool(
    count: int,
    resolution: int,
    first_seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> np.ndarray:
    """Scenes of seeds first_seed .. first_seed + count - 1, uint8 (count, resolution, resolution, 3), memory-mapped.

    Drawn on the first call (some hundred images a second at 64 px) and read from the cache on later ones.
    """
    path = cache_folder() / f"scenes-v{SCENES_VERSION}-{resolution}px-{first_seed}+{count}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        shape = (count, resolution, resolution, 3)
        pool = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
        chunk = 256
        for start in range(0, count, chunk):
            stop = min(start + chunk, count)
            pool[start:stop] = render(range(first_seed + start, first_seed + stop), resolution)
            if progress is not None:
                progress(stop / count, f"drawing scene {stop} of {count}")
        pool.flush()
        del pool
        partial.replace(path)
    return np.asarray(np.load(path, mmap_mode="r"))
