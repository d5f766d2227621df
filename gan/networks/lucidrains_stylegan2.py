"""StyleGAN2 (Karras et al. 2020, arXiv 1912.04958) as in stylegan2-pytorch: no biases, one shared noise map, weights times 1 + style.

Attributes have the names that the program uses in its files, so that weights are loaded and exported unchanged.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import LatentGenerator
from gan.networks.layers import upsample2
from gan.networks.lightweight import to_images
from gan.networks.lucidrains import HEAD, ChannelNorm, Separable, blur, linear_attention


@dataclass(frozen=True)
class LucidStyleGAN2Config:
    """Shape of a stylegan2-pytorch generator."""

    z_dim: int
    resolution: int  # a power of two
    image_channels: int  # 3, or 4 with transparency
    channels: tuple[int, ...]  # widths at 4, 8, 16, ... pixels
    mapping_layers: int = 8
    mapping_rate: float = 0.1  # learning rate multiplier of the mapping
    constant: bool = True  # whether the synthesis starts from a learnt constant, or else from the style
    attention: tuple[bool, ...] = ()  # at 4, 8, ... pixels
    heads: int = 8

    def __post_init__(self) -> None:
        if self.resolution != 4 * 2 ** (len(self.channels) - 1) or len(self.attention) != len(self.channels):
            raise ValueError(f"{len(self.channels)} blocks do not give {self.resolution} px")
        if self.image_channels not in {3, 4}:
            raise ValueError(f"{self.image_channels} image channels")


class _Modulated(nn.Module):
    """A convolution whose weights are scaled by 1 + style, computed by scaling inputs and outputs, which is equivalent and faster."""

    def __init__(self, inputs: int, outputs: int, kernel: int, demodulate: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.demodulate = demodulate
        if not self.weight.is_meta:
            nn.init.kaiming_normal_(self.weight)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale = style + 1.0  # (N, inputs)
        y = F.conv2d(x * scale[:, :, None, None], self.weight, padding=self.weight.shape[2] // 2)
        if self.demodulate:
            energy = scale.square() @ self.weight.square().sum(dim=(2, 3)).t()
            y = y * torch.rsqrt(energy + 1e-8)[:, :, None, None]
        return y


class _ToImage(nn.Module):
    """A block's contribution to the image, upsampled for the next block."""

    def __init__(self, w_dim: int, inputs: int, outputs: int, enlarges: bool) -> None:
        super().__init__()
        self.to_style = nn.Linear(w_dim, inputs)
        self.conv = _Modulated(inputs, outputs, 1, demodulate=False)
        self.enlarges = enlarges

    def forward(self, x: Tensor, image: Tensor | None, w: Tensor) -> Tensor:
        x = self.conv(x, self.to_style(w))
        x = x if image is None else x + image
        return blur(upsample2(x)) if self.enlarges else x


class _Block(nn.Module):
    """Two modulated convolutions at one resolution."""

    def __init__(
        self, w_dim: int, inputs: int, outputs: int, image_channels: int, first: bool, last: bool
    ) -> None:
        super().__init__()
        self.first = first
        self.to_style1, self.to_noise1 = nn.Linear(w_dim, inputs), nn.Linear(1, outputs)
        self.conv1 = _Modulated(inputs, outputs, 3)
        self.to_style2, self.to_noise2 = nn.Linear(w_dim, outputs), nn.Linear(1, outputs)
        self.conv2 = _Modulated(outputs, outputs, 3)
        self.to_rgb = _ToImage(w_dim, outputs, image_channels, not last)

    def forward(self, x: Tensor, image: Tensor | None, w: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        x = x if self.first else upsample2(x)
        # The program transposes the noise when adding it: (H, W, C) becomes (C, W, H).
        part = noise[: x.shape[2], : x.shape[3], None]
        x = F.leaky_relu(self.conv1(x, self.to_style1(w)) + self.to_noise1(part).permute(2, 1, 0), 0.2)
        x = F.leaky_relu(self.conv2(x, self.to_style2(w)) + self.to_noise2(part).permute(2, 1, 0), 0.2)
        return x, self.to_rgb(x, image, w)


class _Attention(nn.Module):
    """Linear attention."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Conv2d(channels, heads * HEAD, 1, bias=False)
        self.to_kv = Separable(channels, 2 * heads * HEAD)
        self.to_out = nn.Conv2d(heads * HEAD, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.to_out(linear_attention(self.to_q(x), self.to_kv(x), self.heads))


class _Feedforward(nn.ModuleDict):
    """Two pointwise convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            {"0": nn.Conv2d(channels, 2 * channels, 1), "2": nn.Conv2d(2 * channels, channels, 1)}
        )

    def forward(self, x: Tensor) -> Tensor:
        return self["2"](F.leaky_relu(self["0"](x), 0.2))


