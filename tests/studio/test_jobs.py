"""The process that reads folders and trains, as a real process."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from backend_support import pump
from PIL import Image
from pytestqt.qtbot import QtBot

from studio.model.training import Training
from studio.worker import jobs
from studio.worker.jobs_client import JobsClient


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twenty-four pictures, of which one is there twice and one is broken."""
    from gan.data.characters import render

    place = tmp_path / "My characters"
    (place / "inner").mkdir(parents=True)
    for number, pixels in enumerate(render(range(24), 64)):
        Image.fromarray(pixels).save(place / "inner" / f"{number:02}.png")
    Image.fromarray(pixels).save(place / "z.bmp")
    (place / "broken.png").write_bytes(b"not a picture")
    return place


class Listening:
    """A client and everything it said."""

    def __init__(self, log: Path) -> None:
        self.client = JobsClient(log)
        self.heard: list[tuple[str, Any]] = []
        for name in ("choices", "looking", "looked", "progress", "samples", "said", "trained"):
            getattr(self.client, name).connect(lambda value, name=name: self.heard.append((name, value)))
        self.client.whole.connect(lambda name, pixels: self.heard.append(("whole", (name, pixels))))
        self.client.failed.connect(lambda reason, detail: self.heard.append(("failed", reason)))

    def of(self, name: str) -> list[Any]:
        return [value for heard, value in self.heard if heard == name]


class Frames:
    """What is sent as it is, where there is one process."""

    @staticmethod
    def send(pixels: np.ndarray) -> np.ndarray:
        return pixels


