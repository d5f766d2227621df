"""Pictures of every view with real content: for the README, and to look for what is cut off, crooked or hard to read.

    python packaging/screenshots.py OUT              every view, dark and light, English and Chinese, at 100 % and 200 %
    python packaging/screenshots.py OUT --size 960x600 --scales 125 150 --languages zh_CN --themes light
    python packaging/screenshots.py OUT --readme     the README's four pictures alone, into packaging/pictures

It makes a project, rates it as somebody who likes pink and violet, teaches, and takes a picture of each view. A few minutes.
"""

from __future__ import annotations

import argparse
import bisect
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    import numpy as np
    from PySide6.QtWidgets import QWidget

    from studio.ui.window import StudioWindow

PICTURES = ROOT / "packaging" / "pictures"
SIZE = (1440, 900)  # logical pixels of the window
README_SIZE = (1200, 750)
LANGUAGES, SCALES, THEMES = ("en", "zh_CN"), (100, 200), ("dark", "light")
SEED = 4
STEPS = 8  # of the round whose curves are shown
PROJECT = "Evening series"


def pinkness(pixels: np.ndarray) -> float:
    """What the person of the pictures likes: red and blue, not green. Of uint8 (H, W, 3)."""
    red, green, blue = pixels.reshape(-1, 3).mean(0)
    return float(0.6 * red + 0.8 * blue - 1.3 * green)


