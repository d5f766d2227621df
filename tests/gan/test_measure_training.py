"""`tastemaker benchmark training`: its records and tables, what is timed against what, and the peer where it is installed."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gan.data.scenes import render
from gan.errors import UserError
from gan.measure import contestants, peer, training
from gan.measure.contestants import OURS, PEER, PLAIN, Entry
from gan.measure.training import Journal
from gan.measure.training_report import parameters_line, quality_table, ratios, speed_table

ROOT = Path(__file__).resolve().parents[2]
needs_peer = pytest.mark.skipif(not peer.installed(), reason="lightweight-gan is not installed")


@pytest.fixture
def folder(tmp_path: Path) -> str:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index, picture in enumerate(render(range(16), 64)):
        Image.fromarray(picture).save(pictures / f"{index}.png")
    return str(pictures)


def silent(fraction: float, text: str) -> None:
    """Nobody looks."""


# --- tables -----------------------------------------------------------------------------------------------------------------


def blocks(*speeds: float) -> list[dict[str, float]]:
    return [{"images": 100, "seconds": 100 / speed, "cpu_seconds": 1.0} for speed in speeds]


def test_ratios_are_paired() -> None:
    record = {"blocks": {OURS: blocks(30, 60, 40), PLAIN: blocks(10, 30, 20), PEER: blocks(15, 20, 16)}}
    assert ratios(record, PLAIN) == pytest.approx([3, 2, 2])
    ours, plain, other = speed_table(record).splitlines()
    assert "40.00 images/s" in ours
    assert "2.00 x as fast (2.00 to 3.00; by CPU time 1.00); at least 2: holds" in plain
    assert "2.50 x as fast (2.00 to 3.00; by CPU time 1.00); at least 3: MISSED" in other


def quality(seed: int, ours: float, other: float) -> dict[str, Any]:
    def entry(kid: float, which: str) -> dict[str, Any]:
        row = {"kid": kid, "fd": 100 * kid, "coverage": 0.5}
        return {
            "seconds": 60,
            "cpu_seconds": 58,
            "images": 999,
            "updates": 31,
            "generator": which,
            "row": row,
        }

    return {
        "key": {"seed": seed},
        OURS: entry(ours, "average"),
        PEER: entry(other, "live"),
        "real": entry(0.0, ""),
    }


def test_quality_holds_only_where_every_seed_does() -> None:
    good = quality_table([quality(0, 0.1, 0.3), quality(1, 0.2, 0.9)])
    assert "KID-rand of ours is lower in 2 of 2 seeds: holds" in good
    assert "FD-rand of ours is lower in 2 of 2 seeds: holds" in good
    assert "lightweight-gan (live)" in good
    medians = [line for line in good.splitlines() if "median" in line]
    assert "0.1500" in medians[0]
    assert "0.6000" in medians[1]
    mixed = quality_table([quality(0, 0.1, 0.3), quality(1, 0.9, 0.2)])
    assert "KID-rand of ours is lower in 1 of 2 seeds: MISSED" in mixed


def test_parameters_in_millions() -> None:
    line = parameters_line({OURS: {"generator": 900_000, "discriminator": 1_000_000}})
    assert line.endswith("ours 0.90 + 1.00")


# --- results that are kept --------------------------------------------------------------------------------------------------


def test_a_result_is_not_measured_again(tmp_path: Path) -> None:
    path, measured = tmp_path / "deep" / "results.json", []

    def measure(seed: int) -> Callable[[], dict[str, Any]]:
        return lambda: measured.append(seed) or {"figure": seed}  # type: ignore[func-returns-value]

    for _ in range(2):
        journal = Journal(path)
        for seed in (0, 1):
            record = journal.once("quality", {"seed": seed, "minutes": 4.0}, measure(seed))
            assert record["figure"] == seed
            assert record["machine"]["torch"] == torch.__version__
    assert measured == [0, 1]
    Journal(path).once("quality", {"seed": 0, "minutes": 5.0}, measure(0))
    assert measured == [0, 1, 0]
    assert len(json.loads(path.read_text())["quality"]) == 3


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    for text in ('{"holiday": "photos"}', "[1, 2]", "not json"):
        path.write_text(text)
        with pytest.raises(UserError, match=r"mine\.json"):
            Journal(path)
        assert path.read_text() == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--minutes", "0"], "--minutes: '0' is not a number above 0"),
        (["--rounds", "0"], "--rounds"),
        (["--seeds", "-1"], "seeds"),
        (["--count", "5"], "--count"),
        ([], "pip install"),
    ],
)
def test_a_users_mistake_is_one_line(
    tastemaker: Callable[..., int], arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peer, "installed", lambda: False)
    assert tastemaker("benchmark", "training", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("tastemaker: ")
    assert said in error
    assert error.count("\n") == 1


# --- processes --------------------------------------------------------------------------------------------------------------


def test_what_goes_wrong_in_a_process_is_said() -> None:
    ours, theirs = multiprocessing.Pipe()

    def stumble(pipe: object, entry: Entry) -> None:
        raise ValueError("no such network")

    threads = torch.get_num_threads()
    contestants._guarded(stumble, theirs, Entry(PLAIN, "procedural:scenes", Path(), threads=threads))
    with pytest.raises(UserError, match=r"ours, plain failed: ValueError: no such network"):
        training._answer(ours, PLAIN)
    theirs.close()
    with pytest.raises(UserError, match="ended without a word"):
        training._answer(ours, PLAIN)


def test_a_long_wait_ticks() -> None:
    ours, theirs = multiprocessing.Pipe()
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(1)
        theirs.send("done")

    assert training._answer(ours, OURS, tick) == "done"
    assert ticks == [1]


def layouts_and_types(trainer: Any) -> tuple[set[bool], set[torch.dtype]]:
    """Of what the convolutions are given during a step: whether it is contiguous, where that can be told, and its type."""
    contiguous: set[bool] = set()
    types: set[torch.dtype] = set()
    convolve = torch.nn.functional.conv2d

    def watch(x: torch.Tensor, *rest: Any, **more: Any) -> torch.Tensor:
        out: torch.Tensor = convolve(x, *rest, **more)
        types.add(out.dtype)
        if out.is_contiguous() != out.is_contiguous(memory_format=REAL_CHANNELS_LAST):
            contiguous.add(out.is_contiguous())
        return out

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.functional, "conv2d", watch)
        trainer.step()
    return contiguous, types


REAL_CHANNELS_LAST = torch.channels_last


def test_plain_is_contiguous_float32_and_ours_is_not(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan.adversarial.train.bfloat16_pays", lambda device: True)
    entry = Entry(OURS, folder, tmp_path, batch=4)
    ours = contestants.our_trainer(entry)
    contiguous, types = layouts_and_types(ours)
    assert contiguous == {False}
    assert torch.bfloat16 in types
    monkeypatch.setattr(
        torch, "channels_last", torch.contiguous_format
    )  # what `make_contiguous` does, but not for ever
    plain = contestants.our_trainer(entry, plain=True)
    contiguous, types = layouts_and_types(plain)
    assert contiguous == {True}
    assert types == {torch.float32}
    assert not plain.generator_optimizer.param_groups[0]["fused"]
    # the same algorithm: the same number of images and parameters after as many steps
    assert plain.images_seen == ours.images_seen
    assert [p.shape for p in plain.generator.parameters()] == [p.shape for p in ours.generator.parameters()]


@pytest.mark.slow
def test_ours_and_plain_take_turns(folder: str, tmp_path: Path) -> None:
    entries = [Entry(name, folder, tmp_path, batch=2) for name in (OURS, PLAIN)]
    record = training.measure_speed(entries, 1, silent)
    assert set(record["parameters"]) == {OURS, PLAIN}
    for several in record["blocks"].values():
        assert [block["images"] for block in several] == [2 * contestants.STEPS[OURS]]
        assert all(block["seconds"] > 0 and block["cpu_seconds"] > 0 for block in several)


@pytest.mark.slow
def test_a_process_that_fails_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="ours failed: UserError"):
        training.measure_speed([Entry(OURS, str(tmp_path / "nothing"), tmp_path)], 1, silent)


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_peer
def test_the_peer_trains_and_draws(folder: str, tmp_path: Path) -> None:
    code = f"""
