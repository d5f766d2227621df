"""The interface of all generators and discriminators, Tastemaker's own and imported ones."""

from typing import Annotated, Any, ClassVar

from torch import Tensor, nn

LATER = "later"  # metadata key of a configuration field that bundles of earlier versions lack; it then has its default
Whole = Annotated[int, 0]  # in a configuration: a whole number from 0; a plain int starts at 1


class LatentGenerator(nn.Module):
    """Latents -> images. The peculiarities of an imported generator are hidden inside, so that no other code needs to know them.

    Rules
    -----
    - Latents are always N(0, I): another prior, class labels, another pixel range and grey images are handled in `forward`.
    - `Kind.config` in the registry is a frozen dataclass from which the module is built without allocating memory (on the meta device);
      every tensor that `forward` needs must therefore be a parameter or a persistent float buffer, or be created in `forward`.
    - It need not be differentiable: tuning acts on latents. Only the pathwise estimator needs a gradient, and reports if there is none.
    - A latent determines its image: no randomness in `forward`, and no dependence on the rest of the batch.
    """

    kind: ClassVar[str]  # its name in the registry and in bundles
    truncates: ClassVar[bool] = False  # whether psi has an effect
    config: Any  # a frozen dataclass; the registry names its type

    @property
    def z_dim(self) -> int:
        """Width of a latent; with class labels, the noise's width plus the number of classes."""
        width: int = self.config.z_dim
        return width

    @property
    def resolution(self) -> int:
        """Width and height of an image, in pixels."""
        side: int = self.config.resolution
        return side

    @property
    def classes(self) -> int:
        """Number of class labels that the last coordinates of a latent select from, by the largest; 0 if there are none or one is fixed."""
        return 0

    @property
    def embed_dim(self) -> int:
        """Width of what `embed` returns."""
        return self.z_dim

    def embed(self, z: Tensor) -> Tensor:
        """Latents (N, z_dim) as the generator's mapping represents them: (N, embed_dim); the latents themselves without a mapping.

        A person's liking is much easier to learn from the w of a style-based generator than from z.
        """
        return z

    @property
    def style_layers(self) -> int:
        """Number of styles that `synthesise` takes; 0 if mapping and synthesis are not separate, and `synthesise` does not exist."""
        return 0

    def synthesise(self, styles: Tensor) -> Tensor:
        """Images (N, 3, R, R) from one style per layer, (N, style_layers, embed_dim); `forward` uses that of `embed` for every layer."""
        raise NotImplementedError

    def straighten(self, w: Tensor) -> Tensor:
        """w (..., embed_dim) before the mapping's last rectifier, where it is nearly Gaussian (Wulff and Torralba 2020, arXiv 2009.06529).

        Returns w itself if the mapping does not end in a rectifier, or in one that cannot be inverted.
        """
        return w

    def bend(self, straight: Tensor) -> Tensor:
        """The inverse of `straighten`."""
        return straight

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Images (N, 3, R, R), nominally in [-1, 1], of latents (N, z_dim) from N(0, I); psi in [0, 1] is the truncation.

        A generator that truncates must also accept psi as a zero-dimensional tensor, so that exported graphs can have it as an input.
        """
        raise NotImplementedError

    def files(self) -> dict[str, bytes]:
        """Data other than tensors that a bundle stores beside the weights, by file name (such as a graph). It enters the model's hash."""
        return {}

    def attach(self, files: dict[str, bytes]) -> None:
        """Restore what `files` returned; called after the weights are loaded from a bundle.

        Raises
        ------
        ValueError
            A file does not fit the configuration.
        """

    def original_state_dict(self) -> dict[str, Tensor] | None:
        """The weights under the names that they had when imported, so that the original code can load them; None without one."""
        return None


class ImageDiscriminator(nn.Module):
    """Images -> features and logits, each image independent of the others."""

    kind: ClassVar[str]
    config: Any

    @property
    def resolution(self) -> int:
        """Width and height of the images it takes, in pixels."""
        side: int = self.config.resolution
        return side

    def judge(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, F) and logits (N,) of images (N, 3, R, R) in [-1, 1]; higher is more real."""
        raise NotImplementedError
