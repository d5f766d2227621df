"""The work of `tastemaker train`: pictures in, a bundle out, resumable at any time."""

from collections.abc import Callable, Collection
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gan.adversarial import distributed
from gan.adversarial.augment import AugmentConfig, augmentation_for
from gan.adversarial.legs import Gamma, first_leg, next_leg, usual_batch
from gan.adversarial.output import SAVE_SECONDS, STATE, Output, alone_in, read_state, resuming
from gan.adversarial.starting import Start
from gan.adversarial.train import TrainConfig, Trainer, TrainProgress, fresh_pair
from gan.data import procedural
from gan.device import resolve_device
from gan.errors import UserError
from gan.networks import DiscriminatorConfig, GeneratorConfig

PROCEDURAL_POOL = 60_000  # pictures drawn for a training run: 700 MB at 64 px; seeds 0 .. PROCEDURAL_POOL - 1
_COPIED_BELOW = 1000  # pictures; with fewer, samples are compared with them, since a generator may memorise them

Progress = Callable[[TrainProgress | tuple[float, str]], None]


def run(
    images: str | Path,
    out: Path,
    start_from: str | None = None,
    minutes: float | None = None,
    kimg: float | None = None,
    resolution: int | None = None,
    device: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Callable[[], bool] = lambda: False,
    *,
    batch: int | None = None,
    augment: bool = True,
    compile: bool = False,
    tensorboard: bool = False,
    snapshots: float | None = None,
    save_seconds: float = SAVE_SECONDS,
    say: Callable[[str], None] = lambda line: None,
    leave_out: Collection[str] = (),
    keep_copies: bool = False,
    gamma: Gamma | None = None,
    grow: bool = False,
) -> Path:
    """Train a generator adversarially and write it to `out` as a bundle; returns `out`.

    A run that was stopped or killed resumes from `out/training.pt` when called again with the same `out`. With the same length, or none, it
    continues exactly as if it had not been interrupted; with another length, or after its end, it starts a new leg with its own schedules.
    In a group of torch.distributed processes all train as one, and the first one writes.

    Parameters
    ----------
    images : a folder, or a procedural kind such as "procedural:scenes".
    start_from : a model to start from; None: random weights; "auto": the bundled generator that fits the pictures (see `Start`).
    grow : widen the networks of `start_from` to the default widths of new ones, where those are larger.
    minutes, kimg : length in time and in thousands of images; whichever is reached first ends the run. Without either, 400 thousand images.
    batch : images per step, over all processes; by default 32, or 8 in a short run on a CPU (see `usual_batch`).
    augment : whether to augment the pictures if they are few (see `augmentation_for`).
    compile : whether to try torch.compile.
    tensorboard : whether to write event files to `out/events`.
    snapshots : keep a bundle in `out/snapshots` every so many thousand images; None: none.
    save_seconds : seconds between two saves of the state.
    say : called with lines for the user: what was found, what went wrong and how the run continues.
    gamma : weight of R1 and R2 at the start and at the end of the leg; by default that of `TrainConfig`.
    leave_out, keep_copies : which pictures of a folder are used (see `gan.data.folder.open_images`).

    Raises
    ------
    UserError
        There are no usable pictures, an unknown device or resolution, a model to start from that does not fit, no room to write, a
        generator in `out` that no run here has made, another process that trains in `out`, or a run that does not become stable
        (`Diverged`; the last sound state is saved).
    """
    ranks = distributed.current()
    if not ranks.first:
        progress, say = None, lambda line: None
    torch_device = resolve_device(device)
    with alone_in(out) if ranks.first else nullcontext():
        state: dict[str, Any] | None = ranks.from_first(read_state(out) if ranks.first else None)
        if state is not None:
            with resuming(out):
                networks = fresh_pair(0, GeneratorConfig(**state["generator_config"]), DiscriminatorConfig(**state["discriminator_config"]))
            if resolution not in (None, networks[0].resolution):
                raise UserError(f"{out} is being trained at {networks[0].resolution} px, not {resolution}: choose another --out")
            side = networks[0].resolution
        else:
            start = Start(start_from, resolution, images, grow)
            side = start.resolution
        with ranks.one_after_another():
            pool, source, pixel = _pictures(images, side, progress, cancel, say, leave_out, keep_copies)
        new_leg = False
        if state is not None:
            with resuming(out):
                config, new_leg = next_leg(state, kimg, minutes, gamma)
        else:
            networks, same_size = start.networks(pixel, seed, say)
            drawn = procedural.KINDS.get(source["kind"])
            config = TrainConfig(seed=seed, mirror=drawn is None or drawn.mirrors)
            config = first_leg(config, kimg, minutes, warm=same_size, gamma=gamma)
            batch = batch or usual_batch(config, torch_device.type)
        config = replace(_batched(config, batch, ranks), augment=_augmentation(source["count"], augment, say))
        trainer = Trainer(pool, config, torch_device, *networks, ranks=ranks, compile=compile, say=say)
        if state is not None:
            with resuming(out):
                trainer.load_state(state)
            if new_leg:
                trainer.begin_leg()
            say(f"Going on from {out / STATE}, after {trainer.images_seen:,} images.")
            if trainer.fraction >= 1.0:
                say("This run is finished: give it more minutes, or more images, to prolong it.")

        output = Output(out, source, trainer, save_seconds, snapshots, tensorboard) if ranks.first else None
        first_image = trainer.images_seen
        try:
            for report in trainer.run(until=cancel):
                if output is not None:
                    output.report(report)
                if progress is not None:
                    progress(report)
        finally:  # at the end, when stopped, or after a rollback
            if output is not None:
                if state is None or trainer.images_seen > first_image:
                    output.save()
                output.close()
    return out


def _batched(config: TrainConfig, batch: int | None, ranks: distributed.Ranks) -> TrainConfig:
    """Set the batch size; the half-life of the average changes in proportion (Karras et al. 2020, arXiv 2006.06676, table 6)."""
    batch = batch or config.batch
    if batch % ranks.world:
        raise UserError(f"a batch of {batch} images cannot be shared evenly by {ranks.world} processes: choose another --batch")
    return replace(config, batch=batch, ema_kimg=config.ema_kimg * batch / config.batch)


def _augmentation(count: int, wanted: bool, say: Callable[[str], None]) -> AugmentConfig:
    if count < _COPIED_BELOW:
        say(f"Only {count} pictures: below {_COPIED_BELOW:,} a generator tends to copy them.")
    config = augmentation_for(count) if wanted else AugmentConfig(explanation="Pictures are learnt from as they are.")
    say(config.explanation)
    return config


def _pictures(
    images: str | Path,
    resolution: int,
    progress: Progress | None,
    cancel: Callable[[], bool],
    say: Callable[[str], None],
    leave_out: Collection[str],
    keep_copies: bool,
) -> tuple[np.ndarray, dict[str, Any], int]:
    """The pictures, the card's entry about them, and the side of the squares of one colour that a folder's pictures consist of."""

    def tell(fraction: float, text: str) -> None:
        if progress is not None:
            progress((fraction, text))

    if (kind := procedural.kind_of(images)) is not None:
        pool = procedural.pool(kind, PROCEDURAL_POOL, resolution, progress=tell, cancel=cancel)
        return pool, {"kind": kind, "count": PROCEDURAL_POOL}, 1
    from gan.data.folder import open_images  # Pillow's decoders are not needed for scenes

    intake = open_images(Path(images), resolution, tell, cancel, leave_out=leave_out, keep_copies=keep_copies)
    for line in intake.report():
        say(line)
    return intake.images, {"kind": "folder", "count": len(intake.used)}, intake.pixel