class _Normed(nn.Module):
    def __init__(self, channels: int, fn: nn.Module) -> None:
        super().__init__()
        self.fn, self.norm = fn, ChannelNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(self.norm(x))


class _Residual(nn.Module):
    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(x) + x


class _Synthesis(nn.Module):
    """Styles -> pixels, nominally in [0, 1]."""

    def __init__(self, config: LucidStyleGAN2Config) -> None:
        super().__init__()
        widths = (config.channels[0], *config.channels)
        if config.constant:
            self.initial_block = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        else:
            self.to_initial_block = nn.ConvTranspose2d(config.z_dim, widths[0], 4, bias=False)
        self.initial_conv = nn.Conv2d(widths[0], widths[0], 3, padding=1)
        last = len(config.channels) - 1
        self.blocks = nn.ModuleList(
            _Block(config.z_dim, widths[i], widths[i + 1], config.image_channels, i == 0, i == last)
            for i in range(last + 1)
        )
        self.attns = nn.ModuleDict(
            {
                str(i): nn.Sequential(
                    _Residual(_Normed(widths[i], _Attention(widths[i], config.heads))),
                    _Residual(_Normed(widths[i], _Feedforward(widths[i]))),
                )
                for i in range(last + 1)
                if config.attention[i]
            }
        )

    def forward(self, w: Tensor, noise: Tensor) -> Tensor:
        if hasattr(self, "initial_block"):
            x = self.initial_block.expand(w.shape[0], -1, -1, -1)
        else:
            x = self.to_initial_block(w[:, :, None, None])
        x, image = self.initial_conv(x), None
        for i, block in enumerate(self.blocks):
            if str(i) in self.attns:
                x = self.attns[str(i)](x)
            x, image = block(x, image, w, noise)
        assert image is not None
        return image


class _Mapping(nn.Module):
    """z -> w."""

    def __init__(self, config: LucidStyleGAN2Config) -> None:
        super().__init__()
        self.rate = config.mapping_rate
        # In the program's files, activations occupy the odd indices.
        self.net = nn.ModuleDict(
            {str(2 * i): nn.Linear(config.z_dim, config.z_dim) for i in range(config.mapping_layers)}
        )

    def forward(self, z: Tensor) -> Tensor:
        x = F.normalize(z, dim=1)
        for layer in self.net.values():
            assert isinstance(layer, nn.Linear)
            x = F.leaky_relu(F.linear(x, layer.weight * self.rate, layer.bias * self.rate), 0.2)
        return x


class LucidStyleGAN2(LatentGenerator):
    """A stylegan2-pytorch generator. Its noise is drawn once and kept, so that a latent determines its image."""

    kind = "stylegan2-lucidrains"
    truncates = True
    config: LucidStyleGAN2Config
    w_mean: Tensor
    noise: Tensor

    def __init__(self, config: LucidStyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        self.mapping, self.synthesis = _Mapping(config), _Synthesis(config)
        self.register_buffer("w_mean", torch.zeros(config.z_dim))
        self.register_buffer("noise", torch.zeros(config.resolution, config.resolution))

    def forward(self, z: Tensor, psi: float | Tensor = 1.0) -> Tensor:
        w = self.mapping(z)
        if isinstance(psi, Tensor) or psi != 1.0:
            w = self.w_mean.lerp(w, psi)
        return to_images(self.synthesis(w, self.noise))

    def original_state_dict(self) -> dict[str, Tensor] | None:
        """The weights of both networks: "S." is the mapping and "G." the synthesis."""
        named = {f"S.{key}": value.detach() for key, value in self.mapping.state_dict().items()}
        named |= {f"G.{key}": value.detach() for key, value in self.synthesis.state_dict().items()}
        for i in range(len(self.config.channels) - 1):
            named[f"G.blocks.{i}.to_rgb.upsample.1.f"] = torch.tensor([1.0, 2.0, 1.0])
        return named
