"""The compact style-based generator: StyleGAN2's skip architecture without noise inputs, so that a seed determines its image."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import LATER, LatentGenerator, Whole
from gan.networks.layers import (
    Linear,
    StyledConv,
    activate,
    deactivate,
    normal,
    pixel_norm,
    smooth,
    upsample2,
)

_SHARPNESS = 2.0  # factor of a palette's logits, so that initial weights mix a few colours of it, not all


@dataclass(frozen=True)
class GeneratorConfig:
    """Shape of a generator; everything needed to rebuild it before loading its weights."""

    resolution: int = 64  # output width and height in pixels, 4 * 2**(len(channels) - 1) * pixel * subpixel
    z_dim: int = 64  # latent width; z ~ N(0, I)
    w_dim: int = 128  # style width
    mapping_layers: int = 2  # depth of the mapping network z -> w
    channels: tuple[int, ...] = (128, 128, 64, 32, 16)  # width at 4, 8, 16, ... pixels
    image_channels: int = 3
    pixel: int = field(
        default=1, metadata={LATER: True}
    )  # side of a square drawn in one colour: 2 or more for pixel art
    palette: Whole = field(
        default=0, metadata={LATER: True}
    )  # colours that an image is mixed of, see `Palette`; 0: any colour anywhere
    subpixel: int = field(
        default=1, metadata={LATER: True}
    )  # side of the squares of pixels that the last block draws at each of its places, see `Synthesis`

    def __post_init__(self) -> None:
        drawn = 4 * 2 ** (len(self.channels) - 1) * self.pixel * self.subpixel
        if self.resolution != drawn:
            raise ValueError(
                f"{len(self.channels)} channel widths give {drawn} pixels, not {self.resolution}"
            )
        if self.subpixel > 1 and (self.pixel > 1 or self.palette):
            raise ValueError("pixel art has nothing finer than its squares: subpixel must be 1")


class Mapping(nn.Module):
    """z (N, z_dim) -> w (N, w_dim). z is normalised first, so its length has no effect."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        widths = [config.z_dim] + [config.w_dim] * config.mapping_layers
        self.layers = nn.ModuleList(
            Linear(a, b, lr_multiplier=0.01) for a, b in zip(widths[:-1], widths[1:], strict=True)
        )

    def forward(self, z: Tensor) -> Tensor:
        x = pixel_norm(z.float())
        for layer in self.layers:
            x = activate(layer(x))
        return x


class SynthesisBlock(nn.Module):
    """Two styled convolutions and a contribution to the image, at one resolution. All but the first block double the resolution first."""

    def __init__(self, inputs: int, outputs: int, config: GeneratorConfig, first: bool) -> None:
        super().__init__()
        self.first = first
        self.conv0 = None if first else StyledConv(inputs, outputs, config.w_dim, upsample=True)
        self.conv1 = StyledConv(outputs, outputs, config.w_dim)
        self.to_image = StyledConv(
            outputs, config.palette or config.image_channels, config.w_dim, kernel=1, demodulate=False
        )

    def forward(self, x: Tensor, image: Tensor | None, w: Tensor) -> tuple[Tensor, Tensor]:
        if self.conv0 is not None:
            x = self.conv0(x, w)
        x = self.conv1(x, w)
        contribution = self.to_image(x, w)
        if image is None:
            return x, contribution
        return x, upsample2(image) + contribution


