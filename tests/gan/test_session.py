"""The front door, on a small real generator: propose, listen, learn, teach, keep, restore, export."""

import json
import math
import os
import stat
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import safetensors
import torch
from safetensors.torch import load_file, save_file
from slow_clock import SlowClock

from gan.device import bfloat16_pays
from gan.errors import UserError
from gan.files import write_bytes
from gan.formats.checkpoint import save_checkpoint
from gan.guard import Limits, Look
from gan.model import Model
from gan.networks import Discriminator, DiscriminatorConfig, Generator, GeneratorConfig, latents
from gan.policy.rounds import Round, RoundConfig
from gan.preparing import affordable, reaching
from gan.rewards import MOVING_WEIGHTS, RewardWeights
from gan.rewards.drawer import Drawer
from gan.rewards.pool import Pool
from gan.session import Feedback, TuningSession

# Wide limits: a generator with random weights has no manifold to stay on.
WIDE = Limits(diversity=0.3, realism=-9.0, typicality=-9.0)
QUICK = RoundConfig(steps=6, states=8, children=4, look_every=2, look_images=32, limits=WIDE, pool=600)


@pytest.fixture(scope="module", autouse=True)
def _small_reference():
    patch = pytest.MonkeyPatch()
    patch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    yield
    patch.undo()


def _model(discriminator: bool = True) -> Model:
    torch.manual_seed(3)
    generator = Generator(GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)))
    critic = Discriminator(DiscriminatorConfig(resolution=16, channels=(8, 16), features=16)) if discriminator else None
    return Model(name="small", generator=generator, discriminator=critic)


def _redness(pixels: np.ndarray) -> np.ndarray:
    """The taste taught here."""
    return pixels[..., 0].astype(float).mean(axis=(-2, -1)) - pixels[..., 1:].astype(float).mean(axis=(-3, -2, -1))


def _edges(session: TuningSession) -> np.ndarray:
    """Of five equal shares of what the untuned generator draws."""
    return np.quantile(_redness(session.model.sample(range(100))), [0.2, 0.4, 0.6, 0.8])


def _rate(session: TuningSession, count: int, edges: np.ndarray, first: int = 0) -> int:
    proposals = session.propose(count)
    session.add({first + i: p.latent for i, p in enumerate(proposals)})
    stars = 1 + np.searchsorted(edges, _redness(np.stack([p.pixels for p in proposals])))
    session.feedback([Feedback(first + i, "stars", float(s)) for i, s in enumerate(stars)])
    return first + count


@pytest.fixture(scope="module")
def taught():
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    untuned = _redness(session.model.sample(range(400)))
    edges = np.quantile(untuned, [0.2, 0.4, 0.6, 0.8])
    known = _rate(session, 40, edges)
    session.fit()
    reports = [report for report in session.run_round(steps=12) if report.step]
    return session, edges, known, reports


def test_a_round_makes_more_of_what_is_liked(taught):
    session, edges, _, reports = taught
    assert [r.step for r in reports] == list(range(1, len(reports) + 1))
    assert session.last_round is not None and session.last_round.kept
    liked = (_redness(session.tuned_model().sample(range(1000, 1400))) > edges[3]).mean()
    assert liked > 0.35  # 0.2 before
    assert reports[-1].kl > 0
    assert session.last_round.best.taste > session.last_round.start.taste


def test_proposals_are_what_their_latents_draw(taught):
    session, _, _, _ = taught
    proposals = session.propose(12)
    redrawn = session.draw(np.stack([p.latent for p in proposals]))
    difference = np.abs(redrawn.astype(int) - np.stack([p.pixels for p in proposals]).astype(int))
    assert difference.max() <= 1
    assert {p.why for p in proposals} >= {"informative", "random"}


def test_a_grid_larger_than_what_is_known_repeats_nothing(taught):
    session = taught[0]
    for count in (300, QUICK.pool + 200):
        chosen = session.choose(count)
        fresh = [choice.latent.tobytes() for choice in chosen if choice.why != "repeat"]
        assert len(chosen) == count and len(set(fresh)) == len(fresh)
        assert len(session.pool) <= QUICK.pool


