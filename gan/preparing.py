"""What a round needs before it begins, and is made once for a generator: its pool of read images, and the foresight learnt from them."""

import time
from collections.abc import Callable, Iterator

from gan.policy.adapter import ChoiceConfig
from gan.policy.foresight import Foresight
from gan.policy.rounds import RoundConfig, RoundProgress
from gan.rewards.pool import Pool
from gan.rewards.scorer import REFERENCE_IMAGES, Scorer

PIECE = 32  # images read in one piece of work ahead
UPDATES = 32  # of the foresight in one piece


class Preparation:
    """Does it piece by piece, while nobody waits, or at once before the first round.

    Parameters
    ----------
    pool, scorer : called for them when they are needed first.

    Attributes
    ----------
    foresight : once the pool was read.
    """

    def __init__(self, pool: Callable[[], Pool], scorer: Callable[[], Scorer], like: ChoiceConfig | None) -> None:
        self._pool, self._scorer, self._like = pool, scorer, like
        self.foresight: Foresight | None = None

    def _begin(self) -> None:
        if self.foresight is None and self._like is not None:
            self.foresight = Foresight(*self._scorer().known_features(), self._like)

    def piece(self) -> bool:
        """Do a little of it. False when there is nothing left to do."""
        pool = self._pool()
        if not pool.full:
            pool.grow(PIECE)
            return True
        self._begin()
        if self.foresight is None or self.foresight.done:
            return False
        self.foresight.step(UPDATES)
        return True

    def rest(self, config: RoundConfig, cancel: Callable[[], bool], wait: Callable[[], None]) -> Iterator[RoundProgress]:
        """Do what is left of it; reports step 0."""
        pool = self._pool()
        began, had = time.monotonic(), len(pool)
        pool.grow_to(REFERENCE_IMAGES + PIECE)  # without any beside the reference sample there is nothing to learn from
        while not pool.full and not cancel():
            wait()
            pool.grow(8 * PIECE)
            speed = (len(pool) - had) / (time.monotonic() - began)
            yield RoundProgress(
                step=0,
                steps=config.steps,
                seconds_left=(pool.size - len(pool) + config.steps * config.states * config.children) / speed,
                images_per_second=speed,
                note=f"looking at what the generator draws: {len(pool):,} of {pool.size:,} images",
            )
        if cancel():  # what is learnt from a part of the pool would be all that is ever learnt of it
            return
        self._begin()
        foresight, began = self.foresight, time.monotonic()
        had = 0 if foresight is None else foresight.learnt
        while foresight is not None and not foresight.done and not cancel():
            wait()
            foresight.step(4 * UPDATES)
            pace = (time.monotonic() - began) / (foresight.learnt - had)
            yield RoundProgress(
                step=0,
                steps=config.steps,
                seconds_left=pace * (foresight.updates - foresight.learnt),
                note=f"learning what latents look like: {100 * foresight.learnt // foresight.updates} %",
            )
