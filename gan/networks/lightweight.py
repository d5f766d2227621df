"""The generator of "Towards Faster and Stabilized GAN Training" (Liu et al. 2021, arXiv 2101.04775), as in lightweight-gan 1.x.

Attributes have the names that the program uses in its files, so that weights are loaded and exported unchanged.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import LatentGenerator
from gan.networks.lucidrains import HEAD, BatchNorm, ChannelNorm, Separable, blur, linear_attention

# Skip-layer excitation: features of 2^key pixels determine weights for the channels of those of 2^value pixels.
_EXCITES = {3: 7, 4: 8, 5: 9, 6: 10}


@dataclass(frozen=True)
class LightweightConfig:
    """Shape of a lightweight-gan generator."""

    z_dim: int
    resolution: int  # a power of two
    image_channels: int  # 1, 3, or 4 with transparency
    features: tuple[int, ...]  # widths at 8, 16, ... pixels
    excitation: Literal["global", "frequency"] = "global"  # how a small layer determines the channel weights of a large one
    attention: tuple[bool, ...] = ()  # at 4, 8, ... pixels
    heads: int = 8

    def __post_init__(self) -> None:
        if self.resolution != 4 * 2 ** len(self.features) or len(self.attention) != len(self.features):
            raise ValueError(f"{len(self.features)} layers do not give {self.resolution} px")
        if self.image_channels not in {1, 3, 4}:
            raise ValueError(f"{self.image_channels} image channels")


class _Attention(nn.Module):
    """Linear attention over all pixels, and ordinary attention over each pixel's 3 x 3 neighbours."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads, inner = heads, heads * HEAD
        self.to_lin_q = nn.Conv2d(channels, inner, 1, bias=False)
        self.to_lin_kv = Separable(channels, 2 * inner)
        self.to_q = nn.Conv2d(channels, inner, 1, bias=False)
        self.to_kv = nn.Conv2d(channels, 2 * inner, 1, bias=False)
        self.to_out = nn.Conv2d(2 * inner, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        linear = linear_attention(self.to_lin_q(x), self.to_lin_kv(x), self.heads)
        k, v = self.to_kv(x).chunk(2, dim=1)
        q = self.to_q(x).reshape(n * self.heads, HEAD, 1, height * width) * HEAD**-0.5

        def neighbours(t: Tensor) -> Tensor:  # (N heads, width, 9, pixels)
            return F.unfold(t.reshape(n * self.heads, HEAD, height, width), 3, padding=1).reshape(
                n * self.heads, HEAD, 9, height * width
            )

        weights = (q * neighbours(k)).sum(dim=1, keepdim=True).softmax(dim=2)
        local = (weights * neighbours(v)).sum(dim=2).reshape(n, -1, height, width)
        return self.to_out(torch.cat([linear, local], dim=1))


class _Normed(nn.Module):
    """A module with a channel normalisation before it."""

    def __init__(self, channels: int, fn: nn.Module) -> None:
        super().__init__()
        self.fn, self.norm = fn, ChannelNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(self.norm(x))


class _Excitation(nn.Module):
    """Features of a small layer -> weights (N, outputs, 1, 1) in [0, 1] for the channels of a large one."""

    dct_weights: Tensor

    def __init__(self, inputs: int, outputs: int, width: int, frequency: bool) -> None:
        super().__init__()
        self.frequency = frequency
        if frequency:  # frequency channel attention (Qin et al. 2020, arXiv 2012.11879); its cosines are part of the weights
            self.register_buffer("dct_weights", torch.zeros(1, inputs, width, width))
        else:  # global context (Cao et al. 2019, arXiv 1904.11492)
            self.to_k = nn.Conv2d(inputs, 1, 1)
        middle = max(3, outputs // (4 if frequency else 2))
        self.net = nn.ModuleDict({"0": nn.Conv2d(inputs, middle, 1), "2": nn.Conv2d(middle, outputs, 1)})

    def forward(self, x: Tensor) -> Tensor:
        if self.frequency:
            pooled = (x * self.dct_weights).sum(dim=(2, 3), keepdim=True)
        else:
            weights = self.to_k(x).flatten(2).softmax(dim=2)  # (N, 1, pixels)
            pooled = (x.flatten(2) * weights).sum(dim=2)[:, :, None, None]
        return torch.sigmoid(self.net["2"](F.leaky_relu(self.net["0"](pooled), 0.1)))


class _Shuffle(nn.Module):
    """Doubles the size by a pointwise convolution and a pixel shuffle."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.net = nn.ModuleList([nn.Conv2d(channels, 4 * channels, 1)])

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(F.silu(self.net[0](x)), 2)


class _NoiseWeight(nn.Module):
    """The weight of the noise that is added."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))


class _Up(nn.ModuleDict):
    """One layer: upsampling by 2, blur, convolution, noise, normalisation, gated linear unit."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            {
                "0": _Shuffle(inputs),
                "2": nn.ModuleDict({"1": nn.Conv2d(inputs, 2 * outputs, 4)}),
                "3": _NoiseWeight(),
                "4": BatchNorm(2 * outputs),
            }
        )

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        x = blur(self["0"](x))
        x = self["2"]["1"](F.pad(x, (2, 1, 2, 1)))  # type: ignore[index]
        strength = self["3"].weight
        assert isinstance(strength, Tensor)
        return F.glu(self["4"](x + strength * noise), dim=1)


class _Network(nn.Module):
    """Latents -> pixels, nominally in [0, 1]."""

    def __init__(self, config: LightweightConfig) -> None:
        super().__init__()
        z_dim = config.z_dim
        self.initial_conv = nn.ModuleList([nn.ConvTranspose2d(z_dim, 2 * z_dim, 4), BatchNorm(2 * z_dim)])
        widths = (z_dim, *config.features)
        layers = []
        for i, (inputs, outputs) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            parts = nn.ModuleDict({"0": _Up(inputs, outputs)})
            excited = _EXCITES.get(i + 2)
            if excited is not None and 2**excited <= config.resolution:
                to = config.features[excited - 3]
                parts["1"] = _Excitation(outputs, to, 8 * 2**i, config.excitation == "frequency")
            if config.attention[i]:
                parts["2"] = _Normed(inputs, _Attention(inputs, config.heads))
            layers.append(parts)
        self.layers = nn.ModuleList(layers)
        self.out_conv = nn.Conv2d(widths[-1], config.image_channels, 3, padding=1)

    def forward(self, z: Tensor, noises: list[Tensor]) -> Tensor:
        x = self.initial_conv[0](z[:, :, None, None])
        x = F.normalize(F.glu(self.initial_conv[1](x), dim=1), dim=1)
        waiting: dict[int, Tensor] = {}
        for i, (parts, noise) in enumerate(zip(self.layers, noises, strict=True)):
            assert isinstance(parts, nn.ModuleDict)
            if "2" in parts:
                x = parts["2"](x) + x
            x = parts["0"](x, noise)
            if "1" in parts:
                waiting[_EXCITES[i + 2]] = parts["1"](x)
            if i + 3 in waiting:
                x = x * waiting[i + 3]
        return self.out_conv(x)


class LightweightGenerator(LatentGenerator):
    """A lightweight-gan generator. Its noise is drawn once and kept, so that a latent determines its image."""

    kind = "lightweight"
    config: LightweightConfig

    def __init__(self, config: LightweightConfig) -> None:
        super().__init__()
        self.config = config
        self.network = _Network(config)
        for i in range(len(config.features)):
            side = 8 * 2**i
            self.register_buffer(f"noise{i}", torch.zeros(1, 1, side, side))

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        noises = [getattr(self, f"noise{i}") for i in range(len(self.config.features))]
        return to_images(self.network(z, noises))

    def original_state_dict(self) -> dict[str, Tensor] | None:
        named = {key: value.detach() for key, value in self.network.state_dict().items()}
        for i in range(len(self.config.features)):
            named[f"layers.{i}.0.1.f"] = torch.tensor([1.0, 2.0, 1.0])
        for key in [key for key in named if key.endswith(".running_mean")]:
            named[key.replace("running_mean", "num_batches_tracked")] = torch.tensor(0)
        return named


def to_images(pixels: Tensor) -> Tensor:
    """Pixels (N, 1, 3 or 4, R, R), nominally in [0, 1] -> images (N, 3, R, R) in [-1, 1], on white where transparent."""
    pixels = pixels.clamp(0.0, 1.0)
    if pixels.shape[1] == 4:
        pixels = pixels[:, :3] * pixels[:, 3:] + (1.0 - pixels[:, 3:])
    return pixels.expand(-1, 3, -1, -1) * 2.0 - 1.0
