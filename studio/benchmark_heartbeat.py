"""Gaps in the event loop of the window, and what each long one was made of."""

from __future__ import annotations

import faulthandler
import gc
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

BEAT_MS = 16  # one frame of a 60 Hz screen
LATE_MS = 28.0  # from here on it is written down what the window does
_LOOK_S = 0.008
_INSIDE = str(Path(__file__).parent) + os.sep  # the studio
_THREAD = re.compile(r"hread (0x[0-9a-f]+)")
_FRAME = re.compile(r'File "(.*)", line (\d+) in (.*)')
_SCHEDULER = Path(
    "/proc/thread-self/schedstat"
)  # ns on a processor, ns in the queue for one; Linux alone has it

# A process with nothing to do but to wake up as often as the window: what it oversleeps, the machine is to blame for.
_CONTROL = """
import sys, threading, time
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
worst, last = 0.0, time.perf_counter()
print("ready", flush=True)
while not ended.is_set():
    time.sleep({beat} / 1000)
    now = time.perf_counter()
    worst, last = max(worst, now - last), now
print(1000 * worst)
"""


class Heartbeat:
    """A timer of 16 ms on the window's thread; a gap is the time between two of its beats.

    Beside it run a thread, which looks at what the window's thread does while a beat is late, and a process that only sleeps
    and wakes, by whose gaps the noise of the machine is told from the window's own.
    """

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._last, self._spent, self._queued, self._collected = 0.0, 0.0, 0.0, 0.0
        self._collecting = 0.0
        self._seen: list[str] = []
        self._ended = threading.Event()
        self._control: subprocess.Popen[str] | None = None
        self.gaps: list[float] = []  # ms
        self._worst = self._worst_queued = 0.0
        self._own: dict[str, Any] = {}

    def start(self) -> None:
        """Forget earlier beats and listen."""
        command = [sys.executable, "-c", _CONTROL.format(beat=BEAT_MS)]
        self._control = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._control.stdout is not None
        self._control.stdout.readline()
        self.gaps, self._own, self._seen, self._collected = [], {}, [], 0.0
        self._worst = self._worst_queued = 0.0
        gc.callbacks.append(self._collects)
        self._ended.clear()
        watch = threading.Thread(target=self._look, name="heartbeat", daemon=True)
        watch.start()
        self._spent, self._queued = _scheduled()
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> dict[str, Any]:
        """Return the beats' count, median, 99th percentile and worst gap, in ms, and what the longest were made of.

        `worst_queued_ms` of the worst gap the window's thread stood in the queue for a processor (Linux alone tells). What is
        left of a gap without that is the window's own: `own_worst_ms` is the most of it, `own_working_ms` of that on a
        processor (the rest it waited: for the disk, for a lock, for its timer), `own_collecting_ms` collecting garbage, and
        `own_during` where in the studio it was seen. `control_worst_ms` is the worst gap of the idle process meanwhile.
        """
        self._timer.stop()
        self._ended.set()
        gc.callbacks.remove(self._collects)
        ordered = sorted(self.gaps)
        places = Counter(_place(dump, threading.get_ident()) for dump in self._own.get("own_during", ()))
        return {
            "beats": len(ordered),
            "median_ms": statistics.median(ordered),
            "p99_ms": ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))],
            "worst_ms": ordered[-1],
            "worst_queued_ms": self._worst_queued,
            **self._own,
            "own_during": "; ".join(place for place, _ in places.most_common(2)),
            "control_worst_ms": self._control_worst(),
        }

    def _control_worst(self) -> float | None:
        assert self._control is not None
        control, self._control = self._control, None
        try:
            answer, _ = control.communicate(timeout=10)
            return float(answer)
        except (subprocess.TimeoutExpired, ValueError):
            control.kill()
            control.communicate()
            return None

    def _beat(self) -> None:
        now = time.perf_counter()
        gap = 1000 * (now - self._last)
        spent, queued = _scheduled()
        waited = queued - self._queued
        if gap > self._worst:
            self._worst, self._worst_queued = gap, waited
        if gap - waited > self._own.get("own_worst_ms", 0.0):
            self._own = {
                "own_worst_ms": gap - waited,
                "own_working_ms": spent - self._spent,
                "own_collecting_ms": self._collected,
                "own_during": self._seen,
            }
        self.gaps.append(gap)
        self._last, self._spent, self._queued, self._collected, self._seen = now, spent, queued, 0.0, []

    def _collects(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.perf_counter()
        else:
            self._collected += 1000 * (time.perf_counter() - self._collecting)

    def _look(self) -> None:
        # faulthandler reads the stack without touching it. A frame that Python held for us would keep a painter alive
        # beyond its paintEvent, and end it on this thread.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as dump:
            while not self._ended.wait(_LOOK_S):
                if 1000 * (time.perf_counter() - self._last) > LATE_MS:
                    dump.seek(0)
                    faulthandler.dump_traceback(dump, all_threads=True)
                    dump.truncate()
                    dump.seek(0)
                    self._seen.append(dump.read())


def _place(dump: str, thread: int) -> str:
    """Name the innermost function, and the innermost three of the studio, of a thread in what faulthandler wrote."""
    for part in dump.split("\n\n"):
        if int(_THREAD.findall(part)[0], 16) != thread:
            continue
        stack = _FRAME.findall(part)
        inside = [frame for frame in stack if frame[0].startswith(_INSIDE)][:3]
        shown = inside if stack[:1] == inside[:1] else [stack[0], *inside]
        return " < ".join(f"{Path(file).name}:{line} {name}" for file, line, name in shown)
    return ""


def _scheduled() -> tuple[float, float]:
    """Milliseconds that this thread was on a processor, and in the queue for one (0 where the system does not tell)."""
    with suppress(OSError, ValueError, IndexError):
        spent, queued = _SCHEDULER.read_text(encoding="ascii").split()[:2]
        return int(spent) / 1e6, int(queued) / 1e6
    return 1000 * time.thread_time(), 0.0
