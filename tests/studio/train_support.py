"""A process that trains, without a process: it answers as the test says."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from studio.worker import jobs
from studio.worker.jobs_client import JobsClient, ShownSamples


class StandInJobs(JobsClient):
    """Notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    def look_at(self, folder: Path, resolution: int) -> None:
        self.asked.append(("look_at", folder, resolution))
        self.choices.emit((jobs.Start("characters", 64), jobs.Start("dreamscapes", 64)))
        self.looking.emit(0.4)

    def show_whole(self, name: str, side: int) -> None:
        self.asked.append(("show_whole", name))
        pixels = np.zeros((60, 120, 3), np.uint8)
        pixels[:, 30:90] = (200, 120, 40)
        self.whole.emit(name, pixels)

    def train(self, command: jobs.Train) -> None:
        self.asked.append(command)

    def halt(self) -> None:
        self.asked.append("halt")

    def close(self) -> None:
        self.asked.append("close")

    # -- what the process would do ---------------------------------------------------------------------------------

    def found(
        self,
        folder: Path,
        count: int = 40,
        side: int = 16,
        few: int = 1000,
        pixel: int = 1,
        pixel_art: bool = False,
        start: str = "dreamscapes",
    ) -> None:
        """Say what a folder holds: of `count` pictures the last is a copy of the first, and two files are unreadable."""
        array = folder / "pictures.npy"
        np.save(array, self.pixels(count, side))
        names = [f"{number:03}.png" for number in range(count)]
        copies = ["" if number < count - 1 else names[0] for number in range(count)]
        pictures = tuple(jobs.Picture(name, 120, 60, copy) for name, copy in zip(names, copies, strict=True))
        skipped = (("sub/IMG_1.HEIC", "HEIC files are not read: save it as PNG or JPEG"), ("text.png", "not a picture"))
        self.looked.emit(jobs.Looked(1, str(array), pictures, skipped, few, pixel, pixel_art or pixel > 1, start))

    @staticmethod
    def pixels(count: int, side: int = 16, seed: int = 0) -> np.ndarray:
        """Blots of colour, uint8 (count, side, side, 3)."""
        random = np.random.default_rng(seed)
        coarse = random.integers(30, 230, (count, 4, 4, 3))
        return coarse.repeat(side // 4, 1).repeat(side // 4, 2).astype(np.uint8)

    def step(self, number: int, fraction: float, seconds_left: float = 90.0) -> None:
        noise = 0.05 * np.sin(number)
        series = {"generator": 0.7 + noise, "discriminator": 0.65 - noise, "gap": 0.4 / number}
        self.progress.emit(jobs.Training(2, 320 * number, fraction, 171.0, seconds_left, series))

    def draw(self, copied: int = 0, side: int = 16) -> None:
        """Show twelve samples; so many of them look copied."""
        marks = tuple(place < copied for place in range(12))
        drawn, nearest = self.pixels(12, side, 1), self.pixels(12, side, 2)
        self.samples.emit(ShownSamples(6400, drawn, nearest, marks))

    def finish(self, folder: Path, finished: bool = True) -> None:
        self.write(folder, next(one.folder for one in reversed(self.asked) if isinstance(one, jobs.Train)))
        self.trained.emit(jobs.Trained(2, str(folder), finished))

    @staticmethod
    def write(folder: Path, pictures: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / jobs.PICTURES).write_bytes(os.fsencode(pictures))
        for name in ("config.json", "model.safetensors", "training.pt"):
            (folder / name).write_bytes(b"{}")
