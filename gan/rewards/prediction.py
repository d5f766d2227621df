"""Scores in units that a person can read."""

from dataclasses import dataclass

from gan.rewards.scorer import Scores
from gan.taste import stars_from


@dataclass(frozen=True)
class Prediction:
    """What is predicted for one image. Terms are in standard deviations over the untuned generator's images."""

    stars: float  # 1 to 5: expected rating
    spread: float  # standard deviation of the rating, in stars: from the model's doubt, the person's noise and slips
    taste: float
    realism: float | None  # None without a discriminator
    reward: float
    gated: bool  # too unreal to earn a reward
    wishes: dict[str, float]  # each of `PLAIN`, and the outside scorers with a weight


def predictions(scores: Scores) -> list[Prediction]:
    """Convert scores from `Scorer.with_doubt` into predictions: stars and reward terms, one for each image."""
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
