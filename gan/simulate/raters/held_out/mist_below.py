"""Likes pictures whose foot is calm and pale, as if mist lay there, under a head with more to see."""

import numpy as np


def utility(images: np.ndarray) -> np.ndarray:
    x = images.astype(np.float32) / 255.0
    luma = x.mean(3)
    third = luma.shape[1] // 3
    head, foot = luma[:, : 2 * third], luma[:, -third:]
    calm = np.log(head.std((1, 2)) + 0.02) - np.log(foot.std((1, 2)) + 0.02)
    paleness = foot.mean((1, 2)) - np.ptp(x[:, -third:], axis=3).mean((1, 2))
    return calm / 0.5 + paleness / 0.2
