"""Likes a direction in the features of a random network of wide patches, with a mild bend."""

import numpy as np
import torch
import torch.nn.functional as F

_rng = np.random.default_rng(910_007)
_patches = torch.tensor(_rng.normal(0, 1 / np.sqrt(3 * 64), (96, 3, 8, 8)), dtype=torch.float32)
_phase = torch.tensor(_rng.uniform(0, 2 * np.pi, (96,)), dtype=torch.float32)
_direction = torch.tensor(_rng.normal(0, 1, (96,)), dtype=torch.float32)


@torch.inference_mode()
def utility(images: np.ndarray) -> np.ndarray:
    out = []
    for start in range(0, len(images), 128):
        x = torch.from_numpy(np.ascontiguousarray(images[start : start + 128])).permute(0, 3, 1, 2).float() / 127.5 - 1
        if x.shape[2:] != (64, 64):
            x = F.interpolate(x, (64, 64), mode="area")
        x = x - 0.8 * x.mean((2, 3), keepdim=True)
        waves = torch.cos(2.5 * F.conv2d(x, _patches, stride=4) + _phase[:, None, None])
        score = waves.mean((2, 3)) @ _direction
        out.append(score + 0.15 * torch.sin(2.0 * score))
    return torch.cat(out).numpy() if out else np.zeros(0)
