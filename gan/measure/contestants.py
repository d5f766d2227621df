"""Training runs that are timed against each other, each in a process of its own: ours, a plain version of ours, and lightweight-gan.

Imports are inside functions: the parent process needs only the names, and each process loads only what it trains.
"""

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np

OURS, PLAIN, PEER = "ours", "ours, plain", "lightweight-gan"
RESOLUTION = 64
STEPS = {OURS: 8, PLAIN: 8, PEER: 4}  # per block: multiples of the interval of gradient penalties


@dataclass(frozen=True)
class Entry:
    """What one process trains."""

    name: str  # OURS, PLAIN or PEER
    images: str  # "procedural:scenes", or a folder
    folder: Path  # for its files
    seed: int = 0
    threads: int = 1
    batch: int = 16  # real images per step; for the peer, per one of its `accumulate` batches
    accumulate: int = 1  # batches per step, for the peer only


@dataclass(frozen=True)
class Block:
    """One timed stretch of training."""

    images: int  # real images seen
    seconds: float  # wall-clock time
    cpu_seconds: float  # CPU time of all its threads


@dataclass(frozen=True)
class Failed:
    """A process failed."""

    why: str


def speed_process(pipe: Connection, entry: Entry) -> None:
    """Train one block for each True received, and answer with a `Block`. The first message is the number of parameters of each network."""
    _guarded(_speed, pipe, entry)


def quality_process(pipe: Connection, entry: Entry, minutes: float, ours_done: Event, count: int) -> None:
    """Train for some time and draw `count` images. Sends the parameters; after any message, (`Block`, updates); then {name: images}.

    Ours trains for `minutes` and then sets `ours_done`, at which the peer stops: after the same time, or one step more.
    """
    _guarded(_quality, pipe, entry, minutes, ours_done, count)


def _guarded(work: Callable[..., None], pipe: Connection, entry: Entry, *more: Any) -> None:
    import torch

    torch.set_num_threads(entry.threads)
    try:
        work(pipe, entry, *more)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        pass  # the other end is gone, or all were asked to stop
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        pipe.send(Failed(f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"))


def _orphaned() -> bool:
    """Whether the parent process is gone, so that nobody is left to answer."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


class _Clock:
    """Wall-clock and CPU seconds since it was created."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def block(self, images: int) -> Block:
        return Block(images, time.perf_counter() - self._wall, time.process_time() - self._cpu)


def pictures_of(images: str) -> np.ndarray:
    """The training pictures: uint8 (N, RESOLUTION, RESOLUTION, 3), memory-mapped."""
    from gan.adversarial.command import PROCEDURAL_POOL
    from gan.data import procedural
    from gan.data.folder import open_images

    if (kind := procedural.kind_of(images)) is not None:
        return procedural.pool(kind, PROCEDURAL_POOL, RESOLUTION)
    return open_images(Path(images), RESOLUTION).images


def _parameters(**networks: Any) -> dict[str, int]:
    return {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}


# --- speed ------------------------------------------------------------------------------------------------------------------


def _speed(pipe: Connection, entry: Entry) -> None:
    parameters, block = (_peer_blocks if entry.name == PEER else _our_blocks)(entry)
    pipe.send(parameters)
    while pipe.recv():
        clock = _Clock()
        pipe.send(clock.block(block()))


def _peer_blocks(entry: Entry) -> tuple[dict[str, int], Callable[[], int]]:
    from gan.measure.peer import Peer

    peer = Peer(pictures_of(entry.images), entry.seed, entry.folder, entry.batch, entry.accumulate)
    peer.step()  # warm-up of allocators, caches and algorithm selection; a step takes many seconds
    return peer.parameters, lambda: sum(peer.step() for _ in range(STEPS[PEER]))


def _our_blocks(entry: Entry) -> tuple[dict[str, int], Callable[[], int]]:
    plain = entry.name == PLAIN
    if plain:
        make_contiguous()
    trainer = our_trainer(entry, plain)
    blocks = trainer.run(report_every=STEPS[entry.name])

    def block() -> int:
        before = trainer.images_seen
        next(blocks)
        return int(trainer.images_seen - before)

    block()  # as above
    return _parameters(generator=trainer.generator, discriminator=trainer.discriminator), block


def make_contiguous() -> None:
    """Make channels_last mean contiguous in this process, since our networks and batches ask for channels_last everywhere."""
    import torch

    torch.channels_last = torch.contiguous_format


def our_trainer(entry: Entry, plain: bool = False) -> Any:
    """Our trainer with random weights. `plain` : in float32, with the default implementation of Adam."""
    import torch

    from gan.adversarial.starting import network_configs
    from gan.adversarial.train import TrainConfig, Trainer

    config = TrainConfig(kimg=1e6, batch=entry.batch, seed=entry.seed)
    trainer = Trainer.fresh(
        pictures_of(entry.images), config, torch.device("cpu"), *network_configs(RESOLUTION)
    )
    if plain:
        trainer.autocast = False
        for part in ("generator", "discriminator"):
            network = getattr(trainer, part)
            adam = torch.optim.Adam(network.parameters(), lr=config.learning_rate, betas=config.betas)
            setattr(trainer, f"{part}_optimizer", adam)
    return trainer


# --- quality ----------------------------------------------------------------------------------------------------------------


def _quality(pipe: Connection, entry: Entry, minutes: float, ours_done: Event, count: int) -> None:
    if entry.name == PEER:
        _peer_quality(pipe, entry, ours_done, count)
    else:
        _our_quality(pipe, entry, minutes, ours_done, count)


def _peer_quality(pipe: Connection, entry: Entry, ours_done: Event, count: int) -> None:
    import torch

    from gan.measure.peer import Peer

    peer = Peer(pictures_of(entry.images), entry.seed, entry.folder, entry.batch, entry.accumulate)
    pipe.send(peer.parameters)
    pipe.recv()
    clock, images, updates = _Clock(), 0, 0
    while not ours_done.is_set() and not _orphaned():
        images += peer.step()
        updates += 1
    pipe.send((clock.block(images), updates))
    torch.set_num_threads(os.cpu_count() or 1)  # nothing is timed any more
    pipe.send(peer.sample(count, entry.seed))


def _our_quality(pipe: Connection, entry: Entry, minutes: float, ours_done: Event, count: int) -> None:
    """Runs the user's command from random weights; the time for its checkpoints counts."""
    from gan.adversarial import command
    from gan.adversarial.starting import network_configs
    from gan.loading import load
    from gan.networks import Discriminator, Generator

    generator, discriminator = network_configs(RESOLUTION)
    pipe.send(_parameters(generator=Generator(generator), discriminator=Discriminator(discriminator)))
    pipe.recv()
    clock = _Clock()
    images = entry.images if entry.images.startswith("procedural:") else Path(entry.images)
    out = entry.folder / "ours"
    command.run(
        images, out, minutes=minutes, resolution=RESOLUTION, device="cpu", seed=entry.seed, cancel=_orphaned
    )
    spent = clock.block(0)
    ours_done.set()
    model = load(out)
    training = model.card["training"]
    seen = int(training["images_seen"])
    pipe.send((replace(spent, images=seen), seen // int(training["batch"])))
    pipe.send({"average": model.sample(range(entry.seed * count, (entry.seed + 1) * count))})
