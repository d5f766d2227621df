"""Chooses which images to show for rating."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gan.rewards.scorer import Scorer
from gan.taste import RawFeatures, TasteModel
from gan.taste.selection import Shares, Why, informative, quotas, shuffled

CANDIDATES = 1000  # limit for the images of the pool that a grid is chosen from: the time grows with their square


@dataclass(frozen=True)
class Chosen:
    """An image to be rated, not yet drawn."""

    latent: np.ndarray  # float32 (z_dim,), to be drawn by the untuned generator, also if tuning proposed it
    why: Why


@dataclass(frozen=True)
class Proposal:
    """An image to be rated."""

    latent: np.ndarray  # float32 (z_dim,), to be drawn by the untuned generator, also if tuning proposed it
    why: Why
    pixels: np.ndarray  # uint8 (H, W, 3)


class Proposer:
    """Chooses grids, and remembers which images of the pool were in one.

    Parameters
    ----------
    z_dim : of the generator.
    random : source of all randomness.
    """

    def __init__(self, z_dim: int, random: torch.Generator) -> None:
        self.shares = Shares()
        self._z_dim, self._random = z_dim, random
        self._shown = torch.zeros(0, dtype=torch.bool)  # whether each image of the pool was proposed

    def choose(
        self,
        count: int,
        rated: Sequence[np.ndarray],
        tuned: Callable[[Tensor], Tensor],
        half_untuned: bool,
        known: tuple[TasteModel, Scorer] | None,
    ) -> list[Chosen]:
        """Images to rate next, in random order: most of them informative, a fifth drawn from the current generator, a few repeats.

        Parameters
        ----------
        count : 1 or more.
        rated : latents (z_dim,) of images that may be repeated.
        tuned : the current adapter: maps latents of the prior to those that the untuned generator would draw instead.
        half_untuned : whether half of the images drawn from the generator come from the untuned one.
        known : the taste model, and the scorer with the pool; None before there is a taste: then all images are drawn from the generator.

        Raises
        ------
        ValueError
            `count` is below 1.
        """
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        by_taste, at_random, again = quotas(count, self.shares, known is not None, len(rated))
        if known is not None and by_taste > known[1].pool.size:  # more than the pool will ever hold
            at_random += by_taste - known[1].pool.size
            by_taste = known[1].pool.size
        z = torch.randn(at_random, self._z_dim, generator=self._random)
        half = at_random // 2 if half_untuned else 0
        points: list[Tensor] = [z[:half], tuned(z[half:]).cpu()]
        why: list[Why] = ["random"] * at_random
        if by_taste and known is not None:
            points.append(self._informative(*known, by_taste))
            why += ["informative"] * by_taste
        if again:
            picks = torch.randperm(len(rated), generator=self._random)[:again].tolist()
            points.append(torch.from_numpy(np.stack([rated[i] for i in picks])))
            why += ["repeat"] * again
        stacked = torch.cat(points).numpy().astype(np.float32)
        return [Chosen(stacked[i], why[i]) for i in shuffled(range(count), self._random)]

    def _informative(self, taste: TasteModel, scorer: Scorer, count: int) -> Tensor:
        """Latents (count, z_dim) of images of the pool chosen by `informative`; none was shown before, until too few are left."""
        pool = scorer.pool
        pool.grow_to(2 * count)
        self._shown = torch.cat([self._shown, torch.zeros(len(pool) - len(self._shown), dtype=torch.bool)])
        fresh = (~self._shown).nonzero().squeeze(1)
        if len(fresh) < count:
            self._shown[:] = False
            fresh = torch.arange(len(pool))
        rows = fresh[torch.randperm(len(fresh), generator=self._random)[: max(CANDIDATES, 2 * count)]]
        raw, _ = pool.read()
        features = scorer.standardise(RawFeatures(tuple(group[rows] for group in raw.groups)))
        chosen = rows[informative(taste, features, count)]
        self._shown[chosen] = True
        return pool.latents[chosen]
