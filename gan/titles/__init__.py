"""Titles for images, as a policy: a small recurrent network titles an image, and learns from stars which titles a person likes.

The estimators, the update and the taste model are those used for images, since they know nothing about pixels.

>>> session = TuningSession(gan.load("dreamscapes"))
>>> titler = Titler.of(session)
>>> looks = titler.look(latents)                    # (N, measures)
>>> titles = titler.suggest(looks[0], count=5)
>>> titler.feedback([TitleRating(looks[0], titles[0], stars=5), ...])
>>> titler.learn()
"""

from gan.titles.policy import TitlePolicy
from gan.titles.titler import TitleConfig, Titler, TitleRating
from gan.titles.vocabulary import LANGUAGES, Title, Vocabulary, vocabulary

__all__ = [
    "LANGUAGES",
    "Title",
    "TitleConfig",
    "TitlePolicy",
    "TitleRating",
    "Titler",
    "Vocabulary",
    "vocabulary",
]
