"""Seeds to latents, and tensors to pixels: the two conventions that make a seed the same image everywhere."""

from collections.abc import Iterable
from operator import index

import numpy as np
import torch
from torch import Tensor

MAX_SEED = 2**32 - 1


def latents(seeds: Iterable[int], z_dim: int) -> Tensor:
    """One latent per seed, (N, z_dim) float32 on the CPU, each from N(0, I).

    Drawn by `numpy.random.RandomState(seed).randn`, as in StyleGAN's tools, so that a seed means the same there, here and on every device.

    Raises
    ------
    ValueError
        A seed outside 0 .. 2**32 - 1.
    TypeError
        A seed that is not a whole number.
    """
    rows = []
    random = np.random.RandomState(0)  # reseeded for each seed: creating another takes forty times as long
    for seed in seeds:
        whole = index(seed)
        if not 0 <= whole <= MAX_SEED:
            raise ValueError(f"seed {seed} is outside 0..{MAX_SEED}")
        random.seed(whole)
        rows.append(random.randn(z_dim))
    stacked = np.stack(rows) if rows else np.zeros((0, z_dim))
    return torch.from_numpy(stacked.astype(np.float32))


def to_uint8(images: Tensor) -> np.ndarray:
    """Images (N, C, H, W) in [-1, 1] -> uint8 (N, H, W, 3): x * 127.5 + 128, clipped; grey images become RGB."""
    pixels = (
        (images.detach().float() * 127.5 + 128.0)
        .clamp(0, 255)
        .to(torch.uint8)
        .permute(0, 2, 3, 1)
        .cpu()
        .numpy()
    )
    if pixels.shape[3] == 1:
        pixels = np.repeat(pixels, 3, axis=3)
    return np.ascontiguousarray(pixels)