def test_a_checkpoint_brings_the_images_back(taught, tmp_path):
    session, _, _, _ = taught
    seeds = range(8)
    before, tuned = session.strip(seeds)
    assert np.abs(before.astype(int) - tuned.astype(int)).max() > 5
    session.save_checkpoint(tmp_path / "round-1.safetensors", {"like": 0.5})
    session.restore(None)
    assert np.array_equal(session.strip(seeds)[1], before)
    facts = session.restore(tmp_path / "round-1.safetensors")
    assert facts["like"] == 0.5
    assert np.array_equal(session.strip(seeds)[1], tuned)


def test_damaged_and_foreign_checkpoints_are_refused_and_change_nothing(taught, tmp_path):
    session, _, _, _ = taught
    before = session.strip(range(2))[1]
    session.save_checkpoint(tmp_path / "good.safetensors")
    data = (tmp_path / "good.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.safetensors").write_text("hello")
    for name in ("cut", "text", "absent"):
        with pytest.raises(UserError, match=name):
            session.restore(tmp_path / f"{name}.safetensors")
    other = TuningSession(
        Model("other", Generator(GeneratorConfig(resolution=16, z_dim=4, w_dim=16, channels=(16, 16, 8)))), device="cpu"
    )
    with pytest.raises(UserError, match="8 latent dimensions, not 4"):
        other.restore(tmp_path / "good.safetensors")
    assert np.array_equal(session.strip(range(2))[1], before)


@pytest.mark.parametrize(
    ("adapter", "facts"),
    [
        ({"candidates": "16"}, {}),
        ({"candidates": 0}, {}),
        ({"candidates": 10**12}, {}),
        ({"depth": 10**12}, {}),
        ({"wings": 2}, {}),
        ({}, {"rounds": None}),
        ({}, {"rounds": "many"}),
        ({}, {"foreseen": -1}),
        ({}, None),
    ],
)
def test_a_checkpoint_whose_header_is_damaged_is_refused(adapter, facts, tmp_path):
    session, path = TuningSession(_model(), device="cpu", config=QUICK), tmp_path / "c.safetensors"
    session.save_checkpoint(path)
    key = "tastemaker-checkpoint"
    with safetensors.safe_open(path, framework="pt") as archive:
        header = json.loads(archive.metadata()[key])
    header["adapter"].update(adapter)
    header["facts"] = None if facts is None else {**header["facts"], **facts}
    save_file(load_file(path), path, {key: json.dumps(header)})
    before = session.adapter
    with pytest.raises(UserError, match="is damaged"):
        session.restore(path)
    assert session.adapter is before


def test_a_second_round_waits_for_the_first_to_end(taught):
    session = deepcopy(taught[0])
    before, rounds = session.adapter, session.rounds
    first = session.run_round()
    while next(first).step < 1:
        pass
    with pytest.raises(ValueError, match="under way"):
        next(session.run_round())
    with pytest.raises(ValueError, match="under way"):
        session.restore(None)
    first.close()
    assert session.adapter is before and session.rounds == rounds
    second = session.run_round(steps=np.int64(1))
    while next(second).step < 1:
        pass
    second.close()
    assert session.adapter is before


def test_a_copy_of_a_session_prepares_itself():
    original = TuningSession(_model(), device="cpu", config=QUICK)
    copy = deepcopy(original)
    assert copy.prepare()
    assert len(copy.pool) == 32 and len(original.pool) == 0


def test_nothing_is_drawn_but_not_scored(taught):
    session = taught[0]
    none = np.zeros((0, session.model.z_dim), np.float32)
    assert len(session.draw(none)) == len(session.model.draw(none)) == 0
    calls = [(session.score, none), (session.predict, none), (session.score_known, []), (session.tuned_features, [])]
    for call, nothing in calls:
        with pytest.raises(ValueError, match=r"^no [a-z]+ were given$"):
            call(nothing)


def test_latents_that_are_not_finite_are_not_drawn(taught):
    session = taught[0]
    for value in (np.nan, np.inf):
        for draw in (session.draw, session.model.draw):
            with pytest.raises(ValueError, match="not finite"):
                draw(np.full((1, session.model.z_dim), value, np.float32))


