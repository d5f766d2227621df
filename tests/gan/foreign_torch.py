"""Generators as strangers write them: plain nn.Sequential code that knows nothing of Tastemaker."""

from collections.abc import Sequence

import torch
from torch import nn

DOUBLING = {
    2: (2, 0, 0),
    3: (2, 1, 1),
    4: (2, 1, 0),
    5: (2, 2, 1),
    6: (2, 2, 0),
}  # kernel -> stride, padding, output padding


class Fold(nn.Module):
    """Numbers -> channels of a small image."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.channels, self.side = channels, side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.view(-1, self.channels, self.side, self.side)


def dcgan(
    kernel: int,
    channels: int,
    size: int,
    batch_norm: bool = True,
    stem: bool = False,
    width: int = 8,
    z_dim: int = 10,
    bias: bool | None = None,
    activation: nn.Module | None = None,
    output: nn.Module | None = None,
) -> nn.Sequential:
    """Transposed convolutions that double, from 4 or 7 pixels to `size`; z is (N, z_dim) behind a linear stem, else (N, z_dim, 1, 1)."""
    start = 7 if size % 7 == 0 else 4
    doublings = (size // start).bit_length() - 1
    widths = [width * 2 ** min(doublings - i, 3) for i in range(doublings)]
    bias = not batch_norm if bias is None else bias
    activation = activation or nn.ReLU(True)
    layers: list[nn.Module] = []
    if stem:
        layers += [nn.Linear(z_dim, widths[0] * start**2, bias=bias)]
        layers += [nn.BatchNorm1d(widths[0] * start**2)] if batch_norm else []
        layers += [activation, Fold(widths[0], start)]
    else:
        layers += [nn.ConvTranspose2d(z_dim, widths[0], start, 1, 0, bias=bias)]
        layers += [nn.BatchNorm2d(widths[0])] if batch_norm else []
        layers += [activation]
    stride, padding, more = DOUBLING[kernel]
    for i, inputs in enumerate(widths):
        last = i == len(widths) - 1
        outputs = channels if last else widths[i + 1]
        layers += [nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, more, bias=bias)]
        if not last:
            layers += [nn.BatchNorm2d(outputs)] if batch_norm else []
            layers += [activation]
    layers += [output or nn.Tanh()]
    return nn.Sequential(*layers)


def mlp(
    sizes: Sequence[int], activation: nn.Module | None = None, output: nn.Module | None = None
) -> nn.Sequential:
    """Linear layers of these widths."""
    layers: list[nn.Module] = []
    for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), activation or nn.ReLU()]
    return nn.Sequential(*layers[:-1], output or nn.Tanh())


def lived(network: nn.Module, latents: torch.Tensor, seed: int = 0) -> nn.Module:
    """Weights and statistics as if it had been trained on these latents: nothing is at its first value."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.ConvTranspose2d | nn.Conv2d):
                fan = (
                    module.weight[0].numel()
                    if not isinstance(module, nn.ConvTranspose2d)
                    else module.weight[:, 0].numel() / 4
                )
                module.weight.normal_(0.0, (2.0 / fan) ** 0.5, generator=generator)
                if module.bias is not None:
                    module.bias.normal_(0.0, 0.1, generator=generator)
            elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                module.weight.uniform_(0.7, 1.3, generator=generator)
                module.bias.normal_(0.0, 0.3, generator=generator)
                module.momentum = None  # a plain average over everything seen
        network.train()
        for part in latents.split(64):
            network(part)
    return network.eval()
