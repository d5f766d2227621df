"""How long to train, and along which schedules: for a first leg, and for going on."""

from dataclasses import replace
from typing import Any

from gan.adversarial.config import TrainConfig

_KIMG = 400.0  # of a run for which nothing is said
# Near its goal a run needs smaller steps, and the strong penalties of a start are behind it.
_WARM_RATE = 1e-3


def first_leg(config: TrainConfig, kimg: float | None, minutes: float | None, warm: bool) -> TrainConfig:
    """The schedules of a new run; `warm` if it starts from a generator of the same size."""
    if kimg is None and minutes is None:
        kimg = _KIMG
    config = replace(config, kimg=kimg, minutes=minutes, start_kimg=0.0)
    return replace(config, learning_rate=_WARM_RATE, gamma=config.gamma_end) if warm else config


def next_leg(state: dict[str, Any], kimg: float | None, minutes: float | None) -> tuple[TrainConfig, bool]:
    """The configuration to go on with from a saved state, and whether that begins a new leg.

    Without a new goal an unfinished leg goes on as it was. A finished one, or another goal, begins a leg from here: the learning rate
    starts where it was, or at a warm start's if that is more, and falls to its end again.
    """
    config = TrainConfig.from_dict(state["config"])
    images = int(state["images_seen"])
    fraction = config.fraction(images, float(state.get("seconds", 0.0)))
    if kimg is None and minutes is None:
        return config, False
    if (kimg, minutes) == (config.kimg, config.minutes) and fraction < 1.0:
        return config, False
    if kimg is not None and images >= kimg * 1000.0:  # that many have been seen: nothing is left to do
        return replace(config, kimg=kimg, minutes=minutes), False
    leg = replace(
        config,
        kimg=kimg,
        minutes=minutes,
        start_kimg=images / 1000.0,
        learning_rate=max(config.learning_rate_at(fraction), min(_WARM_RATE, config.learning_rate)),
        gamma=config.gamma_at(fraction),
    )
    return leg, True
