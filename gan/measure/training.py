"""`tastemaker benchmark training`: speed and quality of our training, compared with lightweight-gan and with a plain version of ours.

How the comparison is made fair
- Both use the same scenes at 64 px, from memory, with about as many parameters (they are printed), float32 inputs, one machine, one run.
- lightweight-gan takes its own step (`gan.measure.peer` lists what is changed, all of which saves it time), with the learning rate, losses,
  augmentation and attention of its command line. Only its process is told to keep freed memory, which saves it page faults.
- Speed: whole cycles of steps, penalties included, in blocks that alternate on the same threads. Each round gives one ratio, and the median
  of the ratios counts. For both, an image counts once per update of both networks.
- "Ours, plain" is the same algorithm in float32 on contiguous tensors with torch's default Adam: it shows what channels_last, bfloat16 and
  fused optimisers gain.
- Quality: both train at the same time on one thread each, so that other load on the machine affects both. Ours is the command
  `tastemaker train` from random weights, including its checkpoints; the peer stops at the first step after ours has ended, so its time is
  never shorter. Once the peer maintains an average (after 20,000 steps), its generator with the lower KID counts. lightweight-gan was not
  made for CPUs: the number of updates that each had time for is printed.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from gan.errors import UserError, reason
from gan.files import write_json
from gan.measure import peer
from gan.measure.contestants import (
    OURS,
    PEER,
    PLAIN,
    RESOLUTION,
    Entry,
    Failed,
    quality_process,
    speed_process,
)
from gan.measure.training_report import machine_line, parameters_line, quality_table, speed_table
from gan.options import Parser, amount, new_file, seed, whole
from gan.terminal import Progress

SCENES = "procedural:scenes"

Record = dict[str, Any]
Say = Callable[[float, str], None]


# --- running ----------------------------------------------------------------------------------------------------------------


@contextmanager
def _started(target: Callable[..., None], entry: Entry, *more: Any) -> Iterator[Connection]:
    """A process and the pipe to it; the process is ended with the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, entry, *more), daemon=True)
    with patch.dict(os.environ, peer.ENVIRONMENT if entry.name == PEER else {}):  # read when a process starts
        process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(2.0)
        if process.is_alive():
            process.terminate()
            process.join()
        process.close()


def _answer(pipe: Connection, name: str, tick: Callable[[], None] = lambda: None) -> Any:
    """The next message; `tick` is called every half second while waiting for it."""
    try:
        while not pipe.poll(0.5):
            tick()
        message = pipe.recv()
    except (EOFError, OSError):
        raise UserError(f"the process that trained {name} ended without a word: too little memory?") from None
    if isinstance(message, Failed):
        raise UserError(f"{name} failed: {message.why}")
    return message


def measure_speed(entries: Sequence[Entry], rounds: int, say: Say) -> Record:
    """Time blocks of all entries in turn: {"parameters": {name: {network: count}}, "blocks": {name: [Block as a dict]}}."""
    parameters: dict[str, dict[str, int]] = {}
    blocks: dict[str, list[Record]] = {entry.name: [] for entry in entries}
    with ExitStack() as stack:
        pipes = {}
        for entry in entries:  # one after another, since several first blocks at once would take too long
            say(0.0, f"{entry.name}: first block, not counted")
            pipes[entry.name] = stack.enter_context(_started(speed_process, entry))
            parameters[entry.name] = _answer(pipes[entry.name], entry.name)
        for index in range(rounds):
            for name, pipe in pipes.items():
                say(index / rounds, f"{name}: block {index + 1} of {rounds}")
                pipe.send(True)
                blocks[name].append(asdict(_answer(pipe, name)))
        for pipe in pipes.values():
            pipe.send(False)
    return {"parameters": parameters, "blocks": blocks}


def measure_quality(ours: Entry, theirs: Entry, minutes: float, count: int, say: Say) -> Record:
    """Train both at once with one seed. Returns time, images, updates and measures of each, and the measures of real images."""
    from gan.measure.features import features
    from gan.measure.generator import compare
    from gan.measure.real import RealPool, real_pool

    real = real_pool({"kind": SCENES.partition(":")[2]}, RESOLUTION, 2 * count)
    order = np.random.default_rng(ours.seed).permutation(len(real))
    half, rest = (RealPool(real.images[part], real.features[part]) for part in (order[:count], order[count:]))
    record: Record = {"real": {"row": asdict(compare(half, rest, ours.seed))}}
    done = multiprocessing.get_context("spawn").Event()
    with ExitStack() as stack:
        pipes = {
            entry.name: stack.enter_context(_started(quality_process, entry, minutes, done, count))
            for entry in (ours, theirs)
        }
        for name, pipe in pipes.items():
            record[name] = {"parameters": _answer(pipe, name)}
        for pipe in pipes.values():
            pipe.send("go")
        begun = time.monotonic()

        def tick() -> None:
            passed = time.monotonic() - begun
            say(
                passed / (minutes * 60), f"seed {ours.seed}: both train, {passed / 60:.1f} of {minutes:g} min"
            )

        for name, pipe in pipes.items():
            block, updates = _answer(pipe, name, tick)
            record[name] |= {**asdict(block), "updates": updates}
        for name, pipe in pipes.items():
            say(1.0, f"seed {ours.seed}: images of {name}")
            rows = {
                which: compare(half, RealPool(images, features(images)), ours.seed)
                for which, images in _answer(pipe, name).items()
            }
            best = min(rows, key=lambda which: rows[which].kid)
            record[name] |= {"generator": best, "row": asdict(rows[best])}
    return record


