"""What generators with a mapping network share: classes, truncation, and mapping and synthesis as separate steps."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gan.networks.base import LatentGenerator
from gan.networks.stylegan2_layers import Activation, Mapping, bend, gain_of, unbend


class StyleBased(LatentGenerator):
    """z -> w -> image. With classes, a latent is the noise followed by one number per class; the largest selects the class.

    A subclass has a `mapping`, the mean style `w_avg`, and a `synthesis` from a list of styles (N, W) to images (N, image_channels, R, R).
    Its configuration has the fields `mapping` (a `MappingConfig`), `label`, `truncation_cutoff`, `image_channels` and `layers`, the number
    of styles.
    """

    truncates: ClassVar[bool] = True
    config: Any
    mapping: Mapping
    synthesis: nn.Module
    w_avg: Tensor

    @property
    def z_dim(self) -> int:
        """Width of a latent: that of the noise, plus the number of classes."""
        width: int = self.config.mapping.noise_width + self.config.mapping.classes
        return width

    @property
    def classes(self) -> int:
        return self.config.mapping.classes if self.config.label is None else 0

    @property
    def embed_dim(self) -> int:
        width: int = self.config.mapping.outputs
        return width

    def embed(self, z: Tensor) -> Tensor:
        """w (N, W)."""
        return self.styles(z)

    def styles(self, z: Tensor) -> Tensor:
        """w (N, W) of latents (N, z_dim)."""
        width, classes = self.config.mapping.noise_width, self.config.mapping.classes
        w: Tensor
        if not classes:
            w = self.mapping(z, None)
            return w
        numbers = torch.arange(classes, device=z.device)
        if self.config.label is None:
            chosen = z[:, width:].argmax(dim=1, keepdim=True)
        else:
            chosen = torch.full_like(z[:, :1], self.config.label, dtype=torch.int64)
        w = self.mapping(z[:, :width], (numbers == chosen).float())
        return w

    @property
    def style_layers(self) -> int:
        count: int = self.config.layers
        return count

    def synthesise(self, styles: Tensor) -> Tensor:
        image: Tensor = self.synthesis(list(styles.unbind(dim=1)))
        return image.expand(-1, 3, -1, -1) if self.config.image_channels == 1 else image

    def straighten(self, w: Tensor) -> Tensor:
        return unbend(w, self._last) if self.config.mapping.layers else w

    def bend(self, straight: Tensor) -> Tensor:
        if not self.config.mapping.layers or self._last == "relu":
            return straight
        return bend(straight * gain_of(self._last), self._last)

    @property
    def _last(self) -> Activation:
        """The last activation of the mapping."""
        activation: Activation = self.config.mapping.activation
        return activation

    def forward(self, z: Tensor, psi: float | Tensor = 1.0) -> Tensor:
        """Images of latents.

        Parameters
        ----------
        z : (N, z_dim) float, from N(0, I).
        psi : truncation in [0, 1]; 1 is none, 0 draws the mean image (Karras et al. 2019, arXiv 1812.04948, appendix B).

        Returns
        -------
        (N, 3, R, R) float, nominally in [-1, 1], not clamped; grey images are repeated over the channels.
        """
        w = self.styles(z)
        layers, cutoff = self.config.layers, self.config.truncation_cutoff
        near = w if not isinstance(psi, Tensor) and psi == 1.0 else self.w_avg.lerp(w, psi)
        truncated = layers if cutoff is None else min(cutoff, layers)
        image: Tensor = self.synthesis([near] * truncated + [w] * (layers - truncated))
        return image.expand(-1, 3, -1, -1) if self.config.image_channels == 1 else image
