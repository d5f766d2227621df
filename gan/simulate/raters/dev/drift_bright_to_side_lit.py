"""Begins by liking bright pictures; half-way through, comes to like those lit from the left instead."""

import numpy as np


def utility(images: np.ndarray, progress: float = 0.0) -> np.ndarray:
    luma = images.astype(np.float32).mean(3) / 255.0
    half = luma.shape[2] // 2
    bright = (luma.mean((1, 2)) - 0.45) / 0.15
    lit = np.tanh((luma[:, :, :half].mean((1, 2)) - luma[:, :, half:].mean((1, 2))) / 0.06)
    turned = np.clip((progress - 0.4) / 0.2, 0.0, 1.0) * np.deg2rad(65)
    return np.cos(turned) * bright + 1.5 * np.sin(turned) * lit
