"""How quick the gallery of a large project is, in the real window: part of `tastemaker benchmark speed`.

The images are a few dozen files under as many names as there are images, so that the disk holds them all; after the first
look the system has them in memory. There is no worker: nothing here needs one.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.benchmark_heartbeat import BEAT_MS
from studio.benchmark_probes import rest, wait_until

if TYPE_CHECKING:
    from studio.model.actions import Actions
    from studio.project.store import Project
    from studio.ui.gallery_view import GalleryView
    from studio.ui.window import StudioWindow

IMAGES = 100_000
SIDE = 64  # pixels of an image
FRAMES = 400  # of each way of scrolling
SHOWN_MS, RESIZE_MS, FRAME_MS, FRAME_P99_MS = 100.0, 50.0, 16.0, 33.0  # limits
_FILES = 48


def large_project(folder: Path, count: int = IMAGES) -> Project:
    """Make a project with `count` images, a third of them rated."""
    from studio.model.state import GRID
    from studio.project.records import Guess
    from studio.project.store import NewImage, Project

    project = Project(folder, seed=1)
    luck = random.Random(1)
    for some in (count - GRID, GRID):
        project.add_grid([NewImage(luck.randbytes(512), "random", n, SIDE, SIDE) for n in range(some)])
    ids = range(1, count + 1)
    for stars in range(1, 6):
        project.rate([i for i in ids if i % 15 == stars], "stars", stars)
    project.rate([i for i in ids if i % 40 == 7], "label", 2)
    project.rate([i for i in ids if i % 100 == 3], "tag", text="sky")
    project.keep_guesses(Guess(i, 1 + 4 * luck.random(), 0.5) for i in ids if i % 2)
    first: list[Path] = []
    for number in ids:
        file = project.image_file(number)
        if len(first) < _FILES:
            project.save_pixels(number, luck.randbytes(3 * SIDE * SIDE), SIDE, SIDE)
            first.append(file)
            continue
        try:
            os.link(first[number % _FILES], file)
        except OSError:  # a file system without hard links
            shutil.copyfile(first[number % _FILES], file)
    return project


def measure_gallery(
    folder: Path, count: int = IMAGES, say: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Show, filter, resize and scroll a gallery of `count` images; milliseconds and bytes."""
    from studio.model.actions import Actions
    from studio.ui.gallery_view import GalleryView
    from studio.ui.window import StudioWindow
    from studio.worker.client import WorkerClient

    say(f"making {count:,} images")
    window = StudioWindow(Actions(large_project(folder, count), WorkerClient()))
    try:
        window.resize(1440, 900)
        window.show()
        view = window.page("gallery")  # the window makes its views while nobody waits
        assert isinstance(view, GalleryView)
        rest(0.2)
        say("gallery: showing")
        figures: dict[str, Any] = {"images": count, **_shown(window)}
        figures |= _resized(window)
        say("gallery: scrolling")
        figures |= _scrolled(view, window.actions_)
        figures["cache_mb"] = window.actions_.images.bytes_kept / 1e6
        figures["memory_mb"] = _memory_mb()
        say("gallery: filters")
        figures |= _filtered(view)
    finally:
        window.close()
        window.deleteLater()
    return figures


def _painted(work: Callable[[], object]) -> float:
    """Milliseconds until `work` and all painting that follows from it are done."""
    from PySide6.QtCore import QCoreApplication

    began = time.perf_counter()
    work()
    QCoreApplication.processEvents()
    return 1000 * (time.perf_counter() - began)


def _shown(window: StudioWindow) -> dict[str, float]:
    first = _painted(lambda: window.show_view("gallery"))
    again = []
    for _ in range(5):
        _painted(lambda: window.show_view("rate"))
        window.actions_.gallery.touch()  # as after a rating: the list is made anew
        again.append(_painted(lambda: window.show_view("gallery")))
    return {"shown_ms": first, "shown_again_ms": statistics.median(again)}


def _resized(window: StudioWindow) -> dict[str, float]:
    times = []
    for step in range(24):
        rest(0.03)
        width = 1440 - 30 * (step if step < 12 else 24 - step)
        times.append(_painted(lambda width=width: window.resize(width, 900)))  # type: ignore[misc]
    return {"resize_ms": statistics.median(times), "resize_worst_ms": max(times)}


