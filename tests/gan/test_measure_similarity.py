"""MS-SSIM, LPIPS-rand and the Vendi score against closed forms and formulas written anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gan.data.scenes import render
from gan.measure import distances as d
from gan.measure.features import image_maps
from gan.measure.similarity import (
    SCALE_WEIGHTS,
    ms_ssim,
    pairwise_lpips,
    pairwise_ms_ssim,
    random_pairs,
    scales_of,
)


@pytest.fixture(scope="module")
def scenes() -> np.ndarray:
    return render(range(20_000_000, 20_000_024))


def unit(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images.copy()).permute(0, 3, 1, 2).double() / 255


# --- MS-SSIM ----------------------------------------------------------------------------------------------------------------


def test_identical_images_are_one(scenes: np.ndarray) -> None:
    x = unit(scenes)
    assert ms_ssim(x, x).tolist() == pytest.approx([1.0] * len(x), abs=1e-12)


def test_ms_ssim_is_symmetric_and_falls_with_noise(scenes: np.ndarray) -> None:
    x = unit(scenes[:4])
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    near, far = (x + 0.02 * noise).clamp(0, 1), (x + 0.2 * noise).clamp(0, 1)
    assert torch.allclose(ms_ssim(x, near), ms_ssim(near, x))
    assert (ms_ssim(x, far) < ms_ssim(x, near)).all()
    assert (ms_ssim(x, near) < 1).all()


def test_two_flat_images_have_a_closed_form() -> None:
    """Without variance only the coarsest scale's luminance is left: ((2 a b + C1) / (a^2 + b^2 + C1)) ** its weight."""
    a, b = 0.25, 0.75
    x, y = (
        torch.full((1, 3, 64, 64), a, dtype=torch.double),
        torch.full((1, 3, 64, 64), b, dtype=torch.double),
    )
    share = SCALE_WEIGHTS[2] / sum(SCALE_WEIGHTS[:3])
    expected = ((2 * a * b + 1e-4) / (a * a + b * b + 1e-4)) ** share
    assert float(ms_ssim(x, y)) == pytest.approx(expected, rel=1e-9)


def test_ms_ssim_equals_the_formula_window_by_window() -> None:
    """22 pixels are two scales; every window is laid by hand, with a two-dimensional Gaussian."""
    rng = np.random.default_rng(0)
    x = rng.random((22, 22))
    y = np.clip(0.7 * x + 0.3 * rng.random((22, 22)), 0, 1)
    offset = np.arange(11) - 5
    gauss = np.exp(-(offset[:, None] ** 2 + offset[None] ** 2) / (2 * 1.5**2))
    gauss /= gauss.sum()

    def at(p: np.ndarray, q: np.ndarray) -> tuple[float, float]:
        whole, structure = [], []
        for i in range(len(p) - 10):
            for j in range(len(p) - 10):
                u, v = p[i : i + 11, j : j + 11], q[i : i + 11, j : j + 11]
                mu, mv = (gauss * u).sum(), (gauss * v).sum()
                vu, vv = (gauss * (u - mu) ** 2).sum(), (gauss * (v - mv) ** 2).sum()
                cov = (gauss * (u - mu) * (v - mv)).sum()
                cs = (2 * cov + 9e-4) / (vu + vv + 9e-4)
                structure.append(cs)
                whole.append(cs * (2 * mu * mv + 1e-4) / (mu * mu + mv * mv + 1e-4))
        return float(np.mean(whole)), float(np.mean(structure))

    def half(p: np.ndarray) -> np.ndarray:
        return p.reshape(11, 2, 11, 2).mean((1, 3))

    weights = np.array([0.0448, 0.2856]) / (0.0448 + 0.2856)
    expected = at(x, y)[1] ** weights[0] * at(half(x), half(y))[0] ** weights[1]
    found = ms_ssim(torch.from_numpy(x)[None, None], torch.from_numpy(y)[None, None])
    assert float(found) == pytest.approx(expected, rel=1e-9)


def test_a_negative_image_is_not_below_zero(scenes: np.ndarray) -> None:
    x = unit(scenes[:4])
    assert ((ms_ssim(x, 1 - x) >= 0) & (ms_ssim(x, 1 - x) < 0.5)).all()


@pytest.mark.parametrize(
    ("side", "scales"), [(10, 0), (11, 1), (32, 2), (64, 3), (128, 4), (176, 5), (1024, 5)]
)
def test_scales_that_fit(side: int, scales: int) -> None:
    assert scales_of(side) == scales


def test_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 11 pixels"):
        ms_ssim(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match="one shape"):
        ms_ssim(torch.zeros(1, 3, 16, 16), torch.zeros(2, 3, 16, 16))
    assert math.isnan(pairwise_ms_ssim(np.zeros((3, 8, 8, 3), np.uint8), random_pairs(3, 5)))


# --- over pairs -------------------------------------------------------------------------------------------------------------


