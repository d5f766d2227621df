"""Reward terms, each normalised against the untuned generator's own images, and how they become one number."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from gan.rewards.outside import PREFIX
from gan.rewards.plain import PLAIN


@dataclass(frozen=True)
class RewardWeights:
    """What the person's sliders say. The defaults are for a policy that chooses; see also `MOVING_WEIGHTS`."""

    taste: float = 1.0
    realism: float = 0.1
    novelty: float = 0.1  # of adding to the variety of what is chosen, see `Variety`; what moves latents: see `favour_novelty`
    typicality: float = 0.0  # of staying among images like those the untuned generator draws
    caution: float = 0.0  # standard deviations of the taste model's doubt subtracted from its mean
    # Plain measures (see `PlainMeasures`): more of each, or less where negative.
    sharpness: float = 0.0
    colourfulness: float = 0.0
    contrast: float = 0.0
    symmetry: float = 0.0
    brightness: float = 0.0
    warmth: float = 0.0
    outside: Mapping[str, float] = field(default_factory=dict)  # likewise, of scorers that are installed, by name; see `outside`

    def __post_init__(self) -> None:
        own = {name: value for name, value in vars(self).items() if name != "outside"}
        for name, value in [*own.items(), *self.outside.items()]:
            least = 0.0 if name in own and name not in PLAIN else -10.0
            if not least <= value <= 10.0:
                raise ValueError(f"reward weight {name} must lie in {least:g}..10, not {value}")

    @property
    def wishes(self) -> dict[str, float]:
        """Of the plain measures, and the scorers from outside, that count."""
        every = {name: getattr(self, name) for name in PLAIN} | {f"{PREFIX}{name}": weight for name, weight in self.outside.items()}
        return {name: weight for name, weight in every.items() if weight}


# For a policy that moves latents: what it draws may lie where no rated image ever was, so it must be cautious, and stay among images
# like those of the untuned generator. What is chosen from the prior is there already; on the benchmark's tuning raters both only cost
# variety, and likes.
MOVING_WEIGHTS = RewardWeights(realism=0.25, novelty=0.2, typicality=0.25, caution=0.5)


def relative_realism(logits: Tensor, reference_logit: float) -> Tensor:
    """log sigmoid(D(x) - mean D(reference)): (N,) -> (N,), at most 0.

    A relativistic discriminator's logit means something only beside another (Jolicoeur-Martineau 2018, arXiv 1807.00734), hence the
    mean over real images, or over the untuned generator's where there are none.
    """
    return F.logsigmoid(logits - reference_logit)


def saturate(liking: Tensor, ceiling: float, softness: float = 0.3) -> Tensor:
    """min(liking, ceiling), rounded off over about `softness`: (N,) -> (N,).

    An image that is liked is liked enough. Without a ceiling a policy chases the model's idea of the most likeable image there could be,
    which lies where no rated image ever was.
    """
    return ceiling - softness * F.softplus((ceiling - liking) / softness)


def neighbour_distance(features: Tensor, reference: Tensor, k: int, themselves: bool = False) -> Tensor:
    """Distance of each row of (N, d) to its k-th nearest row of `reference` (M, d): (N,).

    `themselves`: the features are the reference, and each row's own zero does not count.
    """
    return torch.cdist(features, reference).kthvalue(k + int(themselves), dim=1).values


def novelty(features: Tensor) -> Tensor:
    """Distance of each image (N, d) to its nearest neighbour among the others: (N,)."""
    distance = torch.cdist(features, features)
    distance.fill_diagonal_(float("inf"))
    return distance.min(dim=1).values


def favour_novelty(advantages: Tensor, novelty_scores: Tensor, weight: float) -> Tensor:
    """Multiply positive advantages by 1 + weight * novelty (standardised, within +-1); negative ones are left alone.

    Rewarding novelty as such pays for odd images; this only decides which of the good ones to follow (GARDO, arXiv 2512.24138).
    Both arguments have the same shape, as has the result.
    """
    standard = (novelty_scores - novelty_scores.mean()) / novelty_scores.std().clamp_min(1e-6)
    return torch.where(advantages > 0, advantages * (1.0 + weight * standard.clamp(-1.0, 1.0)), advantages)


@dataclass(frozen=True)
class RewardTerms:
    """Normalised terms of N images, each (N,), in standard deviations of the untuned generator's images."""

    taste: Tensor
    realism: Tensor | None  # None: there is no discriminator, the term is off
    typicality: Tensor  # minus the distance to the untuned generator's nearest images
    gated: Tensor  # bool: less real than nearly all untuned images
    wishes: Mapping[str, Tensor] = field(default_factory=dict)  # plain measures and scorers from outside; what is missing counts nothing


def compose(terms: RewardTerms, weights: RewardWeights) -> Tensor:
    """Weighted sum of the terms, at most zero where gated. (N,)"""
    # Being more typical or more real than most is no goal of its own: only the lack of it is felt in full.
    total = weights.taste * terms.taste + weights.typicality * terms.typicality.clamp(max=0.0)
    if terms.realism is not None:
        total = total + weights.realism * terms.realism.clamp(max=1.0)
    total = total + wished(terms, weights)
    return torch.where(terms.gated, total.clamp(max=0.0), total)


def wished(terms: RewardTerms, weights: RewardWeights) -> Tensor:
    """Weighted sum of plain measures and scorers from outside alone. (N,)"""
    known = ((weight, terms.wishes[name]) for name, weight in weights.wishes.items() if name in terms.wishes)
    return sum((weight * values for weight, values in known), torch.zeros_like(terms.taste))
