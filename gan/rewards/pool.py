"""Images of the untuned generator, read once: the reference set that rewards are measured against, and the data choices are fitted to."""

import time
import zipfile
from collections.abc import Sequence
from math import ceil, inf
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan.files import atomic_write
from gan.networks import latents
from gan.rewards.drawer import Drawer
from gan.taste import RawFeatures

REFERENCE_IMAGES = 1024  # the first ones, against which everything is measured
ENOUGH = 9216  # images that suffice for a first choice; more make it better
ENOUGH_FORESEEN = 2048  # the same with a foresight, which leaves only the preferences to be learnt
# A slow generator must do with fewer: (seconds of drawing, images that suffice after them). Tastes learnt from features that were
# standardised with 64 to 1,024 images rank others alike (tuning raters: correlation with the truth 0.91 after 100 ratings, 0.70 after 24).
_REFERENCE_SUFFICES = ((30.0, 128),)
_SUFFICES = ((90.0, 2048), (300.0, 512))
_FULL = ((300.0, 2048), (1800.0, 512))
_FIRST_PIECE = 32  # images
_PIECE = 256  # most images that are drawn at a time, so that other requests need not wait for long,
_QUICK, _SLOW = 0.12, 0.5  # and seconds: a piece that took less is followed by a larger one, one that took more by a smaller one
_LONG = 600.0  # seconds; a generator that needs longer to fill a pool is slow: its cache file is written early,
_WRITE_AGAIN = 1.5  # and again after this growth
_FIRST_SEED = 2_000_000_000  # far from the seeds that people type and that benchmarks use
_VERSION = 1  # part of a cached pool's file name: raise it when features change
_KEPT = 4  # cached pools that are kept
_COMPARED = 8  # images by which a cached pool is recognised as one of this code's


