"""Moves among images, and what is said of a taste, on a generator whose only trait is known."""

import numpy as np
import pytest
import torch
from torch import Tensor

from gan import explore
from gan.insight import insight, kept, prepare, to_draw
from gan.model import Model
from gan.networks import Generator, GeneratorConfig
from gan.networks.adapter import ChoiceConfig, Shift
from gan.preparing import fresh_adapter
from gan.session import Feedback, TuningSession
from gan.taste.words import MEASURES, measures, name_directions, rank_correlation, words


@pytest.fixture(scope="module", autouse=True)
def _small_reference():
    patch = pytest.MonkeyPatch()
    patch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    yield
    patch.undo()


@pytest.fixture(scope="module")
def session() -> TuningSession:
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    return TuningSession(Model("small", generator), device="cpu", seed=1)


def flat(colour: tuple[float, float, float]) -> Tensor:
    return torch.tensor(colour).reshape(1, 3, 1, 1).expand(1, 3, 32, 32).contiguous()


def measure(name: str, image: Tensor) -> float:
    return float(measures(image)[0, list(MEASURES).index(name)])


def test_measures_say_what_their_names_say() -> None:
    assert measure("warmth", flat((0.8, 0.2, -0.6))) > measure("warmth", flat((-0.6, 0.2, 0.8)))
    assert measure("brightness", flat((0.9, 0.9, 0.9))) > measure("brightness", flat((-0.9, -0.9, -0.9)))
    assert measure("colour", flat((0.9, -0.9, -0.9))) > measure("colour", flat((0.1, 0.1, 0.1)))
    noise = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    ramp = torch.linspace(-1, 1, 32).reshape(1, 1, 1, 32).expand(1, 3, 32, 32)
    assert measure("sharpness", noise) > measure("sharpness", ramp)
    assert measure("symmetry", flat((0.1, 0.2, 0.3))) > measure("symmetry", ramp)
    low, high = -torch.ones(1, 3, 32, 32), -torch.ones(1, 3, 32, 32)
    low[:, :, :24], high[:, :, :8] = 1.0, 1.0
    assert measure("sky", low) > 0.6
    assert measure("sky", high) < 0.4
    assert measure("top", low) > measure("top", -low)
    spot = -torch.ones(1, 3, 32, 32)
    spot[:, :, 12:20, 12:20] = 1.0
    assert measure("centre", spot) > 0 > measure("centre", -spot)


def test_words_follow_the_liking_and_are_silent_without_one() -> None:
    random = torch.Generator().manual_seed(2)
    values = torch.randn(200, len(MEASURES), generator=random)
    liking = 2 * values[:, 0] - values[:, 4] + 0.3 * torch.randn(200, generator=random)
    said = words(values, liking)
    assert [(word.text, word.measure) for word in said[:2]] == [("warmer", "warmth"), ("softer", "sharpness")]
    assert said[0].strength > said[1].strength > 0.2
    assert words(values, torch.randn(200, generator=random)) == []


def test_rank_correlation_is_spearmans() -> None:
    x = torch.tensor([[1.0, 5.0, 2.0], [2.0, 5.0, 1.0], [3.0, 5.0, -7.0]])
    found = rank_correlation(x, torch.tensor([10.0, 20.0, 21.0]))
    assert found.tolist() == pytest.approx([1.0, 0.0, -1.0])
    assert rank_correlation(x, torch.full((3,), 20.0)).tolist() == [0.0, 0.0, 0.0]


def test_directions_are_named_once_each_and_the_right_way_round() -> None:
    values = torch.randn(100, len(MEASURES), generator=torch.Generator().manual_seed(3))
    ends = name_directions(values, torch.stack([values[:, 1], -values[:, 0], -values[:, 1]], dim=1))
    assert ends[0] == ("darker", "brighter")
    assert ends[1] == ("warmer", "cooler")
    assert ends[2] not in (ends[0], ends[0][::-1])
    assert {frozenset(pair) for pair in ends} <= {frozenset(pair) for pair in MEASURES.values()}


def test_directions_change_what_they_say(session: TuningSession) -> None:
    directions = explore.fit_directions(session)
    count = len(directions.ends)
    assert directions.moves.shape == (count, 8)
    torch.testing.assert_close(directions.moves.norm(dim=1), torch.ones(count))
    z = explore.from_seed(session, 4)
    still = explore.moved(z, directions, [0.0] * count)
    assert torch.equal(still, z)
    there = explore.moved(z, directions, [2.0] + [0.0] * (count - 1))
    assert float(there.norm()) == pytest.approx(8**0.5, rel=1e-4)
    assert float((there - z).norm()) > 0.5
    assert torch.equal(
        explore.moved(z, directions, [], 0.0).round(decimals=4), directions.centre.round(decimals=4)
    )


def test_neighbours_are_near_and_keep_what_is_locked() -> None:
    random = torch.Generator().manual_seed(5)
    z = torch.randn(64, generator=random)
    near = explore.neighbours(z, 200, 0.3, random)
    far = explore.neighbours(z, 200, 1.0, random)
    assert float((near - z).norm(dim=1).mean()) < 0.5 * float((far - z).norm(dim=1).mean())
    # What the prior could have drawn: the same spread.
    assert float(
        explore.neighbours(torch.randn(64, generator=random), 400, 0.6, random).std()
    ) == pytest.approx(1.0, abs=0.15)
    locked = torch.nn.functional.normalize(torch.randn(2, 64, generator=random), dim=1)
    kept = explore.neighbours(z, 50, 0.7, random, locked)
    torch.testing.assert_close(kept @ locked.t(), (z @ locked.t()).expand(50, 2), atol=1e-4, rtol=1e-4)
    assert float((kept - z).norm(dim=1).min()) > 1.0


