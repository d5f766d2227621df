"""One round as the studio and the command line run it; its result is on disk before it is reported."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from gan.errors import UserError, reason
from gan.networks import latents
from gan.rewards import MOVING_WEIGHTS, RewardWeights
from gan.rewards.outside import PREFIX, installed
from gan.session import RoundProgress, RoundResult, TuningSession
from studio.worker.messages import RoundSettings

STOPPED = "Stopped before any version was better; nothing was changed."
LIKED = 0.8  # quantile of the untuned images' liking above which an image counts as liked
_WISH = 0.5  # weight of a plain measure whose slider is at 1
_MOST_JUDGED, _FEWEST_JUDGED = 192, 48  # images whose predicted like rate is stored with a round: as many as can be drawn
_JUDGING = 10.0  # in so many seconds
_SEEDS = range(1_000_000, 1_000_000 + _MOST_JUDGED)  # far from those of the strip


@dataclass(frozen=True)
class Taught:
    """How a round ended."""

    kept: bool
    reason: str  # one sentence
    checkpoint: Path | None  # on disk; None: the generator is unchanged
    metrics: dict[str, float | None]


def teach(
    session: TuningSession,
    checkpoint: Path,
    *,
    steps: int | None = None,
    settings: RoundSettings = RoundSettings(),  # noqa: B008 - frozen
    facts: Mapping[str, Any] = MappingProxyType({}),
    cancel: Callable[[], bool] = lambda: False,
    keep: Callable[[], bool] = lambda: True,
    after_step: Callable[[RoundProgress], None] = lambda progress: None,
) -> Taught:
    """Run a round; if it is kept, write it to `checkpoint`, with `facts` for the project as plain JSON.

    `cancel` is called between steps and `keep` at the end. If the round ends in any other way, including an exception of `after_step`, the
    generator stays as it was.

    Raises
    ------
    UserError
        There are too few ratings, or the checkpoint cannot be written.
    """
    before, rounds = session.adapter, session.rounds
    done = False
    session.set_weights(reward_weights(settings))
    try:
        for progress in session.run_round(steps, cancel=cancel, strength=strength(settings)):
            after_step(progress)
        result = session.last_round
        assert result is not None
        kept, why = result.kept and keep(), result.reason
        if result.kept and not kept:
            why = "Stopped on request; nothing was changed."
        elif not result.kept and cancel():
            why = STOPPED
        metrics = measured(result, predicted_like_rate(session) if kept else None)
        if kept:
            try:
                os.stat(checkpoint.parent)  # otherwise it would be created, and a project that was moved meanwhile could not be put back
                session.save_checkpoint(checkpoint, {"reason": why, **metrics, "project": {**facts, "metrics": metrics}})
            except OSError as error:
                raise UserError(
                    f"The round could not be saved ({reason(error)}); the generator is as it was before it."
                ) from error
        done = kept
        return Taught(kept, why, checkpoint if kept else None, metrics)
    finally:
        if not done:
            session.adapter = before
            session.rounds = rounds


def turned(kept: Mapping[str, Any] | None, turned_now: Mapping[str, float] | None = None) -> RoundSettings:
    """The sliders stored in a project (unknown ones are left out), overridden by those given now."""
    factors = dict(kept or {})
    outside = {f"{PREFIX}{name}": factor for name, factor in factors.pop("outside", {}).items() if factor and name in installed()}
    known = {"strength", *vars(RewardWeights())}
    factors = {name: float(factor) for name, factor in factors.items() if name in known} | outside | dict(turned_now or {})
    return RoundSettings(factors.pop("strength", 1.0), factors)


def strength(settings: RoundSettings) -> float:
    """The strength slider, a factor around 1.0, converted for `run_round`: 0..1, where 0.5 is the factor 1."""
    factor = min(max(settings.strength, 0.25), 4.0)
    return (math.log(factor, 4.0) + 1.0) / 2.0


def reward_weights(settings: RoundSettings) -> RewardWeights:
    """The sliders as reward weights, where 1.0 is the default. Raises UserError for a term that does not exist."""
    own = dict(vars(RewardWeights()))
    del own["outside"]
    named = {name: factor for name, factor in settings.weights.items() if not name.startswith(PREFIX)}
    if unknown := set(named) - set(own):
        raise UserError(f"There is no reward term named {', '.join(sorted(unknown))}; there are {', '.join(own)} and scorer:NAME.")
    usual = {name: value or getattr(MOVING_WEIGHTS, name) or _WISH for name, value in own.items()}  # also for terms that are off by default
    values = {name: factor * usual[name] for name, factor in named.items()}
    outside = {name.removeprefix(PREFIX): _WISH * settings.weights[name] for name in set(settings.weights) - set(named)}
    return RewardWeights(**{**own, **values}, outside=outside)


@torch.no_grad()
def predicted_like_rate(session: TuningSession) -> float:
    """Share of fresh tuned images that the taste model puts above the untuned generator's 80th percentile."""
    limit = float(torch.quantile(session.scorer.reference_liking, LIKED))
    seeds = _SEEDS[: int(min(_MOST_JUDGED, max(_FEWEST_JUDGED, _JUDGING * session.pool.speed)))]
    z = latents(seeds, session.model.z_dim).to(session.model.device)
    return float((session.score(session.adapter(z).cpu().numpy()).liking > limit).float().mean())


def measured(result: RoundResult, like_rate: float | None) -> dict[str, float | None]:
    """The metrics stored for a round, as plain JSON; standard deviations are those of the untuned generator's images."""
    return {
        "like_rate_predicted": like_rate,
        "taste": finite(result.best.taste),
        "realism": finite(result.best.realism),
        "diversity": finite(result.best.diversity),
        "start_taste": finite(result.start.taste),
        "start_realism": finite(result.start.realism),
        "start_diversity": finite(result.start.diversity),
        "kl": finite(result.kl),
        "seconds": finite(result.seconds),
        "steps": float(result.steps),
    }


def finite(value: float) -> float | None:
    """The value, or None if JSON cannot hold it."""
    return float(value) if math.isfinite(value) else None
