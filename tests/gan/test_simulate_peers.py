"""The learning benchmark's peers, ablations, journal, figures, table and picture, on an untrained network of a few thousand weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan.errors import UserError
from gan.model import Model
from gan.networks import latents
from gan.policy.rounds import Round, RoundConfig
from gan.session import TuningSession
from gan.simulate import benchmark, figures, queries
from gan.simulate.contest import Ground, chosen, installed
from gan.simulate.evaluate import Bench, Judge
from gan.simulate.journal import add_peer, add_run, load_records, run_key
from gan.simulate.peers import ablations, ddpo
from gan.simulate.peers.base import PEERS, Given, Peer, Tally, counted
from gan.simulate.peers.directions import Directions
from gan.simulate.peers.shift_policy import Batch
from gan.simulate.peers.strength import weakened
from gan.simulate.picture import curves, draw_picture
from gan.simulate.rater import Rater
from gan.simulate.report import Rated
from gan.simulate.table import table

MakeModel = Callable[..., Model]
COUNT = 40
BRIEF = RoundConfig(steps=2, states=4, children=4, look_every=2, look_images=16, pool=1200)


@pytest.fixture(scope="module", autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan.data.procedural.cache_folder", lambda: folder)
        patch.setattr("gan.session.RoundConfig", lambda: BRIEF)
        patch.setattr("gan.simulate.peers.ablations.RoundConfig", lambda **changes: replace(BRIEF, **changes))
        yield folder


@pytest.fixture(scope="module")
def model(small_model: MakeModel) -> Model:
    return replace(small_model(1), card={})


@pytest.fixture(scope="module")
def judge(model: Model) -> Judge:
    def warmth(images: np.ndarray) -> np.ndarray:
        x = images.astype(np.float64)
        return (x[..., 0] - x[..., 2]).mean((1, 2))  # type: ignore[no-any-return]

    return Judge(Bench.prepare(model, COUNT, cache=False), Rater(Path("warmth.py"), warmth, takes_progress=False))


@pytest.fixture(scope="module")
def rated(model: Model, judge: Judge) -> Rated:
    """Sixty images of the prior, with the stars of a person without noise."""
    z = latents(range(60), model.z_dim).numpy()
    utilities = judge.rater.utility(model.sample(range(60)))
    stars = 1 + np.searchsorted(np.quantile(judge.utilities, (0.2, 0.4, 0.6, 0.8)), utilities)
    return Rated(z, stars.astype(np.int64))


@pytest.fixture(scope="module")
def ground(model: Model) -> Ground:
    return Ground(model, None)


def run_of(rated: Rated, judge: Judge, seed: int = 0, ratings: int = 60, like: float = 0.5) -> figures.Record:
    """A run's record, as far as peers and figures read it."""

    def row(like: float, diversity: float) -> figures.Record:
        ratios = dict.fromkeys(figures.RATIOS, 1.0) | {"diversity_ratio": diversity}
        return {"like": like, "love": like / 2, **ratios, "inside": True, "inside_lenient": True, "violations": []}

    return {
        "key": run_key("warmth", seed, ratings, COUNT, "0" * 10),
        "rater": "warmth",
        "seed": seed,
        "ratings": ratings,
        "lapses": 0.05,
        "drifts": True,
        "model": {"name": "small"},
        "untuned": row(0.2, 1.2),
        "final": row(like, 1.0),
        "counted": row(like, 1.0),
        "counted_lenient": row(like, 1.0),
        "best_of": {"4": row(0.3, 1.1), "16": row(0.4, 1.0)},
        "strengths": {"8": row(0.4, 1.1), "64": row(like + 0.2, 0.8)},
        "oracle_best_of_16": row(0.97, 1.0),
        "curve": [{"ratings": ratings // 2, **row(0.3, 1.0)}, {"ratings": ratings, **row(like, 1.0)}],
        "ended_below": False,
        "predicted_minus_true": 0.1,
        "seconds": 3.0,
        "images": 100,
        "rated": rated.record(),
        "peers": {},
    }


# --- what a peer is given ---------------------------------------------------------------------------------------------------


def test_what_was_rated_survives_json(rated: Rated) -> None:
    again = Rated.of(json.loads(json.dumps(rated.record())))
    assert again.latents.dtype == np.float32
    assert np.array_equal(again.latents, rated.latents)
    assert np.array_equal(again.stars, rated.stars)


def test_an_interactive_peer_asks_no_more_than_it_may(ground: Ground, rated: Rated, judge: Judge, model: Model) -> None:
    given = ground.given(rated, judge, 0, 0.0, PEERS["evolution"])
    assert len(given.latents) == 0
    z = latents(range(60), model.z_dim)
    stars = given.rate(z, 0)
    assert np.corrcoef(stars, rated.stars)[0, 1] > 0.8  # the same images, and a person with noise
    with pytest.raises(ValueError, match="61 ratings asked for, of 60"):
        given.rate(z, 1)
    alone = ground.given(rated, judge, 0, 0.0, PEERS["ddpo"])
    assert np.array_equal(alone.stars, rated.stars)
    with pytest.raises(ValueError, match="of 0"):
        alone.rate(z[:1], 0)


def test_every_run_has_a_taste_of_its_own(ground: Ground, rated: Rated, judge: Judge) -> None:
    """The session is shared: ratings of one run must not stay for the next."""
    given = ground.given(rated, judge, 0, 0.0, PEERS["ddpo"])
    before, _ = given.session.learner.model.predict(given.session.scorer.reference)  # type: ignore[union-attr]
    opposite = Rated(rated.latents, 6 - rated.stars)
    ground.given(opposite, judge, 0, 0.0, PEERS["ddpo"])
    given = ground.given(rated, judge, 0, 0.0, PEERS["ddpo"])
    again, _ = given.session.learner.model.predict(given.session.scorer.reference)  # type: ignore[union-attr]
    assert torch.allclose(before, again)
    assert float(before.std()) > 0.2


def test_what_the_generator_draws_is_counted(model: Model) -> None:
    with counted(model, Tally()) as tally:
        model.sample(range(70))
    model.sample(range(5))
    assert tally.images == 70


# --- the peers --------------------------------------------------------------------------------------------------------------


def gain(peer: Peer, ground: Ground, rated: Rated, judge: Judge) -> tuple[float, Given]:
    """How much more the taste model likes what the peer draws than what the untuned generator does, in its own units."""
    given = ground.given(rated, judge, 0, 0.05, peer)
    tuned = peer.tune(given)
    seeds = range(1_000_000, 1_000_128)
    images = tuned.sample(seeds)
    assert images.shape == (128, 16, 16, 3)
    assert images.dtype == np.uint8
    assert np.array_equal(tuned.sample(range(1_000_005, 1_000_009)), images[5:9])  # a seed is an image, whatever is drawn with it
    liking = [
        given.session.scorer.score(torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1.0).liking.mean()
        for x in (images, given.model.sample(seeds))
    ]
    return float(liking[0] - liking[1]), given


@pytest.mark.parametrize("name", ["expert-iteration", "ddpo", "d3po", "hero", "cma-es", "preferential-bo", "evolution"])
def test_a_peer_pleases_more_and_leaves_the_session_alone(
    name: str, ground: Ground, rated: Rated, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = PEERS[name]
    if peer.missing:
        pytest.skip(f"{', '.join(peer.missing)} is not installed")
    monkeypatch.setattr("gan.simulate.peers.cma_es.GENERATIONS", 12)
    weights = {key: value.clone() for key, value in ground.model.tensors().items()}
    more, given = gain(peer, ground, rated, judge)
    assert more > 0.15
    assert not ground.model.tuned
    assert given.session.adapter.idle
    assert given.session.rounds == 0
    assert all(torch.equal(value, weights[key]) for key, value in ground.model.tensors().items())


@pytest.mark.parametrize("name", ["evolution", "hero", "ddpo", "one-round"])
def test_a_peer_is_its_seed(name: str, ground: Ground, rated: Rated, judge: Judge) -> None:
    run = run_of(rated, judge)
    first, second = (ground.compete(PEERS[name], run, judge) for _ in range(2))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


@pytest.mark.parametrize("stars", [1, 3, 5])
def test_where_all_is_rated_alike_a_peer_stays_where_it_is_or_moves_without_failing(
    stars: int, ground: Ground, rated: Rated, judge: Judge
) -> None:
    given = ground.given(Rated(rated.latents, np.full(60, stars)), judge, 0, 0.0, PEERS["hero"])
    assert PEERS["hero"].tune(given) is given.model
    assert np.isfinite(PEERS["ddpo"].tune(given).sample(range(4))).all()


@pytest.mark.parametrize("name", [peer.name for peer in PEERS.values() if peer.kind == "ablation"])
def test_an_ablation_runs_and_differs_in_what_it_says(name: str, ground: Ground, rated: Rated, judge: Judge) -> None:
    found = ground.compete(PEERS[name], run_of(rated, judge), judge)
    assert found["images"] > 0
    assert found["like"] >= judge.untuned.like - 0.1
    if name == "no-kl":
        given = ground.given(rated, judge, 0, 0.05, PEERS[name])
        adapter = ablations.no_kl(given).adapter  # type: ignore[union-attr]
        assert adapter.config.candidates == 256


def test_an_ablation_leaves_the_scorer_as_it_was(ground: Ground, rated: Rated, judge: Judge) -> None:
    given = ground.given(rated, judge, 0, 0.0, PEERS["no-realism"])
    before = given.session.scorer.weights
    rewards = given.session.scorer.known_scores().reward
    ablations.no_realism(given)
    ablations.lower_bound(given)
    assert given.session.scorer.weights == before
    assert torch.equal(given.session.scorer.known_scores().reward, rewards)


@pytest.mark.parametrize("name", ["one-round", "w-shift"])
def test_the_guard_looks_at_images_that_were_not_rated(
    name: str, ground: Ground, rated: Rated, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = TuningSession(ground.model, "cpu", seed=3).choose(24)
    looked: list[torch.Tensor] = []

    class Watched(Round):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            looked.extend(self._held_out)

    for module in ("ablations", "style_rounds"):
        monkeypatch.setattr(f"gan.simulate.peers.{module}.Round", Watched)
        monkeypatch.setattr(f"gan.simulate.peers.{module}.RoundConfig", lambda **changes: replace(BRIEF, look_images=64, **changes))
    PEERS[name].tune(ground.given(rated, judge, 3, 0.0, PEERS[name]))
    assert len(looked) >= 64
    assert not {choice.latent.tobytes() for choice in shown} & {latent.numpy().tobytes() for latent in looked}


def test_random_proposals_differ_from_ours_in_nothing_else(
    ground: Ground, rated: Rated, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As much is known of the prior before each round as ours knows, and not counted as drawn."""
    monkeypatch.setattr("gan.preparing.ENOUGH", 300)
    known = []

    class Watched(TuningSession):
        def run_round(self, *arguments: Any, **options: Any) -> Any:
            known.append(len(self.pool))
            return super().run_round(*arguments, **options)

    monkeypatch.setattr("gan.session.TuningSession", Watched)
    found = ground.compete(PEERS["random-proposals"], run_of(rated, judge), judge)
    assert known and set(known) == {BRIEF.pool}
    assert 0 < found["images"] < BRIEF.pool / 2


def test_ddpos_clip_is_of_the_sum() -> None:
    old = torch.zeros(1, 2)
    for gap, steep in ((1.0, True), (2.0, False)):  # nats; 1.64 is the published clip of the mean over 16,384 numbers
        now = torch.full((1, 2), gap, requires_grad=True)
        ddpo.surrogate(Batch(now, old, old, old, torch.ones(1, 2))).backward()
        assert now.grad is not None
        assert bool(now.grad.any()) is steep


def test_principal_directions_are_orthonormal_and_replaceable(ground: Ground, rated: Rated, judge: Judge) -> None:
    given = ground.given(rated, judge, 0, 0.0, PEERS["ddpo"])
    directions = Directions.of(given, 4)
    assert torch.allclose(directions.basis.t() @ directions.basis, torch.eye(4), atol=1e-5)
    x = directions.coordinates(given.session.pool.latents)
    assert x.std(0).tolist() == pytest.approx([1.0] * 4, abs=0.02)
    z = latents(range(8), given.model.z_dim)
    moved = directions.replace(z, torch.full((8, 4), 0.5))
    assert torch.allclose(moved @ directions.basis, torch.full((8, 4), 0.5), atol=1e-5)
    rest = torch.eye(given.model.z_dim) - directions.basis @ directions.basis.t()
    assert torch.allclose(moved @ rest, z @ rest, atol=1e-5)


def test_peers_are_chosen_by_name() -> None:
    assert chosen("none", "peer") == []
    assert {peer.name for peer in chosen("all", "peer")} >= {"ddpo", "cma-es", "hero", "evolution"}
    assert [peer.name for peer in chosen("d3po,ddpo,d3po", "peer")] == ["d3po", "ddpo"]
    with pytest.raises(UserError, match="no ablation named 'ddpo'"):
        chosen("ddpo", "ablation")
    needy = Peer("needy", "needy peer", "nowhere", needs=("no_such_package_of_anyone",))
    kept, lines = installed([needy, PEERS["ddpo"]])
    assert kept == [PEERS["ddpo"]]
    assert lines == ["needy peer is left out: it needs no_such_package_of_anyone (pip install tastemaker-studio[benchmark])"]


# --- figures ----------------------------------------------------------------------------------------------------------------


def test_ours_at_another_diversity(rated: Rated, judge: Judge) -> None:
    run = run_of(rated, judge)
    for diversity, like in ((1.5, 0.2), (1.13, 0.2), (1.12, 0.4), (1.03, 0.4), (1.02, 0.5), (0.83, 0.5), (0.82, 0.7), (0.1, 0.7)):
        assert figures.ours_at(run, diversity)["like"] == like
    narrow = {**run["final"], "like": 0.65, "diversity_ratio": 0.8, "images": 9, "seconds": 1.0}
    run["peers"]["ddpo"] = narrow
    for how, difference in (("end", -0.15), ("matched", 0.05), ("kept", -0.15)):
        found = figures.comparison([run], "ddpo", how=how)  # type: ignore[arg-type]
        assert found is not None
        assert found["mean"] == pytest.approx(difference)
    assert figures.comparison([run], "hero") is None


def test_ours_at_another_coverage(rated: Rated, judge: Judge) -> None:
    """Among more candidates nearly as diverse, but covering less: as much as theirs is kept only among fewer."""
    run = run_of(rated, judge)
    run["strengths"] = {
        n: {**run["final"], "like": like, "diversity_ratio": diversity, "coverage_ratio": coverage}
        for n, like, diversity, coverage in (("16", 0.45, 0.98, 0.90), ("64", 0.7, 0.97, 0.68))
    }
    run["final"]["coverage_ratio"] = 0.8
    run["peers"]["ddpo"] = {**run["final"], "like": 0.4, "diversity_ratio": 0.98, "coverage_ratio": 0.89, "images": 9, "seconds": 1.0}
    found = figures.compared([run])["ddpo"]
    assert found["minus_matched"]["like"]["mean"] == pytest.approx(0.3)
    assert found["minus_covered"]["like"]["mean"] == pytest.approx(0.05)
    assert figures.ours_at(run, 0.91, "coverage_ratio") == run["untuned"]
    text = table([run])
    assert "at their coverage" in text and "+0.300" in text and "+0.050" in text


def test_who_ended_outside_counts_as_the_best_inside(rated: Rated, judge: Judge) -> None:
    run = run_of(rated, judge)
    outside = {**run["final"], "like": 0.9, "inside_lenient": False}
    half = {**run["final"], "like": 0.45}
    run["peers"] = {"ddpo": {**outside, "strengths": {"0.33": half, "0.67": outside}}, "hero": {**outside, "strengths": {}}}
    likes = [figures.kept(run, name, "inside_lenient")["like"] for name in ("ddpo", "hero", "best-of-16", "")]  # type: ignore[index]
    assert likes == [0.45, 0.2, 0.4, 0.5]
    assert figures.kept(run, "ddpo", "inside")["like"] == 0.9  # type: ignore[index]
    run["final"] = outside
    assert figures.kept(run, "", "inside_lenient")["like"] == 0.7  # type: ignore[index]  # among more candidates, and inside
    assert figures.kept(run, "d3po") is None
    run["best_of"]["16"] = outside  # the best of fewer is what it could have been
    assert figures.kept(run, "best-of-16", "inside_lenient")["like"] == 0.3  # type: ignore[index]


@pytest.mark.parametrize("name", ["ddpo", "evolution", "block-styles"])
def test_a_weakened_peer_lies_between(name: str, ground: Ground, rated: Rated, judge: Judge) -> None:
    given = ground.given(rated, judge, 0, 0.05, PEERS[name])
    tuned = PEERS[name].tune(given)
    half, hardly = (weakened(tuned, share) for share in (0.5, 1e-4))
    assert half is not None
    assert hardly is not None
    full, some, none, start = (t.sample(range(64)).astype(float) for t in (tuned, half, hardly, given.model))
    assert np.abs(none - start).mean() < 1.0 + 0.1 * np.abs(full - start).mean()
    assert 0.1 < np.abs(some - start).mean() / np.abs(full - start).mean() < 1.0
    assert weakened(given.model, 0.5) is None


def test_the_table_names_every_contestant(rated: Rated, judge: Judge) -> None:
    runs = [run_of(rated, judge, seed) for seed in range(3)]
    for run in runs:
        for name in ("hero", "no-kl"):
            run["peers"][name] = {**run["final"], "like": 0.3, "images": 2048, "seconds": 7.0}
    text = table(runs)
    medians, like, love = (line for line in text.splitlines() if line.startswith("HERO-like"))
    assert "2,048" in medians
    assert like.split()[1:5] == ["+0.200", "(+0.200", "+0.200)*", "+0.200"]
    assert love.split()[1] == "+0.000"
    assert text.index("HERO-like") < text.index("one part left out") < text.index("no KL")
    assert "30: 0.30, 60: 0.50" in text  # the rater drifts
    assert figures.recovery(runs)[-1] == {"ratings": 60, "like": 0.5, "love": 0.25, "runs": 3}


def test_what_strength_trades(rated: Rated, judge: Judge) -> None:
    runs = [run_of(rated, judge, seed) for seed in range(3)]
    runs[0]["strengths"]["64"]["like"] = 0.9
    runs[1]["strengths"]["64"]["like"] = 0.8
    runs[2]["strengths"] = {**runs[2]["strengths"], "256": runs[2]["final"]}  # not judged everywhere: left out
    few, many = figures.by_candidates(runs)
    assert (few["candidates"], few["like"], few["runs"]) == (8, 0.4, 3)
    assert (many["candidates"], many["like"], many["diversity_ratio"]) == (64, 0.8, 0.8)
    lines = [line.split() for line in table(runs).splitlines()]
    assert ["64", "0.80", "0.35", "0.80", "1.00", "1.00", "1.00"] in lines
    for run in runs:
        del run["strengths"]  # a journal of a policy that does not choose
    assert figures.by_candidates(runs) == []
    assert "candidates" not in table(runs)


def test_the_picture(rated: Rated, judge: Judge, tmp_path: Path) -> None:
    runs = [run_of(rated, judge, seed, k, 0.4 + k / 200) for seed in range(2) for k in (24, 100)]
    for run in runs:
        run["peers"]["ddpo"] = {**run["final"], "like": 0.33}
        run["peers"]["no-kl"] = run["final"]
    drawn = curves(runs)
    assert [curve.title for curve in drawn] == ["ours", "best of 4", "best of 16", "DDPO, one step"]
    assert drawn[0].ratings == [0, 24, 100]
    assert drawn[0].mean == pytest.approx([0.2, 0.52, 0.9])
    draw_picture(runs, tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as image:
        assert image.size == (2000, 1240)
        assert len(image.getcolors(1 << 24)) > 50
    draw_picture(runs[:1], tmp_path / "curve.svg")
    text = (tmp_path / "curve.svg").read_text()
    assert text.startswith("<svg")
    assert ">DDPO, one step  33%<" in text
    with pytest.raises(UserError, match="cannot write"):
        draw_picture(runs, tmp_path / "curve.png" / "curve.svg")


# --- the journal and the command --------------------------------------------------------------------------------------------


def test_a_journal_joins_peers_to_their_runs(rated: Rated, judge: Judge, tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    first, second = run_of(rated, judge, 0), run_of(rated, judge, 1)
    add_run(path, first)
    add_peer(path, first["key"], "ddpo", {"like": 0.1})
    with path.open("a") as stream:
        stream.write('{"key": {"rater": "half a li')
    add_run(path, second)
    add_peer(path, first["key"], "hero", {"like": 0.2})
    add_peer(path, {"rater": "nobody"}, "hero", {"like": 0.9})
    runs = load_records(path)
    assert [run["seed"] for run in runs] == [0, 1]
    assert runs[0]["peers"] == {"ddpo": {"like": 0.1}, "hero": {"like": 0.2}}
    assert runs[1]["peers"] == {}


def test_lapses_make_another_run() -> None:
    usual = run_key("a", 0, 24, 10, "h")
    assert "lapses" not in usual
    assert run_key("a", 0, 24, 10, "h", 0.25) == {**usual, "lapses": 0.25}


def test_peers_added_later_complete_earlier_runs(
    model: Model, judge: Judge, rated: Rated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    class Ran:
        def __init__(self, seed: int) -> None:
            self.seed = seed

        def record(self) -> figures.Record:
            return {**run_of(rated, judge, self.seed), "peers": None}

    def simulate(model: Model, path: Path, ratings: int, seed: int, *_: Any, **options: Any) -> Ran:
        assert options["lapses"] == 0.25
        ran.append(f"ours {seed}")
        return Ran(seed)

    class Place:
        def __init__(self, *_: object) -> None: ...

        def compete(self, peer: Peer, run: figures.Record, judge: Judge) -> figures.Record:
            if peer.name == "hero" and run["seed"] == 1 and not (tmp_path / "went").exists():
                (tmp_path / "went").touch()
                raise RuntimeError("the power went")
            ran.append(f"{peer.name} {run['seed']}")
            return {**run["final"], "images": 1, "seconds": 1.0}

    monkeypatch.setattr(benchmark, "simulate", simulate)
    monkeypatch.setattr(benchmark, "Ground", Place)
    monkeypatch.setattr(benchmark.Benchmark, "_judge", lambda *_: judge)
    journal = tmp_path / "runs.jsonl"

    def runs(*names: str) -> list[figures.Record]:
        made = benchmark.Benchmark(model, COUNT, journal=journal, say=False)
        return made.run([Path("warmth.py")], range(2), [60], [PEERS[name] for name in names], 0.25)

    runs("ddpo")
    with pytest.raises(RuntimeError, match="the power went"):
        runs("ddpo", "hero")
    done = runs("ddpo", "hero")
    assert ran == ["ours 0", "ddpo 0", "ours 1", "ddpo 1", "hero 0", "hero 1"]
    assert [set(run["peers"]) for run in done] == [{"ddpo", "hero"}] * 2
    assert runs("ddpo", "hero") == done


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-generator"], "no-such-generator"),
        (["--raters", "mine"], "no raters named 'mine'"),
        (["--raters", "none.py"], "none.py: no such rater file"),
        (["--resume"], "--resume needs --json"),
        (["--seeds", "0"], "--seeds"),
        (["--count", "3"], "--count"),
        (["--peers", "somebody"], "no peer named 'somebody'"),
        (["--ablations", "ddpo"], "no ablation named 'ddpo'"),
        (["--ratings", "24,many"], "--ratings takes whole numbers"),
        (["--ratings", "5"], "5 ratings are too few"),
        (["--lapses", "2"], "--lapses: '2' is not a number from 0 to 1"),
        (["--picture", "curve.bmp"], "--picture ends in .png or .svg"),
    ],
)
def test_mistakes_are_one_line(
    tastemaker: Callable[..., int], arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tastemaker("benchmark", "learning", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("tastemaker: ")
    assert said in error
    assert error.count("\n") == 1


# --- what to show next ------------------------------------------------------------------------------------------------------


def test_ratings_to_the_same_lift() -> None:
    record = {"ratings": [12, 24, 36], "lift": {"ours": [0.4, 0.8, 1.0], "random": [0.2, 0.6, 0.5]}}
    # both come to 0.6: half of it after 9 and 15 ratings, all of it after 18 and 24
    assert queries.ratings_needed(record) == pytest.approx((13.5, 19.5))
    straight = {"ratings": [10], "lift": {"ours": [1.0], "random": [0.5]}}
    assert queries.ratings_needed(straight) == pytest.approx((3.75, 7.5))
    nothing = {"ratings": [12, 24], "lift": {"ours": [0.4, 0.8], "random": [0.0, -0.1]}}
    assert queries.ratings_needed(nothing) == (0.0, 0.0)


def test_the_lift_of_the_truth_is_that_of_the_largest_of_sixteen(judge: Judge) -> None:
    assert 1.3 < queries.lift(judge, judge.utilities) < 2.2  # 1.77 for a normal distribution
    assert queries.lift(judge, -judge.utilities) < -1.2


def test_a_query_test_is_paired_and_printed(judge: Judge, tmp_path: Path) -> None:
    rater = tmp_path / "warm.py"
    rater.write_text("def utility(images):\n    return images[..., 0].mean((1, 2)).astype(float) - images[..., 2].mean((1, 2))\n")
    records = queries.run_queries(judge.bench, [rater], [0], 36)
    lifts = records[0]["lift"]
    assert lifts["ours"][0] == lifts["random"][0]  # the same first images, from the same person
    assert len(lifts["random"]) == 3
    model = judge.bench.untuned
    first = [proposal.latent for proposal in TuningSession(model, "cpu", 0).propose(queries.STEP)]
    second = torch.randn(queries.STEP, model.z_dim, generator=queries.fresh(0)).numpy()
    assert not np.isin(second, np.stack(first)).any(), "no image is shown as new that was among the first"
    assert max(lifts["ours"]) > 0.3
    text = queries.queries_table(records)
    assert "save to the same lift" in text
    assert text.splitlines()[0].split() == ["ratings", "12", "24", "36"]
