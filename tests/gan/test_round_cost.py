"""`benchmark round`: what is counted, and what is refused."""

import json

import pytest
import torch

from gan.guard import Limits
from gan.measure import round_cost
from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig
from gan.networks.adapter import Choice
from gan.policy.rounds import Round, RoundConfig


@pytest.fixture
def small(monkeypatch, tmp_path):
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    monkeypatch.setattr("gan.data.procedural.cache_folder", lambda: tmp_path)
    monkeypatch.setattr(round_cost, "RATINGS", 24)
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    critic = Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 16), features=16))
    return Model("small", generator, None, critic)


def test_every_image_is_counted_and_the_generator_stays(small, monkeypatch):
    wide = Limits(diversity=0.1, realism=-9.0, typicality=-9.0)
    config = RoundConfig(steps=2, states=4, children=4, look_every=1, look_images=32, pool=200, limits=wide)
    before = {key: value.clone() for key, value in small.tensors().items()}
    pairs = round_cost.measure(small, 2, config)
    assert [pair.images for pair in pairs] == [32 + 3 * 32] * 2  # a look at the start, and after each of two batches
    assert all(32 < pair.drawn <= pair.images and pair.strict_ratio >= pair.ratio for pair in pairs)
    assert all(pair.round > 0 and pair.drawing > 0 and pair.ratio == pair.round / pair.drawing for pair in pairs)
    assert all(torch.equal(value, before[key]) for key, value in small.tensors().items())


def test_a_look_is_at_what_the_adapter_makes_of_the_latents(small):
    config = RoundConfig(look_images=32, pool=200, candidates=12)
    session = round_cost.taught_session(small, seed=0, config=config)
    adapter = session.adapter
    assert isinstance(adapter, Choice)
    torch.nn.init.normal_(adapter.out.weight)
    looking = Round(adapter, session.scorer, config, torch.Generator().manual_seed(0))
    for candidates in (12, 5, 8):
        adapter.choose_among(candidates)
        assert torch.equal(looking._points(adapter), adapter(looking._held_out))


def test_the_figures_are_written(small, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(round_cost, "load", lambda name, device: small)
    made = [round_cost.Pair(100, 80, 1.1, 1.0), round_cost.Pair(100, 80, 1.3, 1.0), round_cost.Pair(100, 80, 1.12, 1.0)]
    monkeypatch.setattr(round_cost, "measure", lambda model, rounds, config: made)
    assert round_cost.main(["--json", str(tmp_path / "round.json")]) == 0
    assert "ratio                               1.120" in capsys.readouterr().out
    record = json.loads((tmp_path / "round.json").read_text())
    assert record["ratio"] == 1.12 and len(record["pairs"]) == 3 and record["estimator"] == "rloo"
    made[0] = round_cost.Pair(100, 80, 1.6, 1.0)
    assert round_cost.main([]) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--rounds", "0"], "--rounds"), (["--estimator", "pathwise"], "--policy shift"), (["nowhere"], "nowhere")],
)
def test_mistakes_are_one_line(tastemaker, options, words, capsys):
    assert tastemaker("benchmark", "round", *options) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
