"""Likes what a small random network with a random hidden layer on top happens to see in the shapes, colour and exposure aside."""

import numpy as np
import torch
import torch.nn.functional as F

_rng = np.random.default_rng(910_003)


def _normal(*shape: int) -> torch.Tensor:
    return torch.tensor(_rng.normal(0, np.sqrt(2.0 / np.prod(shape[1:])), shape), dtype=torch.float32)


_first, _second, _third = _normal(16, 1, 7, 7), _normal(32, 16, 5, 5), _normal(48, 32, 3, 3)
_hidden, _out = _normal(32, 48 * 9), _normal(1, 32)


@torch.inference_mode()
def utility(images: np.ndarray) -> np.ndarray:
    out = []
    for start in range(0, len(images), 128):
        x = torch.from_numpy(np.ascontiguousarray(images[start : start + 128])).permute(0, 3, 1, 2).float() / 127.5 - 1
        if x.shape[2:] != (64, 64):
            x = F.interpolate(x, (64, 64), mode="area")
        x = x.mean(1, keepdim=True)
        x = (x - x.mean((2, 3), keepdim=True)) / (x.std((2, 3), keepdim=True) + 0.05)
        x = F.softplus(F.conv2d(x, _first, stride=2, padding=3))
        x = torch.tanh(F.conv2d(x, _second, stride=2, padding=2))
        x = F.softplus(F.conv2d(x, _third, stride=2, padding=1))
        x = F.adaptive_avg_pool2d(x, 3).flatten(1)
        x = torch.tanh((x - 0.7) @ _hidden.T)
        out.append((x @ _out.T)[:, 0])
    return torch.cat(out).numpy() if out else np.zeros(0)