# --- the command ------------------------------------------------------------------------------------------------------------


def machine() -> Record:
    """Description of the machine and its libraries."""
    import torch

    from gan.doctor import examine

    return {
        "cpu": examine()["devices"]["cpu"],
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


class Journal:
    """Results so far, in a JSON file if a path is given: what it holds is not measured again."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.results: Record = {"benchmark": "training", "speed": [], "quality": []}
        if path is not None and path.exists():
            try:
                found = json.loads(path.read_text())
            except (OSError, ValueError) as error:
                raise UserError(f"cannot read {path}: {reason(error)}") from None
            if not isinstance(found, dict) or found.get("benchmark") != "training":
                raise UserError(
                    f"{path} holds other things than results of this benchmark: name another file"
                )
            self.results = found

    def once(self, part: str, key: Record, measure: Callable[[], Record]) -> Record:
        """The record with that key: an earlier one, or a new one, which is saved at once."""
        for record in self.results[part]:
            if record["key"] == key:
                earlier: Record = record
                return earlier
        record = {"key": key, "machine": machine(), **measure()}
        self.results[part].append(record)
        if self.path is not None:
            write_json(self.path, self.results)
        return record


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = Parser(
        prog="tastemaker benchmark training",
        description="Train beside lightweight-gan, and beside our own networks in plain float32, on the same 64 px scenes: images per "
        "second in blocks that take turns, then quality after equal minutes on one thread each.",
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--speed-only", action="store_true", help="leave the quality part out")
    part.add_argument("--quality-only", action="store_true", help="leave the speed part out")
    parser.add_argument("--rounds", type=whole(1, 10_000), default=5, metavar="N", help="paired blocks of the speed part (default 5)")
    parser.add_argument("--batch", type=whole(1, 4096), default=16, metavar="N", help="images per step in the speed part (default 16)")
    parser.add_argument("--threads", type=whole(1, 1024), default=2, metavar="N", help="threads in the speed part (default 2)")
    parser.add_argument(
        "--minutes", type=amount, default=4.0, metavar="M", help="minutes of training in the quality part (default 4)"
    )
    parser.add_argument(
        "--seeds", type=seed, nargs="+", default=[0, 1, 2], metavar="S", help="seeds of the quality part (default 0 1 2)"
    )
    parser.add_argument(
        "--count", type=whole(20, 100_000), default=2000, metavar="N", help="images per measured set (default 2000)"
    )
    parser.add_argument(
        "--accumulate",
        type=whole(1, 1000),
        default=peer.ACCUMULATE,
        metavar="N",
        help=f"batches of {peer.BATCH} that lightweight-gan accumulates for one update in the quality part (default {peer.ACCUMULATE}, as "
        "published; 1 gives it four times as many updates)",
    )
    parser.add_argument(
        "--json", type=new_file, metavar="PATH", help="keep results there; what is already in it is not run again"
    )
    options = parser.parse_args(argv)
    run(options)
    return 0


def run(options: argparse.Namespace) -> None:
    """Measure and print; raises UserError."""
    with_peer = peer.installed()
    if not with_peer and not options.speed_only:
        raise UserError(f"lightweight-gan is not installed: {peer.INSTALL}, or --speed-only for ours alone")
    journal = Journal(options.json)
    with Progress() as progress, tempfile.TemporaryDirectory() as folder:
        _prepare(progress)
        if not options.quality_only:
            speed = _speed(options, journal, Path(folder), with_peer, progress)
            progress.clear()
            print(
                f"speed, {RESOLUTION} px, batch {options.batch}, threads: {options.threads}, paired blocks: {options.rounds}"
            )
            print(f"  {machine_line(speed)}")
            print(f"  {parameters_line(speed['parameters'])}")
            print(speed_table(speed), flush=True)
            if not with_peer:
                print(f"  without lightweight-gan, which is not installed: {peer.INSTALL}")
        if not options.speed_only:
            records = [_quality(options, journal, Path(folder), seed, progress) for seed in options.seeds]
            progress.clear()
            print(
                f"quality after {options.minutes:g} minutes from random weights, one thread each, at the same time; N = {options.count}"
            )
            print(f"  {machine_line(records[0])}")
            print(f"  {parameters_line({name: records[0][name]['parameters'] for name in (OURS, PEER)})}")
            print(quality_table(records))


def _prepare(say: Say) -> None:
    """Draw the scenes before any time is taken."""
    from gan.adversarial.command import PROCEDURAL_POOL
    from gan.data import procedural

    procedural.pool("scenes", PROCEDURAL_POOL, RESOLUTION, progress=say)


def _speed(options: argparse.Namespace, journal: Journal, folder: Path, with_peer: bool, say: Say) -> Record:
    names = [OURS, PLAIN, *([PEER] if with_peer else [])]
    entries = [Entry(name, SCENES, folder, threads=options.threads, batch=options.batch) for name in names]
    key = {"batch": options.batch, "threads": options.threads, "rounds": options.rounds, "contestants": names}
    return journal.once("speed", key, lambda: measure_speed(entries, options.rounds, say))


def _quality(options: argparse.Namespace, journal: Journal, folder: Path, seed: int, say: Say) -> Record:
    place = folder / f"seed{seed}"
    ours = Entry(OURS, SCENES, place, seed)
    theirs = Entry(PEER, SCENES, place, seed, batch=peer.BATCH, accumulate=options.accumulate)
    key = {"seed": seed, "minutes": options.minutes, "count": options.count, "accumulate": options.accumulate}
    return journal.once(
        "quality", key, lambda: measure_quality(ours, theirs, options.minutes, options.count, say)
    )
