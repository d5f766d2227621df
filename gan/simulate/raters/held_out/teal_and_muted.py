"""Likes teal, and colours that do not shout."""

import numpy as np


def utility(images: np.ndarray) -> np.ndarray:
    x = images.astype(np.float32) / 255.0
    red, green, blue = x[..., 0], x[..., 1], x[..., 2]
    teal = (0.5 * (green + blue) - red).mean((1, 2)) - 0.7 * np.abs(green - blue).mean((1, 2))
    saturation = (x.max(3) - x.min(3)).mean((1, 2))
    return 0.45 * teal - 1.5 * saturation
