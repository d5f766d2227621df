"""Likes a direction in the features of a small random network, with diminishing returns."""

import numpy as np
import torch
import torch.nn.functional as F

_rng = np.random.default_rng(910_001)
_shapes = ((24, 3, 4), (40, 24, 3), (64, 40, 3))
_weights = [
    torch.tensor(_rng.normal(0, np.sqrt(2.0 / (i * k * k)), (o, i, k, k)), dtype=torch.float32) for o, i, k in _shapes
]
_direction = torch.tensor(_rng.normal(0, 1, (64,)), dtype=torch.float32)


@torch.inference_mode()
def utility(images: np.ndarray) -> np.ndarray:
    out = []
    for start in range(0, len(images), 128):
        x = torch.from_numpy(np.ascontiguousarray(images[start : start + 128])).permute(0, 3, 1, 2).float() / 127.5 - 1
        if x.shape[2:] != (64, 64):
            x = F.interpolate(x, (64, 64), mode="area")
        for weight in _weights:
            x = F.elu(F.conv2d(x, weight, stride=2, padding=1))
        # each map is compared with itself over the picture: brightness alone decides nothing
        x = x.flatten(2)
        x = x.amax(2) - x.mean(2)
        x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)
        out.append(torch.tanh(x @ _direction / 8.0 / 1.5))
    return torch.cat(out).numpy() if out else np.zeros(0)