def test_what_is_no_setting_is_refused(taught):
    session, _, _, _ = taught
    with pytest.raises(TypeError, match="RoundConfig"):
        TuningSession(_model(), device="cpu", config={"steps": 3})
    with pytest.raises(TypeError):
        TuningSession(_model(), device="cpu", seed=1.5)
    TuningSession(_model(), device="cpu", seed=np.int64(3))
    for pool in (0, -5, 2):
        with pytest.raises(ValueError, match="pool"):
            RoundConfig(pool=pool)
    with pytest.raises(TypeError, match="RewardWeights"):
        session.set_weights({"taste": 1.0})
    with pytest.raises(TypeError, match="Feedback"):
        session.feedback([(0, "stars", 3)])


def test_a_checkpoint_of_another_generator_is_refused_unless_it_may_have_been_retrained(tmp_path):
    own = TuningSession(_model(), device="cpu", config=QUICK)
    own.save_checkpoint(tmp_path / "own.safetensors")

    def session(seed: int = 3, w_dim: int = 16, **more: Any) -> TuningSession:
        torch.manual_seed(seed)
        shape = GeneratorConfig(resolution=16, z_dim=8, w_dim=w_dim, channels=(16, 16, 8))
        return TuningSession(Model("other", Generator(shape)), device="cpu", config=QUICK, **more)

    session().restore(tmp_path / "own.safetensors")  # the same one, without its discriminator
    for other in (session(4), session(w_dim=24), session(w_dim=24, retrained=True)):
        before = other.adapter
        with pytest.raises(UserError, match="belongs to another generator than other"):
            other.restore(tmp_path / "own.safetensors")
        assert other.adapter is before
    session(4, retrained=True).restore(tmp_path / "own.safetensors")
    save_checkpoint(tmp_path / "old.safetensors", own.adapter, {"model": own.model.hash})  # as they were before
    session(4).restore(tmp_path / "old.safetensors")


def test_the_tuned_model_stands_alone(taught):
    session, _, _, _ = taught
    tuned = session.tuned_model("mine")
    assert np.abs(tuned.sample(range(4)).astype(int) - session.strip(range(4))[1].astype(int)).max() <= 1
    assert tuned.card["tuning"]["ratings"] == 40
    again = TuningSession(tuned, device="cpu", config=QUICK)
    assert np.abs(again.strip(range(4))[1].astype(int) - tuned.sample(range(4)).astype(int)).max() <= 1


def test_the_same_seed_is_the_same_session():
    def once() -> np.ndarray:
        session = TuningSession(_model(), device="cpu", seed=5, config=QUICK)
        _rate(session, 24, _edges(session))
        session.fit()
        list(session.run_round(steps=2))
        return session.strip(range(4))[1]

    assert np.array_equal(once(), once())


def test_cancel_stops_before_the_next_step_and_keeps_a_whole_generator():
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    _rate(session, 24, _edges(session))
    session.fit()
    seen = []
    for report in session.run_round(cancel=lambda: len(seen) >= 2):
        seen.extend([report] if report.step else [])
    assert len(seen) == 2
    assert session.last_round is not None
    assert np.isfinite(session.strip(range(2))[1]).all()


def test_too_few_ratings_are_said_so():
    session = TuningSession(_model(), device="cpu", config=QUICK)
    _rate(session, 4, np.array([-10.0, 0.0, 10.0, 20.0]))
    session.fit()
    with pytest.raises(UserError, match="too few ratings"):
        next(session.run_round())


@pytest.mark.parametrize("policy", ["choice", "shift"])
def test_a_taste_that_was_taken_back_is_worth_nothing(policy):
    session = TuningSession(_model(), device="cpu", config=replace(QUICK, policy=policy))
    points = np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
    _rate(session, 24, _edges(session))
    assert (session.score(points).terms.taste == 0.0).all()
    session.fit()
    assert float(session.score(points).terms.taste.std()) > 0.1
    session.replace_feedback([Feedback(0, "like")])
    session.fit()
    assert (session.score(points).terms.taste == 0.0).all() and (session.scorer.reference_liking == 0.0).all()


