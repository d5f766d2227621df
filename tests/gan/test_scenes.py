"""The painted landscapes: the same seed is the same picture, and no two seeds are alike."""

from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gan.data.scene_palettes import PALETTES
from gan.data.scenes import SceneParameters, describe, render

ROOT = Path(__file__).resolve().parents[2]
LAST_SEED = 2**63 - 1


@pytest.fixture(scope="module")
def sheet() -> np.ndarray:
    return render(range(200))


def test_shape_and_type(sheet: np.ndarray) -> None:
    assert sheet.shape == (200, 64, 64, 3)
    assert sheet.dtype == np.uint8


@pytest.mark.parametrize("resolution", [16, 32, 33, 128, 256])
def test_every_resolution_renders(resolution: int) -> None:
    assert render([3, LAST_SEED], resolution).shape == (2, resolution, resolution, 3)


def test_no_seeds_give_an_empty_batch() -> None:
    assert render([]).shape == (0, 64, 64, 3)


def test_a_picture_depends_on_its_seed_alone(sheet: np.ndarray) -> None:
    order = [17, 3, 199, 3, 60]
    assert np.array_equal(render(order), sheet[order])
    assert np.array_equal(render([60])[0], sheet[60])
    assert np.array_equal(render(np.array([60], np.int64))[0], sheet[60])


def test_another_process_paints_the_same(sheet: np.ndarray) -> None:
    code = (
        "import hashlib; from gan.data.scenes import render;"
        "print(hashlib.sha256(render(range(199, 149, -1)).tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(np.ascontiguousarray(sheet[199:149:-1]).tobytes()).hexdigest()


def test_resolutions_agree(sheet: np.ndarray) -> None:
    big = render(range(60), 128).astype(np.float32)
    small = big.reshape(60, 64, 2, 64, 2, 3).mean(axis=(2, 4))
    error = np.abs(small - sheet[:60]).mean(axis=(1, 2, 3))
    assert error.max() < 4.0
    assert error.mean() < 1.0


def test_pictures_differ(sheet: np.ndarray) -> None:
    flat = sheet[:, ::4, ::4].reshape(200, -1).astype(np.float32)
    distance = np.sqrt(((flat[:, None] - flat[None]) ** 2).mean(axis=2))
    apart = distance[np.triu_indices(200, 1)]
    assert apart.min() > 4.0
    assert apart.mean() > 45.0


def test_pictures_are_neither_flat_nor_grainy(sheet: np.ndarray) -> None:
    luma = sheet.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    assert luma.std(axis=(1, 2)).min() > 3.0
    # most neighbours are nearly alike: edges are few and the inks are smooth
    steps = np.abs(np.diff(luma, axis=2))
    assert np.median((steps < 6).mean(axis=(1, 2))) > 0.85


def test_a_thousand_seeds_use_everything() -> None:
    scenes = [describe(seed) for seed in range(1500)]
    assert {s.palette for s in scenes} == {p.name for p in PALETTES}
    assert {s.time for s in scenes} == {"dawn", "day", "dusk", "night", "storm", "fantasy"}
    assert {s.weather for s in scenes} == {"clear", "haze", "overcast", "snow", "aurora", "rainbow"}
    assert {s.terrain for s in scenes} == {"hills", "alps", "mesas", "dunes"}
    assert {s.water for s in scenes} == {"none", "lake", "sea"}
    assert {s.foreground for s in scenes} == {"none", "meadow", "snow", "dunes", "silhouette"}
    assert {s.trees for s in scenes} == {"none", "conifers", "round", "bare", "reeds", "lone"}
    assert {s.body for s in scenes} == {"none", "sun", "moon", "crescent"}
    for flag in ("symmetric", "cabin", "boat", "snow_caps"):
        assert {getattr(s, flag) for s in scenes} == {False, True}


def test_parameters_are_frozen_and_repeatable() -> None:
    scene = describe(5)
    assert isinstance(scene, SceneParameters)
    assert scene == describe(5) != describe(6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        scene.palette = "other"  # type: ignore[misc]


def test_palettes_are_many_and_named_once() -> None:
    assert len({p.name for p in PALETTES}) == len(PALETTES) >= 24


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="seed must be between 0 and"):
        render([seed])
    with pytest.raises(ValueError, match="seed must be between 0 and"):
        describe(seed)


@pytest.mark.parametrize("resolution", [0, 15, 1025])
def test_a_resolution_out_of_range_is_refused(resolution: int) -> None:
    with pytest.raises(ValueError, match="resolution must be between 16 and 1024"):
        render([1], resolution)
