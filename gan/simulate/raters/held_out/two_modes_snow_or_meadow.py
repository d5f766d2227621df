"""Likes a pale foreground or a green one, either, and nothing between."""

import numpy as np


def utility(images: np.ndarray) -> np.ndarray:
    ground = images[:, images.shape[1] * 5 // 8 :].astype(np.float32) / 255.0
    light = ground.mean((1, 2, 3))
    colour = (ground.max(3) - ground.min(3)).mean((1, 2))
    pale = (light - 0.62) / 0.15 - (colour - 0.15) / 0.1
    green = (ground[..., 1] - 0.5 * (ground[..., 0] + ground[..., 2])).mean((1, 2))
    meadow = (green - 0.05) / 0.04
    return np.maximum(pale, meadow) + 0.1 * np.minimum(pale, meadow)
