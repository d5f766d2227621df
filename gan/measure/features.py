"""A feature space in which no generator, discriminator or taste model was trained: a fixed random convolutional network.

Random networks separate image distributions about as well as trained ones (arXiv 2208.09218) and need no licence. The space is called
"rand", never Inception: its distances can only be compared with one another.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

DIMENSIONS = 692
SIDE = 64  # every image is resized to this side first, so that one space serves all resolutions
SEED = 20_220_818
CALIBRATION_IMAGES = 1024
WHITENING = 0.25  # power of the inverse covariance: 0 is no whitening, 0.5 is full

# (channels, kernel) of four layers of stride 2 each: maps of 32, 16, 8 and 4 pixels
LAYERS = ((32, 5), (48, 3), (64, 3), (56, 3))
FORMS = 512  # dimensions of the pooled maps

# Texture: log energy of high-pass responses at 64, 32 and 16 pixels. Without it, a smooth generator would pass for real.
HIGH_PASS = 12
ENERGY_FLOOR = 3e-3  # in [-1, 1] squared: about 4 grey levels of noise, which is invisible
TEXTURE_WEIGHT = 0.5  # at 1, fine texture alone would decide; chosen on blurred, noisy, torn and recoloured real images


def _filters(rng: np.random.RandomState, outputs: int, inputs: int, kernel: int) -> Tensor:
    """Convolution weights (outputs, inputs, kernel, kernel) with orthogonal rows, scaled to preserve variance (He et al. 2015)."""
    fan_in = inputs * kernel * kernel
    basis, upper = np.linalg.qr(rng.randn(fan_in, outputs))
    basis *= np.sign(np.diag(upper))  # makes the factorisation unique, and so the same on every machine
    weights = basis.T * np.sqrt(2.0)
    return torch.from_numpy(weights.reshape(outputs, inputs, kernel, kernel).astype(np.float32))


def _dead_leaves(count: int) -> np.ndarray:
    """Images of overlapping discs with power-law sizes, (count, SIDE, SIDE, 3) uint8, which have the statistics of natural images."""
    rng = np.random.RandomState(SEED + 1)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    images = np.empty((count, SIDE, SIDE, 3), np.uint8)
    for image in images:
        # a gradient behind the discs: in photographs, pixels are more alike along a row than along a column
        top, bottom = rng.randint(0, 256, (2, 3))
        image[:] = (top + (bottom - top) * (y / SIDE)[:, :, None]).astype(np.uint8)
        hue = rng.randint(0, 256, 3)
        for _ in range(rng.randint(5, 40)):
            radius = 2.0 / (rng.rand() + 0.06)
            cx, cy = rng.rand(2) * SIDE
            colour = np.clip(hue + rng.randint(-90, 91, 3), 0, 255)
            rows = slice(max(int(cy - radius), 0), int(cy + radius) + 2)
            columns = slice(max(int(cx - radius), 0), int(cx + radius) + 2)
            disc = (x[rows, columns] - cx) ** 2 + (y[rows, columns] - cy) ** 2 < radius * radius
            image[rows, columns][disc] = colour
    return images


class RandomFeatures(nn.Module):
    """Images (N, 3, SIDE, SIDE) in [-1, 1] -> features (N, DIMENSIONS).

    Mean and standard deviation of the first three layers' maps (colour, shapes), the last layer's map averaged over a 2 x 2 grid
    (layout), and the log energy of high-pass filters at three scales, over the whole and over each quarter (texture).
    """

    high_pass: Tensor

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.RandomState(SEED)
        inputs = 3
        for index, (outputs, kernel) in enumerate(LAYERS):
            weights = _filters(rng, outputs, inputs, kernel).contiguous(memory_format=torch.channels_last)
            self.register_buffer(f"weight{index}", weights)
            self.register_buffer(f"bias{index}", torch.from_numpy(0.2 * rng.randn(outputs).astype(np.float32)))
            inputs = outputs
        filters = rng.randn(HIGH_PASS, 3, 9)
        filters -= filters.mean(2, keepdims=True)  # zero mean: insensitive to colour and brightness
        filters *= np.sqrt(2.0 / (filters**2).sum((1, 2), keepdims=True))
        high_pass = torch.from_numpy(filters.reshape(HIGH_PASS, 3, 3, 3).astype(np.float32))
        self.register_buffer("high_pass", high_pass.contiguous(memory_format=torch.channels_last))

    def forward(self, images: Tensor) -> Tensor:
        images = images.contiguous(memory_format=torch.channels_last)
        return torch.cat(self._forms(images) + self._texture(images), 1)

    def maps(self, x: Tensor) -> list[Tensor]:
        """Feature maps of each of LAYERS: (N, channels, side, side), sides 32, 16, 8 and 4."""
        maps: list[Tensor] = []
        for index, (_, kernel) in enumerate(LAYERS):
            x = F.conv2d(x, getattr(self, f"weight{index}"), getattr(self, f"bias{index}"), 2, kernel // 2)
            x = F.leaky_relu(x, 0.2)
            maps.append(x)
        return maps

    def _forms(self, images: Tensor) -> list[Tensor]:
        *maps, last = self.maps(images)
        pooled: list[Tensor] = []
        for x in maps:
            variance, mean = torch.var_mean(x, dim=(2, 3))
            pooled += [mean, (variance + 1e-6).sqrt()]
        return [*pooled, F.adaptive_avg_pool2d(last, 2).flatten(1)]

    def _texture(self, x: Tensor) -> list[Tensor]:
        pooled: list[Tensor] = []
        for _ in range(3):
            energy = F.conv2d(x, self.high_pass).square()
            for size in (1, 2):
                pooled.append((F.adaptive_avg_pool2d(energy, size).flatten(1) + ENERGY_FLOOR).log())
            x = F.avg_pool2d(x, 2)
        return pooled


def _as_tensor(images: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 3, SIDE, SIDE) float in [-1, 1]; other sizes are resized by area averaging."""
    # a copy, because torch warns about read-only arrays such as memory-mapped ones
    x = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
    if x.shape[2:] != (SIDE, SIDE):
        x = F.interpolate(x, (SIDE, SIDE), mode="area")
    return x.div_(127.5).sub_(1.0)


