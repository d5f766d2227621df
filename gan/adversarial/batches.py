"""Real images for training. A step's batch depends only on its number, so batches can be read ahead and a run resumes exactly."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
import torch
from torch import Tensor

from gan.adversarial.distributed import Ranks

_RESIDENT_SHARE = 0.25  # of the GPU's free memory that the pictures may take


class Batches:
    """Batches from a pool of pictures. Within a `with` block, a thread reads the next batch while this one is trained on.

    Parameters
    ----------
    images : uint8 (N, R, R, 3), may be memory-mapped.
    batch : images per step, over all processes together.
    seed : determines, with a step's number, which pictures are drawn and which of them are mirrored.
    resident : whether the whole pool is kept on the device; by default if it is a GPU with much free memory.
    """

    def __init__(
        self,
        images: np.ndarray,
        batch: int,
        seed: int,
        device: torch.device,
        mirror: bool = True,
        ranks: Ranks | None = None,
        resident: bool | None = None,
    ) -> None:
        self.images, self.batch, self.seed, self.mirror = images, batch, seed, mirror
        self.device, self.ranks = device, ranks or Ranks()
        self.waited = 0.0  # seconds that callers of `take` waited for pictures so far
        if resident is None:
            resident = device.type == "cuda" and images.nbytes < _RESIDENT_SHARE * torch.cuda.mem_get_info(device)[0]
        self._pool = _on_device(images, device) if resident else None
        self._reader: ThreadPoolExecutor | None = None
        self._ahead: tuple[tuple[int, int], Future[tuple[Tensor, Tensor]]] | None = None

    def take(self, step: int, attempt: int = 0) -> Tensor:
        """This process's share of a step's batch: (batch / world, 3, R, R) in [-1, 1] on the device, channels_last.

        `attempt` is the number of rollbacks so far: after one, the same step draws other pictures.
        """
        start, key = time.perf_counter(), (step, attempt)
        if self._ahead is not None and self._ahead[0] == key:
            pixels, flips = self._ahead[1].result()
        else:
            pixels, flips = self._read(*key)
        if self._reader is not None:
            self._ahead = (step + 1, attempt), self._reader.submit(self._read, step + 1, attempt)
        self.waited += time.perf_counter() - start
        pixels, flips = (part.to(self.device, non_blocking=True) for part in (pixels, flips))
        if self._pool is not None:
            pixels = self._pool.index_select(0, pixels)
        images = pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)  # NHWC viewed as NCHW is channels_last already
        if self.mirror:
            images = torch.where(flips[:, None, None, None], images.flip(3), images)
        return images.contiguous(memory_format=torch.channels_last)

    def _read(self, step: int, attempt: int) -> tuple[Tensor, Tensor]:
        """Pixels of the drawn pictures (or, with a resident pool, their indices) and which of them are mirrored."""
        random = np.random.default_rng((self.seed, step, attempt))
        picks = np.sort(random.integers(len(self.images), size=self.batch))  # sorted: faster to read from disk
        mine = picks[self.ranks.rank :: self.ranks.world]
        flips = torch.from_numpy(random.random(self.batch) < 0.5)[self.ranks.rank :: self.ranks.world]
        pixels = torch.from_numpy(mine if self._pool is not None else self.images[mine])
        if self.device.type == "cuda":  # pinned memory is copied asynchronously
            pixels, flips = pixels.pin_memory(), flips.pin_memory()
        return pixels, flips

    def __enter__(self) -> Self:
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.shutdown(wait=True, cancel_futures=True)
        self._reader = self._ahead = None


def _on_device(images: np.ndarray, device: torch.device) -> Tensor:
    """Copy in chunks, so that a memory-mapped pool need not fit into the host's memory."""
    pool = torch.empty(images.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(images), 4096):
        pool[start : start + 4096] = torch.from_numpy(np.array(images[start : start + 4096]))
    return pool
