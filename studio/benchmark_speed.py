"""`tastemaker benchmark speed`: how quick the studio is here, measured on the real window and the real worker."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio import benchmark_gallery
from studio.benchmark_heartbeat import Heartbeat
from studio.benchmark_probes import (
    PATIENCE,
    painted,
    processor_seconds,
    quiet,
    rest,
    wait_until,
)
from studio.display import no_display_reason
from studio.project.recent import HOME_VARIABLE

if TYPE_CHECKING:
    from studio.model.actions import Actions
    from studio.ui.window import StudioWindow

SIZE = (1440, 900)  # logical pixels of the window
LIMIT_MS = 50.0  # the worst gap between two beats that is allowed during a round
IDLE_SECONDS = 5.0
READING_SECONDS = 600.0  # at most, that the worker may read ahead
RATING_SECONDS = (
    4.0  # what a person at least takes to look at a grid; the next one's images are drawn meanwhile
)

_WINDOW_ONLY = (
    "import sys; from studio.benchmark_speed import show_window_only; show_window_only(sys.argv[1])"
)


def show_window_only(folder: str) -> None:
    """Show the window of a new project in this fresh process, and print when it was on screen (monotonic seconds)."""
    from PySide6.QtWidgets import QApplication

    from studio.app import Studio
    from studio.project.store import Project
    from studio.theme.theme import Theme

    app = QApplication(["tastemaker"])
    Theme(app)
    window = Studio().open(Project(Path(folder)))
    window.resize(*SIZE)
    app.processEvents()
    print(time.monotonic(), "torch" in sys.modules, flush=True)
    window.close()


def start_up(folder: Path, times: int = 3) -> float:
    """Return the median seconds from starting a process to its window on screen."""
    seconds = []
    for number in range(times):
        began = time.monotonic()
        command = [sys.executable, "-c", _WINDOW_ONLY, str(folder / f"start {number}")]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE)
        shown, torch_loaded = answer.stdout.split()
        if torch_loaded == "True":
            raise RuntimeError("the window's process loaded torch")
        seconds.append(float(shown) - began)
    return statistics.median(seconds)


def measure(folder: Path, model: str, steps: int | None, say: Callable[[str], None]) -> dict[str, Any]:
    """Go once through the studio as a person would, and return what each part took."""
    from PySide6.QtWidgets import QApplication

    from studio.app import Studio
    from studio.project.store import Project
    from studio.theme.theme import Theme

    say("starting the window, three times")
    figures: dict[str, Any] = {"window_shown_s": start_up(folder)}
    app = QApplication.instance() or QApplication(["tastemaker"])
    assert isinstance(app, QApplication)
    Theme(app)
    began = time.perf_counter()
    window = Studio().open(Project(folder / "measured", model=model, seed=1))
    window.resize(*SIZE)  # however small the screen is: the offscreen one has 800 pixels
    try:
        actions = window.actions_
        say("first grid")
        wait_until(lambda: _has_grid(actions), "the first grid")
        figures["first_grid_s"] = time.perf_counter() - began
        figures["device"] = actions.state.device
        say("ratings")
        figures |= _rate_all(actions)
        say("new grids")
        figures["new_grid_s"] = statistics.median([_new_grid(actions, RATING_SECONDS) for _ in range(3)])
        figures["new_grid_at_once_s"] = statistics.median([_new_grid(actions, 0.0) for _ in range(3)])
        say("stars on the screen")
        figures |= painted(window)
        wait_until(lambda: window.prepared and _idle(actions), "the worker at rest")
        say("what the worker reads ahead")
        _until_read_ahead(actions)
        say(f"heartbeat and processor, {IDLE_SECONDS:.0f} s at rest")
        figures |= _atrest(actions)
        say("heartbeat during a round")
        figures |= _beats_in_round(window, steps, say)
    finally:
        window.close()
        window.deleteLater()
    figures["gallery"] = benchmark_gallery.measure_gallery(folder / "gallery", say=say)
    return figures


def _has_grid(actions: Actions) -> bool:
    _complain(actions)
    cells = actions.grid.cells
    return bool(cells) and all(cell.pixels is not None for cell in cells) and not actions.state.drawing


def _idle(actions: Actions) -> bool:
    return actions.state.task == "" and actions.state.loaded


def _until_read_ahead(actions: Actions) -> None:
    """Wait until the worker has done what it does while nobody waits: minutes, the first time that a generator is used."""
    until = time.perf_counter() + READING_SECONDS
    while time.perf_counter() < until:
        spent = processor_seconds(actions)
        quiet(1.0)
        if processor_seconds(actions) - spent < 0.1:
            return


def _complain(actions: Actions) -> None:
    message = actions.state.message
    if actions.state.task == "failed" and message is not None:
        raise RuntimeError(message.text)


def _rate_all(actions: Actions) -> dict[str, float]:
    times = []
    for row, stars in enumerate(_by_warmth(actions)):
        began = time.perf_counter()
        actions.rate("stars", stars, row)
        times.append(1000 * (time.perf_counter() - began))
    learnt = wait_until(lambda: _learnt(actions), "learning the ratings")
    return {
        "star_durable_ms": statistics.median(times),
        "star_durable_worst_ms": max(times),
        "grid_of_ratings_learnt_s": learnt,
    }


def _by_warmth(actions: Actions) -> list[int]:
    """Return stars for the images of the grid by how much redder than blue they are: ratings without a reason teach nothing."""
    from studio.model import pictures

    warmth = []
    for cell in actions.grid.cells:
        assert cell.pixels is not None
        red, _, blue = pictures.to_array(cell.pixels).reshape(-1, 3).mean(0)
        warmth.append(red - blue)
    order = sorted(warmth)
    return [1 + 5 * order.index(value) // len(order) for value in warmth]


def _learnt(actions: Actions) -> bool:
    taste = actions.state.taste
    return taste is not None and taste.count >= actions.state.counts.rated


def _new_grid(actions: Actions, after: float) -> float:
    _rate_all(actions)
    rest(after)
    before = actions.state.counts.shown
    actions.new_grid()
    return wait_until(lambda: actions.state.counts.shown > before and _has_grid(actions), "a new grid")


def _atrest(actions: Actions) -> dict[str, Any]:
    """Gaps of the heartbeat, then the processor time of window and worker without it, as a share of one core."""
    heartbeat = Heartbeat()
    heartbeat.start()
    rest(IDLE_SECONDS)
    beats = heartbeat.stop()
    loop_began, spent = time.perf_counter(), processor_seconds(actions)
    quiet(IDLE_SECONDS)
    share = (processor_seconds(actions) - spent) / (time.perf_counter() - loop_began)
    return {"idle": beats, "idle_cpu_percent": 100 * share}


def _beats_in_round(window: StudioWindow, steps: int | None, say: Callable[[str], None]) -> dict[str, Any]:
    actions, heartbeat = window.actions_, Heartbeat()
    told: list[int] = []

    def done() -> bool:
        progress = actions.round.progress
        if progress is not None and progress.step not in told:
            told.append(progress.step)
            say(f"heartbeat during a round, step {progress.step} of {progress.steps}")
        return not actions.round.running

    heartbeat.start()
    actions.steps = steps
    actions.teach()
    window.show_view("teach")
    seconds = wait_until(done, "a round")
    beats = heartbeat.stop()
    progress = actions.round.progress
    if progress is None:
        message = actions.state.message
        raise RuntimeError(message.text if message else "the round did not run")
    return {
        "round": beats,
        "round_s": seconds,
        "round_steps": progress.step,
        "images_per_second": progress.images_per_second,
        "limit_ms": LIMIT_MS,
        "within_limit": beats["worst_ms"] <= LIMIT_MS,
    }


def table(figures: dict[str, Any]) -> str:
    """Write the figures for people."""
    idle, busy = figures["idle"], figures["round"]
    lines = [
        ("window on screen, fresh process", f"{figures['window_shown_s']:.2f} s"),
        ("first grid, after the window", f"{figures['first_grid_s']:.2f} s"),
        ("new grid of 24, after rating one", f"{figures['new_grid_s']:.2f} s"),
        ("new grid of 24, at once again", f"{figures['new_grid_at_once_s']:.2f} s"),
        (
            "key to painted star",
            f"{figures['star_painted_ms']:.1f} ms, worst {figures['star_painted_worst_ms']:.1f} ms",
        ),
        (
            "star to durable on disk",
            f"{figures['star_durable_ms']:.1f} ms, worst {figures['star_durable_worst_ms']:.1f} ms",
        ),
        ("24 ratings learnt", f"{figures['grid_of_ratings_learnt_s']:.2f} s"),
        (
            "round",
            f"{figures['round_steps']} steps in {figures['round_s']:.1f} s, {figures['images_per_second']:.0f} images/s",
        ),
        ("processor at rest, window and worker", f"{figures['idle_cpu_percent']:.1f} % of a core"),
        ("heartbeat gap at rest", _gaps(idle)),
        ("heartbeat gap during the round", _gaps(busy)),
        *_worst(busy),
        ("limit of the worst gap", f"{LIMIT_MS:.0f} ms: {'kept' if figures['within_limit'] else 'BROKEN'}"),
        *(benchmark_gallery.lines(figures["gallery"]) if "gallery" in figures else ()),
    ]
    width = max(len(name) for name, _ in lines)
    head = f"{figures['machine']} · {figures['device']} · {figures['platform']}"
    return "\n".join([head, *(f"{name:<{width}}  {value}" for name, value in lines)])


def _gaps(beats: dict[str, float]) -> str:
    return f"median {beats['median_ms']:.1f}, p99 {beats['p99_ms']:.1f}, worst {beats['worst_ms']:.1f} ms ({beats['beats']} beats)"


def _worst(beats: dict[str, Any]) -> list[tuple[str, str]]:
    """Say what the worst gap was made of, and what a process with nothing to do saw meanwhile."""
    lines = []
    if "own_worst_ms" in beats:
        lines.append(("waiting for a processor in the worst gap", f"{beats['worst_queued_ms']:.1f} ms"))
        parts = f"{beats['own_worst_ms']:.1f} ms, {beats['own_working_ms']:.1f} at work"
        if beats["own_collecting_ms"] >= 1:
            parts += f", {beats['own_collecting_ms']:.1f} collecting garbage"
        lines.append(
            (
                "worst gap without such waiting",
                parts + (f": {beats['own_during']}" if beats["own_during"] else ""),
            )
        )
    if beats.get("control_worst_ms") is not None:
        lines.append(("worst gap of an idle process meanwhile", f"{beats['control_worst_ms']:.1f} ms"))
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit code 0 if the limit is kept, 1 if not, 2 if it could not be measured."""
    from studio.app import MODEL

    shared = import_module("gan.options")  # by name: the window's half imports nothing of the library
    parser = shared.Parser(
        prog="tastemaker benchmark speed",
        description="Measure how fast the studio is on this machine, with the real window and the real worker.",
    )
    parser.add_argument("--json", type=shared.new_file, metavar="PATH", help="write the figures there, too")
    parser.add_argument(
        "--model", default=MODEL, metavar="MODEL", help=f"a bundle folder or a bundled name (default {MODEL})"
    )
    parser.add_argument(
        "--steps", type=shared.whole(1, 100_000), metavar="N", help="steps of the round it runs (default: a whole round)"
    )
    options = parser.parse_args(argv)
    if no_display_reason():
        os.environ["QT_QPA_PLATFORM"] = "offscreen"  # drawn all the same, into memory

    def say(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="tastemaker-speed-", ignore_cleanup_errors=True) as home:
        os.environ[HOME_VARIABLE] = home
        try:
            figures = measure(Path(home), options.model, options.steps, say)
        except (TimeoutError, RuntimeError, OSError, subprocess.SubprocessError) as error:
            say("")
            print(f"tastemaker: {str(error).splitlines()[0]}", file=sys.stderr)
            return 2
    from PySide6.QtGui import QGuiApplication

    figures["platform"] = QGuiApplication.platformName()
    figures["machine"] = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    say("")
    print(table(figures))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0 if figures["within_limit"] and benchmark_gallery.within_limits(figures["gallery"]) else 1


if __name__ == "__main__":
    sys.exit(main())