def _scrolled(view: GalleryView, actions: Actions) -> dict[str, Any]:
    """Frames of a steady scroll, and of leaps to places that were never seen; then until every tile is there."""
    bar = view.grid.verticalScrollBar()
    steady = _frames(view, lambda frame: frame * 40)
    luck = random.Random(2)
    leaps = _frames(view, lambda frame: luck.randrange(bar.maximum()))
    rest(0.1)
    bar.setValue(bar.maximum() // 3)
    filled = wait_until(lambda: _all_there(view, actions), "tiles")
    return {"scroll": steady, "leap": leaps, "filled_ms": 1000 * filled}


def _frames(view: GalleryView, place: Callable[[int], int]) -> dict[str, float]:
    """Scroll once a frame of a 60 Hz screen; the work of each frame, and the time between two."""
    from PySide6.QtCore import Qt, QTimer

    bar = view.grid.verticalScrollBar()
    work: list[float] = []
    gaps: list[float] = []
    timer, last = QTimer(), [0.0]

    def tick() -> None:
        began = time.perf_counter()
        if last[0]:
            gaps.append(1000 * (began - last[0]))
        last[0] = began
        bar.setValue(place(len(work)))
        view.grid.viewport().repaint()
        work.append(1000 * (time.perf_counter() - began))

    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(BEAT_MS)
    wait_until(lambda: len(work) >= FRAMES, "scrolling")
    timer.stop()
    work.sort()
    gaps.sort()
    rank = int(0.99 * len(gaps))
    return {
        "median_ms": statistics.median(work),
        "p99_ms": work[rank],
        "worst_ms": work[-1],
        "between_median_ms": statistics.median(gaps),
        "between_p99_ms": gaps[rank],
    }


def _all_there(view: GalleryView, actions: Actions) -> bool:
    """Whether each image on show has its tile, of the right size."""
    grid, ids = view.grid, actions.gallery.ids
    ratio = grid.devicePixelRatioF()
    return all(actions.images.has(ids[row], grid.cell_size, ratio) for row in grid.rows_on_show())


def _filtered(view: GalleryView) -> dict[str, float]:
    from studio.project.search import Query

    queries = {
        "stars": Query(stars=4),
        "unrated": Query(rated=False),
        "tag": Query(tag="sky"),
        "search": Query(text="sky"),
        "predicted": Query(order="predicted"),
    }
    times = {}
    for name, query in queries.items():
        times[f"filter_{name}_ms"] = _painted(lambda query=query: view.show_query(query))  # type: ignore[misc]
        view.show_query(Query())
    return times


def _memory_mb() -> float | None:
    """Most memory this process ever used; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


def within_limits(figures: dict[str, Any]) -> bool:
    """Whether the gallery is as quick as it should be."""
    scroll = figures["scroll"]
    return (
        figures["shown_ms"] <= SHOWN_MS
        and figures["resize_worst_ms"] <= RESIZE_MS
        and scroll["median_ms"] <= FRAME_MS
        and scroll["p99_ms"] <= FRAME_P99_MS
    )


def lines(figures: dict[str, Any]) -> list[tuple[str, str]]:
    """Write the figures for people: name and value."""
    scroll, leap = figures["scroll"], figures["leap"]
    memory = figures["memory_mb"]
    slowest = max(value for name, value in figures.items() if name.startswith("filter_"))
    return [
        (
            f"gallery of {figures['images']:,}, shown",
            f"{figures['shown_ms']:.0f} ms, again {figures['shown_again_ms']:.0f} ms",
        ),
        ("gallery, resized", f"{figures['resize_ms']:.0f} ms, worst {figures['resize_worst_ms']:.0f} ms"),
        ("gallery, frames of a scroll", _frame_words(scroll)),
        ("gallery, leaps to unseen places", _frame_words(leap)),
        ("gallery, every tile of a new place", f"{figures['filled_ms']:.0f} ms"),
        ("gallery, slowest filter", f"{slowest:.0f} ms"),
        (
            "gallery, memory",
            f"{figures['cache_mb']:.0f} MB of images" + (f", process {memory:.0f} MB" if memory else ""),
        ),
        ("limits of the gallery", "kept" if within_limits(figures) else "BROKEN"),
    ]


def _frame_words(frames: dict[str, float]) -> str:
    return f"median {frames['median_ms']:.1f}, p99 {frames['p99_ms']:.1f}, worst {frames['worst_ms']:.1f} ms"
