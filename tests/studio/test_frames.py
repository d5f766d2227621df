"""The ring of shared memory: pixels arrive whole, pages are never reused too early, nothing is left behind."""

import os
import queue
import subprocess
import sys
import threading
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import backend_support  # noqa: F401 - sets the platform
import numpy as np
import pytest

from studio.worker import frames
from studio.worker import messages as m
from studio.worker.frames import FrameClosed, FrameReader, FrameWriter
from studio.worker.link import Gone, WorkerLink


class Pair:
    """A reader and a writer in one process."""

    def __init__(self, pages: int, release: bool = True) -> None:
        self.reader = FrameReader(pages)
        self.announced: list[frames.FramePage] = []
        self.release = release
        self.writer = FrameWriter(self.reader.name, self.reader.pages, self._announce)

    def _announce(self, page: frames.FramePage) -> None:
        self.announced.append(page)
        if self.release:
            self.reader.accept(page)
            self.writer.release(page.page)

    def close(self) -> None:
        self.writer.detach()
        self.reader.close()
        self.reader.close()


@pytest.fixture
def pair():
    made = []

    def make(pages: int = 2, release: bool = True) -> Pair:
        made.append(Pair(pages, release))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (24, 64, 64, 3), (5, 512, 640, 3), (0, 16, 16, 3)])
def test_batches_of_any_size_arrive_whole(pair, shape):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    one = pair()
    ref = one.writer.send(images)
    arrived = one.reader.take(ref)
    np.testing.assert_array_equal(arrived, images)
    assert arrived.flags.writeable, "the array is the caller's own"
    with pytest.raises(KeyError):
        one.reader.take(ref)


def test_an_array_that_is_not_contiguous_arrives_whole(pair):
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), np.uint8)[::2, ::-1]
    one = pair()
    np.testing.assert_array_equal(one.reader.take(one.writer.send(images)), images)


def test_a_page_is_not_written_again_before_it_was_copied_out(pair):
    one = pair(pages=2, release=False)
    images = np.random.default_rng(0).integers(0, 256, (7, 512, 512, 3), np.uint8)  # six pages
    refs = []
    thread = threading.Thread(target=lambda: refs.append(one.writer.send(images)))
    thread.start()
    done = 0
    while thread.is_alive() or done < len(one.announced):
        assert len(one.announced) - done <= 2
        if done < len(one.announced):
            page = one.announced[done]
            one.reader.accept(page)
            done += 1
            one.writer.release(page.page)
    thread.join()
    np.testing.assert_array_equal(one.reader.take(refs[0]), images)


def test_a_writer_that_waits_is_freed_when_the_window_goes(pair):
    one = pair(pages=1, release=False)
    errors = []

    def write() -> None:
        try:
            one.writer.send(np.zeros((3, 1024, 1024, 3), np.uint8))
        except FrameClosed as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    one.writer.close()
    thread.join(5)
    assert len(errors) == 1


def test_dropped_batches_are_forgotten(pair):
    one = pair()
    ref = one.writer.send(np.zeros((2, 8, 8, 3), np.uint8))
    one.reader.drop(ref)
    one.reader.drop(None)
    with pytest.raises(KeyError):
        one.reader.take(ref)


def test_a_small_shared_memory_gives_a_smaller_ring(monkeypatch):
    sizes = []

    def reserve(memory: SharedMemory, size: int) -> None:
        sizes.append(size)
        if size > 4 * frames.PAGE:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(frames, "_reserve", reserve)
    reader = FrameReader(16)
    assert reader.pages == 4 and sizes == [16 * frames.PAGE, 8 * frames.PAGE, 4 * frames.PAGE]
    reader.close()


CHILD = """
import multiprocessing, os, signal, sys
import numpy as np
from studio.worker.frames import FrameReader, FrameWriter

def child(connection, name, pages):
    writer = FrameWriter(name, pages, connection.send)
    connection.send(writer.send(np.full((2, 8, 8, 3), 7, np.uint8)))
    connection.recv()

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    reader = FrameReader()
    ours, theirs = context.Pipe()
    process = context.Process(target=child, args=(theirs, reader.name, reader.pages))
    process.start()
    reader.accept(ours.recv())
    assert (reader.take(ours.recv()) == 7).all()
    if sys.argv[1] == "kill":
        os.kill(process.pid, signal.SIGKILL)
    elif sys.argv[1] == "early":
        reader.close()
        ours.send(None)
    else:
        ours.send(None)
    process.join()
    reader.close()
    print(reader.name)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX shared memory")
@pytest.mark.parametrize("how", ["end", "kill", "early"])
def test_nothing_is_left_behind_and_no_tracker_complains(tmp_path, how):
    script = tmp_path / "parent.py"
    script.write_text(CHILD)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), how],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with pytest.raises(FileNotFoundError):
        SharedMemory(name=done.stdout.strip())


def test_what_nobody_can_read_ends_the_process_and_is_told():
    heard: queue.SimpleQueue = queue.SimpleQueue()
    link = WorkerLink(heard.put, None, "babbling_service")
    hello = heard.get(timeout=30)
    link.later(lambda: 1 // 0)
    bug = heard.get(timeout=30)
    assert isinstance(bug, m.Failed) and "ZeroDivisionError" in bug.detail
    link.send(m.Propose(lambda: 1, 1))  # cannot be sent
    bug = heard.get(timeout=30)
    assert isinstance(bug, m.Failed) and bug.command == "Propose"
    link.send(m.Predict(()))
    assert isinstance(hello, m.Hello) and heard.get(timeout=30) == m.Notice("heard")
    memory = link._frames.name
    link.send(m.Predict(()))
    gone = heard.get(timeout=30)
    assert isinstance(gone, Gone) and "cannot be read" in gone.reason
    link._reader.join(5)
    assert not link._reader.is_alive() and not link._process.is_alive()
    with pytest.raises(FileNotFoundError):
        SharedMemory(name=memory)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_export_that_does_not_end_in_time_leaves_nothing_behind(tmp_path):
    heard: queue.SimpleQueue = queue.SimpleQueue()
    link = WorkerLink(heard.put, None, "exporting_service")
    assert isinstance(heard.get(timeout=30), m.Hello)
    link.send(m.Open(str(tmp_path / "made"), "", None))
    assert heard.get(timeout=60) == m.Notice("writing")
    assert len(list(tmp_path.iterdir())) == 1
    link.close(patience=0.1)
    assert not link._process.is_alive()
    assert list(tmp_path.iterdir()) == []


ENDED = """
import sys, threading
from studio.worker.link import WorkerLink
if __name__ == "__main__":
    heard = threading.Event()
    link = WorkerLink(lambda event: "Notice" in type(event).__name__ and heard.set(), None, "counting_service")
    assert heard.wait(60)
    link.close(0.2)
    assert not link._reader.is_alive()
"""


def test_a_worker_that_is_ended_after_an_export_leaves_no_lock_behind(tmp_path):
    pytest.importorskip("tqdm")
    (tmp_path / "ended.py").write_text(ENDED)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(
        [sys.executable, tmp_path / "ended.py"], env=environment, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
