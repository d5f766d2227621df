"""A desk with a screen, a window manager and hands: what a sitting in the real window needs. X11 alone; no Qt in this process."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageGrab

PROGRAMS = ("Xvfb", "openbox", "xdotool")
PATIENCE = 300.0  # seconds for whatever the worker does, on a machine that others use too


def missing() -> str:
    """What this machine lacks, in words; nothing where all is there."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"needs {', '.join(lacking)}" if lacking else ""


def until(done: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait for it, or fail and say for what."""
    end = time.monotonic() + patience
    while not done():
        assert time.monotonic() < end, f"waited {patience:.0f} s for {what}"
        time.sleep(0.1)


@contextmanager
def screen(size: str = "1440x900", home: Path | None = None) -> Iterator[str]:
    """A virtual screen with a window manager on it; yields its DISPLAY."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        display = f":{answer.readline().strip()}"
    environment = {**os.environ, "DISPLAY": display, **({"HOME": str(home)} if home else {})}
    manager = subprocess.Popen(
        ["openbox"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield display
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(10)


class Hands:
    """Types and clicks on a display, through the X server, as a person's keyboard and mouse do."""

    def __init__(self, display: str, pictures: Path | None = None) -> None:
        self.display, self._pictures = display, pictures
        self._environment = {**os.environ, "DISPLAY": display}

    def xdotool(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words], env=self._environment, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()

    def activate(self, title: str) -> None:
        """Bring the window with this in its title to the front and give it the keyboard."""
        until(lambda: self.xdotool("search", "--onlyvisible", "--name", title), f"a window called {title}")
        window = self.xdotool("search", "--onlyvisible", "--name", title).splitlines()[-1]
        self.xdotool("windowactivate", "--sync", window)
        until(lambda: self.xdotool("getactivewindow") == window, "the window in front", 20)

    def title(self) -> str:
        """The title of the window in front."""
        return self.xdotool("getactivewindow", "getwindowname")

    def keys(self, *keys: str, pause: float = 0.06) -> None:
        """Press keys one after another."""
        for key in keys:
            self.xdotool("key", "--clearmodifiers", key)
            time.sleep(pause)

    def type(self, text: str) -> None:
        self.xdotool("type", "--delay", "30", text)

    def click(self, x: int, y: int) -> None:
        self.xdotool("mousemove", "--sync", str(x), str(y), "click", "1")

    def look(self, name: str = "") -> np.ndarray:
        """The whole screen, uint8 (H, W, 3); kept as a picture where pictures are wanted and it has a name."""
        grabbed = ImageGrab.grab(xdisplay=self.display).convert("RGB")
        if self._pictures is not None and name:
            grabbed.save(self._pictures / f"{name}.png")
        return np.asarray(grabbed)


class Ledger:
    """Reads a project while the studio has it open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        file = self.folder / "project.sqlite"
        if not file.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as database:
                return database.execute(query, values).fetchall()
        except sqlite3.OperationalError:  # being made just now
            return []

    def number(self, query: str, values: Sequence[Any] = ()) -> int:
        rows = self.rows(query, values)
        return int(rows[0][0]) if rows else 0

    def events(self, kind: str) -> int:
        """How many events of a kind stand in the log."""
        return self.number("SELECT count(*) FROM events WHERE kind = ?", (kind,))

    def grid(self) -> list[int]:
        """The images of the newest grid, in order."""
        found = self.rows(
            "SELECT image FROM grid_images WHERE grid = (SELECT max(id) FROM grids) ORDER BY position"
        )
        return [image for (image,) in found]

    def pixels(self, image: int) -> np.ndarray:
        """An image as the studio keeps it on disk."""
        file = self.folder / "images" / f"{image:08d}.png"
        until(file.exists, f"the file of image {image}")
        with Image.open(file) as opened:
            return np.asarray(opened.convert("RGB"))


@contextmanager
def studio(
    command: Sequence[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """The studio as a process of its own, what it prints in `log`; ended if it did not end by itself."""
    with log.open("a", encoding="utf-8") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
