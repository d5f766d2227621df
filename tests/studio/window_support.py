"""A worker without a process, and the hands of a person in front of the window."""

from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from studio.model.actions import Actions
from studio.project.store import NewImage, Project
from studio.ui.image_delegate import star_box
from studio.ui.image_grid import ImageGrid
from studio.ui.window import StudioWindow
from studio.worker import messages as m
from studio.worker.client import WorkerClient
from studio.worker.shown import FinishedRound, ShownExploration, ShownGrid, ShownStrip, ShownTaste

SIDE = 16  # pixels of a drawn image
FRAMES = m.FrameRef(1, 1, SIDE, SIDE)  # stands for pixels that came already


class StandIn(WorkerClient):
    """Answers like the worker, at once and without a process; rounds go as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Any, ...]] = []
        self.kept: tuple[float, float] | None = None  # what it says that tuning left
        self.pending: tuple[str, ...] = ()  # what it says that it is still working out
        self.grids = 0
        self.held = False  # the worker is at something else
        self.answers: list[m.Restored] = []

    def open(self, project: Project, device: str = "auto", moved: Path | None = None) -> None:
        self._project, self.moved = project, moved
        self.asked.append(("open", device))

    def be_ready(self, pixel_art: bool = False) -> None:
        self.ready.emit(
            m.Ready("CPU, 2 cores", "dreamscapes", SIDE, 8, "0123456789", pixel_art, True, 900_000, {})
        )
        self.busy_changed.emit("")

    def propose(self, count: int = 24) -> int:
        self.grids += 1
        QTimer.singleShot(0, self, lambda: self._answer(count))
        return self.grids

    def _answer(self, count: int) -> None:
        assert self._project is not None
        made = self._project.add_grid([NewImage(bytes(32), "random", None, SIDE, SIDE)] * count)
        pixels = self.pixels(count, seed=self.grids)
        images = self._project.images(made.images)
        for image, rows in zip(images, pixels, strict=True):
            self._project.save_pixels(image.id, rows.tobytes(), SIDE, SIDE)
        self.grid.emit(ShownGrid(self.grids, made.id, images, pixels))

    @staticmethod
    def pixels(count: int, seed: int) -> np.ndarray:
        """Strongly coloured checks, uint8 (count, SIDE, SIDE, 3)."""
        random = np.random.default_rng(seed)
        colours = random.integers(0, 200, (count, 1, 1, 3)) + np.array([55, 0, 0])
        checks = (np.indices((SIDE, SIDE)).sum(axis=0) % 2)[None, :, :, None]
        return (colours * (0.6 + 0.4 * checks)).astype(np.uint8)

    def feedback(self, events: Any) -> None:
        self.asked.append(("feedback", tuple(events)))

    def predict(self, images: Any) -> None:
        self.asked.append(("predict", tuple(images)))

    def draw(self, images: Any) -> int:
        self.asked.append(("draw", tuple(image.id for image in images)))
        return 1

    def teach(
        self, steps: int | None = None, settings: m.RoundSettings | None = None, strip: Any = ()
    ) -> None:
        self.asked.append(("teach", steps, settings))
        self.busy_changed.emit("teaching")

    def step(self, number: int, steps: int = 24, taste: float = 0.5, start: float = 0.0) -> None:
        self.progress.emit(
            m.Progress(
                number, steps, float(steps - number), 1.0, taste, -0.04, 3.1, 6.0, 0.96, 0.92, 1.0, 171.0, start_taste=start
            )
        )

    def finish(self, kept: bool = True, reason: str = "Taste rose.") -> None:
        assert self._project is not None
        checkpoint, metrics = None, {"like_rate_predicted": 0.46, "taste": 0.9, "diversity": 0.96, "kl": 3.1}
        if kept:
            path = self._project.new_checkpoint_path()
            path.write_bytes(b"weights")
            checkpoint = self._project.add_checkpoint(path, metrics, reason=reason)
        self._project.record("taught", kept=kept, reason=reason)
        result = m.RoundFinished(kept, reason, None, False, metrics, (), None, None)
        strip = ShownStrip((), self.pixels(8, 1), self.pixels(8, 2))
        self.busy_changed.emit("")
        self.round_finished.emit(FinishedRound(result, checkpoint, strip))

    def pause(self) -> None:
        self.asked.append(("pause",))

    def resume(self) -> None:
        self.asked.append(("resume",))

    def stop(self, keep: bool = True) -> None:
        self.asked.append(("stop", keep))

    def restore(self, checkpoint: int | None, action: int | None = None) -> None:
        assert self._project is not None
        self.asked.append(("restore", checkpoint))
        self._restores += 1
        path = None if checkpoint is None else str(self._project.checkpoint(checkpoint).path)
        self.answers.append(m.Restored(path, action))
        if not self.held:
            self.go_on()

    def go_on(self) -> None:
        """Answer what was asked while `held`."""
        while self.answers:
            self._on_restored(self.answers.pop(0))

    def request_strip(self, seeds: Any) -> None:
        self.strip.emit(ShownStrip(tuple(seeds), self.pixels(8, 1), self.pixels(8, 1)))

    def explore(self, command: m.Explore) -> None:
        self.asked.append(("explore", command))
        count = 1 + command.count
        latents = tuple(bytes([number, len(self.named("explore"))]) * 16 for number in range(count))
        found = m.Explored(
            command.request,
            latents,
            tuple([3.0] * count),
            (("cooler", "warmer"), ("darker", "brighter")),
            FRAMES,
        )
        pixels = self.pixels(count, seed=len(self.asked))
        QTimer.singleShot(0, self, lambda: self.explored.emit(ShownExploration(found, pixels)))

    def explain(self, count: int = 6) -> None:
        self.asked.append(("explain", count))
        words = () if "words" in self.pending else (("warmer", 0.8), ("softer", 0.4), ("more sky", 0.25))
        kept = None if "kept" in self.pending else self.kept
        stars = tuple([4.6] * count + [1.3] * count)
        curve = ((8, 0.55), (12, 0.62), (16, 0.66), (20, 0.71))
        said = m.Explained(words, stars, stars, (), curve, 0.4, FRAMES, kept, self.pending)
        dropped = 0 if kept is None else 3
        self.explained.emit(ShownTaste(said, self.pixels(2 * count + dropped, seed=7)))

    def know(self, images: Any) -> None:
        self.asked.append(("know", tuple(image.id for image in images)))

    def export(self, folder: Path, settings: Any) -> None:
        self.asked.append(("export", folder, dict(settings)))

    def cancel_export(self) -> None:
        self.asked.append(("cancel_export",))

    def close(self) -> None:
        self.asked.append(("close",))

    def named(self, name: str) -> list[tuple[Any, ...]]:
        """Everything asked of that name."""
        return [one for one in self.asked if one[0] == name]


class Hands:
    """A window on a stand-in worker, and what a person does to it."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot, self.folder = qtbot, folder
        self.worker = StandIn()
        self.actions = Actions(Project(folder, seed=5), self.worker)
        self.window = StudioWindow(self.actions)
        self.window.resize(1200, 800)
        self.window.show()
        self.actions.start()
        with qtbot.waitActive(self.window):
            self.window.activateWindow()

    @property
    def grid(self) -> ImageGrid:
        return self.window.rate_view.grid

    @property
    def project(self) -> Project:
        return self.actions.project

    def first_grid(self, pixel_art: bool = False) -> None:
        """Let the worker answer, and wait for the images."""
        self.worker.be_ready(pixel_art)
        self.drawn()

    def drawn(self) -> None:
        self.qtbot.waitUntil(
            lambda: (
                not self.actions.state.drawing and all(c.pixels is not None for c in self.actions.grid.cells)
            )
        )

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        target = QApplication.focusWidget() or self.window
        QTest.keyClick(target, key, modifiers)

    def middle(self, row: int) -> QPoint:
        return self.grid.visualRect(self.actions.grid.index(row)).center()

    def click(self, row: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.mouseClick(self.grid.viewport(), Qt.MouseButton.LeftButton, modifiers, self.middle(row))

    def star_place(self, row: int, star: int) -> QPoint:
        return star_box(self.grid.visualRect(self.actions.grid.index(row)), star).center()

    def click_star(self, row: int, star: int) -> None:
        place = self.star_place(row, star)
        QTest.mouseMove(self.grid.viewport(), place)
        QTest.mouseClick(
            self.grid.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place
        )

    def press(self, widget: QWidget) -> None:
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

    def stars(self, row: int) -> int:
        """What the database says of the image at `row`."""
        image = self.actions.grid.cells[row].image
        return self.project.state([image])[image].stars

    def flag(self, row: int) -> str | None:
        image = self.actions.grid.cells[row].image
        return self.project.state([image])[image].flag

    def rate_enough(self) -> None:
        for row in range(20):
            self.actions.rate("stars", 1 + row % 5, row)

    def close(self) -> None:
        self.window.close()