class Sitter:
    """One window, and a person in front of it."""

    def __init__(self, project: Path, size: tuple[int, int] = SIZE) -> None:
        from PySide6.QtWidgets import QApplication

        from studio import i18n
        from studio.app import MODEL, Studio
        from studio.model import settings
        from studio.project.store import Project
        from studio.theme.theme import Theme

        app = QApplication.instance() or QApplication(["tastemaker"])
        assert isinstance(app, QApplication)
        Theme(app, "dark")
        i18n.load(settings.value("language"))
        self.window: StudioWindow = Studio().open(Project(project, model=MODEL, seed=SEED))
        self.window.resize(*size)
        self.actions = self.window.actions_
        self._limits: list[float] = []  # of pinkness, between two numbers of stars

    def ready(self) -> None:
        """Wait until the images of the grid are there and the worker rests."""
        from studio.benchmark_probes import rest, wait_until

        def done() -> bool:
            cells, state = self.actions.grid.cells, self.actions.state
            return (
                bool(cells)
                and all(c.pixels is not None for c in cells)
                and not state.drawing
                and not state.task
            )

        wait_until(done, "the grid")
        rest(0.6)

    def rate(self, count: int = 24) -> None:
        """Give the first images of the grid stars by how pink they are; what counts as pink is settled by the first grid."""
        from studio.model.pictures import to_array

        cells = self.actions.grid.cells
        liking = [pinkness(to_array(cell.pixels)) for cell in cells if cell.pixels is not None]
        if not self._limits:
            ordered = sorted(liking)
            self._limits = [ordered[part * len(ordered) // 5] for part in range(1, 5)]
        for row, pink in enumerate(liking[:count]):
            if not cells[row].stars:  # the same stars again would clear them
                self.actions.rate("stars", 1 + bisect.bisect(self._limits, pink), row)

    def new_grid(self) -> None:
        self.actions.new_grid()
        self.ready()

    def teach(self, steps: int | None = None, shown: Callable[[], None] | None = None) -> None:
        """Run a round; `shown` is called once it is about to end."""
        from studio.benchmark_probes import rest, wait_until

        self.actions.steps = steps
        self.actions.teach()
        self.window.show_view("teach")

        def late() -> bool:
            progress = self.actions.round.progress
            far = progress is not None and progress.step >= progress.steps - 1
            return far or not self.actions.round.running

        wait_until(late, "a round")
        rest(0.3)
        if shown is not None:
            shown()
        wait_until(lambda: not self.actions.round.running, "the end of a round")
        self.ready()

    def hover(self, row: int, star: int = 0) -> None:
        """Hold the pointer over an image of the grid, at a star or in its middle."""
        from PySide6.QtTest import QTest

        from studio.ui.image_delegate import star_box

        grid = self.window.rate_view.grid
        area = grid.visualRect(self.actions.grid.index(row))
        QTest.mouseMove(grid.viewport(), star_box(area, star).center() if star else area.center())

    def close(self) -> None:
        self.window.close()

    # -- pictures ------------------------------------------------------------------------------------------------

    def take(self, path: Path, widget: QWidget | None = None) -> None:
        """Write what a window shows as a PNG file, in the pixels of the screen."""
        from studio.benchmark_probes import rest

        rest(0.3)
        path.parent.mkdir(parents=True, exist_ok=True)
        (widget or self.window).grab().save(str(path))

    def every_view(self) -> Iterator[tuple[str, QWidget | None]]:
        """Bring each view and dialog up, with something in it."""
        from studio.benchmark_probes import rest, wait_until
        from studio.ui.export_dialog import ExportDialog
        from studio.ui.shortcut_sheet import ShortcutSheet
        from studio.ui.taste_view import taste_of
        from studio.ui.timeline_view import TimelineView

        window, actions = self.window, self.actions
        for key in window.entry_keys():
            window.show_view(key)
            if key == "rate":
                window.rate_view.grid.set_current_row(3)
                self.hover(9, 4)
            if key == "timeline" and actions.state.checkpoints:
                view = window.page("timeline")
                assert isinstance(view, TimelineView)
                for card in (view.cards[0], view.cards[-1]):
                    if not card.compare.isChecked():
                        view.compare(card)
            if key == "taste":
                wait_until(lambda: taste_of(actions).learnt is not None, "the taste in words")
            self.ready()
            rest(1.0)
            yield key, None
            if key == "loupe":
                actions.loupe.compare(actions.grid.images()[:4])
                rest(0.8)
                yield "loupe-compare", None
                actions.loupe.leave_comparison()
        for name, dialog in (
            ("export", ExportDialog(actions, window)),
            ("shortcuts", ShortcutSheet(window.commands, window)),
        ):
            window.open_dialog(dialog)
            rest(0.5)
            yield name, dialog
            dialog.close()


def make_project(folder: Path, readme: bool) -> None:
    """Rate two grids, teach, look at what came of it; take the README's pictures on the way."""
    from studio.benchmark_probes import wait_until
    from studio.ui.taste_view import taste_of

    sitter = Sitter(folder)

    def picture(name: str) -> None:
        if readme:
            _webp(sitter, PICTURES / f"{name}.webp")

    sitter.ready()
    sitter.rate(14)
    sitter.window.rate_view.grid.set_current_row(14)
    sitter.hover(16, 4)
    picture("1-rate")
    sitter.rate()
    sitter.new_grid()
    sitter.rate()
    sitter.ready()
    sitter.teach(shown=lambda: picture("2-teach"))
    sitter.window.show_view("rate")
    sitter.window.rate_view.grid.set_current_row(2)
    sitter.ready()
    picture("3-closer")
    sitter.rate(16)
    sitter.window.show_view("taste")
    wait_until(lambda: taste_of(sitter.actions).learnt is not None, "the taste in words")
    sitter.ready()
    picture("4-taste")
    _mark_some(sitter)
    sitter.close()


def _mark_some(sitter: Sitter) -> None:
    """Answer a few duels and surveys, give labels, tags and a note."""
    actions = sitter.actions
    images = actions.grid.images()
    for a, b in zip(images[0:8:2], images[1:8:2], strict=True):
        actions.decide_duel(a, b, "a", "b")
    actions.decide_survey(images[8], images[9:14])
    for number, image in enumerate(images[:8]):
        actions.mark("label", 1 + number % 4, images=(image,))
    actions.mark("tag", text="dusk", images=images[:5])
    actions.mark("tag", text="violet sky", images=images[3:9])
    actions.mark("note", text="The light at the left.", images=images[3:4])


def _webp(sitter: Sitter, path: Path) -> None:
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        png = Path(folder) / "picture.png"
        sitter.take(png)
        with Image.open(png) as opened:
            smaller = opened.convert("RGB").resize(README_SIZE, Image.Resampling.LANCZOS)
            smaller.save(path, quality=82, method=6)


def take_all(project: Path, out: Path, size: tuple[int, int], themes: Sequence[str]) -> None:
    """Take every view of a copy of the project in this process's language and at its scale."""
    from studio.benchmark_probes import rest
    from studio.theme.theme import current

    sitter = Sitter(project, size)
    sitter.ready()
    current().set_mode(themes[0])
    sitter.teach(STEPS, shown=lambda: sitter.take(out / themes[0] / "teaching.png"))
    for theme in themes:
        current().set_mode(theme)
        rest(0.3)
        for name, widget in sitter.every_view():
            sitter.take(out / theme / f"{name}.png", widget)
    sitter.close()


def main() -> int:
    """Run the parts in processes of their own: a scale and a language belong to a process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="a folder for the pictures")
    parser.add_argument("--readme", action="store_true", help="renew packaging/pictures, and nothing else")
    parser.add_argument("--size", type=_size, default=SIZE, metavar="WxH", help="logical pixels of the window")
    parser.add_argument("--scales", type=int, nargs="+", default=SCALES, metavar="PERCENT")
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, choices=LANGUAGES)
    parser.add_argument("--themes", nargs="+", default=THEMES, choices=THEMES)
    parser.add_argument("--part", choices=("project", "views"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    home, out = Path(os.environ.get("TASTEMAKER_HOME", "")), options.out.absolute()
    if options.part == "project":
        make_project(home / PROJECT, options.readme)
        return 0
    if options.part == "views":
        take_all(home / PROJECT, out, options.size, options.themes)
        return 0
    with tempfile.TemporaryDirectory(prefix="tastemaker-pictures-", ignore_cleanup_errors=True) as folder:
        original = Path(folder) / "original"
        _run("project", original, out, "en", 100, *(["--readme"] if options.readme else []))
        chosen = ["--size", "x".join(map(str, options.size)), "--themes", *options.themes]
        for language in () if options.readme else options.languages:
            for scale in options.scales:
                copy = Path(folder) / f"{language}-{scale}"
                shutil.copytree(original, copy)
                _run("views", copy, out / f"{language}-{scale}", language, scale, *chosen)
    return 0


def _size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def _run(part: str, home: Path, out: Path, language: str, scale: int, *more: str) -> None:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QT_SCALE_FACTOR": str(scale / 100),
        "TASTEMAKER_HOME": str(home),
    }
    home.mkdir(parents=True, exist_ok=True)
    (home / "preferences.json").write_text(f'{{"language": "{language}", "hints": false}}', encoding="utf-8")
    print(f"{part}: {language}, {scale} %", flush=True)
    subprocess.run([sys.executable, __file__, str(out), "--part", part, *more], env=environment, check=True)


if __name__ == "__main__":
    sys.exit(main())