def test_without_a_discriminator_realism_is_off():
    session = TuningSession(_model(discriminator=False), device="cpu", config=QUICK)
    _rate(session, 24, _edges(session))
    session.fit()
    assert all(p.realism is None for p in session.predict(np.zeros((2, 8), dtype=np.float32) + 1))
    assert not session.scorer.has_realism
    assert all(report.realism == 0.0 for report in session.run_round(steps=2))


def test_what_moves_latents_is_cautious_and_what_chooses_is_not():
    weights = [TuningSession(_model(), device="cpu", config=RoundConfig(policy=policy)).scorer.weights for policy in ("choice", "shift")]
    assert weights == [RewardWeights(), MOVING_WEIGHTS]
    assert RewardWeights().caution == RewardWeights().typicality == 0.0 < MOVING_WEIGHTS.caution


def test_predictions_follow_the_weights(taught):
    session, _, _, _ = taught
    latent = session.propose(3)[0].latent[None]
    session.set_weights(RewardWeights(taste=1.0, realism=0.0, typicality=0.0))
    plain = session.predict(latent)[0]
    session.set_weights(RewardWeights(taste=2.0, realism=0.0, typicality=0.0))
    doubled = session.predict(latent)[0]
    session.set_weights(RewardWeights())
    if not plain.gated:
        assert doubled.reward == pytest.approx(2 * plain.reward, rel=1e-4)
    assert 1 <= plain.stars <= 5 and plain.spread >= 0
    assert session.predict(latent)[0].taste == pytest.approx(plain.taste, rel=1e-4)


def test_what_a_tuned_generator_draws_is_looked_at_anew_after_a_round():
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    _rate(session, 40, _edges(session))
    session.fit()
    seeds = range(16)
    for report in session.run_round():
        if report.step == 1:
            half_way = session.tuned_features(seeds)  # as the studio may ask between two steps
    raw, _ = session.scorer.drawer.look(session.adapter(latents(seeds, 8)))
    after = torch.cat(session.scorer.standardise(raw), dim=1)
    assert session.last_round is not None and session.last_round.kept and not torch.equal(half_way, after)
    torch.testing.assert_close(session.tuned_features(seeds), after)


def test_a_dial_turned_after_a_round_is_followed_though_it_costs_taste():
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    _rate(session, 40, _edges(session))
    session.fit()
    list(session.run_round(steps=12))
    assert session.last_round is not None and session.last_round.kept and session.last_round.best.reward is None
    first = session.adapter
    for weights, term in ((RewardWeights(novelty=1.5), "diversity"), (RewardWeights(realism=2.0), "realism")):
        session.adapter = first
        session.set_weights(weights)
        list(session.run_round(steps=12))
        start, best = session.last_round.start, session.last_round.best
        assert session.last_round.kept
        assert best.taste < start.taste and getattr(best, term) > getattr(start, term) + 0.02


def test_why_nothing_was_kept_names_the_limit_that_narrowed_the_choice(monkeypatch):
    """Among many it breaks a limit, among half as many it pleases less than what there was."""
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    _rate(session, 40, _edges(session))
    session.fit()

    def look(self: Round, step: int, adapter: object = None) -> Look:
        few = self.adapter.config.candidates <= 16
        return Look(step, taste=1.0 if step == 0 else 0.5 if few else 1.5, realism=0.0, diversity=1.0 if few or step == 0 else 0.2)

    monkeypatch.setattr(Round, "look", look)
    assert list(session.run_round())
    ended = session.last_round
    assert ended is not None and not ended.kept and session.adapter.idle
    assert "(variety fell to 0.20 (limit 0.30)); nothing was changed." in ended.reason


