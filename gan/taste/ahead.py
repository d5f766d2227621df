"""Images drawn before anyone asks for a grid, so that choosing one costs no drawing.

What is kept are candidates and their features, never a choice: the choice is made when the grid is asked for, by the taste as it is
then. All of it is forgotten when the generator changes, and the candidates after each choice from them: what a choice has left over is
worse than what the generator draws.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gan.taste.model import Features, TasteModel
from gan.taste.selection import thompson

CANDIDATES = 192  # images that a grid is chosen from
FEWEST = 48  # as few as a slow machine may choose from
HONEST = 24  # images straight from the generator, never chosen among
MEMORY = 256 << 20  # bytes of pixels kept at most
_CHUNK = 16  # images drawn between two looks at the clock


@dataclass(frozen=True)
class Drawn:
    """Images that wait: latents (N, d), uint8 pixels (N, H, W, 3) or None, and features where they were read."""

    latents: Tensor
    pixels: np.ndarray | None
    features: Features = ()


@dataclass(frozen=True)
class Hand:
    """What it takes to draw and to look, with the generator and the reference sample as they are now."""

    tuned: Callable[[Tensor], Tensor]  # z (N, d) -> z (N, d)
    draw: Callable[[np.ndarray], np.ndarray]  # latents -> uint8 (N, H, W, 3), drawn as a saved image is
    read: Callable[[Tensor], Features]  # latents -> standardised features
    read_pixels: Callable[[np.ndarray], Features]  # the same, of images drawn already


class Ahead:
    """The store of images for the next grid.

    Parameters
    ----------
    z_dim : width of a latent.
    image_bytes : size of one image, for the limit on memory.
    random : where latents come from.
    """

    def __init__(self, z_dim: int, image_bytes: int, random: torch.Generator) -> None:
        self._z_dim = z_dim
        self._random = random
        self.size = max(FEWEST, min(CANDIDATES, MEMORY // max(1, image_bytes) - HONEST))
        self._candidates: list[Drawn] = []
        self._honest: list[Drawn] = []

    def clear(self) -> None:
        """Forget everything: the generator is another one."""
        self._candidates, self._honest = [], []

    @property
    def candidates(self) -> int:
        """How many wait to be chosen from."""
        return sum(len(batch.latents) for batch in self._candidates)

    def prepare(self, hand: Hand, reads: bool) -> bool:
        """Draw a few images; False when there are enough. `reads`: features can be read, so candidates are of use."""
        if sum(len(batch.latents) for batch in self._honest) < HONEST:
            latents = hand.tuned(self._noise(_CHUNK // 2))
            self._honest.append(Drawn(latents, hand.draw(latents.numpy())))
            return True
        if not reads or self.candidates >= self.size:
            return False
        latents = self._mixed(hand, min(_CHUNK, self.size - self.candidates))
        pixels = hand.draw(latents.numpy())
        self._candidates.append(Drawn(latents, pixels, hand.read_pixels(pixels)))
        return True

    def honest(self, hand: Hand, count: int) -> list[tuple[Tensor, np.ndarray | None]]:
        """Take `count` images straight from the generator: (latent, pixels or None) each."""
        taken: list[tuple[Tensor, np.ndarray | None]] = []
        while self._honest and len(taken) < count:
            batch = self._honest.pop(0)
            some = count - len(taken)
            taken += _pairs(batch, range(min(some, len(batch.latents))))
            if len(batch.latents) > some and batch.pixels is not None:
                self._honest.insert(0, Drawn(batch.latents[some:], batch.pixels[some:]))
        if missing := count - len(taken):
            taken += [(latent, None) for latent in hand.tuned(self._noise(missing))]
        return taken

    def choose(
        self, hand: Hand, taste: TasteModel, count: int, patience: float | None
    ) -> list[tuple[Tensor, np.ndarray | None]]:
        """Take `count` candidates by Thompson's rule under `taste`; forget the others.

        patience: seconds to go on drawing candidates when few wait; None draws all of `size`, at once, whatever that takes.
        """
        if patience is None:
            if missing := self.size - self.candidates:
                self._candidates.append(self._read(hand, missing))
        else:
            end = time.monotonic() + patience
            while self.candidates < self.size and (
                self.candidates < max(FEWEST, 2 * count) or time.monotonic() < end
            ):
                self._candidates.append(self._read(hand, min(2 * _CHUNK, self.size - self.candidates)))
        batches, self._candidates = self._candidates, []
        features = tuple(torch.cat(group) for group in zip(*(b.features for b in batches), strict=True))
        everything = [pair for batch in batches for pair in _pairs(batch, range(len(batch.latents)))]
        return [everything[i] for i in thompson(taste, features, count, self._random)]

    def _read(self, hand: Hand, count: int) -> Drawn:
        latents = self._mixed(hand, count)
        return Drawn(latents, None, hand.read(latents))

    def _mixed(self, hand: Hand, count: int) -> Tensor:
        # Half from the prior: what tuning has turned away from can still be found good.
        z = self._noise(count)
        half = count // 2
        return torch.cat([hand.tuned(z[:half]), z[half:]])

    def _noise(self, count: int) -> Tensor:
        return torch.randn(count, self._z_dim, generator=self._random)


def _pairs(batch: Drawn, rows: range) -> list[tuple[Tensor, np.ndarray | None]]:
    return [(batch.latents[i], None if batch.pixels is None else batch.pixels[i]) for i in rows]
