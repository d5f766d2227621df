"""Likes a low horizon: the strongest change between rows lies far down, under a wide sky."""

import numpy as np


def utility(images: np.ndarray) -> np.ndarray:
    luma = images.astype(np.float32).mean(3)
    rows = luma.mean(2)  # (N, H)
    height = rows.shape[1]
    reach = max(height // 16, 1)
    step = np.abs(rows[:, 2 * reach :] - rows[:, : -2 * reach])
    weight = step**2 + 4.0
    where = np.linspace(0.0, 1.0, weight.shape[1], dtype=np.float32)
    return (weight * where).sum(1) / weight.sum(1)
