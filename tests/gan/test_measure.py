"""Distances against closed forms and brute force; the feature space against itself."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gan.measure
from gan.data.scenes import render
from gan.errors import UserError
from gan.measure import distances as d
from gan.measure.distances import Manifold
from gan.measure.features import DIMENSIONS, features
from gan.measure.real import RealPool, drawn_pool, real_pool

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setattr("gan.data.procedural.cache_folder", lambda: folder)


@pytest.fixture(scope="module")
def scenes() -> np.ndarray:
    return render(range(20_000_000, 20_000_400))


def normal(n: int, dims: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, (n, dims)).astype(np.float32)


# --- distances --------------------------------------------------------------------------------------------------------------


def test_kid_equals_the_definition() -> None:
    x, y = normal(7, 3, 0), normal(5, 3, 1, 0.5)

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a.astype(np.float64) @ b.astype(np.float64) / 3 + 1) ** 3)

    xx = sum(k(x[i], x[j]) for i in range(7) for j in range(7) if i != j) / 42
    yy = sum(k(y[i], y[j]) for i in range(5) for j in range(5) if i != j) / 20
    xy = sum(k(a, b) for a in x for b in y) / 35
    assert d.kid(x, y) == pytest.approx(xx + yy - 2 * xy, rel=1e-5)
    assert d.kid(x, y, block=2) == pytest.approx(d.kid(x, y), rel=1e-5)


def test_kid_is_unbiased() -> None:
    same = [d.kid(normal(60, 16, 2 * i), normal(80, 16, 2 * i + 1)) for i in range(60)]
    error = np.std(same) / np.sqrt(len(same))
    assert abs(np.mean(same)) < 3 * error
    assert min(same) < 0 < max(same)
    assert d.kid(normal(60, 16, 0), normal(80, 16, 1, 0.5)) > 5 * np.std(same)


def test_frechet_of_two_gaussians() -> None:
    rng = np.random.default_rng(0)
    # diagonal: the distance is |m - n|^2 + sum (s - t)^2
    s, t = rng.uniform(0.2, 2, 6), rng.uniform(0.2, 2, 6)
    m, n = rng.normal(size=6), rng.normal(size=6)
    expected = ((m - n) ** 2).sum() + ((s - t) ** 2).sum()
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    for q in (np.eye(6), turn):
        found = d.frechet_gaussians(q @ m, q @ np.diag(s**2) @ q.T, q @ n, q @ np.diag(t**2) @ q.T)
        assert found == pytest.approx(expected, rel=1e-6)


def test_frechet_where_the_covariances_do_not_commute() -> None:
    a, b = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[1.0, -0.3], [-0.3, 3.0]])
    # for 2 x 2: tr sqrt(AB) = sqrt(tr AB + 2 sqrt(det AB))
    product = a @ b
    root = np.sqrt(np.trace(product) + 2 * np.sqrt(np.linalg.det(product)))
    expected = np.trace(a) + np.trace(b) - 2 * root
    assert d.frechet_gaussians(np.zeros(2), a, np.zeros(2), b) == pytest.approx(expected, rel=1e-6)


def test_frechet_of_samples() -> None:
    x = normal(300, 8, 0)
    assert d.frechet(x, x) == pytest.approx(0.0, abs=1e-6)
    assert d.frechet(x, x + 2.0) == pytest.approx(8 * 4.0, rel=1e-4)
    assert d.frechet(x, x * 3) == pytest.approx(d.frechet(x * 3, x), rel=1e-6)


def test_diversity_is_the_mean_over_pairs() -> None:
    x = normal(30, 5, 0)
    pairs = [np.linalg.norm(x[i] - x[j]) for i in range(30) for j in range(i)]
    assert d.diversity(x) == pytest.approx(np.mean(pairs), rel=1e-4)
    assert d.diversity(x, block=7) == pytest.approx(np.mean(pairs), rel=1e-4)


def test_manifold_figures_equal_brute_force() -> None:
    real, fake, k = normal(40, 4, 0), normal(30, 4, 1, 0.7), 3
    gap = np.linalg.norm(real[:, None] - fake[None], axis=2)
    own = np.sort(np.linalg.norm(real[:, None] - real[None], axis=2), axis=1)[:, k]
    manifold = Manifold.of(real, k)
    inside = gap <= own[:, None]
    assert d.precision(manifold, fake) == pytest.approx(inside.any(0).mean())
    assert d.coverage(manifold, fake) == pytest.approx(inside.any(1).mean())
    assert d.density(manifold, fake, k) == pytest.approx(inside.sum() / (k * 30))
    theirs = np.sort(np.linalg.norm(fake[:, None] - fake[None], axis=2), axis=1)[:, k]
    assert d.recall(Manifold.of(fake, k), real) == pytest.approx((gap.T <= theirs[:, None]).any(0).mean())


def test_manifold_figures_at_the_ends() -> None:
    real = normal(200, 6, 0)
    manifold = Manifold.of(real)
    assert d.precision(manifold, real[::3]) == 1.0
    assert d.coverage(manifold, real) == 1.0
    assert d.precision(manifold, real + 100) == 0.0
    assert d.coverage(manifold, real + 100) == 0.0
    # copies of one picture are inside, and cover next to nothing
    one = np.repeat(real[:1], 200, axis=0)
    assert d.precision(manifold, one) == 1.0
    assert d.coverage(manifold, one) < 0.1


def test_density_of_the_same_distribution_is_about_one() -> None:
    assert d.density(Manifold.of(normal(1000, 4, 0)), normal(1000, 4, 1)) == pytest.approx(1.0, abs=0.1)


def test_what_is_no_features_is_refused() -> None:
    good = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    bad = [(good * 40).astype(np.uint8), np.where(good > 2.0, np.nan, good), good[:, :3], good[0], good[:0]]
    calls: list[Callable[[np.ndarray], float]] = [
        lambda x: d.kid(x, good),
        lambda x: d.frechet(good, x),
        lambda x: d.coverage(Manifold.of(good), x),
        lambda x: d.density(Manifold.of(good), x),
        lambda x: d.precision(Manifold.of(good), x),
    ]
    for call in calls:
        assert np.isfinite(call(good))
        for x in bad:
            with pytest.raises(ValueError, match=r"features|images are needed"):
                call(x)


def test_two_folders_are_measured_as_the_package_says(tmp_path: Path, scenes: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.data.folder.cache_folder", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    for folder, images in (("real", scenes[:12]), ("mine", scenes[12:24])):
        Path(folder).mkdir()
        for number, image in enumerate(images):
            Image.fromarray(image).save(Path(folder, f"{number}.png"))
    lines = [line[4:] for line in (gan.measure.__doc__ or "").splitlines() if line.startswith(">>> ")]
    said: dict[str, Any] = {}
    for line in lines:
        exec(line, said)
    assert said["real"].shape == said["mine"].shape and len(said["real"]) == 12
    assert len(lines) == 6


def test_pairs_by_utility_are_the_best_pairing() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        values, pool = rng.normal(size=4), rng.normal(size=6)
        found = d.match_by_utility(values, pool)
        assert len(set(found.tolist())) == 4
        best = min(np.abs(values - pool[list(p)]).sum() for p in permutations(range(6), 4))
        assert np.abs(values - pool[found]).sum() == pytest.approx(best)


def test_pairs_by_utility_of_a_subset_are_itself() -> None:
    pool = np.random.default_rng(0).normal(size=500)
    picks = np.random.default_rng(1).permutation(500)[:60]
    assert np.array_equal(d.match_by_utility(pool[picks], pool), picks)
    assert sorted(d.match_by_utility(pool, pool)) == list(range(500))


def test_a_pool_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="a pool of 2 cannot be paired with 3"):
        d.match_by_utility(np.zeros(3), np.zeros(2))


@pytest.mark.parametrize("x", [np.zeros((1, 3)), np.zeros(3), np.zeros((4, 2))])
def test_features_of_the_wrong_shape_are_refused(x: np.ndarray) -> None:
    with pytest.raises(ValueError):
        d.kid(x, np.zeros((4, 3)))


# --- the feature space ------------------------------------------------------------------------------------------------------


def test_features_do_not_depend_on_the_batch(scenes: np.ndarray) -> None:
    one = features(scenes[:50])
    assert one.shape == (50, DIMENSIONS)
    assert one.dtype == np.float32
    assert np.abs(one - features(scenes[:50], batch=7)).max() < 1e-3
    assert features(scenes[:0]).shape == (0, DIMENSIONS)


def test_another_process_finds_the_same_space(scenes: np.ndarray) -> None:
    code = (
        "from gan.data.scenes import render; from gan.measure.features import features; import sys;"
        "sys.stdout.buffer.write(features(render(range(20_000_000, 20_000_004))).tobytes())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    other = np.frombuffer(done.stdout, np.float32).reshape(4, DIMENSIONS)
    assert np.abs(other - features(scenes[:4])).max() < 1e-3


def test_the_space_is_the_recorded_one(scenes: np.ndarray) -> None:
    """Figures measured in another version of the space compare with nothing: changing it must be a decision."""
    probe = np.zeros((3, 64, 64, 3), np.uint8)
    probe[1] = 255
    probe[2, :, 32:] = (200, 60, 20)
    lengths = np.linalg.norm(features(probe), axis=1)
    assert lengths == pytest.approx(RECORDED, rel=2e-3)


RECORDED = (49.726, 49.584, 43.651)


def test_any_size_and_a_read_only_array(scenes: np.ndarray) -> None:
    small = scenes[:6].copy()
    big = small.repeat(2, axis=1).repeat(2, axis=2)
    assert np.abs(features(big) - features(small)).max() < 1e-3
    small.flags.writeable = False
    features(small)


@pytest.mark.parametrize("bad", [np.zeros((2, 8, 8, 3)), np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 1), np.uint8)])
def test_other_arrays_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="images must be uint8"):
        features(bad)


def test_the_space_sees_what_a_bad_generator_does(scenes: np.ndarray) -> None:
    real, other = features(scenes[:200]), scenes[200:]
    same = d.kid(real, features(other))
    blurred = (other.astype(np.float32)[:, ::2, ::2] + other[:, 1::2, ::2] + other[:, ::2, 1::2] + other[:, 1::2, 1::2]) / 4
    blurred = blurred.repeat(2, axis=1).repeat(2, axis=2).astype(np.uint8)
    torn = np.concatenate([other[:, :, :32], np.roll(other, 1, axis=0)[:, :, 32:]], axis=2)
    upside_down = other[:, ::-1]
    for worse in (blurred, torn, upside_down):
        assert d.kid(real, features(np.ascontiguousarray(worse))) > max(same, 0.0) + 0.01
    manifold = Manifold.of(real)
    assert d.precision(manifold, features(torn)) < 0.6 * d.precision(manifold, features(other))


# --- pools -------------------------------------------------------------------------------------------------------------------


def test_the_pool_of_scenes_comes_back_from_the_cache() -> None:
    first = drawn_pool("scenes", 60, 32)
    again = drawn_pool("scenes", 60, 32)
    assert isinstance(again, RealPool)
    assert np.array_equal(first.images, render(range(10_000_000, 10_000_060), 32))
    assert np.array_equal(first.features, again.features)
    assert np.array_equal(features(np.asarray(first.images)), again.features)


def test_unknown_data_needs_a_folder() -> None:
    with pytest.raises(UserError, match="--images"):
        real_pool({"kind": "unknown"}, 32, 10)


def test_a_folder_of_pictures_is_a_pool(tmp_path: Path) -> None:
    pictures = render(range(12), 32)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{i:02}.png")
    pool = real_pool({}, 32, 20, tmp_path)
    assert len(pool) == 12
    assert np.array_equal(np.sort(pool.images.sum((1, 2, 3))), np.sort(pictures.sum((1, 2, 3))))
    assert np.array_equal(features(pool.images), pool.features)
    assert len(real_pool({}, 32, 5, tmp_path)) == 5


def test_no_seed_of_the_pool_is_reused(scenes: np.ndarray) -> None:
    digest = {hashlib.sha256(image.tobytes()).hexdigest() for image in scenes}
    assert len(digest) == len(scenes)


def test_coverage_of_the_same_distribution_is_what_is_expected() -> None:
    for real, fake in ((60, 40), (205, 256), (100, 300)):
        found = [d.coverage(Manifold.of(normal(real, 3, 2 * seed)), normal(fake, 3, 2 * seed + 1)) for seed in range(60)]
        assert np.mean(found) == pytest.approx(d.expected_coverage(real, fake), abs=0.01)
    assert list(d.covered(Manifold.of(normal(20, 2, 0)), np.full((1, 2), 50.0, np.float32))) == [False] * 20
