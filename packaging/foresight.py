"""Learn what the latents of bundled generators look like, and keep it beside their weights: assets/NAME/foresight.safetensors.

python packaging/foresight.py [NAME ...] [--images N]      after the weights of a bundled generator have changed

Five minutes on one core at 64 pixels, three times as long at 128. A test asks that each file is of the weights beside it.
"""

import argparse
import time

import torch

from gan import assets, load
from gan.formats.foreseen import FILE, write_foresight
from gan.model import digest
from gan.policy.rounds import RoundConfig
from gan.session import TuningSession


def learn(name: str, images: int) -> None:
    """Draw and read so many images of a bundled generator, learn from them, and write the file."""
    folder = assets.bundled(name)
    (folder / FILE).unlink(missing_ok=True)
    session = TuningSession(load(name), "cpu", config=RoundConfig(pool=images))
    began, told = time.monotonic(), 0.0
    while len(session.pool) < images or session.prepare():
        session.pool.grow(256)
        if time.monotonic() - told > 30.0:
            told = time.monotonic()
            print(f"{name}: {len(session.pool):,} of {images:,} images, {told - began:.0f} s", flush=True)
    assert session.foresight is not None
    write_foresight(folder, session.foresight, digest(session.model.tensors(), session.model.unweighed()))
    print(f"{folder / FILE}: {session.foresight.images:,} images, {time.monotonic() - began:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=assets.names(), metavar="NAME", help="bundled generators (default: all)")
    parser.add_argument("--images", type=int, default=98_304, metavar="N", help="to learn from, each (default 98304)")
    options = parser.parse_args()
    torch.manual_seed(0)
    for name in options.names:
        learn(name, options.images)


if __name__ == "__main__":
    main()