class Palette(nn.Module):
    """Combines the blocks' output, used as logits (N, K, R, R), with a style (N, w_dim): images (N, image_channels, R, R).

    Pixel art is made of a few flat colours. Each image therefore has K colours of its own, and the synthesis selects one for each pixel by
    a softmax that learns to be sharp. Flat areas stay flat, where three unconstrained channels would leave speckles.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.shape = (config.palette, config.image_channels)
        self.colours = Linear(config.w_dim, config.palette * config.image_channels)
        if not self.colours.bias.is_meta:
            nn.init.uniform_(self.colours.bias, -1.0, 1.0)  # the same range as that of images

    def forward(self, logits: Tensor, w: Tensor) -> Tensor:
        colours = self.colours(w).unflatten(1, self.shape)
        return torch.einsum("nkhw,nkc->nchw", (_SHARPNESS * logits).softmax(dim=1), colours)


class Synthesis(nn.Module):
    """w (N, w_dim), or one per block (N, blocks, w_dim) -> images (N, image_channels, R, R), nominally in [-1, 1], not clamped.

    With `subpixel`, the last block also draws detail finer than its own resolution: a convolution returns the pixels of a square as
    separate channels (Shi et al. 2016, arXiv 1609.05158). This saves blocks at full resolution, whose few channels cost the most. The
    result is smoothed over the side of a square, so that no pattern of squares remains where features are alike (Sugawara, Shiota and Kiya
    2019, "Checkerboard artifacts free convolutional neural networks").
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.pixel, self.subpixel = config.pixel, config.subpixel
        self.palette = Palette(config) if config.palette else None
        widths = config.channels
        self.constant = normal(1, widths[0], 4, 4)
        self.blocks = nn.ModuleList(
            SynthesisBlock(widths[max(i - 1, 0)], widths[i], config, first=i == 0) for i in range(len(widths))
        )
        self.detail = (
            None
            if config.subpixel == 1
            else StyledConv(widths[-1], config.image_channels * config.subpixel**2, config.w_dim, demodulate=False)
        )

    def forward(self, w: Tensor) -> Tensor:
        x = self.constant.expand(w.shape[0], -1, -1, -1).contiguous(memory_format=torch.channels_last)
        image: Tensor | None = None
        styles = [w] * len(self.blocks) if w.ndim == 2 else w.unbind(dim=1)
        for block, style in zip(self.blocks, styles, strict=True):
            x, image = block(x, image, style)
        assert image is not None
        if self.palette is not None:
            image = self.palette(image, styles[-1])
        if self.detail is not None:
            enlarged = F.interpolate(image, scale_factor=float(self.subpixel), mode="bilinear", align_corners=False)
            image = enlarged + smooth(F.pixel_shuffle(self.detail(x, styles[-1]), self.subpixel), self.subpixel)
        return (
            image if self.pixel == 1 else F.interpolate(image, scale_factor=float(self.pixel), mode="nearest")
        )


class Generator(LatentGenerator):
    """z -> w -> image. `w_mean` is the mean of w over the prior, updated during training and used for truncation."""

    kind = "compact"
    truncates = True
    config: GeneratorConfig
    w_mean: Tensor

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = config or GeneratorConfig()
        self.mapping = Mapping(self.config)
        self.synthesis = Synthesis(self.config)
        self.register_buffer("w_mean", torch.zeros(self.config.w_dim))

    @property
    def embed_dim(self) -> int:
        return self.config.w_dim

    def embed(self, z: Tensor) -> Tensor:
        """w (N, w_dim)."""
        w: Tensor = self.mapping(z)
        return w

    @property
    def style_layers(self) -> int:
        return len(self.config.channels)

    def synthesise(self, styles: Tensor) -> Tensor:
        images: Tensor = self.synthesis(styles)
        return images

    def straighten(self, w: Tensor) -> Tensor:
        return deactivate(w) if self.config.mapping_layers else w

    def bend(self, straight: Tensor) -> Tensor:
        return activate(straight) if self.config.mapping_layers else straight

    def forward(self, z: Tensor, psi: float | Tensor = 1.0) -> Tensor:
        """Images of latents.

        Parameters
        ----------
        z : (N, z_dim) float, from N(0, I).
        psi : truncation in [0, 1]; 1 is none, 0 draws the mean image (Karras et al. 2019, arXiv 1812.04948, appendix B).

        Returns
        -------
        (N, image_channels, R, R) float, nominally in [-1, 1], not clamped.
        """
        w = self.mapping(z)
        if isinstance(psi, Tensor) or psi != 1.0:
            w = self.w_mean.lerp(w, psi)
        return self.synthesis(w)
