"""`tastemaker benchmark speed`: its stopwatch and its answers. The whole of it runs by hand: it takes minutes."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from studio.benchmark_heartbeat import BEAT_MS, Heartbeat
from studio.benchmark_probes import wait_until
from studio.benchmark_speed import main, table


def test_the_heartbeat_sees_a_stall(qtbot: QtBot) -> None:
    heartbeat = Heartbeat()
    heartbeat.start()
    QTimer.singleShot(100, lambda: time.sleep(0.15))
    wait_until(lambda: len(heartbeat.gaps) > 8 and max(heartbeat.gaps) >= 150, "a late beat")
    beats = heartbeat.stop()
    assert beats["worst_ms"] == max(heartbeat.gaps)
    assert BEAT_MS - 2 <= beats["median_ms"] < 150
    assert beats["median_ms"] <= beats["p99_ms"] <= beats["worst_ms"]
    assert beats["beats"] > 3


def _stall() -> None:
    until = time.thread_time() + 0.3
    while time.thread_time() < until:
        pass


def test_the_longest_gap_is_taken_apart(qtbot: QtBot) -> None:
    heartbeat = Heartbeat()
    heartbeat.start()
    QTimer.singleShot(60, _stall)  # longer than what a busy machine does by itself
    wait_until(lambda: max(heartbeat.gaps, default=0.0) >= 280, "a late beat")  # the beat after it, however busy the machine is
    beats = heartbeat.stop()
    assert beats["own_worst_ms"] >= 280
    assert beats["own_working_ms"] >= 280, "it was at work, not waiting"
    assert "test_benchmark_speed.py" in beats["own_during"] and "_stall" in beats["own_during"]
    assert beats["control_worst_ms"] is None or beats["control_worst_ms"] >= BEAT_MS - 1


def test_waiting_ends(qtbot: QtBot) -> None:
    with pytest.raises(TimeoutError, match="the moon took more than"):
        wait_until(lambda: False, "the moon", 0.05)


def test_a_missing_generator_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setattr("studio.benchmark_speed.start_up", lambda folder: 0.5)
    assert main(["--model", str(tmp_path / "nothing")]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("tastemaker: ")
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


@pytest.mark.parametrize("words", [["--steps", "0"], ["--steps", "x"], ["--json", "/"], ["--bogus"]])
def test_a_mistake_in_the_options_is_one_line_at_once(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr()
    assert ended.value.code == 2 and said.out == ""
    assert len(said.err.splitlines()) == 1 and said.err.startswith("tastemaker: ")


def test_the_table_prints_the_limit_beside_the_worst_gap() -> None:
    gaps = {"beats": 300, "median_ms": 16.0, "p99_ms": 20.0, "worst_ms": 61.2}
    figures = {
        **{"machine": "m", "device": "d", "platform": "p", "window_shown_s": 0.5, "first_grid_s": 2.0},
        **{
            "new_grid_s": 1.0,
            "new_grid_at_once_s": 1.5,
            "star_painted_ms": 9.0,
            "star_painted_worst_ms": 14.0,
            "idle_cpu_percent": 0.2,
            "star_durable_ms": 1.0,
            "star_durable_worst_ms": 4.0,
            "grid_of_ratings_learnt_s": 3.0,
        },
        **{"round_steps": 24, "round_s": 30.0, "images_per_second": 150.0, "idle": gaps, "round": gaps},
        "within_limit": False,
    }
    text = table(figures)
    assert "worst 61.2 ms" in text
    assert "50 ms: BROKEN" in text
