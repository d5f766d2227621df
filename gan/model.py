"""A generator ready to draw: untuned, or with the adapter trained by tuning in front of it."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import index
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from gan.device import resolve_device
from gan.networks import ImageDiscriminator, LatentGenerator, latents, to_uint8
from gan.networks.adapter import Adapter
from gan.networks.described import telling


@contextmanager
def _exact(device: torch.device) -> Iterator[None]:
    """Exact float32, no gradients: no autocast, no TF32, no algorithms chosen by timing, so that a seed gives the same image everywhere."""
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        if device.type != "cuda":
            yield
            return
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            with torch.backends.cudnn.flags(
                enabled=torch.backends.cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=False
            ):
                yield
        finally:
            torch.set_float32_matmul_precision(before)


@dataclass(eq=False, repr=False)
class Model:
    """A loaded bundle. The tuned model draws `generator(adapter(z))`; without an adapter it is the generator alone.

    Made by `gan.load`, `gan.wrap` or `TuningSession.tuned_model`.
    """

    name: str  # short and readable, such as "dreamscapes"
    generator: LatentGenerator  # z (N, z_dim) -> (N, 3, R, R), nominally in [-1, 1]; never changed by tuning
    adapter: Adapter | None = None  # z (N, z_dim) -> (N, z_dim), trained by tuning
    discriminator: ImageDiscriminator | None = (
        None  # of the same training run; without it, realism is not judged
    )
    card: dict[str, Any] = field(
        default_factory=dict
    )  # its origin: data, licence, training, tuning; plain JSON
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        if self.adapter is not None:
            self.adapter.attach(self.generator)
        self.to(self.device)
        for network in (self.generator, self.adapter, self.discriminator):
            if network is not None:
                network.eval()

    def __repr__(self) -> str:
        what = f"{self.resolution} px, z {self.z_dim}, {'tuned' if self.tuned else 'untuned'}, on {self.device}"
        return f"Model({self.name!r}, {self.generator.kind}, {what})"

    @property
    def z_dim(self) -> int:
        """Width of a latent."""
        return self.generator.z_dim

    @property
    def resolution(self) -> int:
        """Width and height of an image, in pixels."""
        return self.generator.resolution

    @property
    def at_once(self) -> int:
        """Default number of images drawn at a time: 64, fewer from 256 px on."""
        return max(1, 64 // max(1, (self.resolution // 128) ** 2))

    @property
    def tuned(self) -> bool:
        """Whether there is an adapter that changes what is drawn; an untrained one does not."""
        return self.adapter is not None and not self.adapter.idle

    @property
    def hash(self) -> str:
        """Ten hexadecimal digits that identify which images it draws: the start of a SHA-256 over generator and adapter.

        The discriminator is left out, and so is an adapter that changes nothing, because neither affects the images. Of a wrapped module
        only the weights and shapes are hashed, not the code: two modules that differ only in `forward` have the same hash.
        """
        skipped = ("discriminator.",) if self.tuned else ("discriminator.", "adapter.")
        drawing = {key: value for key, value in self.tensors().items() if not key.startswith(skipped)}
        return digest(drawing, self.unweighed())[:10]

    def unweighed(self) -> dict[str, bytes]:
        """What determines its images besides the weights: other files, and the configuration if the shapes do not imply it."""
        if self.generator.kind == "compact":
            return {}
        config = {"kind": self.generator.kind, **telling(self.generator.config)}
        return {**self.generator.files(), "config": json.dumps(config, sort_keys=True).encode()}

    def tensors(self) -> dict[str, Tensor]:
        """All tensors by their names in a bundle, such as `generator.synthesis.constant`; shared with the model, not copied."""
        networks = {"generator": self.generator, "adapter": self.adapter, "discriminator": self.discriminator}
        return {
            f"{prefix}.{key}": value
            for prefix, network in networks.items()
            if network is not None
            for key, value in network.state_dict().items()
        }

    def to(self, device: torch.device | str) -> "Model":
        """Move all networks to a device, in place like `nn.Module.to`. Returns itself.

        Raises
        ------
        UserError
            The device does not exist here.
        """
        self.device = resolve_device(device)
        for network in (self.generator, self.adapter, self.discriminator):
            if network is not None:
                network.to(self.device)
        return self

    def draw(self, z: Tensor | np.ndarray, psi: float = 1.0) -> Tensor:
        """Draw the images of latents, without gradients and always in float32.

        Parameters
        ----------
        z : (N, z_dim) float, on any device.
        psi : truncation in [0, 1]; 1 is none, 0 draws the mean image. Generators that cannot truncate ignore it.

        Returns
        -------
        (N, 3, R, R) float32 on the model's device, in [-1, 1].

        Raises
        ------
        ValueError
            The latents have another shape or values that are not finite, or psi is out of range.
        """
        if not 0.0 <= psi <= 1.0:
            raise ValueError(f"psi must lie in [0, 1], not {psi}")
        # torch takes no negative strides and no foreign byte order, and warns of arrays that are read-only
        z = z if isinstance(z, Tensor) else torch.from_numpy(np.array(z, dtype=np.float32))
        if z.ndim != 2 or z.shape[1] != self.z_dim:
            raise ValueError(f"latents have the shape {tuple(z.shape)}, not (N, {self.z_dim})")
        if not torch.isfinite(z).all():
            raise ValueError("latents hold values that are not finite")
        with _exact(self.device):
            z = z.to(self.device, torch.float32)
            if self.adapter is not None:
                z = self.adapter(z)
            images: Tensor = self.generator(z, psi)
            return images.clamp(-1.0, 1.0)

    def sample(self, seeds: Iterable[int], psi: float = 1.0, batch: int | None = None) -> np.ndarray:
        """Draw one image per seed: uint8 (N, R, R, 3). A seed gives the same image on every device, to within one grey level.

        Parameters
        ----------
        seeds : each in 0 .. 2**32 - 1.
        psi : truncation in [0, 1]; 1 is none.
        batch : images drawn at a time; affects memory and speed, not the images. By default `at_once`.

        Raises
        ------
        ValueError
            A seed or psi is out of range, or the batch is below 1.
        """
        batch = self.at_once if batch is None else index(batch)
        if batch < 1:
            raise ValueError(f"batch must be at least 1, not {batch}")
        z = latents(seeds, self.z_dim)
        pixels = [to_uint8(self.draw(rows, psi)) for rows in z.split(batch)] if len(z) else []
        empty = np.zeros((0, self.resolution, self.resolution, 3), np.uint8)
        return np.concatenate(pixels) if pixels else empty


def wrap(
    module: nn.Module,
    z_dim: int,
    *,
    name: str = "wrapped",
    values: Literal["signed", "unit"] | None = None,
    mapping: nn.Module | None = None,
    discriminator: ImageDiscriminator | None = None,
    device: torch.device | str = "cpu",
) -> Model:
    """Wrap any PyTorch generator as a `Model`, so that it can be taught like a bundled one.

    >>> model = gan.wrap(my_generator, z_dim=128)
    >>> session = gan.TuningSession(model)            # then propose, add, feedback, fit, run_round
    >>> session.tuned_model().sample(range(16))       # uint8 (16, R, R, 3)

    Parameters
    ----------
    module : latents (N, z_dim) or (N, z_dim, 1, 1) from N(0, I) -> images (N, 1 or 3, R, R) of any square size, alone or first in a
        tuple. It is put into evaluation mode and moved to `device`; its weights are never changed. A latent must always give the same
        image: no noise may be drawn in `forward`.
    z_dim : width of a latent.
    values : "signed" for images in -1..1, "unit" for 0..1; by default found out from a few images.
    mapping : the mapping network of a style-based generator, from z (N, z_dim) to w (N, W). A taste is much easier to predict from w.
    discriminator : judges realism; without one, that reward term is off.
    device : "auto", "cpu", "cuda", "cuda:N" or "mps".

    Raises
    ------
    UserError
        The module's output is no image, or the device does not exist here.
    """
    from gan.networks.wrapped import wrapped

    place = resolve_device(device)
    return Model(name, wrapped(module, z_dim, values, mapping), None, discriminator, device=place)


def digest(tensors: dict[str, Tensor], files: dict[str, bytes] | None = None) -> str:
    """SHA-256 over tensors (names, shapes and float32 values) and files, in the order of the names. 64 hexadecimal digits."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        values = (
            tensors[name].detach().to("cpu", torch.float32).contiguous().numpy().astype("<f4", copy=False)
        )
        sha.update(f"{name}{tuple(values.shape)}".encode())
        sha.update(values.tobytes())
    for name, data in sorted((files or {}).items()):
        sha.update(f"{name}({len(data)},)".encode())
        sha.update(data)
    return sha.hexdigest()
