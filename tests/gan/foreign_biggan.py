"""Generators of BigGAN-PyTorch as a stranger would write them from the papers and the names in its files."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """What the options of that program would say."""

    widths: tuple[int, ...] = (12, 12, 10, 8)  # before the first block and after each
    noise: int = 8
    classes: int = 3
    shared: int = 6  # width of the table of classes; 0: every normalisation has one
    parts: bool = True  # whether parts of the noise enter the blocks
    attention: int = -1  # block that attention follows
    deep: bool = False
    normed: bool = True  # spectrally
    kept: str = "plain"  # "counted", "synchronised": where statistics are


class Normed:
    """A layer whose weight is divided by its largest singular value, by one step of the power method whenever it draws."""

    weight: Tensor

    def remember(self, rows: int) -> None:
        self.register_buffer("u0", torch.randn(1, rows))
        self.register_buffer("sv0", torch.ones(1))

    def divided(self) -> Tensor:
        matrix = self.weight.flatten(1)
        v = F.normalize(self.u0 @ matrix)
        u = F.normalize(v @ matrix.t())
        value = (v @ matrix.t() @ u.t()).squeeze()
        if self.training:
            with torch.no_grad():
                self.u0[:], self.sv0[:] = u, value
        return self.weight / value


class NormedConv(nn.Conv2d, Normed):
    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True) -> None:
        nn.Conv2d.__init__(self, inputs, outputs, kernel, padding=kernel // 2, bias=bias)
        self.remember(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.divided(), self.bias, padding=self.padding)


class NormedLinear(nn.Linear, Normed):
    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        nn.Linear.__init__(self, inputs, outputs, bias=bias)
        self.remember(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.divided(), self.bias)


def conv(shape: Shape, inputs: int, outputs: int, kernel: int, bias: bool = True) -> nn.Module:
    if shape.normed:
        return NormedConv(inputs, outputs, kernel, bias)
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)


def linear(shape: Shape, inputs: int, outputs: int, bias: bool = True) -> nn.Module:
    return NormedLinear(inputs, outputs, bias) if shape.normed else nn.Linear(inputs, outputs, bias)


class Counted(nn.Module):
    """Statistics of its own, with a counter."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("stored_mean", torch.zeros(width))
        self.register_buffer("stored_var", torch.ones(width))
        self.register_buffer("accumulation_counter", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        count = max(float(self.accumulation_counter), 1.0)
        return F.batch_norm(x, self.stored_mean / count, self.stored_var / count, training=self.training and self._keep(x))

    def _keep(self, x: Tensor) -> bool:
        self.stored_mean[:], self.stored_var[:] = x.mean(dim=(0, 2, 3)).detach(), x.var(dim=(0, 2, 3)).detach()
        return True


class Norm(nn.Module):
    """Normalises, with statistics where `shape.kept` says."""

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        if shape.kept == "plain":
            self.register_buffer("stored_mean", torch.zeros(width))
            self.register_buffer("stored_var", torch.ones(width))
        else:
            self.bn = Counted(width) if shape.kept == "counted" else nn.BatchNorm2d(width, affine=False)

    def normal(self, x: Tensor) -> Tensor:
        if hasattr(self, "bn"):
            return self.bn(x)
        return F.batch_norm(x, self.stored_mean, self.stored_var, training=self.training)


class Conditional(Norm):
    def __init__(self, shape: Shape, width: int, inputs: int) -> None:
        super().__init__(shape, width)
        tables = shape.shared == 0
        self.gain = nn.Embedding(shape.classes, width) if tables else linear(shape, inputs, width, bias=False)
        self.bias = nn.Embedding(shape.classes, width) if tables else linear(shape, inputs, width, bias=False)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.normal(x) * (1.0 + self.gain(y)[:, :, None, None]) + self.bias(y)[:, :, None, None]


class Last(Norm):
    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__(shape, width)
        self.gain, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.normal(x) * self.gain[:, None, None] + self.bias[:, None, None]


class Block(nn.Module):
    def __init__(self, shape: Shape, before: int, width: int, inputs: int, grows: bool) -> None:
        super().__init__()
        self.grows, self.width, narrow = grows, width, before // 4
        if shape.deep:
            widths = (before, narrow, narrow, narrow)
            self.conv1, self.conv4 = conv(shape, before, narrow, 1), conv(shape, narrow, width, 1)
            self.conv2, self.conv3 = conv(shape, narrow, narrow, 3), conv(shape, narrow, narrow, 3)
        else:
            widths = (before, width)
            self.conv1, self.conv2 = conv(shape, before, width, 3), conv(shape, width, width, 3)
            self.conv_sc = conv(shape, before, width, 1)
        for number, one in enumerate(widths, 1):
            setattr(self, f"bn{number}", Conditional(shape, one, inputs))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        def grown(x: Tensor) -> Tensor:
            return F.interpolate(x, scale_factor=2) if self.grows else x

        h = torch.relu(self.bn1(x, y))
        if hasattr(self, "conv4"):
            h = self.conv2(grown(torch.relu(self.bn2(self.conv1(h), y))))
            h = self.conv3(torch.relu(self.bn3(h, y)))
            return self.conv4(torch.relu(self.bn4(h, y))) + grown(x[:, : self.width])
        h = self.conv2(torch.relu(self.bn2(self.conv1(grown(h)), y)))
        return h + self.conv_sc(grown(x))


class Attention(nn.Module):
    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        self.theta, self.phi = conv(shape, width, width // 8, 1, False), conv(shape, width, width // 8, 1, False)
        self.g, self.o = conv(shape, width, width // 2, 1, False), conv(shape, width // 2, width, 1, False)
        self.gamma = nn.Parameter(torch.tensor(0.5))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        keys, values = (F.max_pool2d(part(x), 2).flatten(2) for part in (self.phi, self.g))
        weights = torch.softmax(torch.einsum("ncp,ncq->npq", self.theta(x).flatten(2), keys), dim=-1)
        return x + self.gamma * self.o(torch.einsum("ncq,npq->ncp", values, weights).view(len(x), -1, *x.shape[2:]))


class BigGan(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, blocks = shape, len(shape.widths) - 1
        self.part = shape.noise // (blocks + 1) if shape.parts and not shape.deep else shape.noise
        if shape.shared:
            self.shared = nn.Embedding(shape.classes, shape.shared)
        inputs = shape.shared + (self.part if shape.parts else 0)
        self.linear = linear(shape, self.part + (shape.shared if shape.deep else 0), shape.widths[0] * 16)
        made = []
        for i, (before, width) in enumerate(zip(shape.widths, shape.widths[1:], strict=False)):
            stage = [Block(shape, before, width, inputs, not shape.deep or i % 2 == 1)]
            made.append(nn.ModuleList([*stage, Attention(shape, width)] if i == shape.attention else stage))
        self.blocks = nn.ModuleList(made)
        self.output_layer = nn.Sequential(Last(shape, shape.widths[-1]), nn.ReLU(), conv(shape, shape.widths[-1], 3, 3))

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        y = self.shared(label) if self.shape.shared else label
        each = [y] * len(self.blocks)
        if self.shape.deep:
            z = torch.cat([y, z], dim=1)
            each = [z] * len(self.blocks)
        elif self.shape.parts:
            z, *rest = z.split(self.part, dim=1)
            each = [torch.cat([y, part], dim=1) for part in rest]
        x = self.linear(z).view(len(z), -1, 4, 4)
        for stage, condition in zip(self.blocks, each, strict=True):
            for part in stage:
                x = part(x, condition)
        return torch.tanh(self.output_layer(x))


def lived(network: BigGan) -> BigGan:
    """As if it had been trained, on every class."""
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, Last):
                part.gain.normal_(1.0, 0.2)
                part.bias.normal_(std=0.2)
            elif isinstance(part, nn.Linear | nn.Embedding):
                part.weight.normal_(std=0.3)
        for _ in range(15):
            network.train()(torch.randn(12, network.shape.noise), torch.arange(12) % network.shape.classes)
    return network.eval()
