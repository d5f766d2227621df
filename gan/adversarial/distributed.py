"""Several processes that train as one, on PyTorch's own distributed engine.

`torchrun --nproc-per-node=N -m gan.train ...` starts N processes; `joined` makes them a group. Each draws the same random numbers for the
whole global batch and takes every N-th row of it, so that N processes see what one would. Rows are dealt out in turn, not in blocks:
the discriminator's statistic over groups of images then finds the same groups (as long as a process has a multiple of eight images).
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

from gan.adversarial.precision import resolve_device
from gan.errors import UserError

_PATIENCE = timedelta(minutes=60)  # the others wait while the first decodes a folder of pictures


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together; alone by default, and then every method does nothing."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and decides."""
        return self.rank == 0

    def share(self, rows: Tensor) -> Tensor:
        """This process's rows of a global batch."""
        return rows[self.rank :: self.world]

    def wrap(self, module: nn.Module) -> nn.Module:
        """A module whose backward pass averages gradients over the processes. Call it, not its parts, and once for each backward."""
        if self.world == 1:
            return module
        # No buffers are broadcast: the only one, w_mean, is averaged where it is updated. torch 2.13 renamed the switch.
        known = signature(DistributedDataParallel).parameters
        options: dict[str, Any] = {"forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers": False}
        return DistributedDataParallel(module, gradient_as_bucket_view=True, **options)

    def mean(self, values: Tensor) -> Tensor:
        """The mean over the processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
            values.div_(self.world)
        return values

    def agreed(self, values: list[float], device: torch.device) -> list[float]:
        """The first process's numbers, to all."""
        if self.world == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=device)
        dist.broadcast(tensor, 0)
        return tensor.tolist()

    def from_first(self, value: Any) -> Any:
        """The first process's object, to all."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, 0)
        return box[0]

    @contextmanager
    def one_after_another(self) -> Iterator[None]:
        """The first process of each machine runs the block alone, then the others: what it caches, they find."""
        leads = int(os.environ.get("LOCAL_RANK", "0")) == 0
        if self.world > 1 and not leads:
            dist.barrier()
        yield
        if self.world > 1 and leads:
            dist.barrier()


def current() -> Ranks:
    """The group that this process has joined; alone where there is none."""
    if not (dist.is_available() and dist.is_initialized()):
        return Ranks()
    return Ranks(dist.get_rank(), dist.get_world_size())


@contextmanager
def joined(device: str | None = None) -> Iterator[torch.device]:
    """Join the processes that torchrun started, over nccl between GPUs and gloo otherwise; alone without torchrun.

    Parameters
    ----------
    device : as `resolve_device`; "auto" and "cuda" become this process's own GPU.

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
        kind = "cpu"  # torch has no distributed engine for it
    if kind == "cuda" and (device or "auto") not in ("auto", "cuda"):
        raise UserError(f"--device {device} is one GPU: several processes take one each with --device cuda")
    if kind == "cuda" and local >= torch.cuda.device_count():
        raise UserError(f"there are {torch.cuda.device_count()} GPUs for {os.environ.get('LOCAL_WORLD_SIZE', 'more')} processes")
    own = torch.device(kind, local) if kind == "cuda" else torch.device(kind)
    if kind == "cuda":
        torch.cuda.set_device(own)
    # torchrun keeps one store through its restarts (pytorch issue 135712): without a name of its own for each, a process that was
    # started again would look for the others at the addresses of those that died.
    store, rank, world = next(dist.rendezvous("env://", timeout=_PATIENCE))  # type: ignore[attr-defined]
    store = dist.PrefixStore(f"start-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)  # type: ignore[attr-defined]
    backend, bound = ("nccl", own) if kind == "cuda" else ("gloo", None)
    dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=_PATIENCE, device_id=bound)
    try:
        yield own
    finally:
        dist.destroy_process_group()
