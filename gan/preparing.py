"""What a round needs before it begins: an adapter, and how far it may go; and, made once for a generator, its pool of read
images and the foresight learnt from them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from gan.model import Model
from gan.policy.adapter import Adapter, Choice, ChoiceConfig, Shift, ShiftConfig
from gan.policy.foresight import Foresight, ForesightLearner
from gan.policy.rounds import RoundConfig, RoundProgress
from gan.rewards.pool import ENOUGH, ENOUGH_FORESEEN, Pool
from gan.rewards.scorer import Scorer

PIECE = 32  # images read in one piece of work ahead
UPDATES = 32  # of the foresight in one piece


def fresh_adapter(model: Model, choice: ChoiceConfig | None) -> Adapter:
    """An adapter of the model's generator that changes nothing yet: one that chooses, or where there is no config for that, shifts."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        adapter = Shift(ShiftConfig(z_dim=model.z_dim)) if choice is None else Choice(choice)
    return adapter.to(model.device).attach(model.generator)


def copied(adapter: Adapter, model: Model, **changes: Any) -> Adapter:
    """The same adapter again, of the model's generator, with `changes` of its config that its weights fit as well."""
    with torch.random.fork_rng(devices=[]):  # the caller's stream is theirs; these weights are overwritten anyway
        copy = type(adapter)(replace(adapter.config, **changes))
    copy.load_state_dict(adapter.state_dict())
    return copy.to(model.device).attach(model.generator)


def reaching(config: RoundConfig, strength: float, conviction: float) -> RoundConfig:
    """The same round, reaching further or less far from the untuned generator.

    Parameters
    ----------
    strength : in [0, 1]; 0.5 leaves the config as it is, the ends are a quarter and four times as far.
    conviction : in (0, 1], of `TasteLearner`: on little evidence a round goes little far, nats of KL in proportion.
    """
    factor = 4.0 ** (2.0 * strength - 1.0)
    return replace(
        config,
        candidates=max(2, round((config.candidates * factor) ** conviction)),
        kl_limit=config.kl_limit * factor * conviction,
        kl_weight=config.kl_weight / factor / conviction,
    )


class Preparation:
    """Prepares rounds piece by piece while nobody waits, or as much as is needed at once before the first round.

    Parameters
    ----------
    pool, scorer : called when they are first needed.
    like : shape of the choices that will start from the foresight; None: there are none.
    given : called when a foresight is first needed; returns one that was learnt before, or None.
    """

    def __init__(
        self,
        pool: Callable[[], Pool],
        scorer: Callable[[], Scorer],
        like: ChoiceConfig | None,
        given: Callable[[], Foresight | None],
    ) -> None:
        self._pool, self._scorer, self._like, self._given = pool, scorer, like, given
        self._learning: ForesightLearner | None = None
        self._foresight: Foresight | None = None
        self._asked = False  # for the one that was given

    @property
    def foresight(self) -> Foresight | None:
        """The one given, or what was learnt; from more images, once there are at least twice as many."""
        if not self._asked and self._like is not None:
            self._foresight, self._asked = self._given(), True
        return self._foresight

    def _learn(self, updates: int) -> bool:
        """So many updates more of what is learnt. False when there is nothing to learn."""
        if self._learning is None:
            known = len(self._pool())
            if self._like is None or not known or (self.foresight is not None and known < 2 * self.foresight.images):
                return False
            self._learning = ForesightLearner(*self._scorer().known_features(), self._like)
        self._learning.step(updates)
        if self._learning.done:
            self._foresight, self._learning = self._learning.foresight, None
        return True

    def piece(self) -> bool:
        """Do a little of it. False when there is nothing left to do."""
        pool = self._pool()
        if not pool.full:
            pool.grow(PIECE)
            return True
        return self._learn(UPDATES)

    def rest(self, config: RoundConfig, cancel: Callable[[], bool], wait: Callable[[], None]) -> Iterator[RoundProgress]:
        """Do what a round cannot do without; reports step 0."""
        if self._like is None:
            return
        pool, enough = self._pool(), ENOUGH if self.foresight is None else ENOUGH_FORESEEN
        began, had = time.monotonic(), len(pool)
        enough = min(enough, pool.size)
        while not pool.has(enough) and not cancel():
            wait()
            pool.grow(8 * PIECE)
            speed = (len(pool) - had) / (time.monotonic() - began)
            yield RoundProgress(
                step=0,
                steps=config.steps,
                seconds_left=(max(0, enough - len(pool)) + config.steps * config.states * config.children) / speed,
                images_per_second=speed,
                note=f"looking at what the generator draws: {len(pool):,} of {enough:,} images",
            )
        began, had = time.monotonic(), 0 if self._learning is None else self._learning.learnt
        while self.foresight is None and not cancel():
            wait()
            if not self._learn(4 * UPDATES):
                return
            left, share = 0.0, 1.0
            if (learning := self._learning) is not None:
                left = (time.monotonic() - began) / (learning.learnt - had) * (learning.updates - learning.learnt)
                share = learning.learnt / learning.updates
            yield RoundProgress(
                step=0,
                steps=config.steps,
                seconds_left=left,
                note=f"learning what latents look like: {int(100 * share)} %",
            )
