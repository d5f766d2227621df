"""Likes a picture that equals its mirror image."""

import numpy as np


def utility(images: np.ndarray) -> np.ndarray:
    x = images.astype(np.float32)
    gap = np.abs(x - x[:, :, ::-1]).mean((1, 2, 3))
    return -np.log(gap + 2.0)
