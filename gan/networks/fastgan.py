"""The generator of "Towards Faster and Stabilized GAN Training" (Liu et al. 2021, arXiv 2101.04775), as the authors' program has it.

It differs from that of lightweight-gan (`lightweight.py`): every second size has two convolutions, features of 4 x 4 places determine the
weights of channels, and all layers are spectrally normalised. Attributes have the names that the program uses in its files.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import LatentGenerator, Whole
from gan.networks.layered import as_images
from gan.networks.layers import enlarged_conv
from gan.networks.lucidrains import BatchNorm
from gan.networks.reparametrised import Form, Kept, Reparametrised

SMALLEST, _LARGEST = 4, 2048  # pixels of the first feature map, and of an image
EXCITED_FROM = 16  # features of size s / 16 determine the weights for the channels of those of size s
_POOLED = 4  # places along each side from which such weights are determined
_BY_INPUTS: frozenset[Form] = frozenset({"spectral", "spectral_left", "spectral_parametrization"})


@dataclass(frozen=True)
class FastganConfig:
    """Shape of a FastGAN generator. Lists by size start at 8 pixels, unless they say otherwise, and go on to the size of the image."""

    z_dim: int
    resolution: int  # a power of two
    image_channels: int  # 1 or 3
    widths: tuple[int, ...]  # channels at 4, 8, 16, ... pixels
    doubled: tuple[bool, ...]  # by size: whether there are two convolutions, with noise
    excited: tuple[bool, ...]  # by size: whether smaller features weigh the channels
    small: Whole  # size of the small image that is drawn beside the large one for the discriminator; 0 without one
    form: Form | None = None  # how the original code keeps the weights of its convolutions
    output: Literal["tanh", "none"] = "none"

    def __post_init__(self) -> None:
        if min(self.z_dim, *self.widths) < 1:
            raise ValueError(f"{self.z_dim} latents and layers of {min(self.widths)} channels")
        if self.resolution != SMALLEST << len(self.doubled) or self.resolution > _LARGEST or len(self.excited) != len(self.doubled):
            raise ValueError(f"{len(self.doubled)} layers do not give {self.resolution} px")
        if len(self.widths) != len(self.doubled) + 1 or self.image_channels not in {1, 3}:
            raise ValueError(f"{len(self.widths)} widths for {len(self.doubled)} layers, {self.image_channels} image channels")
        if self.small and self.small not in self.sizes[:-1]:
            raise ValueError(f"there is no feature map of {self.small} px")
        if any(excited and size // EXCITED_FROM < SMALLEST for size, excited in zip(self.sizes, self.excited, strict=True)):
            raise ValueError("a layer is weighted by none that comes before it")

    @property
    def sizes(self) -> list[int]:
        """Sizes of the feature maps after the first, in pixels."""
        return [SMALLEST << i for i in range(1, len(self.doubled) + 1)]

    def width(self, size: int) -> int:
        """Number of channels of the feature map of a size."""
        return self.widths[round(math.log2(size // SMALLEST))]


class Convolution(nn.Module):
    """A convolution without bias that keeps the size, or (`transposed`) the layer from a latent to the first feature map."""

    def __init__(self, inputs: int, outputs: int, kernel: int, form: Form | None, transposed: bool = False) -> None:
        super().__init__()
        ends = (inputs, outputs) if transposed else (outputs, inputs)
        self.weight = nn.Parameter(torch.empty(*ends, kernel, kernel))
        if not self.weight.is_meta:
            nn.init.normal_(self.weight, std=1.0 / math.sqrt(inputs) / (1 if transposed else kernel))
        if form is not None:
            along = int(transposed and form in _BY_INPUTS)
            self.kept = Kept(Reparametrised(form, ends[along], along), self.weight.numel())

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, outputs, H, W)."""
        return F.conv2d(x, self.weight, padding=self.weight.shape[2] // 2)

    def enlarging(self, x: Tensor) -> Tensor:
        """What `forward` gives of x with every pixel repeated, two by two: (N, C, R, R) -> (N, outputs, 2 R, 2 R)."""
        return enlarged_conv(x, self.weight)

    def original(self, name: str) -> dict[str, Tensor]:
        """Its tensors under their original names; `name` : of the module."""
        weight = self.weight.detach()
        return self.kept.original(name, weight) if hasattr(self, "kept") else {f"{name}.weight": weight}


def _gated(x: Tensor) -> Tensor:
    """Gated linear unit (N, 2 C, R, R) -> (N, C, R, R); unlike torch's it keeps `channels_last`."""
    values, gates = x.chunk(2, dim=1)
    return values * torch.sigmoid(gates)


class _Noise(nn.Module):
    """Adds noise with a learnt weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        return x + self.weight * noise


class _Up(nn.ModuleDict):
    """(N, inputs, R, R) -> (N, outputs, 2 R, 2 R). Keys are places in the program's sequence, in which other modules have no weights."""

    def __init__(self, inputs: int, outputs: int, doubled: bool, form: Form | None) -> None:
        def convolution(channels: int) -> Convolution:
            return Convolution(channels, 2 * outputs, 3, form)

        self.doubled = doubled
        if doubled:
            first: dict[str, nn.Module] = {"1": convolution(inputs), "2": _Noise(), "3": BatchNorm(2 * outputs)}
            super().__init__({**first, "5": convolution(outputs), "6": _Noise(), "7": BatchNorm(2 * outputs)})
        else:
            super().__init__({"1": convolution(inputs), "2": BatchNorm(2 * outputs)})

    def forward(self, x: Tensor, noises: list[Tensor]) -> Tensor:
        """`noises` : two maps (1, 1, 2 R, 2 R), or none of a layer that has one convolution."""
        first = self["1"]
        assert isinstance(first, Convolution)
        x = first.enlarging(x)
        if not self.doubled:
            return _gated(self["2"](x))
        x = _gated(self["3"](self["2"](x, noises[0])))
        return _gated(self["7"](self["6"](self["5"](x), noises[1])))


class _Excitation(nn.Module):
    """Features of a small layer -> weights (N, outputs, 1, 1) in [0, 1] for the channels of a large one (section 3.1)."""

    def __init__(self, inputs: int, outputs: int, form: Form | None) -> None:
        super().__init__()
        self.main = nn.ModuleDict({"1": Convolution(inputs, outputs, _POOLED, form), "3": Convolution(outputs, outputs, 1, form)})

    def forward(self, x: Tensor) -> Tensor:
        first = self.main["1"]
        assert isinstance(first, Convolution)
        pooled = F.avg_pool2d(x, x.shape[3] // _POOLED)
        return torch.sigmoid(self.main["3"](F.silu(F.conv2d(pooled, first.weight))))


class _Init(nn.Module):
    """Latents -> the first feature map."""

    def __init__(self, z_dim: int, outputs: int, form: Form | None) -> None:
        super().__init__()
        stem = Convolution(z_dim, 2 * outputs, SMALLEST, form, transposed=True)
        self.init = nn.ModuleDict({"0": stem, "1": BatchNorm(2 * outputs)})

    def forward(self, z: Tensor) -> Tensor:
        stem = self.init["0"]
        assert isinstance(stem, Convolution)
        return _gated(self.init["1"](F.conv_transpose2d(z[:, :, None, None], stem.weight)))


class FastganNetwork(nn.Module):
    """Latents -> what the last layer gives."""

    def __init__(self, config: FastganConfig) -> None:
        super().__init__()
        self.config = config
        form, before = config.form, config.widths[0]
        self.init = _Init(config.z_dim, before, form)
        for size, width, doubled in zip(config.sizes, config.widths[1:], config.doubled, strict=True):
            setattr(self, f"feat_{size}", _Up(before, width, doubled, form))
            before = width
        for size, excited in zip(config.sizes, config.excited, strict=True):
            if excited:
                setattr(self, f"se_{size}", _Excitation(config.width(size // EXCITED_FROM), config.width(size), form))
        if config.small:
            # Nothing is drawn with it here, but the program wants it back.
            setattr(self, f"to_{config.small}", Convolution(config.width(config.small), config.image_channels, 1, form))
        self.to_big = Convolution(before, config.image_channels, 3, form)

    def forward(self, z: Tensor, noises: list[Tensor]) -> Tensor:
        """`noises` : two maps for each layer that has two convolutions, in order."""
        # channels_last, because convolutions are faster so on a CPU.
        x, waiting = self.init(z).contiguous(memory_format=torch.channels_last), list(noises)
        features = {SMALLEST: x}
        for size, doubled, excited in zip(self.config.sizes, self.config.doubled, self.config.excited, strict=True):
            count = 2 if doubled else 0
            x = getattr(self, f"feat_{size}")(x, waiting[:count])
            waiting = waiting[count:]
            if excited:
                x = x * getattr(self, f"se_{size}")(features[size // EXCITED_FROM])
            features[size] = x
        return self.to_big(x)  # type: ignore[no-any-return]


class FastganGenerator(LatentGenerator):
    """A FastGAN generator. Its noise is drawn once and kept, so that a latent determines its image."""

    kind = "fastgan"
    config: FastganConfig

    def __init__(self, config: FastganConfig) -> None:
        super().__init__()
        self.config = config
        self.network = FastganNetwork(config)
        for name, size in self.noises().items():
            self.register_buffer(name, torch.zeros(1, 1, size, size))

    def noises(self) -> dict[str, int]:
        """The sizes in pixels of its noise maps, by name."""
        doubled = [size for size, doubled in zip(self.config.sizes, self.config.doubled, strict=True) if doubled]
        return {f"noise{size}_{place}": size for size in doubled for place in range(2)}

    def raw(self, z: Tensor) -> Tensor:
        """Output of the last layer (N, 1 or 3, R, R), before the output activation."""
        return self.network(z, [getattr(self, name) for name in self.noises()])  # type: ignore[no-any-return]

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        return as_images(self.raw(z), self.config.output, "rgb")

    def original_state_dict(self) -> dict[str, Tensor] | None:
        named: dict[str, Tensor] = {}
        for name, part in self.network.named_modules():
            if isinstance(part, Convolution):
                named |= part.original(name)
            elif isinstance(part, BatchNorm):
                named |= {f"{name}.{key}": value.detach() for key, value in part.state_dict().items()}
                named[f"{name}.num_batches_tracked"] = torch.tensor(0)
            elif isinstance(part, _Noise):
                named[f"{name}.weight"] = part.weight.detach()
        return named