def test_a_choice_that_breaks_a_limit_is_made_only_as_loose_as_it_must_be(monkeypatch):
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    _rate(session, 40, _edges(session))
    session.fit()
    asked = session.config.candidates

    def look(self: Round, step: int, adapter: object = None) -> Look:
        among = self.adapter.config.candidates
        return Look(step, taste=step and among / asked, realism=0.0, diversity=1.0 if among < asked or step == 0 else 0.2)

    monkeypatch.setattr(Round, "look", look)
    list(session.run_round())
    assert session.last_round is not None and session.last_round.kept
    assert session.adapter.config.candidates == asked * 3 // 4


def test_less_evidence_than_before_undoes_nothing_but_a_lower_strength_does(monkeypatch):
    """With a quarter of the stars random, a person's likes went from 0.59 to 0.38: the next choice was among 3 instead of 48."""
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    known = _rate(session, 60, _edges(session))
    session.fit()
    assert session.learner.conviction == 1.0
    list(session.run_round(steps=12))
    liked = _redness(session.tuned_model().sample(range(400))).mean()
    monkeypatch.setattr("gan.taste.learner.TasteLearner.conviction", 0.3)
    _rate(session, 24, _edges(session), known)
    session.fit()
    list(session.run_round(steps=12))
    assert session.last_round is not None and session.adapter.config.candidates == session.config.candidates
    spread = _redness(session.model.sample(range(400))).std()
    assert _redness(session.tuned_model().sample(range(400))).mean() > liked - 0.1 * spread
    assert reaching(session.config, 0.25, 0.3, held=48).candidates == 24  # half as strong
    assert reaching(session.config, 0.5, 0.3).candidates == 3  # nothing was reached so far


def test_misuse_is_named():
    session = TuningSession(_model(), device="cpu")
    with pytest.raises(ValueError, match="count"):
        session.propose(0)
    with pytest.raises(ValueError, match="shape"):
        session.add({1: np.zeros(5, dtype=np.float32)})
    with pytest.raises(KeyError, match="never added"):
        session.feedback([Feedback(77, "like")])


@pytest.mark.parametrize(
    ("latent", "said"),
    [
        (np.zeros(7), r": the shape \(8,\) is needed, \(7,\) was given"),
        (np.zeros((1, 8)), r": the shape \(8,\) is needed"),
        (np.array([0.0] * 7 + [np.nan]), " holds values that are not finite"),
    ],
)
def test_latents_that_are_none_are_refused_and_nothing_is_added(latent, said):
    session = TuningSession(_model(), device="cpu", seed=0, config=QUICK)
    with pytest.raises(ValueError, match=f"latent of image 1{said}"):
        session.add({0: np.zeros(8), 1: latent})
    with pytest.raises(KeyError, match="never added"):
        session.feedback([Feedback(0, "like")])
    for call in (session.draw, session.score, session.predict):
        with pytest.raises(ValueError, match=r"not \(N, 8\)"):
            call(np.zeros((2, 7)))
    for call in (session.score, session.predict):
        with pytest.raises(ValueError, match="not finite"):
            call(np.full((2, 8), np.nan))


def test_a_session_draws_what_the_model_draws_whatever_surrounds_it(taught):
    session = taught[0]
    z = session.propose(8)
    points = np.stack([proposal.latent for proposal in z])
    plain = session.draw(points)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(session.draw(points), plain)
    untuned = Model("small", session.model.generator)
    np.testing.assert_array_equal(session.strip(range(4))[0], untuned.sample(range(4)))


def test_a_latent_of_the_callers_may_be_changed_afterwards():
    session = TuningSession(_model(), device="cpu", seed=0, config=QUICK)
    mine = np.zeros(8, np.float32)
    session.add({0: mine})
    mine += 1e6
    assert torch.isfinite(session.learner.features_of([0])[0]).all()
    np.testing.assert_array_equal(session._latents[0], np.zeros(8))


def test_feedback_of_an_unknown_image_leaves_what_was_said():
    session = TuningSession(_model(), device="cpu", seed=0, config=QUICK)
    _rate(session, 12, _edges(session))
    before = session.learner.standing()
    wrong = [Feedback(0, "like"), Feedback(999, "like")]
    for call in (session.feedback, session.replace_feedback):
        with pytest.raises(KeyError, match="999"):
            call(wrong)
        assert session.learner.standing() == before


