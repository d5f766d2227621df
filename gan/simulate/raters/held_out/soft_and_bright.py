"""Likes soft pictures: little fine detail for the light there is."""

import numpy as np


def utility(images: np.ndarray) -> np.ndarray:
    luma = images.astype(np.float32).mean(3)
    across, down = np.abs(np.diff(luma, axis=2)), np.abs(np.diff(luma, axis=1))
    detail = np.log(across.mean((1, 2)) + down.mean((1, 2)) + 1.0)
    return luma.mean((1, 2)) / 80.0 - 1.5 * detail
