"""The real worker process, on a real (small, untrained) generator: grids, ratings, rounds, crashes, ends."""

import itertools
import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import replace
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from backend_support import LATENT, Heard, pump, small_bundle
from slow_clock import SlowClock

from studio.project import recovered
from studio.project.opinions import RATING_KINDS
from studio.project.store import NewImage, Project
from studio.worker import hearing
from studio.worker import messages as m
from studio.worker.client import WorkerClient


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    return small_bundle(tmp_path_factory.mktemp("model") / "small")


@pytest.fixture
def project(tmp_path, bundle):
    with Project(tmp_path / "p", model=str(bundle), seed=5) as opened:
        yield opened


class Studio:
    """A client on a project of its own, and what it has said."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.client = WorkerClient()
        self.heard = Heard(self.client)
        self.client.open(project, "cpu")
        self.grid = None

    def first_grid(self, count: int = 24):
        self.client.propose(count)
        seen = len(self.heard.of("grid"))
        pump(lambda: len(self.heard.of("grid")) > seen)
        return self.whole(self.heard.of("grid")[-1])

    def whole(self, grid):
        """A grid with all of its images: those of a generator that is slow at the moment come one after another."""
        parts = lambda: [shown for shown in self.heard.of("drawn") if shown.request == 0]  # noqa: E731
        last = grid.images[-1].id
        pump(lambda: len(grid.pixels) == len(grid.images) or any(last in part.images for part in parts()))
        rest = [part.pixels for part in parts() if set(part.images) <= {image.id for image in grid.images}]
        return replace(grid, pixels=np.concatenate([grid.pixels, *rest]))

    def rated(self):
        """A grid rated by brightness: a taste that can be learnt."""
        if self.grid is None:
            self.grid = self.first_grid()
            order = np.argsort(np.argsort(self.grid.pixels.mean(axis=(1, 2, 3))))
            for image, rank in zip(self.grid.images, order, strict=True):
                self.client.feedback(self.project.rate(image.id, "stars", int(rank) * 5 // 24 + 1).events)
            pump(lambda: any(taste.count == 24 for taste in self.heard.of("taste")))
            pump(lambda: self.client.busy == "")
        return self.grid

    def strip(self) -> np.ndarray:
        """What the generator draws now."""
        seen = len(self.heard.of("strip"))
        self.client.request_strip(range(4))
        pump(lambda: len(self.heard.of("strip")) > seen)
        return self.heard.of("strip")[-1].after

    def teach(self, steps: int, at_least: int) -> None:
        """Begin a round, and wait for so many of its steps."""
        self.client.teach(steps)
        pump(lambda: len(self.heard.of("progress")) >= at_least)

    def finished(self):
        pump(lambda: self.heard.of("round_finished"))
        return self.heard.of("round_finished")[-1]


@pytest.fixture(scope="module")
def shared(qapp, tmp_path_factory, bundle):
    """One worker for the tests that leave it well: a process costs seconds."""
    with Project(tmp_path_factory.mktemp("shared") / "p", model=str(bundle), seed=5) as project:
        studio = Studio(project)
        pump(lambda: studio.heard.of("ready"))  # here: no single test is to be blamed for the process
        yield studio
        studio.client.close()


@pytest.fixture
def studio(shared):
    shared.heard.all.clear()
    yield shared
    pump(lambda: shared.client.busy == "" and not shared.client.teaching)


def test_what_goes_wrong_is_one_line_and_survived(studio, tmp_path):
    studio.client.teach(2)
    pump(lambda: studio.heard.of("not_taught"))
    (message,) = studio.heard.of("not_taught")
    assert "too few ratings" in message and "\n" not in message
    assert not studio.client.teaching
    (tmp_path / "file").write_text("x")
    studio.client.export(tmp_path / "file")
    pump(lambda: studio.heard.of("failed"))
    assert studio.heard.of("failed")[0][0] == "Export"
    assert len(studio.first_grid(4).images) == 4


def test_only_the_newest_grid_is_shown(studio):
    before = len(studio.project.images())
    for count in (3, 4, 5):
        newest = studio.client.propose(count)
    pump(lambda: studio.heard.of("grid"))
    pump(lambda: studio.client.busy == "")
    (grid,) = studio.heard.of("grid")
    assert grid.generation == newest and len(grid.images) == 5 and len(studio.project.images()) == before + 5


def test_a_grid_is_rows_files_and_what_the_generator_draws(studio):
    grid = studio.rated()
    assert studio.project.current_grid().images == tuple(image.id for image in grid.images)
    pump(lambda: studio.project.image_file(grid.images[-1].id).exists())
    studio.client.draw(grid.images[3:5])
    pump(lambda: studio.heard.of("drawn") and studio.heard.of("drawn")[-1].request)
    np.testing.assert_array_equal(studio.heard.of("drawn")[-1].pixels, grid.pixels[3:5])


def test_ratings_become_a_taste(studio):
    grid = studio.rated()
    studio.client.predict([image.id for image in grid.images])
    pump(lambda: studio.heard.of("taste") and studio.heard.of("taste")[-1].predictions)
    taste = studio.heard.of("taste")[-1]
    assert taste.trusted and taste.count == 24
    assert [p.image for p in taste.predictions] == [image.id for image in grid.images]
    assert all(1 <= p.stars <= 5 and p.spread > 0 and p.novelty is not None for p in taste.predictions)
    told = [studio.project.state([p.image])[p.image].stars for p in taste.predictions]
    guessed = [p.stars for p in taste.predictions]
    assert np.corrcoef(told, guessed)[0, 1] > 0.8
    studio.client.feedback(studio.project.undo().events)
    pump(lambda: studio.heard.of("taste")[-1].count == 23)
    studio.client.feedback(studio.project.redo().events)
    pump(lambda: studio.heard.of("taste")[-1].count == 24)


def test_a_round_stops_within_a_step_and_goes_back(studio):
    studio.rated()
    before = studio.strip()
    studio.teach(400, 4)
    asked = len(studio.heard.of("progress"))
    studio.client.stop(keep=False)
    finished = studio.finished()
    # One step may have been in hand, and one report on its way.
    assert len(studio.heard.of("progress")) <= asked + 2
    assert finished.result.stopped and not finished.result.kept and finished.checkpoint is None
    assert (
        studio.project.checkpoints() == () and list((studio.project.folder / "checkpoints").iterdir()) == []
    )
    np.testing.assert_array_equal(studio.strip(), before)
    assert not studio.client.teaching


def test_pause_holds_the_round_and_the_window_is_still_served(studio):
    grid = studio.rated()
    studio.teach(6, 2)
    studio.client.pause()
    pump(lambda: studio.heard.of("progress")[-1].paused)
    held = studio.heard.of("progress")[-1].step
    generation = studio.client.propose(6)  # New grid works while a round is held
    pump(lambda: studio.heard.of("grid"))
    assert studio.heard.of("grid")[0].generation == generation
    told = len(studio.heard.of("taste"))
    studio.client.feedback(studio.project.rate(grid.images[0].id, "like").events)  # and so do ratings
    pump(lambda: len(studio.heard.of("taste")) > told)
    assert studio.heard.of("progress")[-1].step == held
    studio.client.resume()
    studio.finished()
    assert studio.heard.of("progress")[-1].step > held and not studio.heard.of("failed")


def test_a_round_its_checkpoint_and_the_way_back(studio, bundle, tmp_path):
    import gan
    from gan.session import RoundConfig

    studio.rated()
    client, heard, project = studio.client, studio.heard, studio.project
    client.restore(None)  # a round that follows another without new ratings may have nothing left to gain
    pump(lambda: heard.of("restored") == [None])
    before_round, number = project.current_checkpoint(), len(project.checkpoints())
    client.teach(3, m.RoundSettings(2.0, {"realism": 0.5}), strip=range(4))
    assert client.teaching
    finished = studio.finished()
    steps = [p for p in heard.of("progress") if p.step]
    assert [p.step for p in steps] == [1, 2, 3]
    most = math.log(2 * RoundConfig().candidates)
    assert all(0 < p.kl_limit <= most + 1e-6 for p in steps), "strength 2 chooses among twice as many"
    assert finished.result.kept, finished.result.reason
    checkpoint = finished.checkpoint
    assert checkpoint.path.is_file() and project.current_checkpoint() == checkpoint
    assert checkpoint.round == number + 1 and checkpoint.metrics["steps"] == 3
    assert 0 <= checkpoint.metrics["like_rate_predicted"] <= 1
    known = recovered.facts(checkpoint.path)
    assert known["metrics"] == checkpoint.metrics and known["parent"] == checkpoint.parent
    assert known["last_image"] == project.images()[-1].id and known["last_event"] > 0
    assert finished.strip.before.shape == finished.strip.after.shape == (4, 16, 16, 3)
    assert not np.array_equal(finished.strip.before, finished.strip.after)

    # Back to untuned, and to the round again: the same images as before.
    client.restore(None)
    np.testing.assert_array_equal(studio.strip(), gan.load(bundle).sample(range(4)))
    assert heard.of("restored")[-1] is None and project.current_checkpoint() is None
    client.restore(checkpoint.id)
    np.testing.assert_array_equal(studio.strip(), finished.strip.after)
    assert project.current_checkpoint() == checkpoint and (checkpoint.parent is None) == (
        before_round is None
    )
    going = project.going(back=True)
    client.restore(going.checkpoint, going.action)  # undo
    assert client.restoring
    np.testing.assert_array_equal(studio.strip(), finished.strip.before)
    assert not client.restoring and project.current_checkpoint() is None
    going = project.going(back=False)
    client.restore(going.checkpoint, going.action)  # redo
    np.testing.assert_array_equal(studio.strip(), finished.strip.after)
    assert project.current_checkpoint() == checkpoint

    client.export(tmp_path / "mine")
    pump(lambda: heard.of("exported") or heard.of("failed"), 170)
    assert heard.of("failed") == []
    np.testing.assert_array_equal(gan.load(tmp_path / "mine").sample(range(4)), finished.strip.after)
    fractions = [fraction for fraction, _ in heard.of("exporting")]
    assert fractions and fractions == sorted(fractions)


def test_stopping_and_keeping_keeps_the_best_so_far(studio):
    studio.rated()
    studio.client.restore(None)
    studio.teach(400, 24)
    studio.client.stop(keep=True)
    finished = studio.finished()
    assert finished.result.stopped and finished.result.kept, finished.result.reason
    assert finished.checkpoint.path.is_file() and finished.checkpoint == studio.project.current_checkpoint()


def test_a_round_that_the_project_cannot_note_is_not_kept(studio):
    studio.rated()
    client, heard, project = studio.client, studio.heard, studio.project
    client.restore(None)
    before, versions = studio.strip(), project.checkpoints()
    heard.all.clear()
    studio.teach(3, 1)
    other = sqlite3.connect(project.folder / "project.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    finished = studio.finished()
    other.execute("ROLLBACK")
    other.close()
    assert not finished.result.kept and finished.checkpoint is None and finished.result.checkpoint is None
    assert "in use by another program. The round was not kept; the" in finished.result.reason
    np.testing.assert_array_equal(studio.strip(), before)
    assert project.checkpoints() == versions and project.current_checkpoint() is None
    assert not client.restoring and not heard.of("restored") and not heard.of("failed")


def test_a_crash_is_survived_once_with_everything_known(qapp, project):
    studio = Studio(project)
    client, heard = studio.client, studio.heard
    try:
        studio.rated()
        ready = heard.of("ready")[0]
        assert (ready.model, ready.resolution, ready.z_dim, ready.pixel_art) == ("small", 16, 8, True)
        assert ready.device.startswith("CPU, ") and ready.has_discriminator and len(ready.hash) == 10
        client.teach(18)
        assert studio.finished().checkpoint is not None
        after = studio.strip()
        heard.all.clear()
        studio.teach(400, 2)
        old = client.pid
        os.kill(old, signal.SIGKILL)
        pump(lambda: heard.of("restarted"))
        assert "ratings are safe" in heard.of("restarted")[0]
        last = studio.finished()
        assert not last.result.kept and "crashed" in last.result.reason and not client.teaching
        generation = client.propose(5)
        np.testing.assert_array_equal(studio.strip(), after)  # the checkpoint
        pump(lambda: heard.of("taste") and heard.of("taste")[-1].count == 24)  # and every rating
        pump(lambda: heard.of("grid"))
        assert heard.of("grid")[0].generation == generation and client.pid != old
        os.kill(client.pid, signal.SIGKILL)
        pump(lambda: heard.of("failed"))
        command, message, _ = heard.of("failed")[0]
        assert command == "Worker" and "twice" in message and client.pid is None
        assert len(project.opinions(RATING_KINDS)) == 24
    finally:
        client.close()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_worker_that_hangs_before_it_has_said_anything_is_started_again(qapp, project, monkeypatch):
    monkeypatch.setattr(hearing, "PING", 0.05)
    monkeypatch.setattr(hearing, "SILENCE", 0.3)
    monkeypatch.setattr(WorkerClient, "_on_hello", lambda client, event: None)  # it is not heard
    monkeypatch.setattr(WorkerClient, "_on_heartbeat", lambda client, event: None)
    studio = Studio(project)
    try:
        pump(lambda: studio.client.pid)
        os.kill(studio.client.pid, signal.SIGSTOP)
        pump(lambda: studio.heard.of("restarted"), 10)
    finally:
        studio.client.close()


def test_a_grid_asked_for_before_a_crash_comes_after_it(qapp, project):
    studio = Studio(project)
    try:
        pump(lambda: studio.client.pid)
        generation = studio.client.propose(5)
        os.kill(studio.client.pid, signal.SIGKILL)
        pump(lambda: studio.heard.of("grid"))
        assert studio.heard.of("grid")[0].generation == generation
        assert len(studio.heard.of("restarted")) == 1
    finally:
        studio.client.close()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_worker_that_hangs_is_started_again(qapp, project, monkeypatch):
    monkeypatch.setattr(hearing, "PING", 0.2)
    monkeypatch.setattr(hearing, "SILENCE", 30.0)  # loading a library may keep it from answering
    studio = Studio(project)
    try:
        pump(lambda: studio.heard.of("ready"))
        pump(lambda: studio.client.busy == "")
        monkeypatch.setattr(hearing, "SILENCE", 1.5)
        pid = studio.client.pid
        os.kill(pid, signal.SIGSTOP)
        pump(lambda: studio.heard.of("restarted"))
        monkeypatch.setattr(hearing, "SILENCE", 60.0)
        pump(lambda: len(studio.heard.of("ready")) == 2)
        assert studio.client.pid != pid
    finally:
        studio.client.close()


class Quiet:
    """An inbox with what waits in it, to which nobody writes any more."""

    ended = paused = False
    stop = None

    def __init__(self, *waiting):
        self.waiting = list(waiting)

    def next_of(self, kinds):
        found = next((command for command in self.waiting if isinstance(command, kinds)), None)
        if found is not None:
            self.waiting.remove(found)
        return found


def settle(served):
    """Let a service do what it does while nobody waits, until it has learnt from all ratings."""
    while served._cold:
        assert served._ahead_of_time()


class Sent:
    """An outbox, and frames, that keep what they are given."""

    def __init__(self) -> None:
        self.events = []

    def send(self, event):
        if isinstance(event, np.ndarray):
            return m.FrameRef(0, *event.shape[:3])
        self.events.append(event)
        return None

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]


def test_out_of_memory_means_smaller_batches_and_then_the_cpu(bundle, monkeypatch):
    import torch

    from studio.worker import service
    from studio.worker.sessions import make_session

    made = []

    def make(command, device):
        if device != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        made.append(make_session(command, device))
        return made[-1]

    monkeypatch.setattr(service, "resolve_device", torch.device)
    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make)
    served.do(m.Open("", str(bundle), None, "cuda"))
    assert "going on with the CPU" in sent.of(m.Notice)[0].text and len(sent.of(m.Ready)) == len(made) == 1
    session, strip, left = made[0], made[0].strip, [2]

    def short_of_memory(seeds):
        if left[0]:
            left[0] -= 1
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return strip(seeds)

    session.strip = short_of_memory
    chunk = session.scorer.drawer.chunk
    served.do(m.Strip(1, (1, 2)))
    assert session.scorer.drawer.chunk == chunk // 4 and len(sent.of(m.StripReady)) == 1
    left[0] = 100
    served.do(m.Strip(2, (1, 2)))
    (failed,) = sent.of(m.Failed)
    assert failed.command == "Strip" and "not enough memory" in failed.message


def test_ratings_without_a_taste_are_no_failure(bundle, tmp_path):
    from studio.worker import service
    from studio.worker.sessions import make_session

    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make_session)
    served.do(m.Open("", str(bundle), None, "cpu"))
    served.do(m.RunRound(str(tmp_path / "round"), 2, m.RoundSettings(), ()))
    (failed,) = sent.of(m.Failed)
    assert failed.early and failed.command == "RunRound" and not failed.detail and "too few ratings" in failed.message


def run_out_once(monkeypatch, owner, name):
    """The next call finds no memory; those after it do."""
    whole = getattr(owner, name)

    def short(*values, **named):
        monkeypatch.setattr(owner, name, whole)
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(owner, name, short)


def test_no_rating_counts_twice_where_memory_runs_out_once(bundle, monkeypatch):
    from studio.worker import service
    from studio.worker.sessions import make_session

    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make_session)
    monkeypatch.setattr("studio.worker.opinions.FEWEST_HEARD", 2)
    served.do(m.Open("", str(bundle), None, "cpu", 0, images(6)))
    said = tuple(m.FeedbackEvent(n + 1, "stars", 1.0 + n % 5, float(n)) for n in range(3))
    said += (m.Signal(3, "dwell", 2.0, 30.0), m.Duel(5, 4, 5, "a", "b", 31.0))
    learner = served.session.learner
    run_out_once(monkeypatch, learner, "fit")  # between two steps, after the first was told
    served.do(m.Feedback(said))
    run_out_once(monkeypatch, served.session, "fit")
    served.do(m.Feedback((m.FeedbackEvent(6, "stars", 5.0, 32.0),)))
    assert len(sent.of(m.Notice)) == 2 and not sent.of(m.Failed)
    assert len(learner._events) == 5 and len(learner._signals) == 1 and len(served._opinions.all) == 6


def test_memory_that_is_short_for_the_reference_set_is_no_failure(bundle):
    """Read ahead of time, before anybody asks for it."""
    from studio.worker import service
    from studio.worker.sessions import make_session

    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make_session)
    served.do(m.Open("", str(bundle), None, "cpu", 0, images(2), (m.FeedbackEvent(1, "stars", 5.0, 1.0),)))
    drawer = served.session.pool.drawer
    look, chunk = drawer.look, drawer.chunk
    drawer.look = lambda latents: look(latents) if drawer.chunk <= chunk // 2 else run_out()
    settle(served)
    assert not sent.of(m.Failed) and len(sent.of(m.Notice)) == 1 and sent.of(m.Taste)[-1].count == 1


def test_a_grid_that_failed_says_which_one(bundle):
    from studio.worker import service
    from studio.worker.sessions import make_session

    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make_session)
    served.do(m.Propose(7, 4))  # before there is a generator
    assert [(failed.command, failed.number) for failed in sent.of(m.Failed)] == [("Propose", 7)]


def test_a_grid_that_failed_after_a_newer_one_was_asked_for_ends_nothing(qapp):
    client, failed = WorkerClient(), []
    client._link = SimpleNamespace(send=lambda command: None)
    client.failed.connect(lambda *told: failed.append(told[0]))
    older, newer = client.propose(4), client.propose(4)
    client._on_failed(m.Failed("Propose", "no", number=older))
    assert failed == []
    client._on_failed(m.Failed("Propose", "no", number=newer))
    client._on_failed(m.Failed("Propose", "the worker stopped"))
    assert failed == ["Propose", "Propose"]
    client._link = None


def test_a_restart_knows_again_how_well_it_guesses(bundle):
    """Also where a signal came before the first rating, and one image was rated twice."""
    from studio.worker import service
    from studio.worker.sessions import make_session

    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make_session)
    stars = [m.FeedbackEvent(n + 1, "stars", 1.0 + n % 5, float(n)) for n in range(24)]
    said = (m.Signal(1, "dwell", 9.0, -1.0), stars[0], replace(stars[0], value=4.0), *stars[1:], m.Signal(24, "dwell", 3.0, 30.0))
    served.do(m.Open("", str(bundle), None, "cpu", 0, images(24), said))
    served.do(m.Propose(4, 1))
    told = sent.of(m.Taste)[-1]
    assert told.count == 24 and told.guesses >= 8 and told.accuracy is not None


def test_a_round_is_taught_and_told_once_where_memory_runs_out_after_it(bundle, monkeypatch, tmp_path):
    from studio.worker import rounds, service
    from studio.worker.sessions import make_session

    sent, taught = Sent(), []

    def teach(session, path, **named):
        taught.append(path)
        return rounds.Taught(True, "Kept.", path, {})

    monkeypatch.setattr(rounds, "teach", teach)
    served = service.Service(Quiet(), sent, sent, make_session)
    served.do(m.Open("", str(bundle), None, "cpu", 0, images(2)))
    served.do(m.Feedback((m.FeedbackEvent(1, "stars", 5.0, 1.0),)))
    run_out_once(monkeypatch, served.session, "fit")
    served.do(m.RunRound(str(tmp_path / "one"), 1))
    assert taught == [tmp_path / "one"] and len(sent.of(m.RoundFinished)) == 1 and not sent.of(m.Failed)

    strip = served.session.strip
    served.session.strip = lambda seeds: strip(seeds) if len(taught) < 2 else run_out()
    served.do(m.RunRound(str(tmp_path / "two"), 1, strip=(1, 2)))
    assert taught == [tmp_path / "one", tmp_path / "two"] and not sent.of(m.Failed)
    _, told = sent.of(m.RoundFinished)
    assert told.kept and told.checkpoint == str(tmp_path / "two") and told.before is told.after is None


def run_out():
    raise MemoryError


def test_versions_of_a_project_open_when_its_generator_was_trained_anew(bundle, tmp_path):
    import gan
    from gan.formats import bundle as bundles
    from studio.worker.sessions import make_session, open_session

    made = make_session(m.Open("", str(bundle), None, "cpu"), "cpu")
    made.save_checkpoint(tmp_path / "version.safetensors")
    anew = gan.load(bundle)
    next(anew.generator.parameters()).data.add_(1.0)
    bundles.save(anew, tmp_path / "anew")
    opened = open_session(m.Open("", str(tmp_path / "anew"), str(tmp_path / "version.safetensors"), "cpu"), "cpu", taste=False)
    assert opened.model.hash != made.model.hash and opened.adapter.config == made.adapter.config


def test_duels_count_until_they_are_taken_back_and_signals_are_kept(bundle):
    from studio.worker import service
    from studio.worker.sessions import make_session

    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make_session)
    served.do(m.Open("", str(bundle), None, "cpu", 0, images(3)))
    duel, stars = m.Duel(5, 1, 2, "a", "b", 1.0), m.FeedbackEvent(2, "stars", 4.0, 2.0)
    unknown = m.Survey(6, 1, (2, 99), 2.5)
    served.do(m.Feedback((duel, stars, unknown, m.Signal(3, "dwell", 2.0, 3.0))))
    assert not sent.of(m.Failed) and sent.of(m.Taste)[-1].count == 2
    served.do(m.Feedback((m.Retracted(5, 4.0),)))
    assert not sent.of(m.Failed) and sent.of(m.Taste)[-1].count == 1
    assert served._opinions.all == [stars, m.Signal(3, "dwell", 2.0, 3.0)]
    learner = served.session.learner
    assert [(s.image, s.kind, s.value) for s in learner._signals] == [(3, "dwell", 2.0)]
    served.do(m.Feedback((m.Signal(2, "save", 1.0, 5.0),)))
    served.do(m.Feedback((m.Retracted(77, 6.0),)))  # before the learner was told of the latest sign
    assert [s.kind for s in learner._signals] == ["dwell", "save"]
    served.do(m.UseSignals(False))
    assert not learner.use_signals and not learner.use_tags and not sent.of(m.Failed)


def test_a_rating_that_waits_does_not_overtake_the_image_it_is_about(bundle):
    from studio.worker import service
    from studio.worker.sessions import make_session

    first, second = images(2)
    ratings = [m.FeedbackEvent(1, "stars", 5.0, 1.0), m.FeedbackEvent(2, "stars", 1.0, 2.0)]
    inbox, sent = Quiet(m.Know((second,), watch=False), m.Feedback((ratings[1],))), Sent()
    served = service.Service(inbox, sent, sent, make_session)
    served.do(m.Open("", str(bundle), None, "cpu"))
    served.do(m.Know((first,), watch=False))
    served.do(m.Feedback((ratings[0],)))
    assert served._opinions.all == ratings and sent.of(m.Taste)[-1].count == 2 and not sent.of(m.Failed)


def test_a_taste_tells_what_signs_are_worth_unless_it_is_not_to_learn_from_them(bundle):
    from studio.worker import service
    from studio.worker.sessions import make_session

    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make_session)
    stars = tuple(m.FeedbackEvent(n + 1, "stars", 1.0 + n % 5, float(n)) for n in range(40))
    looks = tuple(m.Signal(n + 1, "dwell", 1.0 + n % 5 + 0.1 * (n % 3), float(n)) for n in range(60))
    served.do(m.Open("", str(bundle), None, "cpu", 0, images(60), (*stars, *looks)))
    settle(served)
    taste = sent.of(m.Taste)[-1]
    assert taste.signs_auc is not None and taste.signs_auc > 0.9 and taste.signs_weight > 0.5
    served.do(m.UseSignals(False))
    taste = sent.of(m.Taste)[-1]
    assert (taste.signs_auc, taste.signs_weight) == (None, 0.0)


def test_a_taste_tells_what_words_are_worth_and_forgets_those_taken_away(bundle):
    from studio.worker import service
    from studio.worker.sessions import make_session

    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make_session)
    stars = tuple(m.FeedbackEvent(n + 1, "stars", 1.0 + n % 5, float(n)) for n in range(40))
    words = tuple(m.Tag(n + 1, "tag", "keep", float(n)) for n in range(60) if n % 5 > 2)
    served.do(m.Open("", str(bundle), None, "cpu", 0, images(60), (*stars, *words)))
    settle(served)
    assert sent.of(m.Taste)[-1].tags_weight > 0.5
    served.do(m.Feedback(tuple(m.Tag(word.image, "untag", "keep", 50.0) for word in words)))
    served.do(m.Feedback((m.FeedbackEvent(41, "stars", 3.0, 51.0),)))  # words by themselves can wait
    assert sent.of(m.Taste)[-1].tags_weight == 0.0 and not sent.of(m.Failed)


def opened_again(bundle, ratings):
    """A service in this process that has just opened a project with so many ratings, and what it sent."""
    from studio.worker import service
    from studio.worker.sessions import make_session

    sent = Sent()
    served = service.Service(Quiet(), sent, sent, make_session)
    said = tuple(m.FeedbackEvent(n + 1, "stars", 1.0 + n % 5, float(n)) for n in range(ratings))
    served.do(m.Open("", str(bundle), None, "cpu", 0, images(ratings), said))
    return served, sent


def test_the_first_guesses_after_a_start_are_called_learning(bundle):
    served, sent = opened_again(bundle, 20)
    told = len(sent.of(m.Busy))
    for _ in range(2):
        served.do(m.Predict((1, 2)))
    assert [busy.task for busy in sent.of(m.Busy)[told:]] == ["learning", ""]  # the second time takes none
    assert len(sent.of(m.Taste)) == 2


def test_how_well_it_guesses_survives_a_restart(bundle):
    served, sent = opened_again(bundle, 60)
    told = len(sent.of(m.Busy))
    settle(served)  # it learns while nobody waits
    assert list(dict.fromkeys(busy.task for busy in sent.of(m.Busy)[told:])) == ["learning", ""], "and is not called ready meanwhile"
    taste = sent.of(m.Taste)[-1]
    assert (taste.count, taste.guesses) == (60, 48), (
        "all but the first twelve were guessed before they were learnt"
    )
    assert taste.accuracy is not None and 0 <= taste.accuracy <= 1


def images(count):
    """Known images 1..count with latents of their own."""
    random = np.random.default_rng(4)
    return tuple(m.KnownImage(n + 1, random.standard_normal(8).astype("<f4").tobytes()) for n in range(count))


@pytest.mark.parametrize(
    ("model", "device", "message"), [("nowhere/at all", "cpu", "nowhere"), (None, "warp9", "warp9")]
)
def test_a_generator_or_device_that_does_not_exist_is_one_line(
    qapp, tmp_path, bundle, model, device, message
):
    with Project(tmp_path / "p", model=model or str(bundle)) as project:
        client = WorkerClient()
        heard = Heard(client)
        client.open(project, device)
        client.propose(4)
        pump(lambda: len(heard.of("failed")) == 2)
        client.close()
    assert heard.of("failed")[0][0] == "Open" and message in heard.of("failed")[0][1]


def test_a_damaged_checkpoint_falls_back_to_untuned(qapp, tmp_path, bundle):
    with Project(tmp_path / "p", model=str(bundle)) as project:
        path = project.new_checkpoint_path()
        path.write_bytes(b"damaged")
        project.add_checkpoint(path)
        client = WorkerClient()
        heard = Heard(client)
        client.open(project, "cpu")
        pump(lambda: heard.of("ready"))
        client.close()
        assert "damaged" in heard.of("notice")[0]
        assert project.current_checkpoint() is None and len(project.checkpoints()) == 1


def test_ends_quickly_and_leaves_nothing(qapp, project):
    others = set(threading.enumerate())  # the worker that other tests share has threads of its own
    client = WorkerClient()
    heard = Heard(client)
    client.open(project, "cpu")
    pump(lambda: heard.of("ready"))
    pump(lambda: client.busy == "")
    process, memory = client._link._process, client._link._frames.name
    client._link.close(patience=30)
    assert process.exitcode == 0, "asked for, not killed"
    with pytest.raises(FileNotFoundError):
        SharedMemory(name=memory)
    assert (project.folder / "worker.log").read_text() == ""
    client.close()
    client.wait()
    left = set(threading.enumerate()) - others
    assert not [thread for thread in left if thread.name.startswith("worker-")]


def test_ends_during_a_round_and_before_it_has_started(qapp, project):
    studio = Studio(project)
    studio.rated()
    studio.teach(400, 2)
    process = studio.client._link._process
    begun = time.monotonic()
    studio.client.close()
    assert time.monotonic() - begun < 0.2, "the window does not stand still"
    studio.client.wait()
    assert time.monotonic() - begun < 4.5 and process.exitcode is not None
    assert list((project.folder / "checkpoints").iterdir()) == []
    for device in ("cpu", "auto"):
        begun = time.monotonic()
        studio.client.open(project, device)  # the one that still loads is let go of
        assert time.monotonic() - begun < 0.2
    studio.client.close()
    studio.client.wait()
    assert not [thread for thread in threading.enumerate() if thread.name == "worker-end"]


def test_opening_and_commands_return_at_once(qapp, project):
    client = WorkerClient()
    begun = time.monotonic()
    client.open(project, "cpu")
    client.propose()
    client.feedback([])
    client.request_strip(range(8))
    taken = time.monotonic() - begun
    client.close()
    assert taken < 0.1


def test_a_strip_that_was_asked_for_during_a_round_is_not_shown_as_what_came_of_it(qapp, project, monkeypatch):
    client, shown = WorkerClient(), []
    client._project = project
    client._link = SimpleNamespace(send=lambda command: None, take=lambda frames: np.zeros((1, 2, 2, 3), np.uint8))
    client.strip.connect(shown.append)
    client.request_strip((1,))
    late = m.StripReady(client._strips, (1,), m.FrameRef(1, 1, 2, 2), m.FrameRef(2, 1, 2, 2))
    client._on_roundfinished(m.RoundFinished(True, "Kept.", None, False, {}, (), None, None))
    client._on_stripready(late)
    assert not shown
    client.request_strip((1,))
    client._on_stripready(replace(late, generation=client._strips))
    assert len(shown) == 1


def test_what_is_rated_while_a_worker_starts_is_told_once(qapp, project, monkeypatch):
    (image,) = project.add_images([NewImage(LATENT)])
    client, sent = WorkerClient(), []
    link = SimpleNamespace(send=sent.append, leave=threading.Thread)
    monkeypatch.setattr(client, "_connect", lambda log: setattr(client, "_link", link))
    client.open(project, "cpu")
    client.feedback(project.rate(image, "stars", 5).events)
    begin, told = sent
    opened = begin()
    assert isinstance(opened, m.Open) and opened.images[0].id == image and opened.events == ()
    assert [event.image for event in told.events] == [image]
    client.close()


def test_a_worker_whose_window_dies_ends_too(tmp_path, bundle):
    import psutil

    script = tmp_path / "window.py"
    script.write_text(
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from PySide6.QtCore import QCoreApplication\n"
        "from studio.project.store import Project\n"
        "from studio.worker.client import WorkerClient\n"
        "if __name__ == '__main__':\n"
        "    app = QCoreApplication([])\n"
        "    client = WorkerClient()\n"
        "    client.ready.connect(lambda ready: print(client.pid, flush=True))\n"
        "    client.open(Project(Path(sys.argv[1]), model=sys.argv[2]), 'cpu')\n"
        "    app.exec()\n"
    )
    window = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "p"), str(bundle)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert window.stdout is not None
    worker = psutil.Process(int(window.stdout.readline()))
    window.kill()
    window.wait()
    window.stdout.close()
    gone, alive = psutil.wait_procs([worker], timeout=10)
    assert gone and not alive


def test_a_dial_that_is_off_by_default_can_be_turned_up() -> None:
    from gan.rewards import RewardWeights
    from studio.worker.teaching import reward_weights

    assert reward_weights(m.RoundSettings()).typicality == 0.0
    turned = reward_weights(m.RoundSettings(weights={"typicality": 1.0, "realism": 2.0, "novelty": 1.0}))
    assert turned.typicality > 0.0 and turned.realism == 2.0 * RewardWeights().realism
    assert turned.novelty == RewardWeights().novelty


def test_what_a_taste_is_not_told_at_once_is_drawn_while_nobody_waits(bundle, monkeypatch):
    served, sent = opened_again(bundle, 30)
    served.do(m.Predict((1,)))
    served.session.rounds = 1  # as after a round
    served.do(m.Explain())
    served.do(m.Explore(1, None, seed=3))
    assert len(sent.of(m.Explored)) == 1, "it does not wait for the rest of the taste"
    (first,) = sent.of(m.Explained)
    assert "kept" in first.pending and first.kept is None
    run_out_once(monkeypatch, served.session, "read_tuned")
    pieces = 0
    while len(sent.of(m.Explained)) < 2:
        assert served._ahead_of_time()
        pieces += 1
    told = sent.of(m.Explained)[-1]
    assert pieces > 2 and not told.pending and told.kept is not None
    assert len(sent.of(m.Notice)) == 1 and not sent.of(m.Failed)


@pytest.fixture
def slowly_opened(bundle, tmp_path, monkeypatch):
    """Opens a project with so many ratings, whose generator draws one image a second."""
    monkeypatch.setattr("studio.worker.sessions.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 1024)

    def opened(ratings):
        served, sent = opened_again(bundle, ratings)
        return served, sent, SlowClock(monkeypatch, served.session)

    return opened


def test_while_a_slow_generator_is_looked_at_everything_else_is_answered(slowly_opened):
    served, sent, clock = slowly_opened(0)
    served.do(m.Know(images(20), watch=True))
    served.do(m.Feedback(tuple(m.FeedbackEvent(n + 1, "stars", 1.0 + n % 5, float(n)) for n in range(20))))
    served.do(m.Predict((1, 2)))
    served.do(m.Explore(1, None, seed=3))
    assert clock.now <= 32 and not sent.of(m.Taste) and not sent.of(m.Explored)
    assert served._ahead_of_time() and sent.of(m.Busy)[-1].task == "learning", "it goes on, and says so"
    begun = clock.now
    served.do(m.Propose(7, 9))
    assert sum(part.frames.count for part in sent.of(m.GridPart)) + sent.of(m.Grid)[-1].frames.count == 9
    assert {proposal.kind for proposal in sent.of(m.Grid)[-1].proposals} == {"random"} and clock.now == begun
    settle(served)
    left = sent.of(m.Reading)
    assert all(one.images >= another.images for one, another in itertools.pairwise(left[2:]))
    assert left[-1] == m.Reading(0, 0.0) and left[-2].seconds == pytest.approx(1.0)
    assert sent.of(m.Taste)[-1].count == 20 and len(sent.of(m.Explored)) == 1
    assert sent.of(m.Busy)[-1].task == "" and not sent.of(m.Failed)


def test_a_retraction_that_comes_before_the_opinions_are_learnt_counts(slowly_opened):
    served, sent, _ = slowly_opened(20)
    served.do(m.Feedback((m.Duel(5, 1, 2, "a", "a", 30.0), m.Signal(3, "zoom", 1.0, 31.0))))
    served.do(m.Feedback((m.Retracted(5, 32.0),)))
    assert not sent.of(m.Taste)
    settle(served)
    assert len(served.session.learner.standing()) == 20 and sent.of(m.Taste)[-1].count == 20
    served.do(m.Feedback((m.Duel(6, 1, 2, "a", "a", 33.0),)))
    assert len(served.session.learner.standing()) == 21
    served.do(m.Feedback((m.Retracted(6, 34.0),)))
    assert len(served.session.learner.standing()) == 20 and not sent.of(m.Failed)


def test_a_round_of_a_slow_generator_says_what_it_waits_for_and_can_be_stopped(slowly_opened, tmp_path):
    served, sent, _ = slowly_opened(20)
    stop = Quiet()
    served._rounds._inbox = stop

    def stopped(event):
        if isinstance(event, m.Progress) and "of 148 images" in event.note:
            stop.stop = m.Stop(keep=True)
        Sent.send(sent, event)

    served._rounds._send = stopped
    served.do(m.RunRound(str(tmp_path / "1.safetensors"), steps=3))
    assert all(step.step == 0 and step.seconds_left > 100 for step in sent.of(m.Progress))
    assert "looking at what the generator draws" in sent.of(m.Progress)[0].note
    assert not sent.of(m.Failed)
    finished = sent.of(m.RoundFinished)[-1]
    assert not finished.kept and finished.stopped and "nothing was changed" in finished.reason
    assert not (tmp_path / "1.safetensors").exists()
