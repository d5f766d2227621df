"""Likes the light in the middle and the frame dark."""

import numpy as np


def utility(images: np.ndarray) -> np.ndarray:
    luma = images.astype(np.float32).mean(3)
    height, width = luma.shape[1:]
    y = (np.arange(height) + 0.5) / height * 2 - 1
    x = (np.arange(width) + 0.5) / width * 2 - 1
    window = np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / 0.3).astype(np.float32)
    window = window - window.mean()
    return (luma * window).mean((1, 2))
