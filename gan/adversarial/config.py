"""Settings of a training run, and what it reports."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from gan.adversarial.augment import AugmentConfig

VERSION = 2  # of a saved state; newer ones are refused


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a training run; saved with its checkpoints.

    Schedules span a *leg*: from `start_kimg` until `kimg` images are seen or `minutes` have passed, whichever comes first. A run that is
    continued after its end starts another leg.
    """

    kimg: float | None = 400.0  # end of the leg, in thousands of real images seen since the run's start; None: no limit
    minutes: float | None = None  # longest duration of the leg; None: no limit
    start_kimg: float = 0.0  # start of the leg
    batch: int = 32  # images per step, over all processes together
    learning_rate: float = 2.5e-3  # of both networks at the start; with equalised learning rates, larger than usual
    learning_rate_end: float = 2.5e-4  # at the end, following a half cosine
    betas: tuple[float, float] = (0.0, 0.99)  # of Adam; torch >= 2.13 requires floats
    gamma: float = 0.5  # weight of R1 and R2 at the start (gamma / 2 * squared norm)
    gamma_end: float = 0.1  # at the end, following a half cosine
    penalty_interval: int = 8  # steps between penalties, which are weighted by this interval (Karras et al. 2020, sec. 3.1)
    ema_kimg: float = 10.0  # half-life of the generator's moving average
    mirror: bool = True  # random horizontal flips
    augment: AugmentConfig = field(default_factory=AugmentConfig)  # of real and generated images alike
    seed: int = 0

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainConfig":
        """The configuration from the result of `dataclasses.asdict`; fields of other versions are ignored."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        if "augment" in known:
            known["augment"] = AugmentConfig(**known["augment"])
        if "betas" in known:
            known["betas"] = tuple(known["betas"])
        return cls(**known)

    def fraction(self, images: int, seconds: float) -> float:
        """The share of the leg that is done, from 0: by images or by time, whichever is larger; 1 or more at its end."""
        by_images = by_time = 0.0
        if self.kimg is not None:
            start = self.start_kimg * 1000.0
            by_images = (images - start) / max(self.kimg * 1000.0 - start, 1.0)
        if self.minutes is not None:
            by_time = seconds / (self.minutes * 60.0)
        return max(by_images, by_time)

    def seconds_left(self, images: int, seconds: float, images_per_second: float) -> float:
        """Remaining seconds of the leg at that speed; infinite if it has no end."""
        by_images = by_time = math.inf
        if self.kimg is not None:
            by_images = (self.kimg * 1000.0 - images) / max(images_per_second, 1e-9)
        if self.minutes is not None:
            by_time = self.minutes * 60.0 - seconds
        return max(min(by_images, by_time), 0.0)

    def learning_rate_at(self, fraction: float) -> float:
        """The scheduled learning rate at a fraction of the leg in [0, 1]."""
        return half_cosine(self.learning_rate, self.learning_rate_end, fraction)

    def gamma_at(self, fraction: float) -> float:
        """The scheduled weight of the penalties at a fraction of the leg in [0, 1]."""
        return half_cosine(self.gamma, self.gamma_end, fraction)


@dataclass(frozen=True)
class TrainProgress:
    """One report. Losses, gradients and the gap are means since the last report, over all processes."""

    images: int  # real images seen so far
    fraction: float  # of the leg, 0 to 1
    images_per_second: float  # by the wall clock, smoothed over half a minute
    seconds_left: float  # at that speed, or until the time limit
    generator_loss: float
    discriminator_loss: float
    gradient_penalty: float  # mean squared gradient norm over real and generated images, without gamma
    realness_gap: float  # mean D(real) - mean D(generated)
    generator_gradient: float = math.nan  # norm over all parameters
    discriminator_gradient: float = math.nan
    learning_rate: float = math.nan
    data_wait: float = 0.0  # share of the time that training waited for pictures
    rollbacks: int = 0  # number of rollbacks so far


def half_cosine(start: float, end: float, fraction: float) -> float:
    """From `start` at 0 to `end` at 1 along half a cosine; flat outside."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(max(fraction, 0.0), 1.0)))
