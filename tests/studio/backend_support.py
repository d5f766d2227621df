"""What the tests of the store and of the worker share."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

LATENT = b"\x00\x00\x80\x3f" * 8  # float32 ones


def small_bundle(folder: Path, seed: int = 3) -> Path:
    """An untrained 16 px generator with a discriminator, as a bundle."""
    import torch

    from gan.formats import bundle
    from gan.model import Model
    from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=12, channels=(12, 8, 6)))
        judge = Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 12), features=10))
    bundle.save(
        Model("small", generator, None, judge, {"data": {"kind": "unknown"}, "pixel_art": True}), folder
    )
    return folder


class Heard:
    """Everything that a WorkerClient's signals said, in order."""

    NAMES = (
        *("ready", "grid", "taste", "progress", "round_finished", "strip", "drawn", "restored"),
        *("exporting", "exported", "export_stopped", "failed", "not_taught", "notice", "restarted", "busy_changed"),
    )

    def __init__(self, client: Any) -> None:
        self.all: list[tuple[str, Any]] = []
        for name in self.NAMES:
            getattr(client, name).connect(self._listener(name))

    def _listener(self, name: str) -> Callable[..., None]:
        return lambda *values: self.all.append((name, values[0] if len(values) == 1 else values))

    def of(self, name: str) -> list[Any]:
        return [value for heard, value in self.all if heard == name]


def pump(until: Callable[[], object], seconds: float = 120.0) -> None:
    """Run Qt's events until `until` is true; fail after `seconds`."""
    from PySide6.QtCore import QCoreApplication

    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "waited in vain"
        QCoreApplication.processEvents()
        time.sleep(0.002)
