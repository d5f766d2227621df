"""Likes what two random networks agree on: one sees colours at a distance, the other edges close by."""

import numpy as np
import torch
import torch.nn.functional as F

_rng = np.random.default_rng(910_011)


def _normal(*shape: int) -> torch.Tensor:
    return torch.tensor(_rng.normal(0, np.sqrt(2.0 / np.prod(shape[1:])), shape), dtype=torch.float32)


_near, _nearer = _normal(24, 3, 3, 3), _normal(24, 24, 3, 3)
_far, _farther = _normal(24, 3, 5, 5), _normal(24, 24, 3, 3)
_first, _second = _normal(1, 24 * 4), _normal(1, 24 * 4)


@torch.inference_mode()
def utility(images: np.ndarray) -> np.ndarray:
    out = []
    for start in range(0, len(images), 128):
        x = torch.from_numpy(np.ascontiguousarray(images[start : start + 128])).permute(0, 3, 1, 2).float() / 127.5 - 1
        if x.shape[2:] != (64, 64):
            x = F.interpolate(x, (64, 64), mode="area")
        wide = F.avg_pool2d(x, 4)
        wide = F.gelu(F.conv2d(F.gelu(F.conv2d(wide, _far, padding=2)), _farther, stride=2, padding=1))
        fine = x - F.interpolate(F.avg_pool2d(x, 4), scale_factor=4.0, mode="nearest")
        fine = F.gelu(F.conv2d(F.gelu(F.conv2d(3.0 * fine, _near, stride=2, padding=1)), _nearer, stride=2, padding=1))
        a = F.adaptive_avg_pool2d(wide, 2).flatten(1) @ _first.T
        b = F.adaptive_avg_pool2d(fine, 2).flatten(1) @ _second.T
        out.append((4.0 * a + 8.0 * b)[:, 0])
    return torch.cat(out).numpy() if out else np.zeros(0)
