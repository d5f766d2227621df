"""A cat on the keyboard: a seeded random walk through the studio, looked at after every step.

    python tests/studio/random_walk.py --seeds 0-99 --steps 400
    python tests/studio/random_walk.py --replay FILE        what a walk wrote, step for step
    python tests/studio/random_walk.py --real ...           with the worker's own process, which takes its time
"""

import argparse
import faulthandler
import json
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.append(str(Path(__file__).parent))

import walk_real
from PySide6.QtCore import (
    QEvent,
    QEventLoop,
    QPoint,
    QTimer,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QMenu, QWidget
from walk_steps import BUTTONS, Step, Steps
from walk_support import closed_world

from studio import i18n
from studio.app import Studio, open_project
from studio.ui.window import StudioWindow

BUSY = 4.0  # seconds of this thread's processor time, which a busy machine stretches; how quick a step is, `benchmark speed` says
NESTED = 300  # milliseconds after which a step that has not returned is in a loop of its own: a menu, a drag
DEEP = 4  # such loops in each other
TALLEST = 50_000  # pixels of what scrolls
UNHEARD = (
    *("propagateSizeHints", "This plugin does not support"),  # the offscreen platform of itself
    "outside target window",  # QTest of a click beside a dialog, where a walk is gone again
)
PLAIN = (
    *("Tab Shift+Tab Return Enter Esc Space Backspace Delete Left Right Up Down Home End PgUp PgDown F1 F2 F5 F10 F11 Menu").split(),
    *("Alt Alt+F Alt+Down Shift+Left Shift+Down Ctrl+A Ctrl+Z Ctrl+Shift+Z Ctrl+V Ctrl+X Ctrl+Home Ctrl+End Ctrl+Space").split(),
    *"abcdefghijklmnopqrstuvwxyz0123456789+-/?.,[]",
)
TEXTS = ("sea", "a, b", "  ", "Ünïcødé 海", "x" * 300, '">&<b>', "3", "-1", "1e9")
EVENTS = ("step", "step", "step", "keep", "reject", "crash", "fail", "notice", "exported", "train", "train", "train fails")
WEIGHTS = {
    **{"key": 22, "command": 22, "click": 26, "double": 3, "wheel": 5, "move": 4, "drag": 5, "type": 4, "resize": 5},
    **{"theme": 1, "language": 1, "event": 10, "drop": 2, "wait": 3, "undo": 4, "view": 8, "close dialog": 3},
}



class Wrong(AssertionError):
    """What a walk found."""


class Walk(Steps):
    """One window on a project of its own, and one step after the other."""

    def __init__(self, home: Path, seed: int, written: Path, real: bool = False) -> None:
        self.seed, self.random, self._real = seed, random.Random(seed), real
        self._weights = WEIGHTS | walk_real.WEIGHTS if real else WEIGHTS
        self.steps: list[Step] = []
        self.studio = Studio()
        self._folder, self._written = home / "Walk", written
        self._depth = 0
        written.touch()
        self._trouble: list[str] = []
        self._left = 0
        self._planned: list[Step] | None = None
        self._loop = QEventLoop()
        self._timer = QTimer(singleShot=True)
        self._timer.timeout.connect(self._tick)

    # -- the walk ------------------------------------------------------------------------------------------------

    def run(self, steps: int, home: Path, planned: Sequence[Step] | None = None) -> None:
        """Go `steps` steps, or those that are planned. Raises Wrong with the last 30."""
        self._left, self._planned = steps, None if planned is None else list(planned)
        if self._planned is not None:
            self._left = len(self._planned)
        with closed_world(home, self.random.randrange, self._real) as self.things, self._listening():
            self._show()
            self._rest()
            try:
                self._timer.start(0)
                self._loop.exec()
                self._rest()
            finally:
                self._timer.stop()
                self._end()
        self._judge()

    def _show(self) -> None:
        window = self.studio.open(open_project(self._folder))
        if self._real:
            window.actions_.steps = walk_real.STEPS
        window.resize(1200, 800)
        window.activateWindow()
        self._settle()

    def _rest(self) -> None:
        window = self.studio.window
        if self._real and not self._trouble and window is not None and window.isVisible():
            walk_real.rest(window, self._trouble)

    def _end(self) -> None:
        while popup := QApplication.activePopupWidget():
            popup.close()
        if (window := self.studio.window) is not None:
            window.close()
            window.deleteLater()
        self.studio.window = None
        i18n.load("en")
        self._settle()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def _tick(self) -> None:
        nested = self._depth > 0
        if self._trouble or (self._left <= 0 and not nested):
            for popup in iter(QApplication.activePopupWidget, None):
                popup.close()
            self._loop.quit()
            return
        self._left -= 1
        self._depth += 1
        try:
            step = ["key", "Esc"] if self._left < 0 or self._depth > DEEP else self._next()
            self.steps.append(step)
            if step[0] != "wait":
                # Fires only where this step does not return, the later the deeper: a slow machine is no loop.
                self._timer.start(NESTED * 2**self._depth)
            with self._written.open("a", encoding="utf-8") as file:
                file.write(json.dumps(step) + "\n")
            before = time.thread_time()
            self.take(step)
            self._timer.stop()
            self._settle()
            spent = time.thread_time() - before
            if spent > BUSY and not nested:
                self._trouble.append(f"busy for {spent:.1f} s")
            self._look()
        except Exception:
            self._trouble.append(traceback.format_exc())
        finally:
            self._depth -= 1
            self._timer.start(NESTED * 2**self._depth if self._depth else 0)

    @staticmethod
    def _settle() -> None:
        for _ in range(3):
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Take down exceptions and what Qt says."""

        def hear(_: Any, __: Any, text: str) -> None:
            if not any(known in text for known in UNHEARD):
                self._trouble.append(f"Qt: {text}")

        def caught(kind: Any, error: Any, trace: Any) -> None:
            self._trouble.append("".join(traceback.format_exception(kind, error, trace)))

        hook, sys.excepthook = sys.excepthook, caught
        handler = qInstallMessageHandler(hear)
        try:
            with walk_real.bugs_are_heard(self._trouble):
                yield
        finally:
            sys.excepthook = hook
            qInstallMessageHandler(handler)

    def _judge(self) -> None:
        if self._trouble:
            last = "\n".join(json.dumps(step) for step in self.steps[-30:])
            raise Wrong(f"seed {self.seed}, step {len(self.steps)}:\n" + "\n".join(self._trouble[:5]) + f"\nthe last steps:\n{last}")

    # -- choosing a step -----------------------------------------------------------------------------------------

    @property
    def window(self) -> StudioWindow:
        """The one on show; a new one where the last was closed."""
        if self.studio.window is None or not self.studio.window.isVisible():
            if self.studio.window is not None:
                self.studio.window.deleteLater()
                self.studio.window = None
            self._show()
        assert self.studio.window is not None
        return self.studio.window

    def _next(self) -> Step:
        if self._planned is not None:
            return self._planned.pop(0)
        one = self.random
        window = self.window
        name = one.choices(list(self._weights), list(self._weights.values()))[0]
        if self.top() is not window and one.random() < 0.1:
            name = "close dialog"  # there is more to see behind it
        match name:
            case "key":
                keys = [key for command in window.commands.table for key in window.commands.keys(command)]
                keys = [key for key in keys if key != "Ctrl+Q" or one.random() < 0.1]
                return [name, one.choice(keys if one.random() < 0.5 else list(PLAIN))]
            case "command":
                return [name, one.choice([key for key in window.commands.table if key != "quit" and not key.startswith("new.")])]
            case "click":
                button = one.choices(list(BUTTONS), [12, 3, 1])[0]
                return [name, button, *self._somewhere(), one.choice(["", "", "", "", "Shift", "Ctrl"])]
            case "double" | "move":
                return [name, *self._somewhere()]
            case "wheel":
                return [name, *self._somewhere(), one.choice([120, -120, -480, 960]), one.choice(["", "", "Ctrl"])]
            case "drag":
                return [name, *self._somewhere(), *self._somewhere()]
            case "type":
                return [name, one.choice(TEXTS)]
            case "resize":
                return [name, one.randint(640, 1900), one.randint(480, 1150)]
            case "theme":
                return [name, one.choice(["dark", "light", "system"])]
            case "language":
                return [name, one.choice(["en", "zh_CN", "system"])]
            case "event":
                return [name, one.choice(EVENTS)]
            case "drop":
                return [name, one.randrange(len(self.things))]
            case "wait":
                return [name, one.choice(walk_real.WAITS if self._real else (20, 80, 300))]
            case "view":
                return ["command", f"view.{one.choice(window.entry_keys())}"]
            case "undo":
                return ["command", one.choice(["undo", "redo"])]
        return [name]

    def _somewhere(self) -> list[int]:
        """A point of what is on show, in pixels of the widget on top: in the middle of things more often than between them."""
        top = self.top()
        seen = [child for child in top.findChildren(QWidget) if child.isVisible() and child.window() is top]
        widget = self.random.choice([top, *seen])
        shown = widget.visibleRegion().boundingRect()
        if shown.isEmpty():
            widget, shown = top, top.rect()
        x = shown.left() + self.random.randrange(shown.width())
        y = shown.top() + self.random.randrange(shown.height())
        at = widget.mapTo(top, QPoint(x, y))
        return [at.x(), at.y()]

    # -- looking at what came of it ------------------------------------------------------------------------------

    def _look(self) -> None:
        window = self.studio.window
        if window is None or not window.isVisible():
            return  # closed by this step
        view = window.pages.entries.get(window.view)
        _hold(view is not None, f"there is no view {window.view!r}")
        on_show = window.stack.currentWidget()
        _hold(on_show is window.page(window.view) and on_show.isVisible(), f"{window.view} is not on show")
        active = QApplication.activeWindow()
        if active is not None and active.isVisible() and QApplication.activePopupWidget() is None:
            _hold(QApplication.focusWidget() is not None, f"the focus is nowhere, in {window.view}, active {active}")
        for widget in QApplication.allWidgets():
            if widget.isVisible() and not widget.isWindow():
                _hold_size(widget)


def _hold(fact: bool, otherwise: str) -> None:
    if not fact:
        raise Wrong(otherwise)


def _hold_size(widget: QWidget) -> None:
    window, around = widget.window(), widget.parentWidget()
    while around is not None and not isinstance(around, QAbstractScrollArea):
        around = around.parentWidget()
    inside = around is not None and around is not widget
    most = (TALLEST, TALLEST) if inside else (window.width() + 2, window.height() + 2)
    if isinstance(window, QMenu):
        return
    _hold(
        widget.width() <= most[0] and widget.height() <= most[1],
        f"{widget} is {widget.width()}x{widget.height()} in a window of {window.width()}x{window.height()}",
    )


def walk(seed: int, steps: int, home: Path, planned: Sequence[Step] | None = None, real: bool = False) -> None:
    """Walk once, with projects and preferences in `home`, which must be empty. Raises Wrong; the steps are in `home`/steps.jsonl."""
    home.mkdir(parents=True, exist_ok=True)
    Walk(home, seed, home / "steps.jsonl", real).run(steps, home, planned)


def _walk_here(seed: int, steps: int, planned: Sequence[Step] | None = None, real: bool = False) -> str:
    """Walk in a folder that is deleted afterwards; returns what was wrong, or ""."""
    from studio.project.recent import HOME_VARIABLE

    with tempfile.TemporaryDirectory(prefix="walk-", ignore_cleanup_errors=True) as folder:
        os.environ[HOME_VARIABLE] = folder
        faulthandler.dump_traceback_later(60 + steps + (4 * walk_real.PATIENCE if real else 0), exit=True)
        try:
            walk(seed, steps, Path(folder), planned, real)
        except Wrong as wrong:
            Path(f"{seed}.steps").write_text((Path(folder) / "steps.jsonl").read_text("utf-8"), "utf-8")
            return str(wrong)
        finally:
            faulthandler.cancel_dump_traceback_later()
    return ""


def main() -> int:
    from studio.app import application

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", default="0-9", metavar="A-B")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--replay", type=Path, metavar="FILE")
    parser.add_argument("--real", action="store_true", help="with the worker's own process")
    options = parser.parse_args()
    faulthandler.enable()
    application()
    if options.replay:
        planned = [json.loads(line) for line in options.replay.read_text("utf-8").splitlines()]
        print(wrong := _walk_here(0, len(planned), planned, options.real))
        return int(bool(wrong))
    first, last = map(int, options.seeds.split("-"))
    bad = 0
    for seed in range(first, last + 1):
        begun = time.monotonic()
        print(f"seed {seed}", end=" ", flush=True)
        wrong = _walk_here(seed, options.steps, None, options.real)
        print(f"{time.monotonic() - begun:.1f} s", wrong, flush=True)
        bad += bool(wrong)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
