"""The interface of every generator and every discriminator to the rest of the code, whoever made it."""

from typing import Annotated, Any, ClassVar

from torch import Tensor, nn

LATER = "later"  # metadata of a configuration's field that earlier bundles lack; they have its default
Whole = Annotated[int, 0]  # in a configuration: the smallest value allowed; a plain int starts at 1


class LatentGenerator(nn.Module):
    """Latents -> images. Everything peculiar to a foreign generator is folded inside, so that nothing outside needs to know.

    Rules
    -----
    - Latents are always N(0, I): another prior, class labels, another range of pixels and grey images are dealt with in `forward`.
    - `Kind.config` of the registry is a frozen dataclass from which the module is rebuilt without memory (on the meta device); so
      every tensor that `forward` needs is a parameter or a persistent float buffer, or made in `forward`.
    - No gradient need flow through it: tuning acts on latents. Only the pathwise estimator asks for one, and says so where there is none.
    - A latent is an image: no randomness in `forward`, and no image depends on its neighbours in the batch.
    """

    kind: ClassVar[str]  # its name in the registry and in bundles
    truncates: ClassVar[bool] = False  # whether psi changes anything
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
        """How many class labels the last coordinates of a latent choose from, by their largest; 0: none, or the label is fixed."""
        return 0

    @property
    def embed_dim(self) -> int:
        """Width of what `embed` gives."""
        return self.z_dim

    def embed(self, z: Tensor) -> Tensor:
        """What the generator makes of latents (N, z_dim) before it draws: (N, embed_dim); the latents themselves if that is unknown.

        Likings are far easier to read from a style-based generator's w than from z.
        """
        return z

    @property
    def style_layers(self) -> int:
        """How many styles `synthesise` takes; 0: there is no mapping apart from a synthesis, and no `synthesise`."""
        return 0

    def synthesise(self, styles: Tensor) -> Tensor:
        """Images (N, 3, R, R) of one style for each layer, (N, style_layers, embed_dim); `forward` gives each what `embed` gives."""
        raise NotImplementedError

    def straighten(self, w: Tensor) -> Tensor:
        """w (..., embed_dim) before its mapping's last rectifier, where it is nearly Gaussian (Wulff and Torralba 2020, arXiv 2009.06529).

        w itself where the mapping ends in none, or in one that cannot be undone.
        """
        return w

    def bend(self, straight: Tensor) -> Tensor:
        """The inverse of `straighten`."""
        return straight

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        """Images (N, 3, R, R), nominally in [-1, 1], of latents (N, z_dim) from N(0, I); psi in [0, 1] is the truncation.

        One that truncates must also take psi as a tensor without dimensions, so that exported graphs can have it as an input.
        """
        raise NotImplementedError

    def files(self) -> dict[str, bytes]:
        """Files that a bundle keeps beside the weights, by name: what is not tensors (a graph). Part of the model's hash."""
        return {}

    def attach(self, files: dict[str, bytes]) -> None:
        """Take back what `files` gave, when a bundle is loaded; called after the weights are in.

        Raises
        ------
        ValueError
            A file does not fit.
        """

    def original_state_dict(self) -> dict[str, Tensor] | None:
        """The weights under the names that they were imported with, so that they load into the code they came from; else None."""
        return None


class ImageDiscriminator(nn.Module):
    """Images -> features and logits, each image judged alone."""

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
