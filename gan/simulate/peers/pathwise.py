"""The pathwise gradient ("turbo"): a shift of z trained by backpropagating taste and realism through generator and features.

This is what AlignProp (Prabhudesai et al. 2023, arXiv 2310.03739) and DRaFT (Clark et al. 2023, 2309.17400) do for diffusion models.
"""

import torch

from gan.model import Model
from gan.networks.adapter import Shift, ShiftConfig
from gan.policy.rounds import Round, RoundConfig
from gan.rewards import MOVING_WEIGHTS
from gan.rewards.scorer import Scorer
from gan.simulate.peers.base import Given, Tuned
from gan.simulate.schedule import schedule


def tune(given: Given) -> Tuned:
    """Train a shift, with as many rounds as ours had."""
    model, random = given.model, given.random()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(given.seed)
        adapter = Shift(ShiftConfig(z_dim=model.z_dim)).to(model.device)
    scorer = Scorer(model, given.session.pool, leaves_prior=True)
    scorer.set_taste(given.session.learner.model)
    scorer.set_weights(MOVING_WEIGHTS)
    for _ in range(len(schedule(given.ratings))):
        for _ in Round(adapter, scorer, RoundConfig(policy="shift", estimator="pathwise"), random).run():
            pass
    return Model(f"{model.name}-pathwise", model.generator, adapter, model.discriminator, model.card, model.device)
