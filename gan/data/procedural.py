"""Pools of procedurally drawn pictures, cached as memory-mapped arrays."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import platformdirs

from gan.data import characters, scenes
from gan.errors import Cancelled, UserError, reason
from gan.files import atomic_write

PREFIX = "procedural:"  # before a kind's name, where a folder could be given instead
_CHUNK = 256  # pictures drawn at a time


@dataclass(frozen=True)
class Kind:
    """One endless family of drawn pictures."""

    render: Callable[[Sequence[int], int], np.ndarray]  # seeds, resolution -> uint8 (N, R, R, 3)
    version: int  # part of the cache's name: raise it when a seed is drawn differently
    licence: str  # of models trained on it
    native: int | None  # side of pixel art in its own pixels, which is enlarged with hard edges; None: drawn at any size
    mirrors: bool  # whether mirror images are as good

    @property
    def pixel_art(self) -> bool:
        return self.native is not None

    def pixel(self, resolution: int) -> int:
        """Side of a square of one colour at a resolution, in pixels."""
        return max(1, resolution // self.native) if self.native else 1


KINDS = {
    "scenes": Kind(scenes.render, version=1, licence="Apache-2.0", native=None, mirrors=True),
    "characters": Kind(characters.render, version=1, licence="CC0-1.0", native=32, mirrors=False),
}


def kind_of(images: Path | str) -> str | None:
    """The kind in a name such as "procedural:scenes"; None for a folder.

    Raises
    ------
    UserError
        The prefix is followed by an unknown kind.
    """
    prefix, colon, name = str(images).partition(":")
    if prefix + colon != PREFIX:
        return None
    if name not in KINDS:
        raise UserError(f"{images}: the kinds are {', '.join(PREFIX + known for known in KINDS)}")
    return name


def cache_folder() -> Path:
    """The folder for derived data that can be made again."""
    return Path(platformdirs.user_cache_dir("tastemaker", appauthor=False))


def npy_header(stream: BinaryIO, count: int, resolution: int) -> int:
    """Write the header of a .npy file of uint8 (count, resolution, resolution, 3). Returns the offset of the data."""
    shape = (count, resolution, resolution, 3)
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return int(stream.tell())


def pool(
    name: str,
    count: int,
    resolution: int,
    first_seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] = lambda: False,
) -> np.ndarray:
    """Pictures of one kind, seeds first_seed .. first_seed + count - 1, uint8 (count, resolution, resolution, 3).

    Drawn on the first call (some hundred scenes or some thousand characters per second at 64 px), then memory-mapped from the cache. If the
    cache folder is not writable, they are drawn each time and held in memory.

    Parameters
    ----------
    name : a key of `KINDS`.
    progress : called with a fraction in [0, 1] and a line of text.
    cancel : called every 256 pictures; true raises `Cancelled`.

    Raises
    ------
    Cancelled
        `cancel` returned true; nothing is left behind.
    UserError
        The disk is full.
    """
    kind = KINDS[name]
    path = cache_folder() / f"{name}-v{kind.version}-{resolution}px-{first_seed}+{count}.npy"
    kept = _kept(path, (count, resolution, resolution, 3))
    if kept is not None:
        return kept

    def drawn() -> Iterator[np.ndarray]:
        for start in range(0, count, _CHUNK):
            if cancel():
                raise Cancelled
            stop = min(start + _CHUNK, count)
            yield kind.render(range(first_seed + start, first_seed + stop), resolution)
            if progress is not None:
                progress(stop / count, f"drawing picture {stop} of {count}")

    if not _writable(path.parent):
        return np.concatenate(list(drawn()))
    try:
        with atomic_write(path) as stream:
            npy_header(stream, count, resolution)
            for part in drawn():
                stream.write(part.tobytes())
    except OSError as error:
        raise UserError(f"cannot keep the drawn pictures in {path.parent}: {reason(error)}") from error
    return np.asarray(np.load(path, mmap_mode="r"))


def _kept(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The cached result of an earlier call; None if it is missing or damaged."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return np.asarray(found) if found.shape == shape and found.dtype == np.uint8 else None


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)
