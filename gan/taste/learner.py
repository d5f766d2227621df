"""Feedback in, a taste model and its honest scores out."""

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

USEFUL_FROM = 12  # ratings below which the model is not asked
_TRUSTED_FROM = 24
_WINDOW = 150  # latest guesses, one an image, that count towards the accuracy
_CURVE_WINDOW = 60  # and towards a point of the curve


@dataclass(frozen=True)
class TasteSummary:
    """What is known so far."""

    count: int  # images with a standing opinion
    accuracy: float | None  # share of pairs of unequal ratings guessed the right way round before being told; None: too few
    guesses: int  # images that were guessed before what was said of them was learnt, whoever chose them
    trusted: bool  # enough ratings to teach from
    auc: float | None = None  # prequential too: share of pairs of a liked and another image guessed the right way round
    repeats: int = 0  # images rated again after a while
    consistency: float | None = None  # correlation of those ratings with the first ones; None: too few
    changed: bool = False  # the taste is another than it was at first
    signs: Implicit | None = None  # what implicit signals are worth; None: too few, or switched off
    told: words.Told | None = None  # what words put to images are worth; likewise


class TasteLearner:
    """Holds images' features and events; fits on demand.

    Parameters
    ----------
    standardiser : turns raw features into comparable ones, as a `Standardiser` does.
    """

    def __init__(self, standardiser: Callable[[RawFeatures], Features]) -> None:
        self._standardise = standardiser
        self._features: dict[int, tuple[Tensor, ...]] = {}  # image -> one (d_group,) tensor a group
        self._events: list[Feedback] = []
        self._guesses: dict[int, float] = {}  # image -> predicted f before its first rating was learnt
        self._learnt: set[int] = set()
        self._signals: list[Signal] = []
        self._signs: Implicit | None = None
        self._tags: list[words.Tag] = []
        self._told: words.Told | None = None
        self.use_signals = True  # whether to learn from implicit signals,
        self.use_tags = True  # and from words put to images
        self.model: TasteModel | None = None

    def add(self, ids: Sequence[int], raw: RawFeatures) -> None:
        """Make images known before feedback on them arrives."""
        groups = self._standardise(raw)
        for row, image in enumerate(ids):
            self._features[image] = tuple(group[row] for group in groups)

    def feedback(self, events: Iterable[Feedback]) -> None:
        """Append events. KeyError, and nothing is appended, if one is about an image whose features were not added before."""
        self._events = [*self._events, *self._known(events)]

    def signals(self, signals: Iterable[Signal]) -> None:
        """Append implicit signals, which are never taken back; of known images only, too."""
        for signal in signals:
            self._must_know(signal.image)
            self._signals.append(signal)

    def tags(self, tags: Iterable[words.Tag]) -> None:
        """Append words given to known images or taken from them; `replace` leaves them as they are."""
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
            self._must_know(event.image, event.other)
        return found

    def standing(self) -> list[Observation]:
        """The opinions that hold now."""
        return observations(self._events)

    def prefers(self) -> bool:
        """Whether anything said sets one image above another."""
        standing = self.standing()
        rated = {o.score for o in standing if o.other is None}
        return len(rated) > 1 or any(o.score != 0.0 for o in standing if o.other is not None)

    @property
    def conviction(self) -> float:
        """How far a preference may be followed, 0..1: not at all where what was said could as well be chance, and wholly from one nat of
        evidence on."""
        return 0.0 if self.model is None else min(1.0, max(0.0, self.model.preference))

    def convinced(self) -> float:
        """`conviction`, above 0.

        Raises
        ------
        TooLittleSaid
            Too few ratings to learn a taste from, none that sets one image above another, or none that chance would not explain.
        """
        if self.model is None:
            raise TooLittleSaid("there are too few ratings to teach from: rate at least a grid of images first")
        if not self.prefers():
            raise TooLittleSaid("all ratings are alike: rate some images higher than others, so that there is something to learn")
        if self.conviction == 0.0:
            raise TooLittleSaid("no clear taste shows in the ratings yet: rate some more images, then teach again")
        return self.conviction

    def features_of(self, ids: Sequence[int]) -> Features:
        """Standardised features of known images, (n, d_group) a group."""
        return tuple(torch.stack(column) for column in zip(*(self._features[i] for i in ids), strict=True))

    def fit(self) -> TasteSummary:
        """Learn from everything said so far; what is new is guessed first."""
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
        """Guess and score of every image that was guessed, once each: by its stars, where it has a flag as well."""
        scores: dict[int, float] = {}
        for observation in standing:  # of an image, stars come before a flag
            if observation.other is None and observation.image in self._guesses:
                scores.setdefault(observation.image, observation.score)
        return [(self._guesses[image], score) for image, score in scores.items()]

    def summary(self) -> TasteSummary:
        """Counts, and prequential scores: how guesses agree with the ratings that followed (ties half)."""
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
        """How well it guessed over time: (guesses so far, concordance among the latest of them) at up to `points` moments."""
        pairs = self._guessed(self.standing())
        step = max(4, len(pairs) // points)
        found = [(n, _concordance(pairs[max(0, n - _CURVE_WINDOW) : n])) for n in range(step, len(pairs) + 1, step)]
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
