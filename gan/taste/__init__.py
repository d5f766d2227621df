"""From feedback to a model of one person's taste."""

from gan.taste.events import Feedback, observations
from gan.taste.features import RawFeatures, Standardiser, judge, raw_features
from gan.taste.learner import USEFUL_FROM, TasteLearner, TasteSummary
from gan.taste.model import TasteModel, stars_from
from gan.taste.signals import Implicit, Signal
from gan.taste.tags import Tag

__all__ = [
    "USEFUL_FROM",
    "Feedback",
    "Implicit",
    "RawFeatures",
    "Signal",
    "Standardiser",
    "Tag",
    "TasteLearner",
    "TasteModel",
    "TasteSummary",
    "judge",
    "observations",
    "raw_features",
    "stars_from",
]
