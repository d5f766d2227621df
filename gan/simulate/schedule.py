"""How a session's ratings are divided among its rounds."""

import numpy as np

GRID = 24  # images in a first grid


def schedule(ratings: int, rounds: int | None = None) -> list[int]:
    """Number of images rated before each round: one grid first, the rest in equal parts.

    Parameters
    ----------
    ratings : in total, at least 1.
    rounds : number of rounds; by default one per grid of 24, but from four on one per 50 ratings.
    """
    if rounds is None:
        rounds = max(1, round(ratings / GRID))
        rounds = rounds if rounds <= 4 else 4 + (ratings - 4 * GRID) // 50
    rounds = max(1, min(rounds, ratings))
    if rounds == 1:
        return [ratings]
    first = min(GRID, ratings // rounds + 1) if ratings < rounds * GRID else GRID
    return [first, *np.diff(np.linspace(first, ratings, rounds).round().astype(int)).tolist()]