import torch, numpy as np
from pathlib import Path
from gan.measure.contestants import pictures_of
from gan.measure.peer import Peer
peer = Peer(pictures_of({folder!r}), 0, Path({str(tmp_path)!r}), 2, 1)
before = [p.clone() for p in peer._trainer.GAN.G.parameters()]
assert peer.step() == 2
assert any(not torch.equal(a, b) for a, b in zip(before, peer._trainer.GAN.G.parameters()))
drawn = peer.sample(3, 7)
assert set(drawn) == {{"live"}}  # an average is kept only after 20,000 steps
assert all(images.shape == (3, 64, 64, 3) and images.dtype == np.uint8 for images in drawn.values())
assert np.array_equal(drawn["live"], peer.sample(3, 7)["live"])
assert 0.5e6 < peer.parameters["generator"] < 2e6
assert peer._trainer.aug_prob > 0
"""
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@needs_peer
def test_both_train_for_a_time(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = render(range(40), 64)

    def few(*_: object) -> Any:
        from gan.measure.features import features
        from gan.measure.real import RealPool

        return RealPool(pool, features(pool))

    monkeypatch.setattr("gan.measure.real.real_pool", few)
    ours = Entry(OURS, folder, tmp_path, 0)
    theirs = Entry(PEER, folder, tmp_path, 0, batch=2)
    record = training.measure_quality(ours, theirs, 0.05, 20, silent)
    assert record[PEER]["seconds"] >= record[OURS]["seconds"] - 0.5
    assert record[OURS]["updates"] > 0
    assert record["real"]["row"]["kid"] < min(record[name]["row"]["kid"] for name in (OURS, PEER))
    assert np.isfinite(record[PEER]["row"]["fd"])