@cache
def _space() -> tuple[RandomFeatures, Tensor, Tensor]:
    """The network, the mean (DIMENSIONS,) of its features over the calibration images, and the whitening map.

    Forms and texture are half-whitened separately. Without whitening, three directions (brightness, contrast, hue) hold half of all
    distance and hide a torn image; with full whitening, distances are mostly noise. The symmetric power is a smooth function of the
    covariance, so that rounding on another machine does not rotate the axes.
    """
    network = RandomFeatures().eval()
    with torch.inference_mode():
        raw = network(_as_tensor(_dead_leaves(CALIBRATION_IMAGES))).double()
    blocks = (_whitening(raw[:, :FORMS]), TEXTURE_WEIGHT * _whitening(raw[:, FORMS:]))
    return network, raw.mean(0).float(), torch.block_diag(*blocks).float()


def _whitening(raw: Tensor) -> Tensor:
    """The map (D, D) that standardises the columns of (N, D), half-whitens them and leaves a mean variance of 1."""
    deviation = raw.std(0)
    covariance = torch.cov(((raw - raw.mean(0)) / deviation).T)
    values, vectors = torch.linalg.eigh(covariance)
    whiten = (vectors * (values + 0.01) ** -WHITENING) @ vectors.T
    whiten *= (len(covariance) / torch.trace(whiten @ covariance @ whiten)).sqrt()
    return whiten / deviation[:, None]


def image_maps(images: np.ndarray) -> list[Tensor]:
    """The random network's feature maps of images (N, H, W, 3) uint8, one tensor (N, channels, side, side) for each of LAYERS."""
    _check(images)
    network, _, _ = _space()
    with torch.inference_mode():
        return network.maps(_as_tensor(images).contiguous(memory_format=torch.channels_last))


def features(images: np.ndarray, batch: int = 64) -> np.ndarray:
    """Features of images in the space "rand".

    Parameters
    ----------
    images : (N, H, W, 3) uint8, of any size; a memory-mapped array is read a batch at a time.
    batch : images per forward pass; affects the result only by rounding.

    Returns
    -------
    (N, DIMENSIONS) float32, half-whitened, with mean 0 and, apart from TEXTURE_WEIGHT, mean variance 1 over a fixed set of synthetic
    images.

    Raises
    ------
    ValueError
        The images have another shape or dtype.
    """
    _check(images)
    network, mean, whiten = _space()
    out = np.empty((len(images), DIMENSIONS), np.float32)
    with torch.inference_mode():
        for start in range(0, len(images), batch):
            raw = network(_as_tensor(images[start : start + batch]))
            out[start : start + batch] = ((raw - mean) @ whiten).numpy()
    return out


def _check(images: np.ndarray) -> None:
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 (N, H, W, 3), got {images.dtype} {images.shape}")
