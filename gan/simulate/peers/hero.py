"""HERO: Hiranaka et al. 2024, "Human-feedback efficient reinforcement learning for online diffusion model finetuning" (arXiv 2410.05116).

Its two parts, adapted. *Feedback-aligned representation*: a small network on the session's image features, trained with a triplet loss on
cosine similarity so that well-rated images (4 and 5 stars) are near the best one and badly rated ones (1 and 2) far from it; the reward is
the similarity to the best, and DDPO trains on it. *Feedback-guided generation*: in training and afterwards, states are drawn around the
latent of the best image (half of them) and of the other good ones, a = sqrt(1 - e^2) z_good + e noise, which keeps the prior's length. e
has no counterpart for a one-step generator and was chosen on dev raters (0.7 and 0.85 tried); margin, width and steps were not varied.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.rewards.scorer import Scores
from gan.simulate.peers.base import Given, Moved, Tuned
from gan.simulate.peers.ddpo import surrogate
from gan.simulate.peers.shift_policy import Plan, train_shift

MARGIN = 0.5
AT_BEST = 0.5  # share of states around the best image
SPREAD = 0.7  # e
WIDTH, STEPS, RATE = 64, 200, 1e-3  # of the representation


def _uniform(z: Tensor) -> Tensor:
    """One number in (0, 1) per latent (N, d), uniform over the prior and nearly independent of any direction: (N,)."""
    signs = torch.where(torch.arange(z.shape[1]) % 2 == 0, 1.0, -1.0)
    return torch.special.ndtr((z * signs).sum(dim=1) / math.sqrt(z.shape[1])).clamp(0.0, 1.0 - 1e-6)


def _represent(features: Tensor, best: int, good: Tensor, bad: Tensor, random: torch.Generator, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(features.shape[1], WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH))
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=1e-3)
    for _ in range(STEPS):
        plus = good[torch.randint(len(good), (32,), generator=random)]
        minus = bad[torch.randint(len(bad), (32,), generator=random)]
        codes = F.normalize(network(features), dim=1)
        near, far = codes[plus] @ codes[best], codes[minus] @ codes[best]
        loss = (far - near + MARGIN).clamp_min(0.0).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return network


def tune(given: Given) -> Tuned:
    """Train a representation, then a shift; images are drawn around liked ones. Untuned if nothing was liked, or nothing disliked."""
    stars, random = torch.from_numpy(given.stars), given.random()
    rated = torch.from_numpy(given.latents)
    good, bad = (stars >= 4).nonzero().squeeze(1), (stars <= 2).nonzero().squeeze(1)
    if not len(good) or not len(bad):
        return given.model
    scores = given.score(rated)
    best = int((stars * 100.0 + scores.liking).argmax())
    network = _represent(scores.features, best, good, bad, random, given.seed)
    with torch.no_grad():
        goal = F.normalize(network(scores.features[best]), dim=0)
    keep, stray = math.sqrt(1.0 - SPREAD**2), SPREAD

    def around(z: Tensor) -> Tensor:
        """Latents of the prior -> latents with the same noise around good ones."""
        u = _uniform(z)
        others = good[((u - AT_BEST).clamp_min(0.0) / (1.0 - AT_BEST) * len(good)).long()]
        return keep * rated[torch.where(u < AT_BEST, best, others)] + stray * z

    @torch.no_grad()
    def similarity(found: Scores) -> Tensor:
        return F.normalize(network(found.features), dim=1) @ goal

    model = train_shift(
        given,
        Plan(),
        surrogate,
        similarity,
        lambda count, source: around(torch.randn(count, given.model.z_dim, generator=source)),
    )
    return Moved(model, around)
