"""Several processes that train as one, on PyTorch's own distributed engine.

`torchrun --nproc-per-node=N -m gan.train ...` starts N processes; `joined` makes them a group. Each draws the same random numbers for the
whole global batch and takes every N-th row of it, so that N processes see the same batch as one would. Rows are dealt out in turn, not in
blocks, so that the discriminator's minibatch statistic has the same groups (if each process has a multiple of eight images).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from inspect import signature
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gan.device import resolve_device
from gan.errors import UserError

_PATIENCE = timedelta(minutes=60)  # the others wait while the first process decodes a folder of pictures


@dataclass(frozen=True)
class Ranks:
    """This process's rank among those that train together. By default it is alone, and the methods have no effect."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and decides for all."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """This process's rows of a global batch."""
        return rows[self.rank :: self.world]

    def wrap(self, module: nn.Module) -> nn.Module:
        """A module whose backward pass averages gradients over the processes. Call it, not its submodules, once per backward pass."""
        if self.world == 1:
            return module
        # Buffers are not broadcast: the only one, w_mean, is averaged when it is updated. torch 2.13 renamed the option.
        known = signature(DistributedDataParallel).parameters
        options: dict[str, Any] = {"forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers": False}
        return DistributedDataParallel(module, gradient_as_bucket_view=True, **options)

    def mean(self, values: Tensor) -> Tensor:
        """Average over the processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
            values.div_(self.world)
        return values

    def agreed(self, values: list[float], device: torch.device) -> list[float]:
        """Return the first process's numbers on all processes."""
        if self.world == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=device)
        dist.broadcast(tensor, 0)
        return tensor.tolist()

    def from_first(self, value: Any) -> Any:
        """Return the first process's object on all processes."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, 0)
        return box[0]

    @contextmanager
    def one_after_another(self) -> Iterator[None]:
        """On each machine, the first process runs the block before the others, which find what it has cached."""
        leads = int(os.environ.get("LOCAL_RANK", "0")) == 0
        if self.world > 1 and not leads:
            dist.barrier()
        yield
        if self.world > 1 and leads:
            dist.barrier()


def current() -> Ranks:
    """The group that this process has joined; a group of one if there is none."""
    if not (dist.is_available() and dist.is_initialized()):
        return Ranks()
    return Ranks(dist.get_rank(), dist.get_world_size())


@contextmanager
def joined(device: str | None = None) -> Iterator[torch.device]:
    """Join the processes that torchrun started, over nccl between GPUs and gloo otherwise; without torchrun, a single process.

    Parameters
    ----------
    device : as in `resolve_device`; "auto" and "cuda" become this process's own GPU.

    Raises
    ------
    UserError
        More processes than GPUs, or a device that several processes cannot share.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield resolve_device(device)
        return
    local = int(os.environ.get("LOCAL_RANK", "0"))
    kind = resolve_device(device).type
    if kind == "mps":
        kind = "cpu"  # torch has no distributed backend for it
    if kind == "cuda" and (device or "auto") not in ("auto", "cuda"):
        raise UserError(f"--device {device} is one GPU: several processes take one each with --device cuda")
    if kind == "cuda" and local >= torch.cuda.device_count():
        raise UserError(f"there are {torch.cuda.device_count()} GPUs for {os.environ.get('LOCAL_WORLD_SIZE', 'more')} processes")
    own = torch.device(kind, local) if kind == "cuda" else torch.device(kind)
    if kind == "cuda":
        torch.cuda.set_device(own)
    # torchrun keeps one store across restarts (pytorch issue 135712): without a prefix per restart, a restarted process would look for the
    # others at the addresses of those that died.
    store, rank, world = next(dist.rendezvous("env://", timeout=_PATIENCE))  # type: ignore[attr-defined]
    store = dist.PrefixStore(f"start-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)  # type: ignore[attr-defined]
    backend, bound = ("nccl", own) if kind == "cuda" else ("gloo", None)
    dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=_PATIENCE, device_id=bound)
    try:
        yield own
    finally:
        dist.destroy_process_group()