def test_who_leaves_a_round_half_way_keeps_the_generator():
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    _rate(session, 60, _edges(session))
    session.fit()
    before = session.tuned_model().hash
    running = session.run_round()
    while next(running).step < 2:
        pass
    running.close()
    assert session.tuned_model().hash == before and session.rounds == 0
    for problem in ({"steps": 0}, {"strength": 1.5}, {"strength": float("nan")}):
        with pytest.raises(ValueError, match=next(iter(problem))):
            next(session.run_round(**problem))


def test_a_round_that_cannot_begin_keeps_the_generator():
    session = TuningSession(_model(), device="cpu", seed=1, config=replace(QUICK, estimator="pathwise"))  # which a choice cannot use
    _rate(session, 40, _edges(session))
    session.fit()
    before = session.adapter
    with pytest.raises(ValueError, match="pathwise"):
        list(session.run_round())
    assert session.adapter is before


@pytest.mark.parametrize("damage", [b"", b"no archive", b"PK"])
def test_a_damaged_pool_in_the_cache_is_read_anew(damage, tmp_path):
    def read() -> Pool:
        pool = Pool(Drawer(_model()), 40, tmp_path / "pool.npz")
        pool.grow_to(40)
        return pool

    first = read().read()[0].groups[0]
    assert (tmp_path / "pool.npz").stat().st_size > 1000
    (tmp_path / "pool.npz").write_bytes(damage)
    torch.testing.assert_close(read().read()[0].groups[0], first)
    assert (tmp_path / "pool.npz").stat().st_size > 1000


def test_a_slow_generators_pool_is_kept_and_goes_on_from_there(tmp_path, monkeypatch):
    monkeypatch.setattr("gan.rewards.pool._LONG", 0.0)  # any time is long
    monkeypatch.setattr("gan.rewards.pool._REFERENCE_SUFFICES", ((0.0, 20),))

    def opened() -> Pool:
        return Pool(Drawer(_model()), 40, tmp_path / "pool.npz")

    pool = opened()
    pool.grow(16)
    assert not pool.refers and not (tmp_path / "pool.npz").exists()
    pool.grow(6)
    assert pool.refers and not pool.full and len(opened()) == 22
    pool.grow(6)
    assert len(opened()) == 22  # written again after it has grown by half
    pool.grow(6)
    later = opened()
    assert len(later) == 34 and not later.full and torch.equal(later.latents, pool.latents)
    later.grow(16)
    whole = opened()
    assert later.full and len(whole) == 40
    for one, other in zip(whole.read()[0].groups, Drawer(_model()).look(whole.latents)[0].groups, strict=True):
        torch.testing.assert_close(one, other)


def test_paths_may_be_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    session.save_checkpoint("mine.safetensors", {"note": "as it was"})
    assert session.restore("mine.safetensors")["note"] == "as it was"
    cached = TuningSession(_model(), device="cpu", config=replace(QUICK, pool=32), cache="folder")
    cached.pool.grow_to(32)
    assert list((tmp_path / "folder").iterdir())


def test_what_is_no_model_or_no_seed_is_said_at_once():
    with pytest.raises(TypeError, match=r"a Model, such as gan\.load gives for a name, not str"):
        TuningSession("dreamscapes")
    TuningSession(_model(), device="cpu", seed=2**64 - 1)
    for seed in (2**64, -(2**70)):
        with pytest.raises(ValueError, match="64 bits"):
            TuningSession(_model(), device="cpu", seed=seed)


def test_the_callers_stream_of_random_numbers_is_left_alone(tmp_path):
    before = torch.get_rng_state()
    session = TuningSession(_model(), device="cpu", seed=1, config=QUICK)
    torch.set_rng_state(before)  # the model's own weights are drawn from it here
    _rate(session, 24, _edges(session))
    session.fit()
    list(session.run_round(steps=1))
    session.save_checkpoint(tmp_path / "c.safetensors")
    session.restore(tmp_path / "c.safetensors")
    TuningSession(session.tuned_model(), device="cpu", config=QUICK)
    bfloat16_pays.__wrapped__(torch.device("cpu"))  # asked once in a process
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps names by itself")
def test_what_was_written_keeps_its_name_after_a_power_cut(tmp_path, monkeypatch):
    synced, whole = [], os.fsync

    def sync(handle):
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), (tmp_path / "new").exists()))
        whole(handle)

    monkeypatch.setattr(os, "fsync", sync)
    write_bytes(tmp_path / "new", b"adapter")
    assert synced == [(False, False), (True, True)]


