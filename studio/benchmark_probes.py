"""What a benchmark measures in the real window: the time to painted feedback, processor time; and how it waits."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.model.actions import Actions
    from studio.ui.window import StudioWindow

PATIENCE = 600.0  # seconds


def wait_until(done: Callable[[], bool], what: str, patience: float = PATIENCE) -> float:
    """Run the event loop until `done()`; return the seconds that took. Raises TimeoutError."""
    from PySide6.QtCore import QEventLoop, QTimer

    began = time.perf_counter()
    loop, timer, broken = QEventLoop(), QTimer(), []

    def look() -> None:
        try:
            if done() or time.perf_counter() - began > patience:
                loop.quit()
        except Exception as error:  # would end in Qt, which called this, and be lost
            broken.append(error)
            loop.quit()

    timer.timeout.connect(look)
    timer.start(5)
    if not done():
        loop.exec()
    timer.stop()
    if broken:
        raise broken[0]
    if not done():
        raise TimeoutError(f"{what} took more than {patience:.0f} s")
    return time.perf_counter() - began


def rest(seconds: float) -> None:
    """Run the event loop for so long."""
    until = time.perf_counter() + seconds
    wait_until(lambda: time.perf_counter() >= until, "resting")


def painted(window: StudioWindow) -> dict[str, float]:
    """Milliseconds from a key that rates to the end of the painting of the grid, as Qt does it."""
    from PySide6.QtCore import QEvent, QObject, Qt
    from PySide6.QtTest import QTest

    class Watch(QObject):
        at = 0.0

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.UpdateRequest:
                window.removeEventFilter(self)
                window.event(event)  # paints
                self.at = time.perf_counter()
                return True
            return False

    window.show_view("rate")
    window.activateWindow()  # keys reach an active window only, and on X11 a window manager makes it one
    wait_until(window.isActiveWindow, "being made the active window (X11 needs a window manager for it)", 15.0)
    grid, times = window.rate_view.grid, []
    for row in range(window.actions_.grid.rowCount()):
        grid.set_current_row(row)
        rest(0.05)
        watch = Watch()
        window.installEventFilter(watch)
        began = time.perf_counter()
        QTest.keyClick(grid, Qt.Key.Key_4 if row % 2 else Qt.Key.Key_2)
        wait_until(lambda watch=watch: watch.at > 0, "painting")  # type: ignore[misc]
        times.append(1000 * (watch.at - began))
    return {"star_painted_ms": statistics.median(times), "star_painted_worst_ms": max(times)}


def quiet(seconds: float) -> None:
    """Run the event loop with nothing of ours in it."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def processor_seconds(actions: Actions) -> float:
    """User and system time of this process and of its worker; of this process alone where the system does not say."""
    mine = os.times()
    spent = mine.user + mine.system
    try:
        fields = (
            Path(f"/proc/{actions.worker.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        )
    except OSError:
        return spent
    return spent + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
