"""Two moods, either will do: amber light, or deep blue night. What lies between leaves cold."""

import numpy as np


def utility(images: np.ndarray) -> np.ndarray:
    x = images.astype(np.float32) / 255.0
    red, blue = x[..., 0].mean((1, 2)), x[..., 2].mean((1, 2))
    light = x.mean((1, 2, 3))
    amber = (red - blue - 0.05) / 0.13 + (light - 0.45) / 0.2
    moonlit = (blue - red - 0.03) / 0.1 - (light - 0.35) / 0.12
    return np.logaddexp(1.5 * amber, 1.5 * moonlit) / 1.5
