"""The contestants that act behind the mapping or along the reward's slope learn, and change nothing that they were given."""

import numpy as np
import pytest
import torch

from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from gan.policy.rounds import RoundConfig
from gan.session import Feedback, TuningSession
from gan.simulate.peers import block_styles, pathwise, w_shift
from gan.simulate.peers.base import Given


def _redness(pixels: np.ndarray) -> np.ndarray:
    return pixels[..., 0].astype(float).mean(axis=(-2, -1)) - pixels[..., 1:].astype(float).mean(axis=(-3, -2, -1))


@pytest.fixture(scope="module")
def given():
    patch = pytest.MonkeyPatch()
    patch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    critic = Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 16), features=16))
    session = TuningSession(
        Model("small", generator, None, critic), device="cpu", config=RoundConfig(pool=200, look_images=48)
    )
    z = torch.randn(24, 8, generator=torch.Generator().manual_seed(1)).numpy()
    redness = _redness(session.draw(z))
    stars = 1 + np.searchsorted(np.quantile(redness, [0.2, 0.4, 0.6, 0.8]), redness)
    session.add(dict(enumerate(z)))
    session.feedback([Feedback(i, "stars", float(s)) for i, s in enumerate(stars)])
    session.fit()
    yield Given(session.model, session, z, stars, seed=0, ratings=24)
    patch.undo()


@pytest.mark.parametrize("peer", [w_shift, block_styles, pathwise])
def test_a_contestant_learns(peer, given, monkeypatch):
    monkeypatch.setattr("gan.policy.rounds.RoundConfig.__init__", _quick(RoundConfig.__init__))
    before = {key: value.clone() for key, value in given.model.tensors().items()}
    drawn = given.tally.images
    tuned = peer.tune(given)
    untuned = _redness(given.model.sample(range(200))).mean()
    assert _redness(tuned.sample(range(200))).mean() > untuned
    assert np.array_equal(tuned.sample([5]), tuned.sample([5]))
    assert all(torch.equal(value, before[key]) for key, value in given.model.tensors().items())
    assert all(p.grad is None for p in given.model.generator.parameters())
    assert peer is pathwise or given.tally.images > drawn + 8 * 32


def _quick(original):
    """Rounds of eight small batches, and limits that a generator with random weights can keep."""
    from gan.guard import Limits

    def init(self, **settings):
        original(
            self,
            **{
                "steps": 8,
                "states": 8,
                "children": 4,
                "look_images": 48,
                "learning_rate": 1e-2,
                "limits": Limits(0.3, -9.0, -9.0),
                **settings,
            },
        )

    return init
