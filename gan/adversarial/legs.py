"""How long to train, and along which schedules: for a first leg, and for going on."""

import math
from dataclasses import replace
from typing import Any

from gan.adversarial.config import TrainConfig

_KIMG = 400.0  # of a run for which nothing is said
# Near its goal a run needs smaller steps, and the strong penalties of a start are behind it.
_WARM_RATE = 1e-3
_SHORT_KIMG, _SHORT_MINUTES = 100.0, 30.0  # runs up to either are short,
_FEW = 8  # and take so many images a step on a CPU


Gamma = tuple[float, float]
"""Weight of the gradient penalties at the start and at the end."""


def first_leg(
    config: TrainConfig, kimg: float | None, minutes: float | None, warm: bool, gamma: Gamma | None = None
) -> TrainConfig:
    """The schedules of a new run; `warm` if it starts from a generator of the same size."""
    if kimg is None and minutes is None:
        kimg = _KIMG
    config = replace(config, kimg=kimg, minutes=minutes, start_kimg=0.0)
    if warm:
        config = replace(config, learning_rate=_WARM_RATE, gamma=config.gamma_end)
    return config if gamma is None else replace(config, gamma=gamma[0], gamma_end=gamma[1])


def usual_batch(config: TrainConfig, device: str) -> int:
    """Images a step of a new run for which nobody chose.

    A CPU draws few at once nearly as quickly as many, and what a short run lacks is steps. A long one has enough of them, and towards
    its end steadier ones are worth more.

    device : its type, as "cpu".
    """
    short = (config.kimg or math.inf) <= _SHORT_KIMG or (config.minutes or math.inf) <= _SHORT_MINUTES
    return _FEW if device == "cpu" and short else config.batch


def next_leg(
    state: dict[str, Any], kimg: float | None, minutes: float | None, gamma: Gamma | None = None
) -> tuple[TrainConfig, bool]:
    """The configuration to go on with from a saved state, and whether that begins a new leg.

    Without a new goal an unfinished leg goes on as it was. A finished one, another goal or other penalties begin a leg from here: the
    learning rate starts where it was, or at a warm start's if that is more, and falls to its end again.
    """
    config = TrainConfig.from_dict(state["config"])
    images = int(state["images_seen"])
    fraction = config.fraction(images, float(state.get("seconds", 0.0)))
    as_before = gamma in (None, (config.gamma, config.gamma_end))
    if kimg is None and minutes is None:
        if as_before:
            return config, False
        kimg, minutes = config.kimg, config.minutes
    if (kimg, minutes) == (config.kimg, config.minutes) and fraction < 1.0 and as_before:
        return config, False
    if kimg is not None and images >= kimg * 1000.0:  # that many have been seen: nothing is left to do
        return replace(config, kimg=kimg, minutes=minutes), False
    leg = replace(
        config,
        kimg=kimg,
        minutes=minutes,
        start_kimg=images / 1000.0,
        learning_rate=max(config.learning_rate_at(fraction), min(_WARM_RATE, config.learning_rate)),
        gamma=config.gamma_at(fraction) if gamma is None else gamma[0],
        gamma_end=config.gamma_end if gamma is None else gamma[1],
    )
    return leg, True
