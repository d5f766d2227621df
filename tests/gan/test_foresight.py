"""What is learnt about latents before there is any taste."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import gan
from gan import assets
from gan.formats.foreseen import FILE, bundled_foresight, write_foresight
from gan.guard import Limits
from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from gan.networks.adapter import Choice, ChoiceConfig, hidden_layers
from gan.policy.foresight import Foresight, ForesightConfig, ForesightLearner
from gan.policy.rounds import RoundConfig
from gan.session import Feedback, TuningSession

SHAPE = ChoiceConfig(z_dim=6, inputs=6, candidates=4, width=32)


def world(count: int = 2048) -> tuple[Tensor, Tensor]:
    """Embedded latents, and features that are smooth in them."""
    z = torch.randn(count, 6, generator=torch.Generator().manual_seed(1))
    return 3.0 + 2.0 * z, torch.stack([z[:, 0] * z[:, 1], z[:, 2].sin(), z[:, 3].abs()], dim=1)


def learner(seed: int = 0) -> ForesightLearner:
    learning = ForesightLearner(*world(), SHAPE, ForesightConfig(epochs=40, batch=64), seed)
    while not learning.done:
        learning.step(100)
    return learning


def learnt(seed: int = 0) -> Foresight:
    return learner(seed).foresight


def rated(config: RoundConfig, count: int) -> TuningSession:
    """A small generator, and somebody who likes the lighter half of so many images."""
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    model = Model("small", generator, None, Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 16), features=16)))
    session = TuningSession(model, device="cpu", seed=1, config=config)
    proposals = session.propose(count)
    light = [float(p.pixels.mean()) for p in proposals]
    session.add({i: p.latent for i, p in enumerate(proposals)})
    session.feedback([Feedback(i, "stars", 1.0 + 4.0 * (light[i] > sorted(light)[count // 2])) for i in range(count)])
    session.fit()
    return session


def test_it_guesses_features_of_latents_it_never_saw() -> None:
    foresight = learner()
    embedded, features = (part[-512:] for part in world(4096))
    with torch.no_grad():
        guessed = foresight.guess((embedded - foresight.mean) / foresight.deviation)
    left = (guessed - features).square().mean(dim=0) / features.var(dim=0)
    assert float(left.max()) < 0.2


def test_the_same_seed_learns_the_same() -> None:
    one, again, other = learnt(), learnt(), learnt(seed=5)
    assert all(torch.equal(a, b) for a, b in zip(one.hidden.parameters(), again.hidden.parameters(), strict=True))
    assert not torch.equal(next(one.hidden.parameters()), next(other.hidden.parameters()))


def test_a_choice_that_begins_with_it_changes_nothing_yet() -> None:
    foresight, choice = learnt(), Choice(SHAPE)
    foresight.give(choice)
    assert choice.idle
    assert torch.equal(choice.mean, foresight.mean)
    with torch.no_grad():
        assert not choice.preference(world(8)[0]).any()
        choice.out.bias += 1.0
    with pytest.raises(ValueError, match="learnt something already"):
        foresight.give(choice)


def test_a_round_after_more_was_read_begins_with_what_was_learnt_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.rewards.pool.ENOUGH", 300)
    monkeypatch.setattr("gan.preparing.ENOUGH", 300)
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 100)
    wide = Limits(diversity=0.1, realism=-9.0, typicality=-9.0)
    session = rated(RoundConfig(steps=4, states=4, children=4, look_every=2, look_images=64, limits=wide, pool=1000), 48)

    def teach() -> Choice:
        assert list(session.run_round())
        assert isinstance(session.adapter, Choice) and not session.adapter.idle
        return session.adapter

    first, early = teach(), session.foresight
    assert early is not None and early.images < 500
    again = teach()  # nothing more is known: it goes on
    assert session.foresight is early and _far(again, first) < _far(again, _begun(early, again))
    session.save_checkpoint(tmp_path / "kept.safetensors")
    while session.prepare():
        pass
    late = session.foresight
    assert late is not None and late.images == 1000
    session.restore(tmp_path / "kept.safetensors")
    anew, ended = teach(), session.last_round
    assert ended is not None and ended.start.taste > 0.0, "it has to please more than what there was, which pleases already"
    if ended.kept:
        assert _far(anew, _begun(late, anew)) < _far(anew, again)
    else:
        assert _far(anew, again) == 0.0


def test_what_a_bundled_generator_brings_is_read_again_if_it_is_of_its_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.assets.root", lambda: tmp_path)
    kept, cpu = learnt(), torch.device("cpu")
    (tmp_path / "small").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / FILE).write_bytes(b"damaged")
    write_foresight(tmp_path / "small", kept, "weights")
    found = bundled_foresight("weights", SHAPE, cpu)
    assert found is not None and found.images == 2048
    torch.testing.assert_close(found.mean, kept.mean)
    with torch.no_grad():
        inputs = torch.randn(64, SHAPE.inputs)
        torch.testing.assert_close(found.hidden(inputs), kept.hidden(inputs), rtol=0.02, atol=0.02)
    assert bundled_foresight("other weights", SHAPE, cpu) is None
    assert bundled_foresight("weights", replace(SHAPE, width=16), cpu) is None


@pytest.mark.parametrize("name", assets.names())
def test_bundled_generators_bring_theirs(name: str) -> None:
    """Where it fails, the weights have changed: packaging/foresight.py learns it anew."""
    foresight = TuningSession(gan.load(name), "cpu").foresight
    assert foresight is not None and foresight.images > 90_000


def test_what_is_given_tells_more_of_images_than_chance() -> None:
    session = TuningSession(gan.load("dreamscapes"), "cpu", config=RoundConfig(pool=768))
    session.pool.grow_to(768)
    embedded, features = session.scorer.known_features()
    given = session.foresight
    assert given is not None
    inputs = (embedded - given.mean) / given.deviation
    unlearnt = hidden_layers(inputs.shape[1], 192, 3)

    def left(hidden: torch.nn.Module) -> float:
        """Share of the features' variance that a last layer on these hidden ones leaves open, on images it was not fitted to."""
        with torch.no_grad():
            read = torch.cat([hidden(inputs), torch.ones(len(inputs), 1)], dim=1).double()
        fitted, fresh, truth = read[:512], read[512:], features.double()
        ridge = 1.0 * torch.eye(read.shape[1], dtype=torch.float64)
        last = torch.linalg.solve(fitted.t() @ fitted + ridge, fitted.t() @ truth[:512])
        return float((fresh @ last - truth[512:]).square().mean() / truth[512:].var(dim=0).mean())

    assert left(given.hidden) < 0.3 < 0.8 * left(unlearnt)


def test_a_first_round_with_a_foresight_given_waits_for_few_images_and_learns_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.preparing.ENOUGH_FORESEEN", 300)
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 100)
    shape = ChoiceConfig(8, 16)
    given = Foresight(hidden_layers(shape.inputs, shape.width, shape.depth), torch.zeros(16), torch.ones(16), 5000)
    monkeypatch.setattr("gan.session.bundled_foresight", lambda digest, like, device: given)
    session = rated(RoundConfig(steps=1, states=4, children=4, look_images=16, pool=2000), 24)
    notes = [report.note for report in session.run_round() if report.step == 0]
    assert notes and all("looking at what the generator draws" in note and note.endswith("of 300 images") for note in notes)
    assert 300 <= len(session.pool) < 700 and session.foresight is given
    while session.prepare():
        pass
    assert len(session.pool) == 2000 and session.foresight is given


def _begun(foresight: Foresight, like: Choice) -> Choice:
    choice = Choice(replace(like.config))
    foresight.give(choice)
    return choice


def _far(one: Choice, other: Choice) -> float:
    """Between their hidden layers."""
    pairs = zip(one.hidden.parameters(), other.hidden.parameters(), strict=True)
    return sum(float((a - b).detach().square().sum()) for a, b in pairs)
