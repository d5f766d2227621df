"""A generator of the FastGAN program as a stranger would write it from the paper and the names in its files."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm
from torch.nn.utils.parametrizations import spectral_norm as parametrized


class Gate(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.glu(x, dim=1)


class Noise(nn.Module):
    """Adds what is in `map`, if anything is, instead of new noise."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.map: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight * (torch.randn(len(x), 1, *x.shape[2:]) if self.map is None else self.map)


class Stem(nn.Module):
    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        self.init = nn.Sequential(layer, nn.BatchNorm2d(2 * width), Gate())

    def forward(self, z: Tensor) -> Tensor:
        return self.init(z[:, :, None, None])


class Weighs(nn.Module):
    def __init__(self, wide: nn.Module, narrow: nn.Module) -> None:
        super().__init__()
        self.main = nn.Sequential(nn.AdaptiveAvgPool2d(4), wide, nn.SiLU(), narrow, nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.main(x)


class FastGan(nn.Module):
    """`widths` : channels at 4, 8, ... pixels; `normed` : what each convolution is wrapped in; `small` : 0 for no second image."""

    def __init__(
        self, widths: tuple[int, ...] = (12, 10, 8, 8, 6), z_dim: int = 10, channels: int = 3, tanh: bool = False, normed=spectral_norm,
        small: int = 32,
    ) -> None:  # fmt: skip
        super().__init__()

        def conv(inputs: int, outputs: int, kernel: int, padding: int = 0) -> nn.Module:
            return normed(nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False))

        self.tanh, self.size = tanh, 4 * 2 ** (len(widths) - 1)
        self.init = Stem(normed(nn.ConvTranspose2d(z_dim, 2 * widths[0], 4, bias=False)), widths[0])
        for i, (before, width) in enumerate(zip(widths, widths[1:], strict=False)):
            layers = [nn.Upsample(scale_factor=2), conv(before, 2 * width, 3, 1), nn.BatchNorm2d(2 * width), Gate()]
            if i % 2 == 0:
                layers = [*layers[:2], Noise(), *layers[2:], conv(width, 2 * width, 3, 1), Noise(), nn.BatchNorm2d(2 * width), Gate()]
            setattr(self, f"feat_{8 << i}", nn.Sequential(*layers))
            if i >= 3 and 8 << i <= 512:
                setattr(self, f"se_{8 << i}", Weighs(conv(widths[i - 3], width, 4), conv(width, width, 1)))
        if small:
            setattr(self, f"to_{small}", conv(widths[{8: 1, 16: 2, 32: 3, 64: 4}[small]], channels, 1))
        self.to_big = conv(widths[-1], channels, 3, 1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.init(z)
        seen, size = {4: x}, 8
        while size <= self.size:
            x = getattr(self, f"feat_{size}")(x)
            if hasattr(self, f"se_{size}"):
                x = x * getattr(self, f"se_{size}")(seen[size // 16])
            seen[size] = x
            size *= 2
        image = self.to_big(x)
        return torch.tanh(image) if self.tanh else image

    def noises(self) -> list[Noise]:
        """Its noise, from small to large."""
        return [part for part in self.modules() if isinstance(part, Noise)]


def lived(network: FastGan, gain: float = 1.5) -> FastGan:
    """As if it had been trained: with statistics and weights of noise; `gain` : of the last layer, so that there is contrast."""
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, Noise):
                part.weight.normal_(std=0.3)
            elif isinstance(part, nn.BatchNorm2d):
                part.weight.normal_(gain if part is _last(network) else 1.0, 0.2)
                part.bias.normal_(std=0.2)
        for _ in range(8):
            network.train()(torch.randn(8, next(network.init.init[0].parameters()).shape[0]))
    return network.eval()


def _last(network: FastGan) -> nn.Module:
    return [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)][-1]


def checkpoint(network: FastGan, averaged: FastGan) -> dict[str, object]:
    """What the program writes to go on from: averages as a list without names, and names as of parallel training."""
    return {
        "g": {f"module.{name}": value for name, value in network.state_dict().items()},
        "d": {"down_4.main.0.weight": torch.zeros(3, 3, 3, 3), "rf_big.0.weight": torch.zeros(3, 3)},
        "g_ema": [value.detach().clone() for value in averaged.parameters()],
        "opt_g": {"state": {}, "param_groups": []},
    }


__all__ = ["FastGan", "Noise", "checkpoint", "lived", "parametrized", "spectral_norm"]