class Pool:
    """Latents drawn from the prior, with the features and logits of their images, never the pixels.

    Image i has the seed `_FIRST_SEED + i`: the pool is the same in every session with a generator, and can be cached.

    Parameters
    ----------
    drawer : with the untuned generator.
    size : number of images that it grows to; by default only the reference set.
    cache : file that the pool is written to when it is full, and read from the next time; with a slow generator also before, since what
        took minutes should not be lost, and it grows on from there. None: no file.
    """

    def __init__(self, drawer: Drawer, size: int | None = None, cache: Path | None = None) -> None:
        self.drawer, self.size, self._cache = drawer, size or REFERENCE_IMAGES, cache
        self._parts: list[tuple[RawFeatures, Tensor | None]] = []
        self._seconds = 0.0  # of drawing, in this and in earlier sessions
        self._each = 0.0  # seconds per image, of the last piece; 0 before any was drawn
        few = drawer.chunk if drawer.resolution <= 128 else drawer.chunk // 4  # its speed is not known yet
        self._piece = max(1, min(_FIRST_PIECE, few))
        self._count = self._written = 0
        self._latents = torch.zeros(0, drawer.generator.z_dim)
        if cache is not None and cache.exists():
            self._read(cache)

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        """Whether it has reached its size, or as much of it as a slow generator allows."""
        return self._has(self.size, _FULL)

    @property
    def refers(self) -> bool:
        """Whether it holds the reference set, or as much of it as a slow generator allows."""
        return self._has(REFERENCE_IMAGES, _REFERENCE_SUFFICES)

    @property
    def reference(self) -> int:
        """Number of images in the reference set, if it were taken now."""
        return min(self._count, REFERENCE_IMAGES)

    def has(self, enough: int) -> bool:
        """Whether it has `enough` images, or as many of them as a slow generator allows."""
        return self._has(enough, _SUFFICES)

    def _has(self, enough: int, suffices: Sequence[tuple[float, int]]) -> bool:
        return self._count >= min(enough, self.size) or any(
            self._seconds > seconds and self._count >= least for seconds, least in suffices
        )

    @property
    def piece(self) -> int:
        """Number of images that take a fraction of a second, as far as that is known; at least one."""
        return self._piece

    @property
    def speed(self) -> float:
        """Images drawn and read per second, of late; infinite before any was drawn."""
        return 1.0 / self._each if self._each else inf

    def until(self, enough: int) -> int:
        """About how many images are missing until `has(enough)`, for an estimate."""
        return self._until(enough, _SUFFICES)

    def until_it_refers(self) -> int:
        """The same for `refers`."""
        return self._until(REFERENCE_IMAGES, _REFERENCE_SUFFICES)

    def _until(self, enough: int, suffices: Sequence[tuple[float, int]]) -> int:
        drawn_by = ((self._count + max(0.0, seconds - self._seconds) * self.speed, least) for seconds, least in suffices)
        return max(0, ceil(min([min(enough, self.size), *(max(count, least) for count, least in drawn_by)]) - self._count))

    def grow(self, count: int | None = None) -> None:
        """Draw and read up to `count` more images; by default as many as take a fraction of a second."""
        begun, wanted = time.monotonic(), self._piece if count is None else count
        first = _FIRST_SEED + self._count
        z = latents(range(first, first + min(wanted, self.size - self._count)), self._latents.shape[1])
        if not len(z):
            return
        self._parts.append(self.drawer.look(z))
        self._latents = torch.cat([self._latents, z])
        self._count += len(z)
        self._took(time.monotonic() - begun, len(z))
        worthwhile = self.full or (self.refers and self._each * self.size > _LONG)
        if worthwhile and (self._count == self.size or self._count >= _WRITE_AGAIN * self._written):
            self._write()

    def _took(self, seconds: float, images: int) -> None:
        self._seconds += seconds
        self._each = seconds / images
        if seconds > _SLOW:
            self._piece = max(1, min(self._piece // 2, int(_SLOW / self._each)))
        elif self._each * self._piece < _QUICK:
            self._piece = min(_PIECE, 2 * self._piece)

    def grow_to(self, count: int) -> None:
        """Draw and read until there are `count` images (or `size`, if that is fewer)."""
        while self._count < min(count, self.size):
            self.grow(min(self._piece, count - self._count))

    @property
    def latents(self) -> Tensor:
        """(M, z_dim) float32 on the CPU."""
        return self._latents

    def read(self, first: int = 0, stop: int | None = None) -> tuple[RawFeatures, Tensor | None]:
        """Raw features of images first .. stop - 1 (default: all) and their logits, None without a discriminator."""
        if len(self._parts) > 1:
            raw = RawFeatures.cat([part for part, _ in self._parts])
            logits = [part for _, part in self._parts if part is not None]
            self._parts = [(raw, torch.cat(logits) if logits else None)]
        raw, judged = self._parts[0]
        return RawFeatures(tuple(group[first:stop] for group in raw.groups)), None if judged is None else judged[first:stop]

    @torch.no_grad()
    def embedded(self) -> Tensor:
        """The latents, embedded by the generator's mapping: (M, embed_dim) float32 on the generator's device."""
        generator, device = self.drawer.generator, self.drawer.device
        return torch.cat([generator.embed(z.to(device)).float() for z in self._latents.split(1024)])

    # ------------------------------------------------------------------ the cache

    def _write(self) -> None:
        """Write the cache file. Failing is no error: the pool is then drawn again the next time."""
        if self._cache is None:
            return
        raw, logits = self.read()
        arrays = {f"group{i}": group.numpy() for i, group in enumerate(raw.groups)}
        if logits is not None:
            arrays["logits"] = logits.numpy()
        try:
            with atomic_write(self._cache) as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
            self._written = self._count
            newest = sorted(self._cache.parent.glob("pool-*.npz"), key=lambda file: file.stat().st_mtime)
            for old in newest[:-_KEPT]:
                old.unlink(missing_ok=True)
        except OSError:
            pass

    def _read(self, path: Path) -> None:
        try:
            with np.load(path) as archive:
                arrays = {name: torch.from_numpy(archive[name]) for name in archive.files}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return
        logits = arrays.pop("logits", None)
        groups = tuple(arrays[name] for name in sorted(arrays))
        lengths = {len(array) for array in (*groups, *([] if logits is None else [logits]))}
        if not groups or len(lengths) > 1 or not min(_REFERENCE_SUFFICES[0][1], self.size) <= len(groups[0]) <= self.size:
            return
        # Features from another version of this code would not match those computed now.
        z, begun = latents(range(_FIRST_SEED, _FIRST_SEED + _COMPARED), self._latents.shape[1]), time.monotonic()
        now, _ = self.drawer.look(z)
        self._each = (time.monotonic() - begun) / _COMPARED
        if [group.shape[1:] for group in groups] != [group.shape[1:] for group in now.groups] or not all(
            torch.allclose(old[:_COMPARED], new, rtol=0.05, atol=0.05 * float(new.std()) + 1e-6)
            for old, new in zip(groups, now.groups, strict=True)
        ):
            return
        self._parts = [(RawFeatures(groups), logits)]
        self._count = self._written = len(groups[0])
        self._seconds = self._each * self._count
        self._latents = latents(range(_FIRST_SEED, _FIRST_SEED + self._count), self._latents.shape[1])


def cache_name(digest: str, size: int) -> str:
    """The file name of a generator's pool in the cache; `digest` is a hash over generator and discriminator."""
    return f"pool-v{_VERSION}-{digest[:10]}-{size}.npz"
