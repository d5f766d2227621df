"""A run that was stopped, killed or finished goes on."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_training import picture_folder, small_pictures, small_trainer

import gan
from gan.adversarial import command
from gan.adversarial.augment import AugmentConfig
from gan.adversarial.legs import next_leg
from gan.adversarial.train import Trainer
from gan.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pictures():
    return small_pictures()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return picture_folder(tmp_path, monkeypatch)


def _curve(out: Path) -> list[dict[str, str]]:
    """What a curve says of learning; speed and waiting differ from run to run."""
    with (out / "curve.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [{k: v for k, v in row.items() if k not in ("images_per_second", "seconds_left", "data_wait")} for row in rows]


@pytest.mark.timeout(600)  # two interpreters and three runs: quick on its own, slow on a machine full of work
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_a_killed_run_goes_on_as_if_nothing_had_happened(folder, tmp_path, monkeypatch):
    program = (
        "import sys; from pathlib import Path; from gan.adversarial.command import run\n"
        "run(Path(sys.argv[1]), Path(sys.argv[2]), kimg=0.16, resolution=32, batch=4, device='cpu', seed=5, save_seconds=0)"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", program, str(folder), str(killed)], env=environment)
    try:
        deadline = time.monotonic() + 300
        while not (killed / "samples.png").exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        assert process.wait(30) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    state = torch.load(killed / "training.pt", weights_only=True)
    stopped_at = state["images_seen"]
    assert 0 < stopped_at < 160
    (killed / ".training.pt.half").write_bytes(b"as a kill while writing leaves it")
    # Two runs round alike with the same number of threads and the same arithmetic, which each machine chooses by trying.
    monkeypatch.setattr("gan.adversarial.train.bfloat16_pays", lambda device: state["autocast"][1])
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        said: list[str] = []
        command.run(folder, killed, kimg=0.16, resolution=32, device="cpu", say=said.append)
        command.run(folder, straight, kimg=0.16, resolution=32, batch=4, device="cpu", seed=5)
    finally:
        torch.set_num_threads(threads)
    assert not list(killed.glob(".training.pt.*"))
    assert any(f"after {stopped_at:,} images" in line for line in said)
    assert gan.load(killed).hash == gan.load(straight).hash
    states = [torch.load(out / "training.pt", weights_only=True) for out in (killed, straight)]
    for part in ("discriminator", "generator", "average"):
        assert all(torch.equal(states[1][part][name], value) for name, value in states[0][part].items())
    assert _curve(killed) == _curve(straight) and len(_curve(killed)) == 2


def test_stopping_between_reports_loses_no_figures(pictures, tmp_path):
    def curve(trainer: Trainer, stop_at: int = 0) -> list[tuple[int, float, float]]:
        reports = trainer.run(report_every=10, until=lambda: trainer.steps == stop_at)
        return [(r.images, r.discriminator_loss, r.gradient_penalty) for r in reports]

    first = small_trainer(pictures)
    early = curve(first, stop_at=17)
    first.save(tmp_path / "state.pt")
    second = small_trainer(pictures)
    second.load_state(torch.load(tmp_path / "state.pt", weights_only=True))
    assert early + curve(second) == curve(small_trainer(pictures))


def test_a_state_of_the_first_version_is_gone_on_from(pictures):
    first = small_trainer(pictures)
    first.step()
    state = {k: v for k, v in first.state().items() if k not in ("seconds", "sums", "stability")}
    state["config"] = {k: v for k, v in state["config"].items() if k not in ("minutes", "start_kimg", "augment")}
    config, new = next_leg(state, None, None)
    assert config == replace(first.config, augment=AugmentConfig()) and not new
    second = small_trainer(pictures)
    second.load_state(state)
    second.step()
    assert second.images_seen == 16


def test_another_size_and_a_finished_run_are_said(folder, tmp_path):
    out = tmp_path / "mine"
    command.run(folder, out, kimg=0.016, resolution=32, batch=8, device="cpu")
    with pytest.raises(UserError, match="trained at 32 px, not 64"):
        command.run(folder, out, kimg=0.016, resolution=64, device="cpu")
    said: list[str] = []
    before = (out / "config.json").stat().st_mtime_ns
    command.run(folder, out, device="cpu", say=said.append)
    assert any("finished" in line for line in said) and (out / "config.json").stat().st_mtime_ns == before
    command.run(folder, out, minutes=0.1 / 60, device="cpu")
    state = torch.load(out / "training.pt", weights_only=True)
    assert state["images_seen"] > 16 and state["config"]["start_kimg"] == pytest.approx(0.016)


def test_two_runs_do_not_write_to_one_folder(folder, tmp_path):
    out, refused = tmp_path / "out", []

    def run_again(step):
        if not refused:
            with pytest.raises(UserError, match=r"another process is training in .*out: wait until it ends") as second:
                command.run(folder, out, kimg=0.016, resolution=32, batch=8, device="cpu")
            refused.append(second)

    command.run(folder, out, kimg=0.016, resolution=32, batch=8, device="cpu", progress=run_again)
    assert refused and gan.load(out).resolution == 32
    assert not list(out.glob("*.lock"))


def test_a_run_that_cannot_start_leaves_no_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError):
        command.run(tmp_path / "empty", tmp_path / "out", device="cpu")
    assert not (tmp_path / "out").exists()