def test_pairs_are_of_different_images_and_uniform() -> None:
    pairs = random_pairs(5, 20_000, seed=1)
    assert pairs.shape == (20_000, 2)
    assert (pairs[:, 0] != pairs[:, 1]).all()
    counts = np.bincount(pairs[:, 0] * 5 + pairs[:, 1], minlength=25).reshape(5, 5)
    assert np.abs(counts[~np.eye(5, dtype=bool)] / 1000 - 1).max() < 0.15
    assert np.array_equal(random_pairs(9, 7, seed=3), random_pairs(9, 7, seed=3))
    with pytest.raises(ValueError, match="at least 2"):
        random_pairs(1, 1)


def test_the_mean_over_pairs_does_not_depend_on_the_batch(scenes: np.ndarray) -> None:
    pairs = random_pairs(len(scenes), 30)
    whole = pairwise_ms_ssim(scenes, pairs), pairwise_lpips(scenes, pairs)
    parts = pairwise_ms_ssim(scenes, pairs, batch=7), pairwise_lpips(scenes, pairs, batch=7)
    assert parts == pytest.approx(whole, rel=1e-4)
    one = ms_ssim(unit(scenes[pairs[:, 0]]), unit(scenes[pairs[:, 1]])).mean()
    assert whole[0] == pytest.approx(float(one), rel=1e-4)


def test_copies_are_all_alike(scenes: np.ndarray) -> None:
    copies = np.repeat(scenes[:1], 10, axis=0)
    pairs = random_pairs(10, 20)
    assert pairwise_ms_ssim(copies, pairs) == pytest.approx(1.0)
    assert pairwise_lpips(copies, pairs) == 0.0
    assert pairwise_ms_ssim(scenes, random_pairs(24, 50)) < 0.6
    assert pairwise_lpips(scenes, random_pairs(24, 50)) > 0.5


def test_lpips_equals_its_formula(scenes: np.ndarray) -> None:
    expected = 0.0
    for maps in image_maps(scenes[:2]):
        a, b = maps.double().numpy()
        a, b = a / np.sqrt((a**2).sum(0)), b / np.sqrt((b**2).sum(0))
        expected += ((a - b) ** 2).sum(0).mean()
    assert pairwise_lpips(scenes, np.array([[0, 1]])) == pytest.approx(expected, rel=1e-4)


def test_lpips_sees_a_shape_more_than_a_shift_of_one_pixel(scenes: np.ndarray) -> None:
    x = scenes[0]
    shifted, other = np.roll(x, 1, axis=1), scenes[1]
    pairs = np.array([[0, 1]])
    assert pairwise_lpips(np.stack([x, shifted]), pairs) < 0.7 * pairwise_lpips(np.stack([x, other]), pairs)


# --- Vendi score ------------------------------------------------------------------------------------------------------------


def test_vendi_counts_different_images() -> None:
    basis = np.eye(12)
    assert d.vendi(basis[:7]) == pytest.approx(7.0)
    assert d.vendi(np.repeat(basis[:3], 5, axis=0)) == pytest.approx(3.0)
    assert d.vendi(np.repeat(basis[:1] * 4, 20, axis=0)) == pytest.approx(1.0)
    # shares 3/4 and 1/4: exp of their entropy
    uneven = np.concatenate([np.repeat(basis[:1], 3, axis=0), basis[1:2]])
    assert d.vendi(uneven) == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))


def test_vendi_equals_the_definition_on_either_side() -> None:
    for n, dims in ((30, 6), (6, 30)):
        x = np.random.default_rng(0).normal(size=(n, dims))
        unit_rows = x / np.linalg.norm(x, axis=1, keepdims=True)
        values = np.linalg.eigvalsh(unit_rows @ unit_rows.T / n)
        values = values[values > 1e-12]
        assert d.vendi(x) == pytest.approx(np.exp(-(values * np.log(values)).sum()))


# --- density and coverage on constructed sets -------------------------------------------------------------------------------


def test_density_and_coverage_of_two_clusters() -> None:
    """Two far clusters of ten; images at one of them only cover half, and are as dense as their neighbourhoods overlap."""
    rng = np.random.default_rng(0)
    left = rng.normal(0, 1, (10, 3))
    real = np.concatenate([left, left + 1000])
    manifold = d.Manifold.of(real, 9)  # every ball of a cluster reaches its farthest member
    assert d.coverage(manifold, left) == 0.5
    assert d.coverage(manifold, real) == 1.0
    # a point at each place of the left cluster lies in the balls of those that are no farther than their farthest: all ten
    assert d.density(manifold, left, 9) == pytest.approx(10 / 9)
    # an outlier far from both adds nothing
    outlier = np.full((1, 3), 500.0)
    assert d.density(manifold, np.concatenate([left, outlier]), 9) == pytest.approx(100 / (9 * 11))
    assert d.coverage(manifold, outlier) == 0.0


def test_density_counts_what_coverage_cannot_see() -> None:
    """Thousand copies of a real image: covered once at most per ball around it, but dense."""
    real = np.random.default_rng(1).normal(0, 1, (200, 2))
    manifold = d.Manifold.of(real)
    centre = real[np.argmin((real**2).sum(1))]
    copies = np.repeat(centre[None], 1000, axis=0)
    assert d.density(manifold, copies) > 0.8
    assert d.coverage(manifold, copies) < 0.1
