"""What `tastemaker train` does: pictures in, a bundle out, resumable at any moment."""

import csv
import io
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan.adversarial.precision import resolve_device
from gan.adversarial.train import TrainConfig, Trainer, TrainProgress
from gan.data import procedural
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.files import atomic_write, write_bytes
from gan.model import Model, load
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig

PROCEDURAL_POOL = 60_000  # pictures drawn for a training run: 700 MB at 64 px; seeds 0 .. PROCEDURAL_POOL - 1
_SAVE_SECONDS = 120.0
_STATE = "training.pt"
_CURVE = "curve.csv"

Progress = Callable[[TrainProgress | tuple[float, str]], None]


def network_configs(resolution: int) -> tuple[GeneratorConfig, DiscriminatorConfig]:
    """The compact pair for 32, 64 or 128 px."""
    generator = {32: (128, 128, 96, 48), 64: (128, 128, 96, 48, 16), 128: (128, 128, 96, 64, 32, 16)}
    discriminator = {32: (96, 128, 128), 64: (48, 96, 128, 128), 128: (24, 48, 96, 128, 128)}
    if resolution not in generator:
        raise UserError(f"resolution {resolution} is not one of {', '.join(map(str, generator))}")
    return (
        GeneratorConfig(resolution=resolution, channels=generator[resolution]),
        DiscriminatorConfig(resolution=resolution, channels=discriminator[resolution]),
    )


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
) -> Path:
    """Train a generator adversarially and write it to `out` as a bundle; returns `out`.

    A run that was stopped or killed goes on from `out/training.pt` when called again with the same `out`. Without `minutes` or `kimg`
    the run is 400 thousand images long; with `minutes` alone, its length is set from the speed of the first seconds.

    Raises
    ------
    UserError
        No usable pictures, an unknown device or resolution, or a model to start from that does not fit.
    """
    torch_device = resolve_device(device)
    start = load(start_from, device=str(torch_device)) if start_from else None
    if resolution is None:
        resolution = start.resolution if start else 64
    generator_config, discriminator_config = network_configs(resolution)
    pool, source = _pictures(images, resolution, progress)
    drawn = procedural.KINDS.get(source["kind"])
    config = TrainConfig(kimg=kimg or 400.0, seed=seed, mirror=drawn is None or drawn.mirrors)
    if start is not None:
        known = isinstance(start.generator, Generator) and isinstance(start.discriminator, Discriminator)
        if not known or start.resolution != resolution or start.adapter is not None:
            raise UserError(f"{start_from} cannot be trained on at {resolution} px: it needs its discriminator and no tuning")
        # A warm start is near its goal: R3GAN's burn-in is behind it.
        config = replace(config, learning_rate=1e-3, gamma=config.gamma_end)
        trainer = Trainer(pool, config, torch_device, start.generator, start.discriminator)  # type: ignore[arg-type]
    else:
        trainer = Trainer.fresh(pool, config, torch_device, generator_config, discriminator_config)

    state_path = out / _STATE
    if state_path.exists():
        trainer.load_state(_read_state(state_path, torch_device))
    if minutes is not None and kimg is None:
        trainer.config = replace(config, kimg=_kimg_for(trainer, minutes))

    deadline = time.monotonic() + minutes * 60 if minutes is not None else float("inf")
    rows = _read_curve(out / _CURVE, trainer.images_seen)
    saved = time.monotonic()
    for report in trainer.run(until=lambda: cancel() or time.monotonic() > deadline):
        rows.append({k: f"{v:.6g}" if isinstance(v, float) else str(v) for k, v in asdict(report).items()})
        if progress is not None:
            progress(report)
        if time.monotonic() - saved > _SAVE_SECONDS:
            _save(trainer, out, rows, source)
            saved = time.monotonic()
    _save(trainer, out, rows, source)
    return out


def _pictures(images: str | Path, resolution: int, progress: Progress | None) -> tuple[np.ndarray, dict[str, Any]]:
    def tell(fraction: float, text: str) -> None:
        if progress is not None:
            progress((fraction, text))

    if (kind := procedural.kind_of(images)) is not None:
        pool = procedural.pool(kind, PROCEDURAL_POOL, resolution, progress=tell)
        return pool, {"kind": kind, "count": PROCEDURAL_POOL}
    from gan.data.folder import open_images  # Pillow's decoders are not needed for scenes

    intake = open_images(Path(images), resolution, progress=tell)
    return intake.images, {"kind": "folder", "count": len(intake.used)}


def _read_state(path: Path, device: torch.device) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:
        raise UserError(f"{path} cannot be resumed from ({type(error).__name__}): move it away to start anew") from error
    return state


def _kimg_for(trainer: Trainer, minutes: float) -> float:
    """How many thousand images fit, from the speed of a few steps (which count as training)."""
    for _ in range(2):
        trainer.step()
    start, seen = time.monotonic(), trainer.images_seen
    while time.monotonic() - start < min(10.0, minutes * 6.0):
        trainer.step()
    speed = (trainer.images_seen - seen) / (time.monotonic() - start)
    return (trainer.images_seen + speed * minutes * 60.0) / 1000.0


def _read_curve(path: Path, images_seen: int) -> list[dict[str, str]]:
    """Rows of an earlier run up to where it is resumed."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream) if int(row["images"]) <= images_seen]


def _save(trainer: Trainer, out: Path, rows: list[dict[str, str]], source: dict[str, Any]) -> None:
    """State first, then the bundle made from it: whichever file a crash leaves behind is whole."""
    trainer.save(out / _STATE)
    write_bytes(out / _CURVE, _csv(rows).encode())
    drawn = procedural.KINDS.get(source["kind"])
    model = Model(
        name=out.name,
        generator=trainer.average,
        adapter=None,
        discriminator=trainer.discriminator,
        card={
            "data": source,
            "licence": drawn.licence if drawn else "that of the pictures it was trained on",
            "pixel_art": drawn is not None and drawn.pixel_art,
            "training": {**asdict(trainer.config), "images_seen": trainer.images_seen},
        },
        device=trainer.device,
    )
    bundle.save(model, out)
    from gan.data.sheet import contact_sheet

    with atomic_write(out / "samples.png") as stream:
        contact_sheet(model.sample(range(64)), columns=8).save(stream, format="PNG")


def _csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
