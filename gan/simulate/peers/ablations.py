"""Ours with one part left out, taught from the same ratings: the contribution of each part.

All start at the untuned generator, with the taste at the end of our run, and are taught one round; `one_round` is ours under the same
terms. Only a shift, which does not converge in a single round, gets as many rounds as ours had.
"""

import copy
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch

from gan.errors import UserError
from gan.guard import Limits
from gan.model import Model
from gan.networks.adapter import Adapter, Choice, ChoiceConfig, Shift, ShiftConfig
from gan.policy.rounds import Round, RoundConfig
from gan.rewards import MOVING_WEIGHTS
from gan.rewards.scorer import Scorer
from gan.simulate.peers.base import Given, Tuned
from gan.simulate.schedule import schedule
from gan.taste import Feedback

DISCRIMINATOR_RIDGE = 0.1  # the better of those tried on the tuning raters (0.1, 0.3): it costs less liking
UNLIMITED = Limits(diversity=0.0, realism=-100.0, typicality=-100.0)


def _taught(
    given: Given, config: RoundConfig | None = None, number: int = 1, foresight: bool = True, **weights: Any
) -> Model:
    """The untuned generator after `number` rounds with these settings; `weights` replace the session's reward weights by name."""
    config = config or RoundConfig()
    model, own = given.model, given.session.scorer
    shift = config.policy == "shift"
    scorer = Scorer(model, given.session.pool, leaves_prior=True) if shift else copy.copy(own)
    scorer.set_taste(given.session.learner.model)
    scorer.set_weights(replace(MOVING_WEIGHTS if shift else own.weights, **weights))
    adapter: Adapter
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(given.seed)
        if shift:
            adapter = Shift(ShiftConfig(z_dim=model.z_dim))
        else:
            adapter = Choice(ChoiceConfig(model.z_dim, model.generator.embed_dim, config.candidates))
    adapter.to(model.device).attach(model.generator)
    if isinstance(adapter, Choice) and foresight and given.session.foresight is not None:
        given.session.foresight.give(adapter)
    random = given.unshown()
    for _ in range(number):
        for _ in Round(adapter, scorer, config, random).run():
            pass
    return Model(f"{model.name}-ablated", model.generator, adapter, model.discriminator, model.card, model.device)


def one_round(given: Given) -> Tuned:
    """Ours, complete."""
    return _taught(given)


def lower_bound(given: Given) -> Tuned:
    """The reward uses the taste model's posterior mean minus half a standard deviation, instead of the mean."""
    return _taught(given, caution=MOVING_WEIGHTS.caution)


def typicality(given: Given) -> Tuned:
    """Images that differ from those the untuned generator draws most are rewarded less."""
    return _taught(given, typicality=MOVING_WEIGHTS.typicality)


def learning_discriminator(given: Given) -> Tuned:
    """While the generator is tuned, the discriminator's last layer learns to tell its images from real ones that are liked as much."""
    return _taught(given, replace(RoundConfig(), discriminator_ridge=DISCRIMINATOR_RIDGE))


def no_foresight(given: Given) -> Tuned:
    """The hidden layers start with random weights, without knowledge of latents, and learn as fast as the last layer."""
    config = RoundConfig()
    return _taught(given, replace(config, climb=replace(config.climb, hidden_rate=config.climb.learning_rate)), foresight=False)


def no_kl(given: Given) -> Tuned:
    """Hardly any cost or bound of leaving the prior: a tenth of the weight, 256 candidates, and no guard to reduce them."""
    config = RoundConfig()
    return _taught(given, replace(config, candidates=256, entropy_weight=config.entropy_weight / 10.0, limits=UNLIMITED))


def no_guard(given: Given) -> Tuned:
    """No limit on variety, realism or typicality."""
    return _taught(given, replace(RoundConfig(), limits=UNLIMITED))


def no_realism(given: Given) -> Tuned:
    """No realism in the reward."""
    return _taught(given, realism=0.0)


def no_novelty(given: Given) -> Tuned:
    """No reward for adding to variety."""
    return _taught(given, novelty=0.0)


def no_grouping(given: Given) -> Tuned:
    """Plain REINFORCE for the drawn images: no baseline from other actions in the same state."""
    return _taught(given, replace(RoundConfig(), estimator="reinforce"))


def shift(given: Given) -> Tuned:
    """A Gaussian policy around a learnt shift of z instead of a choice; with as many rounds as ours had."""
    return _taught(given, RoundConfig(policy="shift"), number=len(schedule(given.ratings)))


def random_proposals(given: Given) -> Tuned:
    """The whole session again, but with fresh images of the untuned generator to rate: none chosen for what it tells, no repeats."""
    from gan.session import TuningSession

    session = TuningSession(given.model, str(given.model.device), given.seed, cache=given.cache)
    rated, known = 0, len(session.pool)
    for size in schedule(given.ratings):
        z = torch.randn(size, given.model.z_dim, generator=session.random)
        stars = given.rate(z, rated)
        session.add({rated + i: latent.numpy() for i, latent in enumerate(z)})
        session.feedback(
            Feedback(image=rated + i, kind="stars", value=float(n), time=float(rated + i)) for i, n in enumerate(stars)
        )
        rated += size
        session.fit()
        while session.prepare():  # ours may do so too, while a person rates
            pass
        with suppress(UserError):  # nothing to learn from yet: our own run continues in that case too
            for _ in session.run_round():
                pass
    given.tally.images -= len(session.pool) - known  # not counted for ours either
    return session.tuned_model()
