"""Reward terms, each normalised against the untuned generator's own images, and their combination into one number."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.rewards.outside import PREFIX
from gan.rewards.plain import PLAIN


@dataclass(frozen=True)
class RewardWeights:
    """Weights set by the person's sliders. The defaults are for policies that choose latents; those that move them have `MOVING_WEIGHTS`.

    Taste, realism, novelty, typicality and caution lie in 0..10, the others in -10..10; anything else is a ValueError.
    """

    taste: float = 1.0
    realism: float = 0.25
    novelty: float = 0.1  # of an image's contribution to variety: see `Variety`, and `favour_novelty` for policies that move latents
    typicality: float = 0.0  # of resembling what the untuned generator draws
    caution: float = 0.0  # how many of the taste model's posterior standard deviations are subtracted from its mean
    # Plain measures (see `PlainMeasures`): positive for more of each, negative for less.
    sharpness: float = 0.0
    colourfulness: float = 0.0
    contrast: float = 0.0
    symmetry: float = 0.0
    brightness: float = 0.0
    warmth: float = 0.0
    outside: Mapping[str, float] = field(default_factory=dict)  # likewise, of installed outside scorers by name (`gan.rewards.outside`)

    def __post_init__(self) -> None:
        own = {name: value for name, value in vars(self).items() if name != "outside"}
        for name, value in [*own.items(), *self.outside.items()]:
            least = 0.0 if name in own and name not in PLAIN else -10.0
            if not least <= value <= 10.0:
                raise ValueError(f"reward weight {name} must lie in {least:g}..10, not {value}")

    @property
    def wishes(self) -> dict[str, float]:
        """The weights of plain measures and outside scorers that are not zero."""
        every = {name: getattr(self, name) for name in PLAIN} | {f"{PREFIX}{name}": weight for name, weight in self.outside.items()}
        return {name: weight for name, weight in every.items() if weight}


# A policy that moves latents can draw images unlike any that was rated, so it must be cautious and stay near the untuned generator's
# images. What is chosen from the prior is there already; on the benchmark's tuning raters, caution and typicality then only cost variety
# and likes.
MOVING_WEIGHTS = RewardWeights(novelty=0.2, typicality=0.25, caution=0.5)


def relative_realism(logits: Tensor, reference_logit: float) -> Tensor:
    """log sigmoid(D(x) - mean D(reference)): (N,) -> (N,), at most 0.

    The logit of a relativistic discriminator only has a meaning relative to others (Jolicoeur-Martineau 2018, arXiv 1807.00734); hence the
    mean over real images, or over the untuned generator's if there are none.
    """
    return F.logsigmoid(logits - reference_logit)


def saturate(liking: Tensor, ceiling: float, softness: float = 0.3) -> Tensor:
    """A smooth min(liking, ceiling), rounded over a width of about `softness`: (N,) -> (N,).

    Without a ceiling, a policy chases the most likeable image that the model can imagine, which lies where no image was ever rated. Beyond
    the ceiling an image is liked enough.
    """
    return ceiling - softness * F.softplus((ceiling - liking) / softness)


def neighbour_distance(features: Tensor, reference: Tensor, k: int, themselves: bool = False) -> Tensor:
    """Distance of each row of (N, d) to its k-th nearest row of `reference` (M, d): (N,).

    `themselves` : whether `features` are the reference; then a row does not count as its own neighbour.
    """
    return torch.cdist(features, reference).kthvalue(k + int(themselves), dim=1).values


def novelty(features: Tensor) -> Tensor:
    """Distance of each image (N, d) to its nearest neighbour among the others: (N,)."""
    distance = torch.cdist(features, features)
    distance.fill_diagonal_(float("inf"))
    return distance.min(dim=1).values


def favour_novelty(advantages: Tensor, novelty_scores: Tensor, weight: float) -> Tensor:
    """Multiply positive advantages by 1 + weight * novelty, which is standardised and clamped to +-1; negative ones stay.

    A reward for novelty would pay for odd images; this only decides which of the good ones to follow (GARDO, arXiv 2512.24138). Both
    arguments and the result have the same shape.
    """
    standard = (novelty_scores - novelty_scores.mean()) / novelty_scores.std().clamp_min(1e-6)
    return torch.where(advantages > 0, advantages * (1.0 + weight * standard.clamp(-1.0, 1.0)), advantages)


@dataclass(frozen=True)
class RewardTerms:
    """Normalised terms of N images, each (N,), in standard deviations over the untuned generator's images."""

    taste: Tensor
    realism: Tensor | None  # None without a discriminator
    typicality: Tensor  # minus the distance to the nearest reference images
    gated: Tensor  # bool: less real than nearly all of the untuned generator's images, or too far from them
    wishes: Mapping[str, Tensor] = field(default_factory=dict)  # plain measures and outside scorers; a missing one counts as 0


def compose(terms: RewardTerms, weights: RewardWeights) -> Tensor:
    """Weighted sum of the terms, capped at 0 where gated: (N,)."""
    # Above-average typicality is worth nothing and realism saturates at 1: neither is a goal in itself, only a lack of it is penalised.
    total = weights.taste * terms.taste + weights.typicality * terms.typicality.clamp(max=0.0)
    if terms.realism is not None:
        total = total + weights.realism * terms.realism.clamp(max=1.0)
    total = total + wished(terms, weights)
    return torch.where(terms.gated, total.clamp(max=0.0), total)


def wished(terms: RewardTerms, weights: RewardWeights) -> Tensor:
    """Weighted sum of plain measures and outside scorers alone: (N,)."""
    known = ((weight, terms.wishes[name]) for name, weight in weights.wishes.items() if name in terms.wishes)
    return sum((weight * values for weight, values in known), torch.zeros_like(terms.taste))
