"""Words put to images: worth what the ratings of such images say, and nothing until then."""

import numpy as np
import pytest
import torch

from gan.taste import Feedback, RawFeatures, Tag, TasteLearner
from gan.taste.events import STAR_EDGES, STAR_SCORES
from gan.taste.features import Standardiser
from gan.taste.tags import learn, standing


def _scores(count: int, seed: int) -> dict[int, float]:
    return {i: STAR_SCORES[star] for i, star in enumerate(np.random.default_rng(seed).integers(0, 5, count))}


def test_a_word_counts_from_when_it_is_given_to_when_it_is_taken() -> None:
    said = [Tag(1, "Sky", time=1.0), Tag(1, "sea"), Tag(1, "sky", given=False), Tag(2, "SKY", time=4.0), Tag(3, "a"), Tag(3, "A", False)]
    assert standing(said) == {1: {"sea": 0.0}, 2: {"sky": 4.0}}
    with pytest.raises(ValueError, match="without a word"):
        Tag(1, " ")


def test_a_word_of_liked_images_says_that_another_may_be_liked() -> None:
    scores = _scores(80, 0)
    said = [Tag(i, "keep") for i, score in scores.items() if score > 0.4] + [Tag(i, "sky") for i in range(0, 80, 3)]
    told = learn([*said, Tag(100, "keep", time=7.5), Tag(101, "sky"), Tag(102, "new")], scores, [float(i) for i in range(80)])
    assert told is not None and told.weight > 0.5
    assert told.effects["keep"] > 0.5 > abs(told.effects["sky"])
    found = {observation.image: observation for observation in told.found}
    assert set(found) == {100, 101}  # a word that no rated image has says nothing
    assert found[100].moment == 8 and found[100].extra == pytest.approx(1 / told.weight**2 - 1)
    assert -1.0 < found[101].score < 0.0 and 0.4 < found[100].score < 1.5


def test_words_that_say_nothing_are_not_believed() -> None:
    believed = 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        said = [Tag(i, "abc"[random.integers(3)]) for i in range(160) if random.random() < 0.5]
        told = learn(said, _scores(80, seed + 100), [])
        assert told is not None
        believed += told.weight > 0.0
        assert told.weight < 0.25 and (told.weight > 0.0) == bool(told.found)
    assert believed <= 4


def test_too_few_say_nothing() -> None:
    assert learn([Tag(i, "a") for i in range(20)], _scores(20, 0), []) is None
    assert learn([Tag(i, "a") for i in range(5)], _scores(80, 0), []) is None
    assert learn([], _scores(80, 0), []) is None
    every = learn([Tag(i, "a") for i in range(80)], _scores(80, 0), [])
    assert every is not None and every.weight == 0.0


def test_a_learner_hears_words_as_far_as_it_may() -> None:
    random = torch.Generator().manual_seed(0)
    raw = RawFeatures(tuple(torch.randn(120, d, generator=random) for d in (6, 8)))
    liking = raw.groups[0][:, 0].numpy() + np.random.default_rng(0).normal(0, 1.0, 120)  # half of it is nothing that features show
    learner = TasteLearner(Standardiser.fit(raw))
    learner.add(range(120), raw)
    stars = [Feedback(i, "stars", float(1 + np.searchsorted(STAR_EDGES[1:-1], liking[i] / 1.4)), i) for i in range(60)]
    learner.feedback(stars)

    def predicted() -> torch.Tensor:
        learner.fit()
        assert learner.model is not None
        return learner.model.predict(learner.features_of(range(60, 120)))[0]

    before = predicted()
    words = [Tag(i, "keep", time=float(i)) for i in range(120) if liking[i] > 0.8]
    learner.tags(words)
    told = learner.fit().told
    assert told is not None and told.weight > 0.3 and told.found
    after = predicted()
    truth = torch.from_numpy(liking[60:])
    assert torch.corrcoef(torch.stack([after, truth]))[0, 1] > torch.corrcoef(torch.stack([before, truth]))[0, 1]
    learner.use_tags = False
    assert torch.allclose(predicted(), before) and learner.summary().told is None
    learner.use_tags = True
    learner.tags(Tag(tag.image, tag.word, given=False) for tag in words)  # all taken back
    assert torch.allclose(predicted(), before) and learner.summary().told is None
    with pytest.raises(KeyError, match="never added"):
        learner.tags([Tag(500, "keep")])
