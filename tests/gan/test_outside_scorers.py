"""Scorers that other packages bring: found, asked of the reference images alone, learnt, and followed by a round."""

import sys

import numpy as np
import pytest
import torch
from scorer_package import NAMES, install_into

from gan.errors import UserError
from gan.guard import Limits
from gan.model import Model
from gan.networks import Generator, GeneratorConfig
from gan.policy.rounds import RoundConfig
from gan.rewards import RewardWeights
from gan.rewards.outside import Guessed, ask, find, installed
from gan.session import Feedback, TuningSession
from gan.taste.kernel import kernel

LIMITS = Limits(diversity=0.3, realism=-9.0, typicality=-9.0)
QUICK = RoundConfig(steps=6, states=8, children=4, look_every=2, look_images=32, limits=LIMITS, pool=600)


@pytest.fixture(autouse=True)
def _package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(install_into(tmp_path / "installed")))
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)


def _session() -> TuningSession:
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    session = TuningSession(Model("small", generator), device="cpu", seed=1, config=QUICK)
    shown = session.propose(40)
    session.add({i: proposal.latent for i, proposal in enumerate(shown)})
    light = [float(p.pixels.mean()) for p in shown]
    stars = 1 + np.searchsorted(np.quantile(light, (0.2, 0.4, 0.6, 0.8)), light)
    session.feedback(Feedback(i, "stars", float(s)) for i, s in enumerate(stars))
    session.fit()
    return session


def _redness(session: TuningSession) -> float:
    images = session.tuned_model().sample(range(1000, 1300)).astype(float)
    return float(images[..., 0].mean() - images[..., 1:].mean())


def test_what_is_installed_is_listed_and_asked_when_a_round_needs_it():
    assert installed() == ("absent", *NAMES)
    session = _session()
    session.set_weights(RewardWeights(outside={"reddest": 1.5}))
    latent = session.propose(1)[0].latent[None]
    assert "scorer:reddest" not in session.predict(latent)[0].wishes  # nobody has asked it yet
    notes = [report.note for report in session.run_round() if not report.step]
    assert "asking reddest about what the generator draws: 160 of 160 images" in notes
    assert session.last_round is not None and session.last_round.kept
    assert "scorer:reddest" in session.predict(latent)[0].wishes
    session.set_weights(RewardWeights(outside={"reddest": -1.5}))
    again = [report for report in session.run_round() if report.note.startswith("asking")]
    assert again == [], "what it says is known"


def test_a_round_follows_it():
    found = []
    for weight in (-2.0, 2.0):
        session = _session()
        session.set_weights(RewardWeights(outside={"reddest": weight}))
        for _ in session.run_round():
            pass
        found.append(_redness(session))
    assert found[0] + 4.0 < found[1]


def test_a_script_brings_a_function_of_its_own():
    session = _session()
    assert session.use_scorer("mine", lambda images: images[..., 2].mean(axis=(1, 2))) > 0.8
    assert session.use_scorer("same", None) == 0.0
    session.set_weights(RewardWeights(outside={"mine": 0.5, "same": 1.0}))
    points = np.stack([proposal.latent for proposal in session.propose(12)])
    wishes = [prediction.wishes for prediction in session.predict(points)]
    blue = session.draw(points)[..., 2].mean(axis=(1, 2))
    assert np.corrcoef([of["scorer:mine"] for of in wishes], blue)[0, 1] > 0.7
    assert {of["scorer:same"] for of in wishes} == {0.0}


def test_nobody_waits_for_a_scorer_to_hear_that_there_is_nothing_to_learn():
    session = _session()
    session.replace_feedback([])
    session.fit()
    session.set_weights(RewardWeights(outside={"reddest": 1.0}))
    with pytest.raises(UserError, match="too few ratings"):
        next(session.run_round())
    assert not session.scorer.knows_outside("reddest")


def test_cancelled_while_it_is_asked_nothing_changes():
    session = _session()
    session.set_weights(RewardWeights(outside={"reddest": 1.0}))
    before = session.adapter
    reports = list(session.run_round(cancel=lambda: True))
    assert not reports and session.adapter is before and not session.scorer.knows_outside("reddest")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "there is no scorer named 'nobody'"),
        ("absent", "cannot be loaded: ModuleNotFoundError"),
        ("number", "is no function"),
        ("broken", "failed: RuntimeError: the weights are missing"),
        ("short", r"returned the shape \(1,\) for 64 images"),
        ("endless", "returned a value that is not finite"),
    ],
)
def test_a_scorer_that_does_not_work_is_said_in_one_line_and_changes_nothing(name, said):
    session = _session()
    session.set_weights(RewardWeights(outside={name: 1.0}))
    before = session.adapter
    with pytest.raises(UserError, match=said):
        list(session.run_round())
    assert session.adapter is before and not session.scorer.knows_outside(name)


def test_a_scorer_that_wants_to_end_the_program_does_not(tmp_path, monkeypatch):
    facts = tmp_path / "more" / "more_scorers-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: more-scorers\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[tastemaker.scorers]\nquits = quitting_scorer:score\n")
    (facts.parent / "quitting_scorer.py").write_text("import sys\nsys.exit()\n")
    monkeypatch.syspath_prepend(str(facts.parent))
    with pytest.raises(UserError, match="'quits' cannot be loaded: SystemExit"):
        find("quits")
    with pytest.raises(UserError, match="'quits' failed: SystemExit"):
        ask("quits", sys.exit, np.zeros((2, 8, 8, 3), np.uint8))


def test_the_guess_is_the_regression_and_its_agreement_leaves_each_image_out():
    random = torch.Generator().manual_seed(0)
    features = (torch.randn(120, 4, generator=random), torch.randn(120, 6, generator=random))
    said = 3.0 + 2.0 * features[0][:, 0] - features[1][:, 2]
    guessed = Guessed(features, said)
    assert guessed.agreement > 0.95
    standard = (said - said.mean()) / said.std()
    assert float((guessed(features) - standard).abs().mean()) < 0.15
    rest = torch.arange(120) != 7
    some = tuple(group[rest] for group in features)
    covariance = kernel(some, some, guessed._parameters) + float(guessed._parameters.variance) * torch.eye(119, dtype=torch.float64)
    one = tuple(group[7:8] for group in features)
    alone = kernel(one, some, guessed._parameters) @ torch.linalg.solve(covariance, standard[rest].double())
    assert float(guessed.left_out[7]) == pytest.approx(float(alone), abs=1e-6)
    noise = Guessed(features, torch.randn(120, generator=random))
    assert noise.agreement < 0.35
