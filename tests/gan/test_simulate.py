"""The judge, the simulated session and the learning benchmark, on untrained networks of a few thousand weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import gan
from gan.errors import UserError
from gan.measure.features import features
from gan.measure.real import RealPool
from gan.model import Model
from gan.policy.rounds import RoundConfig
from gan.simulate import benchmark, figures
from gan.simulate.evaluate import LENIENT, STRICT, Bench, Judge, Judgement
from gan.simulate.journal import load_records
from gan.simulate.rater import Rater, load_rater, rater_files
from gan.simulate.report import Report, Step
from gan.simulate.run import simulate
from gan.simulate.schedule import schedule
from gan.simulate.table import table

MakeModel = Callable[..., Model]
COUNT = 40
QUICK = RoundConfig(steps=6, states=6, children=4, look_every=3, look_images=24, pool=1400)
BRIEF = RoundConfig(steps=2, states=4, children=4, look_every=2, look_images=16, pool=1200)


@pytest.fixture(scope="module", autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gan.data.procedural.cache_folder", lambda: folder)
        yield folder


@pytest.fixture(scope="module")
def model(small_model: MakeModel) -> Model:
    return small_model(1)


@pytest.fixture(scope="module")
def bench(model: Model) -> Bench:
    unknown = replace(model, card={})  # judged against its own other images: an untrained network has no better
    return Bench.prepare(unknown, COUNT)


def warmth(images: np.ndarray) -> np.ndarray:
    x = images.astype(np.float64)
    return (x[..., 0] - x[..., 2]).mean((1, 2))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def rater() -> Rater:
    return Rater(Path("warmth.py"), warmth, takes_progress=False)


@pytest.fixture(scope="module")
def judge(bench: Bench, rater: Rater) -> Judge:
    return Judge(bench, rater)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.fixture(scope="module")
def report(model: Model, judge: Judge, out: Path) -> Report:
    return simulate(model, "", 48, 3, out, "cpu", judge=judge, config=QUICK)


# --- the judge --------------------------------------------------------------------------------------------------------------


def test_the_start_is_one_in_five_and_one_in_twenty(judge: Judge) -> None:
    assert (judge.utilities > judge.like_threshold).mean() == pytest.approx(0.20, abs=0.002)
    assert (judge.utilities > judge.love_threshold).mean() == pytest.approx(0.05, abs=0.002)
    assert judge.untuned.like == pytest.approx(0.20, abs=0.16)
    assert abs(judge.untuned.utility) < 0.5


def test_the_reference_likes_everything_and_is_its_own_measure(judge: Judge) -> None:
    assert judge.reference.like == 1.0
    assert judge.reference.love == pytest.approx(0.25, abs=0.2)
    assert judge.reference.inside(STRICT)
    assert judge.reference.kid_ratio == judge.reference.diversity_ratio == 1.0
    top = np.flatnonzero(judge.utilities > judge.like_threshold)
    single = [
        judge.judge(np.ascontiguousarray(judge.bench.images[top[i * COUNT : (i + 1) * COUNT]])).diversity_ratio for i in range(3)
    ]
    assert np.mean(single) == pytest.approx(1.0, abs=1e-4)
    assert np.std(single) > 0


def test_other_top_images_are_inside_the_limits_but_for_chance(judge: Judge) -> None:
    top = np.flatnonzero(judge.utilities > judge.like_threshold)[COUNT : 2 * COUNT]
    found = judge.judge(np.ascontiguousarray(judge.bench.images[top]))
    assert found.like == 1.0
    assert found.diversity_ratio == pytest.approx(1.0, abs=0.15)
    assert found.precision_ratio == pytest.approx(1.0, abs=0.2)
    assert found.coverage_ratio == pytest.approx(1.0, abs=0.25)


def test_a_collapsed_generator_is_caught(judge: Judge) -> None:
    best = int(judge.utilities.argmax())
    found = judge.judge(np.repeat(judge.bench.images[best : best + 1], COUNT, axis=0))
    assert found.like == found.love == 1.0
    assert found.diversity_ratio < 0.01
    assert {"diversity", "coverage", "kid"} <= set(found.violations())
    assert not found.inside(LENIENT)


def test_images_off_the_manifold_are_caught(judge: Judge) -> None:
    noise = np.random.default_rng(0).integers(0, 256, judge.bench.images[:COUNT].shape).astype(np.uint8)
    noise[..., 0] = 255  # warm, and nothing else
    found = judge.judge(noise)
    assert found.like == 1.0
    assert found.precision == 0.0
    assert {"precision", "coverage", "kid"} <= set(found.violations())


def test_matched_pairs_make_the_kid_fair_to_a_taste(judge: Judge) -> None:
    """Real pictures that please as much are no worse for being chosen: plain KID would call them far away."""
    real = judge._real
    top = np.argsort(real)[-2 * COUNT :][::2]
    images = np.ascontiguousarray(judge.bench.pool.images[top])
    assert judge.judge(images).kid == pytest.approx(0.0, abs=3 * judge.bench.kid_floor)


def test_best_of_n_by_the_truth_is_best_of_n(judge: Judge) -> None:
    for n, expected in ((4, 1 - 0.8**4), (16, 1 - 0.8**16)):
        assert judge.best_of(n, judge.utilities).like == pytest.approx(expected, abs=0.16)
    assert judge.oracle == judge.best_of(16, judge.utilities)
    nothing = np.random.default_rng(0).normal(size=len(judge.bench.images))
    assert judge.best_of(16, nothing).like == pytest.approx(0.2, abs=0.16)


def test_where_the_reference_has_nothing_nothing_is_lost(judge: Judge) -> None:
    assert judge._ratio("coverage", 0.0, 0.0) == 1.0
    assert judge._ratio("coverage", 0.3, 0.5) == pytest.approx(0.6)
    assert judge._ratio("kid", 0.2, -1.0) == pytest.approx(0.2 / judge.bench.kid_floor)


def test_another_number_of_images_is_refused(judge: Judge) -> None:
    with pytest.raises(ValueError, match="40 images are judged at a time, not 39"):
        judge.judge(np.ascontiguousarray(judge.bench.images[: COUNT - 1]))


def test_the_untuned_sample_is_kept_and_belongs_to_its_weights(
    model: Model, small_model: MakeModel, bench: Bench, private_cache: Path
) -> None:
    first, again = (Bench.prepare(model, 4, bench.pool) for _ in range(2))
    assert first.real == "given"
    assert np.array_equal(again.images, first.images)
    assert np.array_equal(again.images, model.sample(range(3_000_000_000, 3_000_000_064)))
    assert not np.array_equal(Bench.prepare(small_model(2), 4, bench.pool).images, first.images)
    for seed in range(3, 9):
        Bench.prepare(small_model(seed), 4, bench.pool)
    assert len(list(private_cache.glob("untuned-*"))) == 4


def test_a_generator_of_scenes_is_judged_against_scenes(model: Model) -> None:
    found = Bench.prepare(model, 10, cache=False)
    assert found.real == "scenes"
    assert len(found.pool) == 200
    assert np.array_equal(found.pool.features, features(np.asarray(found.pool.images)))


def test_too_small_a_pool_is_refused(model: Model, bench: Bench) -> None:
    small = RealPool(bench.pool.images[:100], bench.pool.features[:100])
    with pytest.raises(UserError, match="needs at least 200 real ones, not 100"):
        Bench.prepare(model, COUNT, small)


def test_a_taste_of_two_values_cannot_be_judged(bench: Bench) -> None:
    flat = Rater(Path("flat.py"), lambda images: (images[:, 0, 0, 0] > 250).astype(float), takes_progress=False)
    with pytest.raises(UserError, match=r"flat\.py: too few"):
        Judge(bench, flat)


# --- the session ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratings", [1, 12, 24, 25, 50, 100, 200, 300, 500])
@pytest.mark.parametrize("rounds", [None, 1, 2, 7])
def test_a_schedule_spends_every_rating(ratings: int, rounds: int | None) -> None:
    sizes = schedule(ratings, rounds)
    assert sum(sizes) == ratings
    assert min(sizes) >= 1
    if rounds is not None:
        assert len(sizes) == min(rounds, ratings)
    if rounds is None and ratings >= 48:
        assert sizes[0] == 24
        assert max(sizes) <= 50
    assert all(isinstance(size, int) for size in sizes)


def test_a_simulated_session_learns(report: Report, judge: Judge) -> None:
    assert [step.ratings for step in report.steps] == [24, 48]
    assert report.final.like > judge.untuned.like + 0.1
    assert report.final.utility > judge.untuned.utility + 0.3
    assert not report.ended_below
    assert report.best_of[16].like > report.best_of[4].like - 0.1
    assert report.best_of[16].utility > judge.untuned.utility + 0.5
    assert report.seconds >= sum(step.seconds for step in report.steps) > 0
    assert report.hash == judge.bench.untuned.hash


def test_a_session_is_its_seed_and_begins_at_the_untuned_generator(judge: Judge, report: Report, out: Path) -> None:
    tuned = gan.load(out / "model")
    assert tuned.adapter is not None
    again = simulate(tuned, "", 48, 3, None, "cpu", judge=judge, config=QUICK)
    assert [step.judgement for step in again.steps] == [step.judgement for step in report.steps]
    assert again.best_of == report.best_of


def test_a_session_writes_a_report_and_the_tuned_bundle(
    model: Model, judge: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "warm.py"
    source.write_text(
        "import numpy as np\n\ndef utility(images):\n"
        "    x = images.astype(np.float64)\n    return (x[..., 0] - x[..., 2]).mean((1, 2))\n"
    )
    monkeypatch.setattr("gan.simulate.run.Bench.prepare", lambda *_, **__: judge.bench)
    said: list[float] = []
    out = tmp_path / "deep" / "out"
    done = simulate(
        model, source, 24, 0, out, "cpu", 2, lambda share, line: said.append(share), judge_every_round=False, config=BRIEF
    )
    assert [step.ratings for step in done.steps] == [24]
    assert said == sorted(said)
    assert said[-1] == 1.0
    written = json.loads((out / "report.json").read_text())
    assert written == json.loads(json.dumps(done.record()))
    assert written["rater"] == "warm"
    assert written["ratings"] == 24
    assert written["final"]["like"] == round(done.final.like, 5)
    assert set(written["best_of"]) == {"4", "8", "16"}
    for name in ("diversity", "coverage", "precision", "kid"):
        assert f"{name}_ratio" in written["final"]
    tuned = gan.load(out / "model")
    assert tuned.adapter is not None
    assert judge.judge_model(tuned).like == pytest.approx(done.final.like, abs=0.02)


def test_a_run_outside_the_limits_counts_as_its_best_checkpoint_inside(report: Report) -> None:
    def checkpoint(like: float, diversity: float) -> Step:
        found = replace(
            report.final, like=like, diversity_ratio=diversity, coverage_ratio=1.0, precision_ratio=1.0, kid_ratio=1.0
        )
        return replace(report.steps[0], judgement=found)

    good, better, best = checkpoint(0.5, 1.0), checkpoint(0.6, 1.0), checkpoint(0.9, 0.93)
    assert replace(report, steps=[good, better]).counted() == (2, better.judgement)
    assert replace(report, steps=[better, good]).counted() == (2, good.judgement)  # inside at the end: that is what it is
    assert replace(report, steps=[good, better, best]).counted() == (2, better.judgement)
    assert replace(report, steps=[best]).counted() == (0, report.untuned)
    assert replace(report, steps=[good, best]).counted(LENIENT) == (2, best.judgement)


def test_ending_below_the_start_is_seen(report: Report) -> None:
    worse = replace(report.steps[-1], kept=True, judgement=replace(report.final, like=report.untuned.like - 0.01))
    assert replace(report, steps=[worse]).ended_below
    assert replace(report, steps=[worse]).record()["ended_below"] is True
    assert not replace(report, steps=[replace(worse, kept=False)]).ended_below  # the same generator, judged on other images


def test_mistakes_are_user_errors(model: Model, judge: Judge, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="5 ratings are too few"):
        simulate(model, "", 5, judge=judge)
    with pytest.raises(UserError, match="no such rater file"):
        simulate(model, tmp_path / "none.py", 24)
    with pytest.raises(UserError):
        simulate(model, "", 24, device="abacus", judge=judge)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        simulate(model, "", 24, out=tmp_path / "file" / "out", judge=judge)
    (tmp_path / "broken.py").write_text("def utility(images):\n    raise ValueError('oops')\n")
    with pytest.raises(UserError, match="oops"):
        simulate(model, tmp_path / "broken.py", 24, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- the benchmark ----------------------------------------------------------------------------------------------------------


def test_the_bootstrap_interval() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.1, 0.2, 400)
    low, high = figures.paired_bootstrap(values.tolist())
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)
    assert figures.paired_bootstrap([0.3]) == pytest.approx((0.3, 0.3))


def test_runs_of_one_person_are_no_people_of_their_own() -> None:
    """Where nothing is to be found, the interval of 11 people with 3 runs each seldom excludes zero, however alike the runs of one are."""
    rng = np.random.default_rng(1)
    names = [f"rater {i}" for i in range(11) for _ in range(3)]
    wrong = {"by person": 0, "by run": 0}
    for _ in range(200):
        runs = (rng.normal(0.0, 0.6**0.5, (11, 1)) + rng.normal(0.0, 0.4**0.5, (11, 3))).ravel().tolist()
        for how, raters in (("by person", names), ("by run", [])):
            low, high = figures.paired_bootstrap(runs, raters, draws=400)
            wrong[how] += not low <= 0.0 <= high
    assert wrong["by person"] < 24 < wrong["by run"]
    assert figures.paired_bootstrap([0.1, 0.3], ["a", "a"]) == figures.paired_bootstrap([0.1, 0.3])
    low, high = figures.paired_bootstrap([0.0, 0.0, 0.0, 1.0], ["a", "a", "a", "b"])
    assert (low, high) == (0.0, 1.0)


def record(rater: str, seed: int, like: float, peer: float, report: Report) -> figures.Record:
    judged = replace(report.final, like=like)
    made = replace(
        report,
        rater=rater,
        seed=seed,
        steps=[replace(report.steps[-1], judgement=judged)],
        best_of={n: replace(judged, like=peer) for n in (4, 16)},
    )
    return made.record() | {"key": {"rater": rater, "seed": seed}}


def test_the_table_and_the_claim(report: Report) -> None:
    records = [
        record(rater, seed, 0.5 + 0.1 * seed + more, 0.4, report) for rater, more in (("a", -0.05), ("b", 0.05)) for seed in range(3)
    ]
    summary = figures.summarise(records)
    assert summary["like"] == pytest.approx(0.6)
    assert summary["like_least"] == pytest.approx(0.45)
    assert summary["best_of_4"] == pytest.approx(0.4)
    assert summary["ended_below"] == 0.0
    found = figures.comparison(records, "best-of-4")
    assert found is not None
    assert found["mean"] == pytest.approx(0.2)
    assert 0.1 <= found["low"] < 0.2 < found["high"] <= 0.3
    assert found["claim"]
    unclear = figures.comparison([record("a", s, 0.4 + (-0.1) ** (s + 1), 0.4, report) for s in range(2)], "best-of-4")
    assert unclear is not None
    assert not unclear["claim"]
    text = table(records)
    assert any(line.startswith("best of 4") and "+0.200" in line for line in text.splitlines())
    assert "runs that ended below their start: 0 of 6" in text
    assert f"by the true taste, for scale: like {report.oracle.like:.2f}" in text
    assert [line.split()[0] for line in text.splitlines()[1:4]] == ["a", "b", "all"]


def test_runs_are_resumed(
    model: Model, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: Report
) -> None:
    ran: list[tuple[str, int]] = []

    def pretend(model: Model, path: Path, ratings: int, seed: int, *_: object, judge: Judge, **__: object) -> Report:
        if len(ran) == 3 and not journal.with_suffix(".seen").exists():
            journal.with_suffix(".seen").touch()
            raise RuntimeError("the power went")
        ran.append((path.stem, seed))
        return replace(report, rater=path.stem, seed=seed, ratings=ratings)

    files = rater_files("dev")[:2]
    journal = tmp_path / "new" / "runs.jsonl"

    def runs(files: list[Path], seeds: range, ratings: list[int]) -> list[figures.Record]:
        return benchmark.Benchmark(model, COUNT, "cpu", journal=journal, say=False).run(files, seeds, ratings)

    monkeypatch.setattr(benchmark, "simulate", pretend)
    monkeypatch.setattr(Bench, "prepare", lambda *_, **__: bench)
    with pytest.raises(RuntimeError, match="the power went"):
        runs(files, range(2), [24])
    assert len(ran) == 3
    with journal.open("a") as stream:
        stream.write('{"key": {"rater": "half a li')  # as a crash leaves it
    records = runs(files, range(2), [24])
    assert ran == [(path.stem, seed) for seed in range(2) for path in files]
    assert [r["rater"] for r in records] == [files[0].stem, files[1].stem] * 2
    again = runs(files, range(2), [24])
    assert again == records
    assert len(ran) == 4
    runs(files[:1], range(1), [50])  # other ratings are other runs
    assert len(ran) == 5


def test_the_command_end_to_end(
    model: Model, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = rater_files("dev")[-1]
    monkeypatch.setattr(benchmark, "load", lambda name, device: model)
    monkeypatch.setattr(Bench, "prepare", lambda *_, **__: bench)
    monkeypatch.setattr(benchmark, "simulate", partial(simulate, config=BRIEF))
    path = tmp_path / "learning.json"
    arguments = ["small", "--raters", str(source), "--ratings", "12", "--quick", "--device", "cpu", "--json", str(path)]
    arguments += ["--peers", "none", "--count", str(COUNT)]
    assert benchmark.main(arguments) == 0
    assert source.stem in capsys.readouterr().out
    summary = json.loads(path.read_text())
    assert summary["ratings"]["12"]["all"]["runs"] == 1
    assert set(summary["ratings"]["12"]["contestants"]) == {"untuned", "best-of-4", "best-of-16"}
    assert len((tmp_path / "learning.jsonl").read_text().splitlines()) == 1
    with pytest.raises(UserError, match="add --resume"):
        benchmark.main(arguments)
    assert benchmark.main([*arguments, "--resume"]) == 0


def test_a_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("shopping\nlist\n")
    with pytest.raises(UserError, match="holds no runs"):
        load_records(tmp_path / "other")
    assert load_records(tmp_path / "none") == []


def test_the_raters_work_at_sixteen_pixels(bench: Bench) -> None:
    for path in rater_files("held-out")[:3]:
        found = Judge(bench, load_rater(path)).untuned
        assert isinstance(found, Judgement)
        assert found.like == pytest.approx(0.2, abs=0.16)
    assert torch.get_default_dtype() == torch.float32
