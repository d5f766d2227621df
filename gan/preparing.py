"""Preparation of rounds: adapters and the round's reach, and once per generator the pool of images and the foresight learnt from it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from gan.model import Model
from gan.networks.adapter import Adapter, Choice, ChoiceConfig, Shift, ShiftConfig
from gan.policy.foresight import Foresight, ForesightLearner
from gan.policy.rounds import RoundConfig, RoundProgress
from gan.rewards.pool import ENOUGH, ENOUGH_FORESEEN, Pool
from gan.rewards.scorer import Scorer

UPDATES = 32  # updates of the foresight per piece
_AFFORDABLE = 180.0  # seconds that a round may take for drawing; if it would take longer, it draws fewer images:
_FEWER = ((4, 4, 8, 64), (2, 4, 8, 32))  # states, children, look_every, look_images


@dataclass(frozen=True)
class Reading:
    """What has to be drawn and read before ratings can be learnt from; estimates, since a slow generator must do with less."""

    known: int  # images that were read
    images: int  # that are missing
    seconds: float

    def __str__(self) -> str:
        """As a round's progress puts it."""
        return f"looking at what the generator draws: {self.known:,} of {self.known + self.images:,} images"


def fresh_adapter(model: Model, choice: ChoiceConfig | None) -> Adapter:
    """An untrained adapter for the model's generator: a `Choice`, or a `Shift` if `choice` is None."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        adapter = Shift(ShiftConfig(z_dim=model.z_dim)) if choice is None else Choice(choice)
    return adapter.to(model.device).attach(model.generator)


def copied(adapter: Adapter, model: Model, **changes: Any) -> Adapter:
    """A copy of an adapter, attached to the model's generator, with `changes` to its config that keep the shapes of its weights."""
    with torch.random.fork_rng(devices=[]):  # leaves the caller's random stream alone; these weights are overwritten
        copy = type(adapter)(replace(adapter.config, **changes))
    copy.load_state_dict(adapter.state_dict())
    return copy.to(model.device).attach(model.generator)


def reaching(config: RoundConfig, strength: float, conviction: float, held: int = 0) -> RoundConfig:
    """A copy of the config that reaches more or less far from the untuned generator.

    Parameters
    ----------
    strength : in [0, 1]; 0.5 leaves the config unchanged, the ends reach a quarter and four times as far.
    conviction : in (0, 1], from `TasteLearner`: with little evidence a round stays close, with its KL in nats in proportion.
    held : candidates of the choice so far. What rated images once told is not given up for less of it: a lower strength makes a choice less
        strict, but lower conviction does not. (It would lose what the choice has reached, while no conviction at all changes nothing.)
    """
    factor = 4.0 ** (2.0 * strength - 1.0)
    full = config.candidates * factor
    return replace(
        config,
        candidates=max(2, round(full**conviction), min(held, round(full))),
        kl_limit=config.kl_limit * factor * conviction,
        kl_weight=config.kl_weight / factor / conviction,
    )


def affordable(config: RoundConfig, speed: float) -> RoundConfig:
    """The config of a round, with fewer drawn images if the generator is slow: most of what a choice learns, it learns from the pool.

    Parameters
    ----------
    speed : images drawn and read per second.
    """
    for states, children, look_every, look_images in _FEWER:
        if _drawn(config) <= _AFFORDABLE * speed:
            break
        config = replace(
            config,
            states=min(config.states, states),
            children=min(config.children, children),
            look_every=max(config.look_every, look_every),
            look_images=min(config.look_images, look_images),
        )
    return config


def _drawn(config: RoundConfig) -> int:
    """Most images that a round draws."""
    return config.steps * config.states * config.children + (config.steps // config.look_every + 2) * config.look_images


class Preparation:
    """Grows the pool and trains the foresight: piece by piece while nobody waits, and the rest when a round needs it.

    Parameters
    ----------
    pool, scorer : return the pool and the scorer; called only when these are needed.
    like : shape of the choices that will start from the foresight; None if the policy is not a choice.
    given : called when a foresight is first needed; returns one that was learnt earlier, or None.
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
        self._asked = False  # whether `given` was called

    @property
    def foresight(self) -> Foresight | None:
        """The foresight learnt here, if one was (from at least twice as many images as the given one); else the given one, or None."""
        if not self._asked and self._like is not None:
            self._foresight, self._asked = self._given(), True
        return self._foresight

    def _learn(self, updates: int) -> bool:
        """Train the foresight for up to `updates` steps. Returns False if there is nothing to train."""
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
        """Do one piece of work. Returns False if nothing is left to do."""
        pool = self._pool()
        if not pool.full:
            pool.grow()
            return True
        return self._learn(UPDATES)

    def missing(self) -> int:
        """About how many images a round that began now would draw for the pool before its first step."""
        return 0 if self._like is None else self._pool().until(self._enough())

    def _enough(self) -> int:
        return ENOUGH if self.foresight is None else ENOUGH_FORESEEN

    def rest(self, config: RoundConfig, cancel: Callable[[], bool], wait: Callable[[], None]) -> Iterator[RoundProgress]:
        """Do the work without which a round cannot start. Yields progress at step 0."""
        if self._like is None:
            return
        pool, enough = self._pool(), self._enough()
        while not pool.has(enough) and not cancel():
            wait()
            pool.grow()
            missing = pool.until(enough)
            needed = min(enough, pool.size, len(pool) + missing)  # the last piece may bring more
            yield RoundProgress(
                step=0,
                steps=config.steps,
                seconds_left=(missing + config.steps * config.states * config.children) / pool.speed,
                images_per_second=pool.speed,
                note=f"looking at what the generator draws: {min(len(pool), needed):,} of {needed:,} images",
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
