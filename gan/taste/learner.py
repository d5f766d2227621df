"""Turns feedback into a taste model, with scores of how well it predicts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan.errors import TooLittleSaid
from gan.taste import tags as words
from gan.taste.events import LIKE_EDGE, Feedback, Observation, consistency, observations, repeats, said
from gan.taste.features import RawFeatures
from gan.taste.kernel import Contrasts, Features
from gan.taste.model import TasteModel
from gan.taste.signals import Implicit, Signal, area_under_curve, learn

USEFUL_FROM = 12  # opinions below which no model is fitted
_TRUSTED_FROM = 24
_WINDOW = 150  # latest predictions, one per image, that count towards the accuracy
_CURVE_WINDOW = 60  # and towards one point of the curve


@dataclass(frozen=True)
class TasteSummary:
    """What is known about the taste so far."""

    count: int  # images with a current opinion
    accuracy: float | None  # share of pairs of unequal ratings whose prior predictions are in the right order; None: too few
    guesses: int  # images whose rating was predicted before it was learnt, whoever chose them; at most the latest 150
    trusted: bool  # whether there are enough ratings to teach from
    auc: float | None = None  # prequential too: share of pairs of a liked and another image predicted in the right order
    repeats: int = 0  # images rated again after a while
    consistency: float | None = None  # correlation of those ratings with the earlier ones; None: too few, or all the same
    changed: bool = False  # whether the taste has changed since the start
    signs: Implicit | None = None  # the value of implicit signals; None: too few, or switched off
    told: words.Told | None = None  # the value of tags; likewise


class TasteLearner:
    """Stores features and events of images; fits a taste model on demand.

    Parameters
    ----------
    standardiser : makes raw features comparable, for example a `Standardiser`.
    """

    def __init__(self, standardiser: Callable[[RawFeatures], Features]) -> None:
        self._standardise = standardiser
        self._features: dict[int, tuple[Tensor, ...]] = {}  # image -> one (d_group,) tensor a group
        self._events: list[Feedback] = []
        self._guesses: dict[int, float] = {}  # image -> f as predicted before its first rating was learnt
        self._learnt: set[int] = set()
        self._signals: list[Signal] = []
        self._signs: Implicit | None = None
        self._tags: list[words.Tag] = []
        self._told: words.Told | None = None
        self.use_signals = True  # whether to learn from implicit signals
        self.use_tags = True  # whether to learn from tags
        self.model: TasteModel | None = None

    def add(self, ids: Sequence[int], raw: RawFeatures) -> None:
        """Register images and their features under these ids, before any feedback on them."""
        groups = self._standardise(raw)
        for row, image in enumerate(ids):
            self._features[image] = tuple(group[row] for group in groups)

    def feedback(self, events: Iterable[Feedback]) -> None:
        """Append events. KeyError, and nothing is appended, if one is about an image whose features were not added before."""
        self._events = [*self._events, *self._known(events)]

    def signals(self, signals: Iterable[Signal]) -> None:
        """Append implicit signals, which are never taken back. KeyError at the first one of an unknown image; those before it are kept."""
        for signal in signals:
            self._must_know(signal.image)
            self._signals.append(signal)

    def tags(self, tags: Iterable[words.Tag]) -> None:
        """Append tags given to known images or taken from them; `replace` does not affect them. Errors as in `signals`."""
        for tag in tags:
            self._must_know(tag.image)
            self._tags.append(tag)

    def _must_know(self, *images: int | None) -> None:
        for image in images:
            if image is not None and image not in self._features:
                raise KeyError(f"feedback on image {image}, which was never added")

    def replace(self, events: Iterable[Feedback]) -> None:
        """Replace all earlier events by these (after an undo). KeyError, and the earlier ones stay, if one is about an unknown image."""
        self._events = self._known(events)

    def _known(self, events: Iterable[Feedback]) -> list[Feedback]:
        found = list(events)
        for event in found:
            if not isinstance(event, Feedback):
                raise TypeError(f"an event is a Feedback, not {type(event).__name__}")
            self._must_know(event.image, event.other)
        return found

    def standing(self) -> list[Observation]:
        """The current opinions: see `observations`."""
        return observations(self._events)

    def prefers(self) -> bool:
        """Whether anything in the current opinions ranks one image above another."""
        standing = self.standing()
        rated = {o.score for o in standing if o.other is None}
        return len(rated) > 1 or any(o.score != 0.0 for o in standing if o.other is not None)

    @property
    def conviction(self) -> float:
        """How far the preference is to be followed, 0..1: 0 if chance would explain the feedback as well, 1 from one nat of evidence on."""
        return 0.0 if self.model is None else min(1.0, max(0.0, self.model.preference))

    def convinced(self) -> float:
        """`conviction`, if it is above 0.

        Raises
        ------
        TooLittleSaid
            There are too few ratings to learn a taste from, none ranks one image above another, or chance would explain them as well.
        """
        if self.model is None:
            raise TooLittleSaid("there are too few ratings to teach from: rate at least a grid of images first")
        if not self.prefers():
            raise TooLittleSaid("all ratings are alike: rate some images higher than others, so that there is something to learn")
        if self.conviction == 0.0:
            raise TooLittleSaid("no clear taste shows in the ratings yet: rate some more images, then teach again")
        return self.conviction

    def features_of(self, ids: Sequence[int]) -> Features:
        """Standardised features of known images, one (n, d_group) tensor per group."""
        return tuple(torch.stack(column) for column in zip(*(self._features[i] for i in ids), strict=True))

    def fit(self) -> TasteSummary:
        """Fit the model to all feedback so far; ratings that are new are first predicted, for the scores in the summary."""
        standing = self.standing()
        rated = [o for o in standing if o.other is None]
        self._guess([o for o in rated if o.image not in self._learnt])
        self._learnt.update(o.image for o in rated)
        self._signs = self._read_signs(rated) if self.use_signals and self._signals else None
        self._told = self._read_tags(rated) if self.use_tags and self._tags else None
        if len(standing) >= USEFUL_FROM:
            weak = [observation for of in (self._signs, self._told) if of is not None for observation in of.found]
            heard = sorted([*said(self._events), *weak], key=lambda o: o.moment)
            columns = ((o.low, o.high, o.score, o.guess, o.extra) for o in heard)
            self.model = TasteModel(self._observed(heard), *torch.tensor(list(columns), dtype=torch.float64).unbind(dim=1))
        else:
            self.model = None
        return self.summary()

    def _read_signs(self, rated: list[Observation]) -> Implicit | None:
        scores = {o.image: o.score for o in rated}
        times = sorted(event.time for event in self._events)
        return learn(self._signals, scores, {image: score > LIKE_EDGE for image, score in scores.items()}, times)

    def _read_tags(self, rated: list[Observation]) -> words.Told | None:
        return words.learn(self._tags, {o.image: o.score for o in rated}, sorted(event.time for event in self._events))

    def _observed(self, heard: list[Observation]) -> Contrasts:
        first = self.features_of([o.image for o in heard])
        paired = torch.tensor([o.other is not None for o in heard])
        if not paired.any():
            return Contrasts(first)
        return Contrasts(first, self.features_of([o.image if o.other is None else o.other for o in heard]), paired)

    def _guess(self, new: list[Observation]) -> None:
        if self.model is None or not new:
            return
        mean, _ = self.model.predict(self.features_of([o.image for o in new]))
        for observation, value in zip(new, mean.tolist(), strict=True):
            self._guesses.setdefault(observation.image, value)

    def _guessed(self, standing: list[Observation]) -> list[tuple[float, float]]:
        """Prediction and score of each image that was predicted; the score is that of its stars, if it has both stars and a flag."""
        scores: dict[int, float] = {}
        for observation in standing:  # an image's stars come before its flag
            if observation.other is None and observation.image in self._guesses:
                scores.setdefault(observation.image, observation.score)
        return [(self._guesses[image], score) for image, score in scores.items()]

    def summary(self) -> TasteSummary:
        """Counts and prequential scores: how well predictions agree with the ratings that followed (ties count half)."""
        standing = self.standing()
        pairs = self._guessed(standing)[-_WINDOW:]
        accuracy = _concordance(pairs)
        count = len({image for o in standing for image in (o.image, o.other) if image is not None})
        again = repeats(self._events)
        return TasteSummary(
            count,
            accuracy,
            len(pairs),
            trusted=count >= _TRUSTED_FROM,
            auc=_area(pairs),
            repeats=len(again),
            consistency=consistency(again),
            changed=self.model is not None and self.model.changed is not None,
            signs=self._signs,
            told=self._told,
        )

    def curve(self, points: int = 24) -> tuple[tuple[int, float], ...]:
        """Accuracy over time: (predictions so far, concordance among the latest of them) at about `points` moments, the last one now."""
        pairs = self._guessed(self.standing())
        step = max(4, len(pairs) // points)
        found = [(n, _concordance(pairs[max(0, n - _CURVE_WINDOW) : n])) for n in range(len(pairs), step - 1, -step)][::-1]
        return tuple((n, value) for n, value in found if value is not None)


def _area(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Area under the ROC curve of guesses for what turned out to be liked; None: too few of either kind to say."""
    liked = torch.tensor([score > LIKE_EDGE for _, score in pairs], dtype=torch.bool)
    if min(int(liked.sum()), int((~liked).sum())) < 4:
        return None
    return area_under_curve(torch.tensor([guess for guess, _ in pairs], dtype=torch.float64), liked)


def _concordance(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Share of pairs of unequal scores whose guesses are in the same order, ties half; None: too few to say."""
    if len(pairs) < 8:
        return None
    guess, score = torch.tensor(pairs, dtype=torch.float64).unbind(dim=1)
    differ = score[:, None] > score[None, :]
    if int(differ.sum()) < 10:
        return None
    gap = guess[:, None] - guess[None, :]
    return float(((gap > 0).double() + 0.5 * (gap == 0).double())[differ].mean())
