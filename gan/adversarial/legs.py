"""Length and schedules of a run: of its first leg, and of later ones."""

import math
from dataclasses import replace
from typing import Any

from gan.adversarial.config import TrainConfig

_KIMG = 400.0  # default length of a run
# A warm start is near its goal: it needs smaller steps, and not the strong penalties of a random start.
_WARM_RATE = 1e-3
_SHORT_KIMG, _SHORT_MINUTES = 100.0, 30.0  # runs up to either length are short,
_FEW = 8  # and then use this many images per step on a CPU


Gamma = tuple[float, float]
"""Weight of the gradient penalties at the start and at the end."""


def first_leg(
    config: TrainConfig, kimg: float | None, minutes: float | None, warm: bool, gamma: Gamma | None = None
) -> TrainConfig:
    """The schedules of a new run. `warm` : whether it starts from a generator of the same size."""
    if kimg is None and minutes is None:
        kimg = _KIMG
    config = replace(config, kimg=kimg, minutes=minutes, start_kimg=0.0)
    if warm:
        config = replace(config, learning_rate=_WARM_RATE, gamma=config.gamma_end)
    return config if gamma is None else replace(config, gamma=gamma[0], gamma_end=gamma[1])


def usual_batch(config: TrainConfig, device: str) -> int:
    """Default number of images per step of a new run.

    On a CPU, small batches are nearly as fast per image as large ones, and a short run needs more steps. A long run has enough of them, and
    benefits from less noisy gradients towards its end.

    device : its type, such as "cpu".
    """
    short = (config.kimg or math.inf) <= _SHORT_KIMG or (config.minutes or math.inf) <= _SHORT_MINUTES
    return _FEW if device == "cpu" and short else config.batch


def next_leg(
    state: dict[str, Any], kimg: float | None, minutes: float | None, gamma: Gamma | None = None
) -> tuple[TrainConfig, bool]:
    """The configuration to continue with from a saved state, and whether it starts a new leg.

    Without a new goal, an unfinished leg continues unchanged. A finished leg, another goal or other penalties start a new leg: the learning
    rate starts where it was, or at a warm start's if that is higher, and decays to its end value again.
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
    if kimg is not None and images >= kimg * 1000.0:  # already reached: nothing is left to do
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
