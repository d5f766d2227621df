"""Implicit signals: what a person does with an image without rating it, as weak evidence of whether they like it.

A logistic model predicts "liked" (four stars, five, or a like) from what was done with an image; it is fitted to images that were also
rated. Its weight follows from how well it predicts held-out ratings: zero at first, and whenever it is no better than chance.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan.taste.events import Observation

KINDS = ("dwell", "loupe", "zoom", "save", "copy", "export")
FEWEST = 24  # rated images with signals below which nothing is learnt
_FEWEST_OF_EACH = 5  # and the same for those that are liked, and for the others
_FOLDS = 5
_RIDGE = 1.0  # on standardised columns
_DOUBT = 2.0  # standard errors that are subtracted from the correlation
_HALF = 0.25  # half the width of the interval of f that a signal stands for: negligible beside its noise


@dataclass(frozen=True)
class Signal:
    """One implicit signal: something that was done with one image. ValueError for an unknown kind or a negative or infinite value."""

    image: int
    kind: str  # one of KINDS
    value: float = 1.0  # seconds for "dwell", 1 for every other kind
    time: float = 0.0  # seconds since the epoch

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of signal {self.kind!r}: use one of {', '.join(KINDS)}")
        if not (math.isfinite(self.value) and self.value >= 0.0):
            raise ValueError(f"a signal's value is 0 or more, not {self.value}")


@dataclass(frozen=True)
class Implicit:
    """What implicit signals are worth, and the observations made from them."""

    auc: float  # of liked against other images, on held-out ratings: 0.5 is chance
    weight: float  # correlation with liking, less a margin of doubt, 0..1
    rated: int  # number of images that this was learnt from
    found: tuple[Observation, ...]  # of images with signals and no rating; none while the weight is 0


def described(signals: Iterable[Signal]) -> dict[int, tuple[float, ...]]:
    """Signals of each image as numbers: log(1 + seconds looked at), then 0 or 1 for each other kind."""
    found: dict[int, list[float]] = {}
    for signal in signals:
        row = found.setdefault(signal.image, [0.0] * len(KINDS))
        place = KINDS.index(signal.kind)
        row[place] = row[place] + signal.value if signal.kind == "dwell" else 1.0
    return {image: (math.log1p(row[0]), *row[1:]) for image, row in found.items()}


def _logistic(columns: Tensor, liked: Tensor) -> Tensor:
    """Ridge logistic regression of liked (n,), 0 or 1, on columns (n, k), by Newton's method: coefficients (k + 1,), the constant last."""
    with_one = torch.cat([columns, torch.ones(len(columns), 1, dtype=columns.dtype)], dim=1)
    penalty = torch.diag(torch.tensor([_RIDGE] * columns.shape[1] + [1e-3], dtype=columns.dtype))
    weights = torch.zeros(with_one.shape[1], dtype=columns.dtype)
    for _ in range(12):
        p = torch.sigmoid(with_one @ weights)
        slope = with_one.t() @ (liked - p) - penalty @ weights
        curvature = with_one.t() @ ((p * (1.0 - p))[:, None] * with_one) + penalty
        step = torch.linalg.solve(curvature, slope)
        weights = weights + step * (2.0 / step.norm().clamp_min(2.0))  # limits the step, so that the probabilities do not saturate
    return weights


def area_under_curve(guesses: Tensor, liked: Tensor) -> float:
    """Share of pairs of a liked and another image in which the liked one has the higher guess (ties count half). Both kinds must occur."""
    gap = guesses[liked][:, None] - guesses[~liked][None, :]
    return float(((gap > 0).double() + 0.5 * (gap == 0).double()).mean())


def learn(signals: Sequence[Signal], scores: Mapping[int, float], liked: Mapping[int, bool], times: Sequence[float]) -> Implicit | None:
    """Learn what signals are worth; None while too few images have both signals and a rating.

    Parameters
    ----------
    signals : all signals, in order.
    scores : by rated image, its rating on the scale of f.
    liked : by the same images, whether they are liked.
    times : of all feedback events, ascending; they place a signal among the events.
    """
    rows = described(signals)
    both = [image for image in scores if image in rows]
    likes = torch.tensor([liked[image] for image in both])
    fewest = min(int(likes.sum()), len(both) - int(likes.sum()))
    if len(both) < FEWEST or fewest < _FEWEST_OF_EACH:
        return None
    known = torch.tensor([rows[image] for image in both], dtype=torch.float64)
    mean, spread = known.mean(dim=0), known.std(dim=0).clamp_min(1e-3)
    known, answers = (known - mean) / spread, likes.double()
    guesses = torch.zeros(len(both), dtype=torch.float64)
    fold = torch.randperm(len(both), generator=torch.Generator().manual_seed(0)) % _FOLDS  # the same ratings give the same folds
    for part in range(_FOLDS):
        weights = _logistic(known[fold != part], answers[fold != part])
        guesses[fold == part] = known[fold == part] @ weights[:-1] + weights[-1]
    weight = reliable(guesses, torch.tensor([scores[image] for image in both], dtype=torch.float64))
    found: list[Observation] = []
    if weight:
        weights = _logistic(known, answers)
        last = {signal.image: signal.time for signal in signals}
        extra = (1.0 - weight**2) / weight**2  # a variable with this correlation is f with noise of this variance, up to a factor
        for image in rows.keys() - scores.keys():
            row = (torch.tensor(rows[image], dtype=torch.float64) - mean) / spread
            level = float((row @ weights[:-1] + weights[-1] - guesses.mean()) / guesses.std().clamp_min(1e-6))
            score = max(-3.0, min(3.0, level)) / weight
            moment = bisect_right(times, last[image])
            found.append(Observation(image, score - _HALF, score + _HALF, score, 0, None, moment, 0.0, extra))
    return Implicit(area_under_curve(guesses, likes), weight, len(both), tuple(found))


def reliable(guesses: Tensor, scores: Tensor) -> float:
    """Their correlation, less a margin for the small number of images (Fisher's transformation), and at least 0."""
    if float(guesses.std()) < 1e-9 or float(scores.std()) < 1e-9:
        return 0.0
    correlation = float(torch.corrcoef(torch.stack([guesses, scores]))[0, 1])
    return max(0.0, math.tanh(math.atanh(max(-0.99, min(0.99, correlation))) - _DOUBT / math.sqrt(len(scores) - 3)))
