"""Distances between two sets of features, and how much of one set another covers. Pure functions of (N, D) float arrays.

All raise `ValueError` for arrays of another shape or type, values that are not finite, or too few rows.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]

NEIGHBOURS = 5


# --- distributions ----------------------------------------------------------------------------------------------------------


def kid(x: Array, y: Array, block: int = 2048) -> float:
    """Kernel distance: the unbiased squared MMD with the cubic polynomial kernel.

    Binkowski et al. 2018 (arXiv 1801.01401), eq. 4, over all pairs rather than random subsets, which adds no sampling noise. It is
    unbiased, and therefore sometimes below zero for two samples of one distribution.

    Parameters
    ----------
    x, y : (N, D) and (M, D), N and M at least 2.
    block : rows per block of the kernel matrix; limits the memory to block**2 numbers.
    """
    _check(x, y, at_least=2)
    n, m = len(x), len(y)
    within_x = (_kernel_sum(x, x, block) - _kernel_diagonal(x)) / (n * (n - 1))
    within_y = (_kernel_sum(y, y, block) - _kernel_diagonal(y)) / (m * (m - 1))
    return within_x + within_y - 2.0 * _kernel_sum(x, y, block) / (n * m)


def frechet(x: Array, y: Array) -> float:
    """Frechet distance between Gaussians fitted to two sets of features: |m - n|^2 + tr(S + T - 2 (S T)^(1/2)).

    Heusel et al. 2017 (arXiv 1706.08500), eq. 6. Biased upwards at small N: compare at equal N only. It is not called FID here, since FID
    is the same formula in another feature space.

    Parameters
    ----------
    x, y : (N, D) and (M, D), N and M at least 2.
    """
    _check(x, y, at_least=2)
    mean_x, mean_y = x.mean(0, dtype=np.float64), y.mean(0, dtype=np.float64)
    return frechet_gaussians(mean_x, _covariance(x), mean_y, _covariance(y))


def frechet_gaussians(mean_x: Array, cov_x: Array, mean_y: Array, cov_y: Array) -> float:
    """Frechet (2-Wasserstein, squared) distance of two Gaussians given by means (D,) and covariances (D, D)."""
    # the product S T is not symmetric, but T^(1/2) S T^(1/2) is, and it has the same eigenvalues
    values, vectors = np.linalg.eigh(cov_y)
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    cross = np.linalg.eigvalsh(root @ cov_x @ root)
    overlap = float(np.sqrt(np.clip(cross, 0.0, None)).sum())
    gap = float(((mean_x - mean_y) ** 2).sum())
    return max(gap + float(np.trace(cov_x) + np.trace(cov_y)) - 2.0 * overlap, 0.0)


def diversity(x: Array, block: int = 2048) -> float:
    """Mean Euclidean distance over all pairs of `x` (N, D), N at least 2."""
    _check(x, x, at_least=2)
    total = sum(float(np.sqrt(_squared(x[i : i + block], x)).sum(dtype=np.float64)) for i in range(0, len(x), block))
    return total / (len(x) * (len(x) - 1))


def vendi(x: Array) -> float:
    """Vendi score: the effective number of different images in `x`, from 1 (all alike) to N.

    Friedman and Dieng 2023 (arXiv 2210.02410), eq. 2: exp of the entropy of the eigenvalues of K / N, with the cosine as kernel. Grows with
    N: compare at equal N only.

    Parameters
    ----------
    x : (N, D), without zero rows.
    """
    _check(x, x, at_least=1)
    unit = np.asarray(x, np.float64)
    unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
    # K / N = U U' / N and U' U / N have the same nonzero eigenvalues
    gram = unit.T @ unit if x.shape[1] <= len(x) else unit @ unit.T
    values = np.linalg.eigvalsh(gram / len(x))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))


# --- manifolds --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Manifold:
    """Feature points, each with the distance to its k-th nearest other point: a union of balls around the real images."""

    points: Array  # (N, D)
    radii: Array  # (N,), squared

    @classmethod
    def of(cls, points: Array, neighbours: int = NEIGHBOURS) -> "Manifold":
        """The manifold of `points` (N, D); N must exceed `neighbours`."""
        _check(points, points, at_least=neighbours + 1)
        squared = _squared(points, points)
        np.fill_diagonal(squared, -1.0)  # a point is its own nearest neighbour, and must not count
        return cls(points, np.partition(squared, neighbours, axis=1)[:, neighbours])


def precision(real: Manifold, fake: Array) -> float:
    """Share of `fake` (M, D) inside the real manifold. Kynkaanniemi et al. 2019 (arXiv 1904.06991), eq. 2."""
    _check(real.points, fake, at_least=1)
    return float((_squared(real.points, fake) <= real.radii[:, None]).any(0).mean())


def recall(fake: Manifold, real: Array) -> float:
    """Share of `real` (N, D) inside the generated manifold: `precision` with the roles exchanged (the same paper, eq. 2)."""
    return precision(fake, real)


def density(real: Manifold, fake: Array, neighbours: int = NEIGHBOURS) -> float:
    """Mean number of real balls around a generated image, over k. Naeem et al. 2020 (arXiv 2002.09797), eq. 3. May exceed 1."""
    _check(real.points, fake, at_least=1)
    inside = _squared(real.points, fake) <= real.radii[:, None]
    return float(inside.sum() / (neighbours * len(fake)))


def coverage(real: Manifold, fake: Array) -> float:
    """Share of real balls that contain at least one of `fake` (M, D). Naeem et al. 2020, eq. 4. Compare at equal N only."""
    return float(covered(real, fake).mean())


def covered(real: Manifold, fake: Array) -> npt.NDArray[np.bool_]:
    """Which real balls contain at least one of `fake` (M, D): (N,) bool."""
    _check(real.points, fake, at_least=1)
    return np.asarray((_squared(real.points, fake) <= real.radii[:, None]).any(1))


def expected_coverage(real: int, fake: int, neighbours: int = NEIGHBOURS) -> float:
    """Expected coverage if `fake` generated and `real` real images are samples of one distribution.

    The share of a distribution in a ball that reaches to the k-th nearest of N - 1 others is Beta(k, N - k), whatever the distribution.
    """
    steps = np.arange(1, neighbours + 1)
    return float(1.0 - np.prod((real - steps) / (real + fake - steps)))


# --- pairs by utility -------------------------------------------------------------------------------------------------------


def match_by_utility(utilities: Array, pool: Array) -> npt.NDArray[np.intp]:
    """Pair each utility with a pool member of similar utility, each member used once, so that the summed difference is smallest.

    On a line the optimal pairing preserves order, so dynamic programming over both sorted lists is exact.

    Parameters
    ----------
    utilities : (N,); pool : (M,), M >= N.

    Returns
    -------
    (N,) indices into `pool`, distinct.

    Raises
    ------
    ValueError
        The pool is smaller than the set of utilities.
    """
    n, m = len(utilities), len(pool)
    if m < n:
        raise ValueError(f"a pool of {m} cannot be paired with {n} images")
    order, pool_order = np.argsort(utilities, kind="stable"), np.argsort(pool, kind="stable")
    values, members = np.asarray(utilities, np.float64)[order], np.asarray(pool, np.float64)[pool_order]
    slack = m - n
    best = np.zeros(slack + 1)  # cost of pairing the first i values among the first i + s members
    taken = np.empty((n, slack + 1), bool)
    for i in range(n):
        cost = best + np.abs(values[i] - members[i : i + slack + 1])
        best = np.minimum.accumulate(cost)
        taken[i] = cost <= best
    pairs = np.empty(n, np.intp)
    s = slack
    for i in range(n - 1, -1, -1):
        s = int(np.flatnonzero(taken[i, : s + 1])[-1])
        pairs[order[i]] = pool_order[i + s]
    return pairs


# --- arithmetic -------------------------------------------------------------------------------------------------------------


def _check(x: Array, y: Array, at_least: int) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"features must be (N, D) with one D, got {x.shape} and {y.shape}")
    for features in (x, y):
        if not np.issubdtype(features.dtype, np.floating):  # products of 8-bit numbers would overflow
            raise ValueError(f"features must be floats, not {features.dtype}")
        if not np.isfinite(features).all():
            raise ValueError("features hold values that are not finite numbers")
    if min(len(x), len(y)) < at_least:
        raise ValueError(f"at least {at_least} images are needed, got {min(len(x), len(y))}")


def _kernel_sum(x: Array, y: Array, block: int) -> float:
    """Sum of (x.y / D + 1)^3 over all pairs."""
    total, scale = 0.0, 1.0 / x.shape[1]
    for i in range(0, len(x), block):
        for j in range(0, len(y), block):
            k = x[i : i + block] @ y[j : j + block].T
            k *= scale
            k += 1.0
            # k * k * k: numpy's ** 3 is a hundred times slower
            total += float((k * k * k).sum(dtype=np.float64))
    return total


def _kernel_diagonal(x: Array) -> float:
    norms = np.einsum("nd,nd->n", x, x, dtype=np.float64) / x.shape[1] + 1.0
    return float((norms**3).sum())


def _covariance(x: Array) -> npt.NDArray[np.float64]:
    return np.atleast_2d(np.cov(np.asarray(x, np.float64), rowvar=False))


def _squared(x: Array, y: Array) -> Array:
    """Squared Euclidean distances (N, M), at least zero."""
    out: Array = -2.0 * (x @ y.T)
    out += np.einsum("nd,nd->n", x, x)[:, None]
    out += np.einsum("md,md->m", y, y)[None, :]
    np.maximum(out, 0.0, out=out)
    return out
