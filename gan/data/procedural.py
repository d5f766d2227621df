"""Pools of procedurally drawn pictures, drawn once and kept as a memory-mapped array."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from gan.data import characters, scenes
from gan.errors import UserError

PREFIX = "procedural:"  # before a kind's name, where a folder of pictures could stand too


@dataclass(frozen=True)
class Kind:
    """One endless family of drawn pictures."""

    render: Callable[[Sequence[int], int], np.ndarray]  # seeds, resolution -> uint8 (N, R, R, 3)
    version: int  # part of the cache's name: raise it when a seed is drawn differently
    licence: str  # of what is trained on it
    native: int | None  # side of pixel art in its own pixels, which is enlarged with hard edges; None: drawn at any size
    mirrors: bool  # a mirror image is as good a picture

    @property
    def pixel_art(self) -> bool:
        return self.native is not None

    def pixel(self, resolution: int) -> int:
        """Side of a square of one colour at a resolution."""
        return max(1, resolution // self.native) if self.native else 1


KINDS = {
    "scenes": Kind(scenes.render, version=1, licence="Apache-2.0", native=None, mirrors=True),
    "characters": Kind(characters.render, version=1, licence="CC0-1.0", native=32, mirrors=False),
}


def kind_of(images: Path | str) -> str | None:
    """The kind that `images` names, as "procedural:scenes" does; None for a folder.

    Raises
    ------
    UserError
        The prefix with an unknown kind.
    """
    prefix, colon, name = str(images).partition(":")
    if prefix + colon != PREFIX:
        return None
    if name not in KINDS:
        raise UserError(f"{images}: the kinds are {', '.join(PREFIX + known for known in KINDS)}")
    return name


def cache_folder() -> Path:
    """Where derived data that can be made again is kept."""
    return Path(platformdirs.user_cache_dir("tastemaker", appauthor=False))


def pool(
    name: str,
    count: int,
    resolution: int,
    first_seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> np.ndarray:
    """Pictures of one kind, seeds first_seed .. first_seed + count - 1, uint8 (count, resolution, resolution, 3), memory-mapped.

    Drawn on the first call (some hundred scenes or some thousand characters a second at 64 px) and read from the cache on later ones.

    Parameters
    ----------
    name : a key of `KINDS`.
    progress : called with a fraction in [0, 1] and a line of text.
    """
    kind = KINDS[name]
    path = cache_folder() / f"{name}-v{kind.version}-{resolution}px-{first_seed}+{count}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")  # another process may draw the same
        shape = (count, resolution, resolution, 3)
        drawn = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
        chunk = 256
        for start in range(0, count, chunk):
            stop = min(start + chunk, count)
            drawn[start:stop] = kind.render(range(first_seed + start, first_seed + stop), resolution)
            if progress is not None:
                progress(stop / count, f"drawing picture {stop} of {count}")
        drawn.flush()
        del drawn
        partial.replace(path)
    return np.asarray(np.load(path, mmap_mode="r"))
