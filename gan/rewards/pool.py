"""Images of the untuned generator, read once: the reference set that rewards are measured against, and the data choices are fitted to."""

import time
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan.files import atomic_write
from gan.networks import latents
from gan.rewards.drawer import Drawer
from gan.taste import RawFeatures

ENOUGH = 9216  # images that suffice for a first choice; more make it better
ENOUGH_FORESEEN = 2048  # the same with a foresight, which leaves only the preferences to be learnt
_LEAST = 2048  # with a slow generator, a pool of this many images suffices
_ENOUGH_SECONDS = 90.0  # after this much drawing,
_FULL_SECONDS = 300.0  # and counts as full after this much
_FIRST_SEED = 2_000_000_000  # far from the seeds that people type and that benchmarks use
_VERSION = 1  # part of a cached pool's file name: raise it when features change
_KEPT = 4  # cached pools that are kept


class Pool:
    """Latents drawn from the prior, with the features and logits of their images, never the pixels.

    Image i has the seed `_FIRST_SEED + i`: the pool is the same in every session with a generator, and can be cached.

    Parameters
    ----------
    drawer : with the untuned generator.
    size : number of images that it grows to.
    cache : file that the pool is written to when it is full, and read from the next time. If it counted as full below `size` because the
        generator is slow, it grows on from there. None: no file.
    """

    def __init__(self, drawer: Drawer, size: int, cache: Path | None = None) -> None:
        self.drawer, self.size, self._cache = drawer, size, cache
        self._parts: list[tuple[RawFeatures, Tensor | None]] = []
        self._seconds = 0.0
        self._count = 0
        self._latents = torch.zeros(0, drawer.generator.z_dim)
        if cache is not None and cache.exists():
            self._read(cache)

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        """Whether it has reached its size, or as much of it as a slow generator allows."""
        return self._has(self.size, _FULL_SECONDS)

    def has(self, enough: int) -> bool:
        """Whether it has `enough` images, or as many of them as a slow generator allows."""
        return self._has(min(enough, self.size), _ENOUGH_SECONDS)

    def _has(self, count: int, seconds: float) -> bool:
        return self._count >= count or (self._seconds > seconds and self._count >= _LEAST)

    def grow(self, count: int) -> None:
        """Draw and read up to `count` more images."""
        begun, was_full = time.monotonic(), self.full
        first = _FIRST_SEED + self._count
        z = latents(range(first, first + min(count, self.size - self._count)), self._latents.shape[1])
        if not len(z):
            return
        self._parts.append(self.drawer.look(z))
        self._latents = torch.cat([self._latents, z])
        self._count += len(z)
        self._seconds += time.monotonic() - begun
        if self.full and not was_full:
            self._write()

    def grow_to(self, count: int) -> None:
        """Draw and read until there are `count` images (or `size`, if that is fewer)."""
        if count > self._count:
            self.grow(count - self._count)

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
        if not groups or len(lengths) > 1 or not min(_LEAST, self.size) <= len(groups[0]) <= self.size:
            return
        # Features from another version of this code would not match those computed now.
        z = latents(range(_FIRST_SEED, _FIRST_SEED + 16), self._latents.shape[1])
        now, _ = self.drawer.look(z)
        if [group.shape[1:] for group in groups] != [group.shape[1:] for group in now.groups] or not all(
            torch.allclose(old[:16], new, rtol=0.05, atol=0.05 * float(new.std()) + 1e-6)
            for old, new in zip(groups, now.groups, strict=True)
        ):
            return
        self._parts = [(RawFeatures(groups), logits)]
        self._count = len(groups[0])
        self._latents = latents(range(_FIRST_SEED, _FIRST_SEED + self._count), self._latents.shape[1])


def cache_name(digest: str, size: int) -> str:
    """The file name of a generator's pool in the cache; `digest` is a hash over generator and discriminator."""
    return f"pool-v{_VERSION}-{digest[:10]}-{size}.npz"
