"""How alike the images of one set are, by pairs: MS-SSIM on pixels, LPIPS-rand on the feature maps of the fixed random network.

A collapsed generator draws images that are more alike than real ones; one that draws noise, less. Neither measure knows what is real:
compare them with the same measure of real images.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gan.measure.features import image_maps

# Wang et al. 2003, table 1: weights of the scales, finest first
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
WINDOW = 11
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2  # for pixels in [0, 1]


def random_pairs(count: int, pairs: int, seed: int = 0) -> np.ndarray:
    """Random pairs of different indices below `count`, uniformly distributed: (pairs, 2) intp. ValueError if `count` is below 2."""
    if count < 2:
        raise ValueError(f"at least 2 images are needed for pairs, got {count}")
    rng = np.random.default_rng(seed)
    first = rng.integers(0, count, pairs)
    return np.stack([first, (first + rng.integers(1, count, pairs)) % count], axis=1)


def scales_of(side: int) -> int:
    """How many of the five scales fit an image of that side, the coarsest being no smaller than the window; 0 below WINDOW."""
    return sum(side >> scale >= WINDOW for scale in range(len(SCALE_WEIGHTS)))


def ms_ssim(x: Tensor, y: Tensor) -> Tensor:
    """Multi-scale structural similarity of image pairs (Wang et al. 2003, "Multiscale structural similarity", eq. 7).

    Five scales need 176 pixels; smaller images use those that fit (three at 64), with weights rescaled to sum to 1, so values at different
    resolutions cannot be compared. Negative contrast-structure terms count as zero. The result is averaged over channels.

    Parameters
    ----------
    x, y : (N, C, H, W) float in [0, 1], sides at least 11.

    Returns
    -------
    (N,) in [0, 1]; 1 means identical.

    Raises
    ------
    ValueError
        The shapes differ, or a side is too small.
    """
    if x.shape != y.shape or x.ndim != 4:
        raise ValueError(
            f"images must be two (N, C, H, W) of one shape, got {tuple(x.shape)} and {tuple(y.shape)}"
        )
    scales = scales_of(min(x.shape[2:]))
    if not scales:
        raise ValueError(f"MS-SSIM needs images of at least {WINDOW} pixels, got {tuple(x.shape[2:])}")
    weights = np.array(SCALE_WEIGHTS[:scales]) / sum(SCALE_WEIGHTS[:scales])
    channels = x.shape[1]
    # one channel per row, so that a single-channel filter serves all
    x, y = x.reshape(-1, 1, *x.shape[2:]), y.reshape(-1, 1, *y.shape[2:])
    result = torch.ones(len(x), dtype=x.dtype, device=x.device)
    for scale, weight in enumerate(weights):
        luminance, structure = _ssim_terms(x, y)
        last = scale == scales - 1
        term = (luminance * structure if last else structure).mean(dim=(1, 2, 3))
        result = result * term.clamp_min(0.0) ** float(weight)
        if not last:
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
    return result.reshape(-1, channels).mean(1)


def _ssim_terms(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Maps of the luminance term and of contrast times structure (Wang et al. 2004, eq. 6 and 9-10 with C3 = C2 / 2)."""
    mean_x, mean_y = _blur(x), _blur(y)
    variance_x = _blur(x * x) - mean_x * mean_x
    variance_y = _blur(y * y) - mean_y * mean_y
    covariance = _blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x * mean_x + mean_y * mean_y + _C1)
    return luminance, (2 * covariance + _C2) / (variance_x + variance_y + _C2)


def _blur(x: Tensor) -> Tensor:
    """(N, 1, H, W) filtered by the Gaussian window, only where it fits."""
    steps = torch.arange(WINDOW, dtype=x.dtype, device=x.device) - WINDOW // 2
    window = torch.exp(-(steps**2) / (2 * _SIGMA**2))
    window = window / window.sum()
    return F.conv2d(F.conv2d(x, window.view(1, 1, WINDOW, 1)), window.view(1, 1, 1, WINDOW))


def pairwise_ms_ssim(images: np.ndarray, pairs: np.ndarray, batch: int = 128) -> float:
    """Mean MS-SSIM over pairs of images (Odena et al. 2017, arXiv 1610.09585, sec. 4.2, without classes). Lower is more diverse.

    Parameters
    ----------
    images : (N, H, W, 3) uint8.
    pairs : (P, 2) indices into `images`.

    Returns
    -------
    In [0, 1]; NaN for images too small for one window.
    """
    if not scales_of(min(images.shape[1:3])):
        return float("nan")
    total = 0.0
    with torch.inference_mode():
        for start in range(0, len(pairs), batch):
            x, y = (_unit(images[column]) for column in pairs[start : start + batch].T)
            total += float(ms_ssim(x, y).sum(dtype=torch.float64))
    return total / len(pairs)


def _unit(images: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, H, W) float in [0, 1]."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float().div_(255.0).contiguous()


def pairwise_lpips(images: np.ndarray, pairs: np.ndarray, batch: int = 128) -> float:
    """Mean LPIPS-rand over pairs of images. Higher is more diverse.

    The distance of Zhang et al. 2018 (arXiv 1801.03924), eq. 1, with all weights 1 and the maps of the space "rand" instead of those of a
    trained network: it may rank images differently from LPIPS.

    Parameters
    ----------
    images : (N, H, W, 3) uint8.
    pairs : (P, 2) indices into `images`.

    Returns
    -------
    From 0 (every pair identical) to 4 times the number of layers.
    """
    total = 0.0
    for start in range(0, len(pairs), batch):
        first, second = (image_maps(images[column]) for column in pairs[start : start + batch].T)
        for x, y in zip(first, second, strict=True):
            x, y = F.normalize(x, dim=1), F.normalize(y, dim=1)
            total += float((x - y).square().sum(1).mean((1, 2)).sum(dtype=torch.float64))
    return total / len(pairs)
