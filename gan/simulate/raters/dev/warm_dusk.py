"""Likes warm, dusky pictures: more red than blue, neither bright nor black."""

import numpy as np


def utility(images: np.ndarray) -> np.ndarray:
    x = images.astype(np.float32) / 255.0
    warmth = (x[..., 0] - x[..., 2]).mean((1, 2))
    light = x.mean((1, 2, 3))
    return 2.0 * warmth - 1.5 * (light - 0.42) ** 2 / 0.05 * 0.1
