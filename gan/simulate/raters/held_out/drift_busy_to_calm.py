"""Begins by liking busy pictures; half-way through, comes to like calm ones with cool skies."""

import numpy as np


def utility(images: np.ndarray, progress: float = 0.0) -> np.ndarray:
    x = images.astype(np.float32) / 255.0
    luma = x.mean(3)
    busy = np.log(np.abs(np.diff(luma, axis=2)).mean((1, 2)) + 0.003)
    busy = (busy + 4.2) / 0.5
    half = luma.shape[1] // 2
    grounded = (luma[:, half:].mean((1, 2)) - luma[:, :half].mean((1, 2))) / 0.15
    turned = np.clip((progress - 0.4) / 0.2, 0.0, 1.0)
    return (1.0 - turned) * busy + turned * (grounded - 0.7 * busy)