@pytest.mark.parametrize("radius", [-0.1, 1.3, float("nan")])
def test_a_radius_beyond_any_image_is_refused(radius: float) -> None:
    with pytest.raises(ValueError, match="radius"):  # the square root of less than nothing would be a complex latent
        explore.neighbours(torch.ones(6), 3, radius, torch.Generator())


def test_more_amounts_than_directions_are_refused() -> None:
    directions = explore.Directions(torch.eye(4)[:2], 1.0, (("a", "b"), ("c", "d")), torch.ones(4))
    with pytest.raises(ValueError, match="3 amounts, but 2 directions"):
        explore.moved(torch.ones(4), directions, [1.0, 0.0, 0.0])
    assert torch.equal(explore.moved(torch.ones(4), directions, []), torch.ones(4))


def test_between_goes_along_the_sphere() -> None:
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    middle = explore.between(a, b, 0.5)
    torch.testing.assert_close(middle, torch.tensor([2.0, 2.0]) / 2**0.5)
    torch.testing.assert_close(explore.between(a, b, 0.0), a)
    torch.testing.assert_close(explore.between(a, b, 1.0), b)
    torch.testing.assert_close(explore.between(a, a, 0.4), a)


def test_insight_shows_both_ends_and_the_words_of_a_taste(session: TuningSession) -> None:
    assert insight(session) is None
    first = 0
    for _ in range(3):
        proposals = session.propose(24)
        session.add({first + i: p.latent for i, p in enumerate(proposals)})
        light = np.stack([p.pixels for p in proposals]).mean(axis=(1, 2, 3))
        stars = 1 + np.searchsorted(np.quantile(light, [0.2, 0.4, 0.6, 0.8]), light)
        session.feedback([Feedback(first + i, "stars", float(s)) for i, s in enumerate(stars)])
        session.fit()
        first += 24
    session.plain_measures = None  # as in a session that has drawn nothing for them yet
    early = insight(session, 4, at_once=True)
    assert early is not None and early.pending == ("words",) and not early.words
    found = insight(session, 4)
    assert found is not None and not found.pending
    assert found.best.stars == early.best.stars
    assert "brighter" in [word.text for word in found.words]
    assert found.best.pixels.shape == (4, 16, 16, 3)
    assert found.best.pixels.mean() > found.worst.pixels.mean()
    assert min(found.best.stars) >= max(found.worst.stars)
    assert [n for n, _ in found.curve] == sorted(n for n, _ in found.curve)
    assert all(0.0 <= share <= 1.0 for _, share in found.curve)
    assert 0.0 < found.doubt < 1.5
    assert found.kept is None and found.dropped is None, "nothing is tuned"


def test_insight_says_what_tuning_leaves_out(session: TuningSession) -> None:
    proposals = session.propose(40)
    session.add({1000 + i: p.latent for i, p in enumerate(proposals)})
    light = np.stack([p.pixels for p in proposals]).mean(axis=(1, 2, 3))
    stars = 1 + np.searchsorted(np.quantile(light, [0.2, 0.4, 0.6, 0.8]), light)
    session.feedback([Feedback(1000 + i, "stars", float(s)) for i, s in enumerate(stars)])
    session.fit()
    choice = fresh_adapter(session.model, ChoiceConfig(session.model.z_dim, session.model.generator.embed_dim, 32))
    session.adapter, session.rounds = choice, 1  # chooses the first, which is z: tuned in name only
    found = kept(session)
    assert found is not None and found.every > 0.8 and found.liked > 0.6
    narrow = fresh_adapter(session.model, None)
    assert isinstance(narrow, Shift)
    with torch.no_grad():  # everything goes near one place
        narrow.out.bias.fill_(8.0)
    session.adapter = narrow
    session.plain_measures = None
    early = insight(session, 4, at_once=True)
    assert early is not None and early.pending == ("words", "kept") and early.kept is None and early.dropped is None
    pieces = 0
    while prepare(session):
        pieces += 1
    assert pieces > 2 and not to_draw(session), "a piece at a time"
    collapsed = insight(session, 4)
    assert collapsed is not None and collapsed.kept is not None and collapsed.dropped is not None
    assert collapsed.kept.every < found.every and collapsed.kept.liked < found.liked
    rows = collapsed.kept.dropped
    assert len(rows) > len(found.dropped) and collapsed.dropped.pixels.shape == (4, 16, 16, 3)
    liking = session.scorer.reference_liking[rows]
    assert bool((liking[:-1] >= liking[1:]).all()) and float(liking.min()) >= float(session.scorer.reference_liking.quantile(0.8))
    drawn: list[int] = []
    session.scorer.drawer.draw = lambda *_, **__: drawn.append(1)  # type: ignore[method-assign, assignment]
    assert kept(session) is not None and not drawn, "it was drawn once for this version"
    del session.scorer.drawer.draw  # type: ignore[method-assign]
