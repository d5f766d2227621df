"""Two processes train as one would, and go on after one of them is killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from distributed_worker import start
from PIL import Image

import gan
from gan.adversarial.distributed import Ranks
from gan.data.scenes import render

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", **more}


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _weights(state: dict) -> torch.Tensor:
    return torch.cat([v.double().flatten() for p in ("generator", "discriminator", "average") for v in state[p].values()])


@pytest.mark.skipif(not torch.distributed.is_gloo_available(), reason="torch was built without gloo")
def test_two_processes_equal_one(tmp_path):
    """The stated tolerance, as a share of the way that training moved the weights: 1e-4 after 4 steps, 3 % after 20.

    Both are rounding: gradients are summed in another order, and once Adam has taken a tiny gradient of the other sign the two runs
    drift apart. One process whose weights are disturbed by 1e-7 at the start drifts as far (1.3 % after 20 steps).
    """
    rendezvous = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": _free_port(), "WORLD_SIZE": "2"}
    command = [sys.executable, str(HERE / "distributed_worker.py"), str(tmp_path), "4", "20"]
    processes = [
        subprocess.Popen(command, env=_environment(RANK=rank, LOCAL_RANK=rank, **rendezvous)) for rank in "01"
    ]
    try:
        alone = start(Ranks())
        before, after = _weights(alone.state()), {}
        for steps in (4, 20):
            while alone.steps < steps:
                alone.step()
            after[steps] = _weights(alone.state())
        assert [process.wait(240) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    for steps, tolerance in ((4, 1e-4), (20, 0.03)):
        first, second = (torch.load(tmp_path / f"{rank}-{steps}.pt", weights_only=True) for rank in (0, 1))
        assert (_weights(first) - after[steps]).norm() < tolerance * (after[steps] - before).norm()
        assert torch.equal(_weights(first), _weights(second))
    assert torch.equal(first["random"], alone.state()["random"])


def test_a_share_keeps_the_groups_of_the_minibatch_statistic():
    from gan.networks.discriminator import minibatch_stddev

    maps = torch.randn(32, 3, 4, 4)
    whole = minibatch_stddev(maps)
    for rank in (0, 1):
        ranks = Ranks(rank, 2)
        assert torch.allclose(minibatch_stddev(ranks.share(maps)), ranks.share(whole))


@pytest.mark.timeout(600)  # eight times an interpreter with torch starts: quick on its own, slow on a machine full of work
@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_a_killed_worker_is_started_again_and_goes_on(tmp_path):
    folder, out = tmp_path / "pictures", tmp_path / "mine"
    folder.mkdir()
    for i, picture in enumerate(render(range(16), 32)):
        Image.fromarray(picture).save(folder / f"{i}.png")
    options = f"--images {folder} --out {out} --from none --resolution 32 --batch 8 --kimg 0.48 --device cpu --save-every 0.001".split()
    torchrun = "torch.distributed.run --standalone --nproc-per-node=2 --max-restarts=1 --monitor-interval=0.1".split()
    environment = _environment(XDG_CACHE_HOME=str(tmp_path / "cache"), PYTHONWARNINGS="default")
    log = (tmp_path / "log").open("w+")
    command = [sys.executable, "-m", *torchrun, "-m", "gan.train", *options]
    agent = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 240
        while not (out / "config.json").exists():
            assert time.monotonic() < deadline and agent.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        workers = [child for child in psutil.Process(agent.pid).children() if "gan.train" in " ".join(child.cmdline())]
        assert len(workers) == 2
        workers[1].send_signal(signal.SIGKILL)
        assert agent.wait(240) == 0, (tmp_path / "log").read_text()
    finally:
        agent.kill()
        agent.wait()
        log.close()
    said = (tmp_path / "log").read_text()
    assert "Going on from" in said
    assert gan.load(out).card["training"]["images_seen"] == 480
    images = [int(line.split(",")[0]) for line in (out / "curve.csv").read_text().splitlines()[1:]]
    assert images == [160, 320, 480]