def test_known_images_are_scored_without_drawing_them_again(taught):
    session = taught[0]
    session.fit()
    some = [3, 0, 7]
    again = session.score_known(some)
    drawn = session.score(np.stack([session._latents[i] for i in some]))
    torch.testing.assert_close(again.liking, drawn.liking, atol=0.03, rtol=0.0)
    torch.testing.assert_close(again.reward, drawn.reward, atol=0.1, rtol=0.0)


def test_a_round_does_first_what_was_not_prepared_and_stops_when_asked():
    def note_of(session: TuningSession, **asked: Any) -> list[str]:
        return [report.note for report in session.run_round(**asked) if report.step == 0]

    session = TuningSession(_model(), device="cpu", seed=3, config=replace(QUICK, pool=1200))
    _rate(session, 24, _edges(session))
    session.fit()
    assert not note_of(session, cancel=lambda: True)
    assert session.foresight is None and not session.pool.full
    notes = note_of(session)
    assert "looking at what the generator draws" in notes[0] and notes[-1] == "learning what latents look like: 100 %"
    assert not session.prepare() and not note_of(session)


def test_what_is_prepared_is_chosen_from_and_drawn_as_it_is_saved():
    session = TuningSession(_model(), device="cpu", seed=4, config=QUICK)
    edges = np.array([-30.0, -10.0, 10.0, 30.0])
    _rate(session, 24, edges)
    session.fit()
    while session.prepare():
        pass
    assert len(session.pool) == QUICK.pool
    proposals = session.propose(24)
    assert [p.why for p in proposals].count("informative") > 12
    drawn = session.draw(np.stack([p.latent for p in proposals]))
    assert (np.stack([p.pixels for p in proposals]) == drawn).all()


def test_a_slow_generator_is_taught_from_fewer_images_a_few_at_a_time(monkeypatch):
    session = TuningSession(_model(), device="cpu", seed=3, config=RoundConfig(steps=8, limits=WIDE, pool=4096))
    clock = SlowClock(monkeypatch, session)
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 1024)
    proposals = session.propose(24)
    session.add({i: proposal.latent for i, proposal in enumerate(proposals)})
    assert session.reading is not None
    told = []
    while (left := session.read()) is not None:
        told.append(left)
        assert clock.now < 200.0
    assert told[0].images > 24 and told[0].seconds == pytest.approx(told[0].images)
    assert [left.images for left in told[2:]] == sorted((left.images for left in told[2:]), reverse=True)
    assert str(told[-1]) == "looking at what the generator draws: 128 of 129 images"
    assert session.reading is None and len(session.pool) == 128 and len(session.scorer.latents) == 128
    order = np.argsort([proposal.pixels.mean() for proposal in proposals])
    at = clock.now
    session.feedback(Feedback(int(i), "stars", 1.0 + 5 * place // 24, float(place)) for place, i in enumerate(order))
    session.fit()
    assert clock.now == at  # all that it needs was read
    notes = [report.note for report in session.run_round() if not report.step]
    assert notes[0] == "looking at what the generator draws: 129 of 512 images" and len(session.pool) == 512
    assert session.last_round is not None and session.last_round.drawn < 8 * 8 + 4 * 32 + 1
    assert session.choose(24)  # among those 512


def test_how_much_a_round_draws_depends_on_what_can_be_drawn():
    usual = RoundConfig()
    assert affordable(usual, math.inf) is usual and affordable(usual, 30.0) is usual
    assert affordable(usual, 5.0).states == 4 and affordable(usual, 0.5).look_images == 32
    asked = replace(usual, states=2, children=2, look_images=16)
    assert affordable(asked, 0.01) == replace(asked, look_every=8)
