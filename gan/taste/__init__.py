"""From feedback to a model of one person's taste.

It needs no generator, only image features whose columns have a mean square of about 1 over images of all kinds.

>>> learner = TasteLearner(lambda raw: raw.groups)             # no standardisation beyond that
>>> learner.add(ids, RawFeatures((features,)))                 # float32 (N, D), a row an id
>>> learner.feedback([Feedback(0, "stars", 5), Feedback(1, "reject"), Feedback(2, "preferred", other=3), ...])
>>> learner.fit()                                              # after `USEFUL_FROM` images there is a model
>>> liking, doubt = learner.model.predict((others,))           # each (M,): about N(0, 1) over images of all kinds; `stars_from` reads it
"""

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
