"""Scores as a person reads them."""

from dataclasses import dataclass

from gan.rewards.scorer import Scores
from gan.taste import stars_from


@dataclass(frozen=True)
class Prediction:
    """What is thought of one image. Terms in standard deviations of the untuned generator's images."""

    stars: float  # 1 to 5: what the person would give, in the mean
    spread: float  # one standard deviation of that, in stars: of the doubt, the person's own noise and slips
    taste: float
    realism: float | None  # None: no discriminator
    reward: float
    gated: bool  # too unreal to earn a reward
    wishes: dict[str, float]  # each of `PLAIN`, and the scorers from outside that count


def predictions(scores: Scores) -> list[Prediction]:
    """Scores (see `Scorer.with_doubt`) in words that a person knows: stars, and the terms of the reward."""
    assert scores.doubt is not None
    stars, spread = stars_from(scores.liking, (scores.doubt.square() + scores.judgement**2).sqrt())
    realism = scores.terms.realism
    return [
        Prediction(
            stars=float(stars[i]),
            spread=float(spread[i]),
            taste=float(scores.terms.taste[i]),
            realism=None if realism is None else float(realism[i]),
            reward=float(scores.reward[i]),
            gated=bool(scores.terms.gated[i]),
            wishes={name: float(values[i]) for name, values in scores.terms.wishes.items()},
        )
        for i in range(len(stars))
    ]
