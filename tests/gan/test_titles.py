"""Titles: a policy over words, trained by the code that tunes generators."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from gan.errors import UserError
from gan.model import Model
from gan.policy.estimators import ESTIMATORS
from gan.session import TuningSession
from gan.taste.events import STAR_SCORES
from gan.taste.words import MEASURES, measures
from gan.titles import LANGUAGES, Title, TitleConfig, TitlePolicy, Titler, TitleRating, Vocabulary, vocabulary
from gan.titles.vocabulary import Word

WORDS = vocabulary()
MEASURED = len(MEASURES)
Likes = Callable[[Tensor, Title], float]  # stars that a simulated person would give, not rounded


def looks(count: int, seed: int) -> Tensor:
    return torch.randn(count, MEASURED, generator=torch.Generator().manual_seed(seed)).clamp(-3.0, 3.0)


def titler(seed: int = 0, config: TitleConfig | None = None) -> Titler:
    return Titler(looks(256, 1000 + seed), "scenes", seed=seed, config=config)


def small() -> Vocabulary:
    """Three adjectives and two nouns, so that everything can be summed by hand."""

    def word(name: str, *leans: float) -> Word:
        return Word(name, name, (*leans, *[0.0] * (MEASURED - len(leans))))

    adjectives = (word("red", 1.0), word("cold", -1.0), word("plain"))
    return Vocabulary(adjectives, (word("sea", -1.0), word("fire", 0.6, 0.8)))


def trained(policy: TitlePolicy) -> TitlePolicy:
    """With weights that are no longer at their start."""
    random = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=random))
    return policy


# -- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_title_can_be_read_back(language: str) -> None:
    titles = [Title(a, n) for a in range(len(WORDS.adjectives)) for n in range(len(WORDS.nouns))]
    texts = [WORDS.write(title, language) for title in titles]
    assert len(set(texts)) == len(titles)  # no two titles are written alike
    assert [WORDS.read(text) for text in texts] == titles


def test_words_are_written_as_the_language_does() -> None:
    title = WORDS.read("misty valley")
    assert title is not None
    assert WORDS.write(title) == "Misty Valley"
    assert WORDS.write(title, "zh_CN") == "薄雾山谷"
    assert WORDS.read("  MISTY   Valley ") == WORDS.read("薄雾山谷") == title
    assert WORDS.read("My dog") is None
    assert WORDS.read("") is None
    with pytest.raises(UserError, match="en, zh_CN"):
        WORDS.write(title, "tlh")


# -- the policy ------------------------------------------------------------------------------------------------------


def test_probabilities_sum_to_one_and_are_those_of_what_is_drawn() -> None:
    policy, states = trained(TitlePolicy(small())), looks(2, 0)
    every = torch.cartesian_prod(torch.arange(3), torch.arange(2)).expand(2, -1, -1)
    each = policy.log_prob(states, every)
    assert torch.allclose(each.exp().sum(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(each, policy.joint(states).flatten(1), atol=1e-5)
    drawn = policy.act(states, 20_000, torch.Generator().manual_seed(0))
    for state in range(2):
        share = torch.bincount(drawn[state, :, 0] * 2 + drawn[state, :, 1], minlength=6) / 20_000
        assert torch.allclose(share, each[state].exp(), atol=0.02)


def test_kl_is_that_of_all_titles_to_the_untrained_policy() -> None:
    start, states = TitlePolicy(small()), looks(4, 0)
    assert torch.allclose(start.kl(states), torch.zeros(4), atol=1e-5)
    policy = trained(TitlePolicy(small()))
    now, before = policy.joint(states).flatten(1), start.joint(states).flatten(1)
    assert torch.allclose(policy.kl(states), (now.exp() * (now - before)).sum(dim=1), atol=1e-5)
    assert float(policy.kl(states).detach().min()) > 0.01


def test_the_second_word_hears_the_first_and_gradients_are_the_slopes() -> None:
    policy, states = trained(TitlePolicy(small())), looks(1, 0)
    nouns = policy.joint(states)[0].log_softmax(dim=1)
    assert float((nouns[0] - nouns[1]).detach().abs().max()) > 0.01
    action = torch.tensor([[[1, 0]]])
    policy.log_prob(states, action).sum().backward()
    weight = policy.network.hear.weight
    assert weight.grad is not None
    row, column = divmod(int(weight.grad.abs().argmax()), weight.shape[1])
    values = []
    with torch.no_grad():
        for step in (1e-2, -2e-2):
            weight[row, column] += step
            values.append(float(policy.log_prob(states, action)))
    assert float(weight.grad[row, column]) == pytest.approx((values[0] - values[1]) / 2e-2, rel=0.02)


@pytest.mark.parametrize("name", sorted(ESTIMATORS))
def test_estimated_gradients_are_those_of_the_expected_reward(name: str) -> None:
    policy, states = trained(TitlePolicy(small())), looks(2, 0)
    rewards = torch.tensor([[[0.3, -1.0], [0.8, 0.1], [-0.5, 0.4]], [[-0.2, 0.7], [0.1, -0.9], [1.0, 0.0]]])
    exact = torch.autograd.grad((policy.joint(states).exp() * rewards).sum() / 2, policy.network.hear.weight)[
        0
    ]
    titles = policy.act(states, 40_000, torch.Generator().manual_seed(1))
    earned = rewards[torch.arange(2)[:, None], titles[..., 0], titles[..., 1]]
    gain = (policy.log_prob(states, titles) * ESTIMATORS[name](earned)).mean()
    estimate = torch.autograd.grad(gain, policy.network.hear.weight)[0]
    assert float((estimate - exact).norm() / exact.norm()) < 0.1


def test_the_first_suggestions_fit_the_image_and_the_generator() -> None:
    states = looks(64, 5)
    joint = TitlePolicy(WORDS, "characters").joint(states).detach().exp()
    fit = torch.einsum("sa,ak,sk->s", joint.sum(dim=2), WORDS.adjective_leans, states)
    at_random = states @ WORDS.adjective_leans.mean(dim=0)
    assert float((fit > at_random).float().mean()) > 0.95
    themes = joint.sum(dim=1) @ WORDS.noun_themes()  # (64, themes)
    assert (themes.mean(dim=0).argmax(), themes.mean(dim=0).argmin()) == (
        1,
        0,
    )  # people rather than landscapes


# -- suggesting ------------------------------------------------------------------------------------------------------


def test_suggestions_share_no_word_and_leave_out_what_was_seen() -> None:
    one, look = titler(), looks(1, 2)[0]
    first = one.suggest(look, 5)
    again = one.suggest(look, 5, avoid=first)
    assert len({t.adjective for t in first}) == len({t.noun for t in first}) == 5
    assert not set(first) & set(again)
    assert first == titler().suggest(look, 5)  # the same seed says the same
    assert len(one.suggest(look, 1000)) == min(len(WORDS.adjectives), len(WORDS.nouns))
    everything = [Title(a, n) for a in range(len(WORDS.adjectives)) for n in range(len(WORDS.nouns))]
    assert one.suggest(look, 5, avoid=everything) == []


def test_images_without_any_difference_and_broken_ones_are_named_too() -> None:
    flat = Titler(torch.zeros(8, MEASURED))
    strange = flat.standardised(torch.full((1, MEASURED), torch.nan))
    assert len(flat.suggest(strange[0], 5)) == 5
    with pytest.raises(UserError, match="without a generator"):
        flat.look(np.zeros((1, 4), np.float32))


def test_a_titler_looks_at_the_images_of_a_model(small_model: Callable[..., Model]) -> None:
    model = small_model()
    one = Titler.of(model)
    points = np.random.default_rng(0).standard_normal((3, model.z_dim)).astype(np.float32)
    with torch.no_grad():
        drawn = model.generator(torch.from_numpy(points)).clamp(-1.0, 1.0)
    assert torch.allclose(one.look(points), one.standardised(measures(drawn)), atol=0.1)  # drawn in bfloat16
    assert torch.equal(Titler.of(TuningSession(model, "cpu")).words.noun_leans, one.words.noun_leans)


# -- learning --------------------------------------------------------------------------------------------------------


def alliteration(look: Tensor, title: Title) -> float:
    return 2.2 + 2.5 * float(WORDS.alliterates()[title.adjective, title.noun])


def dark(look: Tensor, title: Title) -> float:
    place = list(MEASURES).index("brightness")
    adjective, noun = WORDS.adjectives[title.adjective], WORDS.nouns[title.noun]
    return 2.7 - 1.8 * (adjective.leans[place] + noun.leans[place])


def rated_by(likes: Likes, one: Titler, seed: int, images: int) -> None:
    """Five suggestions for each image, rated with noise."""
    random = torch.Generator().manual_seed(seed)
    for look in looks(images, 50 + seed):
        for title in one.suggest(look, 5):
            stars = likes(look, title) + 0.4 * float(torch.randn((), generator=random))
            one.feedback([TitleRating(look, title, max(1, min(5, round(stars))))])


def true_mean(likes: Likes, one: Titler, seed: int) -> float:
    """What the person thinks of titles for images that nobody rated, a draw of the policy for each."""
    held_out = looks(200, 9000 + seed)
    said = one.policy.act(held_out, 1, torch.Generator().manual_seed(seed))[:, 0]
    return sum(likes(look, Title(*words)) for look, words in zip(held_out, said.tolist(), strict=True)) / len(
        said
    )


@pytest.mark.parametrize("likes", [alliteration, dark], ids=lambda likes: likes.__name__)
def test_rewards_rise_true_and_predicted_on_images_nobody_rated(likes: Likes) -> None:
    rises = []
    for seed in range(3):
        one = titler(seed)
        before = true_mean(likes, one, seed)
        rated_by(likes, one, seed, images=6)
        assert one.learn()
        held_out = looks(64, 8000 + seed)
        random = torch.Generator().manual_seed(seed)
        start = TitlePolicy(WORDS, "scenes").act(held_out, 4, random)
        now = one.policy.act(held_out, 4, random)
        assert float(one.liking(held_out, now).mean()) > float(one.liking(held_out, start).mean()) + 0.2
        assert (
            0.1 < float(one.policy.kl(held_out).detach().mean()) < 6.0
        )  # it moved, and did not collapse onto one title
        rises.append(true_mean(likes, one, seed) - before)
    assert min(rises) > 0.1 and sum(rises) / 3 > 0.3, rises


def test_the_same_ratings_come_to_the_same_policy_and_undone_ones_to_the_start() -> None:
    one, two = (titler(config=TitleConfig(batches=4)) for _ in range(2))
    for each in (one, two):
        rated_by(dark, each, 0, images=2)
        each.learn()
    two.learn()
    states = looks(3, 4)
    assert torch.equal(one.policy.joint(states), two.policy.joint(states))
    one.replace([])
    assert not one.learn()
    assert torch.equal(one.policy.joint(states), titler().policy.joint(states))


@pytest.mark.parametrize("stars", [[], [5], [3] * 20, [1, 5]], ids=["none", "one", "constant", "two"])
def test_without_evidence_nothing_moves(stars: list[int]) -> None:
    one, look = titler(), looks(1, 3)[0]
    one.feedback(TitleRating(look, Title(n, n), value) for n, value in enumerate(stars))
    assert not one.learn()
    assert float(one.policy.kl(look[None]).detach()) == pytest.approx(0.0, abs=1e-5)
    assert torch.equal(one.liking(look[None], torch.zeros(1, 2, 2, dtype=torch.long)), torch.zeros(1, 2))


def test_a_later_rating_of_the_same_title_takes_the_earlier_ones_place() -> None:
    one, look = titler(), looks(1, 3)[0]
    changed = [TitleRating(look, Title(n, n), stars) for stars in (1, 5) for n in range(4)]
    one.feedback(changed)  # all five stars in the end: constant
    assert not one.learn()


def test_what_was_rated_is_known_and_replaces_the_prediction_there_alone() -> None:
    one, two_looks = titler(config=TitleConfig(batches=1)), looks(2, 3)
    here = two_looks[0]
    one.feedback(TitleRating(here, Title(n, n), 1 + n % 5) for n in range(10))
    assert one.learn() and one.model is not None
    titles = torch.tensor([[[0, 0], [4, 4], [4, 0]]]).expand(2, -1, -1)
    liking = one.liking(two_looks, titles)
    assert liking[0, :2].tolist() == pytest.approx([STAR_SCORES[0], STAR_SCORES[4]])
    mean, doubt = one.model.predict(one._features(two_looks.repeat_interleave(3, dim=0), titles.flatten(0, 1)))
    predicted = (mean - one.config.caution * doubt).float().view(2, 3)
    assert torch.allclose(liking[0, 2], predicted[0, 2]) and torch.allclose(liking[1], predicted[1])
    assert abs(float(predicted[0, 1]) - STAR_SCORES[4]) > 0.05  # which the model alone would not say


def test_contradictions_are_survived_and_stars_are_checked() -> None:
    one = titler(config=TitleConfig(batches=3))
    title = Title(0, 0)
    one.feedback(TitleRating(look, title, 1 + 4 * (n % 2)) for n, look in enumerate(looks(40, 6)))
    one.learn()
    assert torch.isfinite(one.policy.joint(looks(2, 0))).all()
    with pytest.raises(ValueError, match="6"):
        TitleRating(looks(1, 0)[0], title, 6)
