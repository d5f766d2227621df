"""Pools of real pictures that no training run has seen, with their features: the reference for a generator."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gan.data.procedural import KINDS
from gan.errors import UserError
from gan.files import atomic_write
from gan.measure.features import features

FIRST_SEED = 10_000_000  # training draws its pictures from seeds below
POOL = 20_000
FEATURES_VERSION = 2  # raise it when `gan.measure.features` changes

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class RealPool:
    """Real pictures and the features of each."""

    images: np.ndarray  # (N, R, R, 3) uint8, often memory-mapped
    features: np.ndarray  # (N, D) float32

    def __len__(self) -> int:
        return len(self.images)


def real_pool(
    data: dict[str, object],
    resolution: int,
    count: int = POOL,
    images: Path | None = None,
    progress: Progress | None = None,
) -> RealPool:
    """Real pictures like those a generator was trained on.

    Parameters
    ----------
    data : the card's "data" entry; kinds such as "scenes" are drawn from seeds that training never uses.
    resolution : side of the images in pixels.
    count : at most so many; a folder may hold fewer.
    images : a folder of pictures; required for any other kind of data, and used instead of drawn ones if given.

    Raises
    ------
    UserError
        The kind of data cannot be drawn and no folder is given, or the folder holds no picture.
    """
    if images is not None:
        from gan.data.folder import open_images

        pictures = open_images(images, resolution, progress).images
        if len(pictures) > count:
            pictures = pictures[np.sort(np.random.default_rng(0).permutation(len(pictures))[:count])]
        return RealPool(pictures, features(pictures))
    kind = str(data.get("kind"))
    if kind not in KINDS:
        raise UserError("the card does not say what this generator was trained on: give a folder with --images")
    return drawn_pool(kind, count, resolution, progress)


def drawn_pool(kind: str, count: int, resolution: int, progress: Progress | None = None) -> RealPool:
    """Pictures of a procedural kind, seeds from FIRST_SEED on, with features; cached in the user's cache folder."""
    from gan.data.procedural import cache_folder, pool

    pictures = pool(kind, count, resolution, FIRST_SEED, progress)
    # the first pictures identify the renderer: with another renderer, the cached features do not apply
    drawn = hashlib.sha256(np.ascontiguousarray(pictures[:4]).tobytes()).hexdigest()[:10]
    path = cache_folder() / f"features-v{FEATURES_VERSION}-{drawn}-{resolution}px-{count}.npy"
    with suppress(OSError, ValueError, EOFError):  # missing or damaged
        return RealPool(pictures, np.load(path, allow_pickle=False))
    described = features(pictures)
    with suppress(OSError), atomic_write(path) as stream:  # the cache is optional
        np.save(stream, described)
    return RealPool(pictures, described)
