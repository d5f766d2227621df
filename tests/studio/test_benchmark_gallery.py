"""The gallery's part of `tastemaker benchmark speed`, on a small project; its limits are for a large one by hand."""

from functools import partial
from pathlib import Path

from pytestqt.qtbot import QtBot

from studio import benchmark_gallery
from studio.benchmark_probes import wait_until
from studio.project.search import Query


def test_a_large_project_is_rated_labelled_and_has_files(home: Path) -> None:
    with benchmark_gallery.large_project(home / "large", 120) as project:
        assert len(project.find(Query())) == 120
        assert len(project.find(Query(rated=True))) == 40
        assert len(project.find(Query(labels=(2,)))) == 3 and project.tags() == [("sky", 2)]
        assert all(project.image_file(image).is_file() for image in range(1, 121))


def test_every_figure_is_measured(home: Path, theme: object, qtbot: QtBot, monkeypatch) -> None:
    monkeypatch.setattr(benchmark_gallery, "FRAMES", 6)
    monkeypatch.setattr(benchmark_gallery, "wait_until", partial(wait_until, patience=60))
    figures = benchmark_gallery.measure_gallery(home / "large", 300)
    assert figures["images"] == 300
    for name in ("shown_ms", "shown_again_ms", "resize_worst_ms", "filled_ms", "filter_tag_ms", "cache_mb"):
        assert figures[name] > 0
    assert 0 < figures["scroll"]["median_ms"] <= figures["scroll"]["p99_ms"] <= figures["scroll"]["worst_ms"]
    said = dict(benchmark_gallery.lines(figures))
    assert said["limits of the gallery"] in ("kept", "BROKEN")
    assert benchmark_gallery.within_limits(
        {"shown_ms": 100, "resize_worst_ms": 50, "scroll": {"median_ms": 16, "p99_ms": 33}}
    )
    assert not benchmark_gallery.within_limits(
        {"shown_ms": 101, "resize_worst_ms": 50, "scroll": {"median_ms": 16, "p99_ms": 33}}
    )