@pytest.fixture
def listening(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # the process inherits it
    made = Listening(tmp_path / "training.log")
    yield made
    made.client.close()


def test_a_folder_is_read_in_another_process(listening: Listening, folder: Path) -> None:
    client = listening.client
    assert client.pid is None
    client.look_at(folder, 32)
    pump(lambda: listening.of("looked"))
    assert client.pid not in (None, os.getpid()) and not client.running
    (looked,) = listening.of("looked")
    assert [picture.name for picture in looked.pictures] == [*(f"inner/{number:02}.png" for number in range(24)), "z.bmp"]
    assert [picture.copy_of for picture in looked.pictures[-2:]] == ["", "inner/23.png"]
    assert looked.skipped == (("broken.png", "not a picture"),)
    pixels = np.load(looked.array, mmap_mode="r")
    assert pixels.shape == (25, 32, 32, 3) and pixels.std() > 20
    ((starts),) = listening.of("choices")
    assert jobs.Start("dreamscapes", 64) in starts
    client.show_whole("inner/03.png", 640)
    pump(lambda: listening.of("whole"))
    ((name, whole),) = listening.of("whole")
    assert name == "inner/03.png" and whole.shape == (64, 64, 3)
    client.look_at(folder.parent / "nothing", 32)
    pump(lambda: listening.of("failed"))
    assert listening.of("failed") == [f"no such folder: {(folder.parent / 'nothing').resolve()}"]
    client.show_whole("inner/04.png", 640)  # of the folder that is still on show
    pump(lambda: listening.of("whole")[1:])


def test_an_abandoned_folder_that_cannot_be_read_says_nothing_of_the_next(listening: Listening, folder: Path) -> None:
    client = listening.client
    client.look_at(folder.parent / "nothing", 32)
    client.look_at(folder, 32)
    pump(lambda: listening.of("looked") or listening.of("failed"))
    assert listening.of("failed") == [] and len(listening.of("looked")) == 1


def test_a_process_that_crashes_is_told_of_and_started_again(listening: Listening, folder: Path) -> None:
    client = listening.client
    client.look_at(folder, 32)
    pump(lambda: listening.of("looked"))
    first = client.pid
    assert first is not None
    client.look_at(folder, 64)
    os.kill(first, signal.SIGKILL)
    pump(lambda: not client.running)
    assert listening.of("failed") in ([f"The process that trains has ended by itself (exit code {-signal.SIGKILL})."], [])
    client.look_at(folder, 64)
    pump(lambda: listening.of("looked")[1:])
    assert client.pid != first


def test_reading_a_folder_needs_no_torch() -> None:
    code = "import sys, studio.worker.jobs_service; assert 'torch' not in sys.modules, 'torch'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_window_s_half_needs_neither_torch_nor_gan() -> None:
    code = "import sys; sys.modules['torch'] = sys.modules['gan'] = None; import studio.worker.jobs_client, studio.worker.jobs"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_run_that_goes_on_leaves_the_earlier_generator_as_it_is(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: a step, and one more."""
    from studio.worker.jobs_service import _Run

    monkeypatch.setattr("gan.data.folder.cache_folder", lambda: tmp_path / "cache")

    def train(out: Path, go_on_from: Path | str = "") -> list[Any]:
        sent: list[Any] = []
        command = jobs.Train(1, str(folder), str(out), 32, 30.0, None, device="cpu", go_on_from=str(go_on_from))
        _Run(command, sent.append, Frames(), lambda: any(isinstance(event, jobs.Said) for event in sent)).train()  # type: ignore[arg-type]
        return sent

    first, second = tmp_path / "a 32 px", tmp_path / "a 32 px 2"
    train(first)
    before = {file.name: file.read_bytes() for file in first.iterdir()}
    *said, ended, shown = train(second, first)
    assert any(isinstance(event, jobs.Said) and event.text.startswith("Going on from") for event in said)
    assert isinstance(ended, jobs.Trained) and isinstance(shown, jobs.Samples), "also of a run that was stopped early"
    assert {file.name: file.read_bytes() for file in first.iterdir()} == before
    assert all((run / jobs.PICTURES).read_bytes() == os.fsencode(folder) for run in (first, second))
    assert (second / "model.safetensors").is_file() and not list(tmp_path.glob(".a*"))


def test_a_run_that_is_stopped_while_its_pictures_are_read_anew_says_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: the window would wait for the end of it."""
    from studio.worker.inbox import Inbox
    from studio.worker.jobs_service import Jobs
    from studio.worker.messages import Failed

    monkeypatch.setattr("gan.data.folder.cache_folder", lambda: tmp_path / "cache")
    ours, theirs = Pipe()
    sent: list[Any] = []
    outbox = SimpleNamespace(send=sent.append)
    service = Jobs(Inbox(theirs, outbox), outbox, Frames())  # type: ignore[arg-type]
    service.do(jobs.Halt(4))
    service.do(jobs.Train(4, str(folder), str(tmp_path / "out"), 32, 1.0, None, device="cpu"))
    assert [event.message for event in sent if isinstance(event, Failed)] == ["The run was stopped before it began."]
    assert not (tmp_path / "out").exists()
    ours.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_training_from_a_folder_stopped_and_gone_on(
    listening: Listening, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole run as the view drives it: look, leave one out, train, stop, use, go on."""
    monkeypatch.setenv("TASTEMAKER_HOME", str(tmp_path / "home"))
    training = Training(listening.client)
    training.set_size(32)
    training.look_at(folder)
    pump(lambda: training.phase == "ready")
    training.exclude(["inner/05.png"], True)
    assert training.usable == 23
    training.choose_start("")
    training.minutes = 30
    training.train()
    pump(lambda: any("23 pictures" in line for line in listening.of("said")))
    training.stop()
    assert training.phase == "stopping"
    pump(lambda: training.phase == "done")
    assert not training.finished and training.error == "" and training.bundle is not None
    card = json.loads((training.bundle / "config.json").read_text(encoding="utf-8"))["card"]
    assert card["data"] == {"kind": "folder", "count": 23}
    assert training.earlier() == training.bundle and (training.bundle / "samples.png").is_file()
    training.train(go_on=True)
    pump(lambda: any(line.startswith("Going on from") for line in listening.of("said")))
    training.stop()
    pump(lambda: training.phase == "done")
    assert training.error == ""


def test_samples_stand_beside_their_nearest_pictures(
    qtbot: QtBot, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process: what the run shows once the bundle has been written anew."""
    import torch

    from gan.data.folder import open_images
    from gan.formats import bundle
    from gan.model import Model
    from gan.networks import Generator, GeneratorConfig
    from studio.worker.jobs_service import SAMPLES, _Run

    monkeypatch.setattr("gan.data.folder.cache_folder", lambda: tmp_path / "cache")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = Generator(GeneratorConfig(resolution=32, channels=(12, 8, 8, 8)))
    sent: list[Any] = []
    command = jobs.Train(3, str(folder), str(tmp_path / "out"), 32, 1.0, None, ("inner/00.png",))
    run = _Run(command, sent.append, Frames(), lambda: False)  # type: ignore[arg-type]
    bundle.save(Model("out", generator, None, None, {"training": {"images_seen": 320}}), tmp_path / "out")
    from gan.adversarial.config import TrainProgress

    values = {name: 0.5 for name in TrainProgress.__dataclass_fields__}
    run._progress(TrainProgress(**{**values, "images": 320}))  # type: ignore[arg-type]
    training, shown = (event for event in sent if not isinstance(event, jobs.Looking))
    assert isinstance(training, jobs.Training) and set(training.series) == {"generator", "discriminator", "gap"}
    assert isinstance(shown, jobs.Samples) and len(shown.copied) == SAMPLES and shown.images == 320
    pictures = open_images(folder, 32, leave_out=["inner/00.png"]).images
    for beside in np.asarray(shown.nearest):
        assert any((beside == one).all() or (beside[:, ::-1] == one).all() for one in pictures)


def test_a_run_goes_on_where_its_folder_goes_meanwhile(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pictures were decoded into the cache; the samples are compared with those."""
    from gan.adversarial.config import TrainProgress
    from gan.formats import bundle
    from gan.model import Model
    from gan.networks import Generator, GeneratorConfig
    from studio.worker.jobs_service import _Run

    monkeypatch.setattr("gan.data.folder.cache_folder", lambda: tmp_path / "cache")
    out = tmp_path / "out"
    generator = Generator(GeneratorConfig(resolution=32, channels=(12, 8, 8, 8)))

    def run(progress: Any, **_: Any) -> None:
        shutil.rmtree(folder)
        bundle.save(Model("out", generator, None, None, {"training": {"images_seen": 320}}), out)
        progress(TrainProgress(320, 0.5, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5))

    monkeypatch.setattr("gan.adversarial.command.run", run)
    sent: list[Any] = []
    _Run(jobs.Train(3, str(folder), str(out), 32, 1.0, None), sent.append, Frames(), lambda: False).train()  # type: ignore[arg-type]
    assert [type(event) for event in sent if not isinstance(event, jobs.Looking)] == [jobs.Training, jobs.Samples, jobs.Trained]
