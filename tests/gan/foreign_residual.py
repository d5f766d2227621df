"""Residual generators as strangers write them: code of their own that knows nothing of Tastemaker."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH, NOISE = 12, 10


class LetteredBlock(nn.Module):
    """Named by letters; the shortcut has weights where the number of channels or the size changes."""

    def __init__(self, inputs: int, outputs: int, grows: bool = True, mode: str = "nearest", wrap: Callable = lambda layer: layer) -> None:
        super().__init__()
        self.grows, self.mode = grows, mode
        self.learnable = inputs != outputs or grows
        self.c1, self.c2 = wrap(nn.Conv2d(inputs, outputs, 3, 1, 1)), wrap(nn.Conv2d(outputs, outputs, 3, 1, 1))
        self.b1, self.b2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        if self.learnable:
            self.c_sc = wrap(nn.Conv2d(inputs, outputs, 1, 1, 0))

    def larger(self, x: Tensor) -> Tensor:
        if not self.grows:
            return x
        return F.interpolate(x, scale_factor=2, mode=self.mode, align_corners=False if self.mode == "bilinear" else None)

    def forward(self, x: Tensor) -> Tensor:
        h = self.c1(self.larger(torch.relu(self.b1(x))))
        h = self.c2(torch.relu(self.b2(h)))
        return h + (self.c_sc(self.larger(x)) if self.learnable else x)


class Lettered(nn.Module):
    """`l1`, `block2`, ..., `b5`, `c5`."""

    def __init__(
        self, mode: str = "nearest", widths: tuple[int, ...] = (WIDTH,) * 4, still: tuple[int, ...] = (), colours: int = 3,
        wrap: Callable = lambda layer: layer,
    ) -> None:  # fmt: skip
        super().__init__()
        self.first = widths[0]
        self.l1 = nn.Linear(NOISE, 16 * widths[0])
        self.names = []
        for number, (inputs, outputs) in enumerate(zip(widths[:-1], widths[1:], strict=True), 2):
            self.names.append(f"block{number}")
            self.add_module(self.names[-1], LetteredBlock(inputs, outputs, number not in still, mode, wrap))
        self.b_last = nn.BatchNorm2d(widths[-1])
        self.c_last = wrap(nn.Conv2d(widths[-1], colours, 3, 1, 1))

    def forward(self, z: Tensor) -> Tensor:
        x = self.l1(z).view(len(z), self.first, 4, 4)
        for name in self.names:
            x = getattr(self, name)(x)
        return torch.tanh(self.c_last(torch.relu(self.b_last(x))))


class TwiceBlock(nn.Module):
    """Its convolutions are attributes and parts of a list; nothing but enlarging is in its bypass."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, 1, padding=1), nn.Conv2d(width, width, 3, 1, padding=1)
        self.model = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.Upsample(scale_factor=2), self.conv1, nn.BatchNorm2d(width), nn.ReLU(), self.conv2
        )
        self.bypass = nn.Upsample(scale_factor=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) + self.bypass(x)


class Twice(nn.Module):
    """`dense`, `final` and `model`, of which `final` is a part."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(NOISE, 16 * WIDTH)
        self.final = nn.Conv2d(WIDTH, 3, 3, stride=1, padding=1)
        blocks = [TwiceBlock(WIDTH) for _ in range(3)]
        self.model = nn.Sequential(*blocks, nn.BatchNorm2d(WIDTH), nn.ReLU(), self.final, nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.model(self.dense(z).view(-1, WIDTH, 4, 4))


class ListedBlock(nn.Module):
    """Two lists: the residual and the shortcut."""

    def __init__(self, inputs: int, outputs: int, slope: float = 0.0) -> None:
        super().__init__()
        bend = (lambda: nn.LeakyReLU(slope)) if slope else nn.ReLU
        self.residual = nn.Sequential(
            nn.BatchNorm2d(inputs), bend(), nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs), bend(), nn.Conv2d(outputs, outputs, 3, padding=1),
        )  # fmt: skip
        self.shortcut = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.residual(x) + self.shortcut(x)


class Listed(nn.Module):
    """`linear`, `blocks` and `output`."""

    def __init__(self, slope: float = 0.0, widths: tuple[int, ...] = (16, 16, 12, 8)) -> None:
        super().__init__()
        self.first = widths[0]
        self.linear = nn.Linear(NOISE, 16 * widths[0])
        self.blocks = nn.Sequential(*[ListedBlock(a, b, slope) for a, b in zip(widths[:-1], widths[1:], strict=True)])
        bend = nn.LeakyReLU(slope) if slope else nn.ReLU()
        self.output = nn.Sequential(nn.BatchNorm2d(widths[-1]), bend, nn.Conv2d(widths[-1], 3, 3, 1, 1), nn.Tanh())

    def forward(self, z: Tensor) -> Tensor:
        return self.output(self.blocks(self.linear(z).view(-1, self.first, 4, 4)))


class Same(nn.Module):
    """A convolution inside a module of its own."""

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, 1, kernel // 2, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class Larger(nn.Module):
    """Each channel four times, folded into four pixels, then a convolution."""

    def __init__(self, inputs: int, outputs: int, kernel: int, bias: bool = True) -> None:
        super().__init__()
        self.conv = Same(inputs, outputs, kernel, bias)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = torch.stack([x, x, x, x], dim=2).view(n, c, 2, 2, h, w)
        return self.conv(x.permute(0, 1, 4, 2, 5, 3).reshape(n, c, 2 * h, 2 * w))


class FoldedBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv_shortcut = Larger(inputs, outputs, 1)
        self.conv_1, self.conv_2 = Larger(inputs, outputs, 3, bias=False), Same(outputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_shortcut(x) + self.conv_2(torch.relu(self.bn2(self.conv_1(torch.relu(self.bn1(x))))))


class Folded(nn.Module):
    """`ln1`, `rb1`, ..., `bn`, `conv1`, as in ports of WGAN-GP."""

    def __init__(self) -> None:
        super().__init__()
        self.ln1 = nn.Linear(NOISE, 16 * 16)
        self.rb1, self.rb2, self.rb3 = FoldedBlock(16, 16), FoldedBlock(16, 12), FoldedBlock(12, 8)
        self.bn, self.conv1 = nn.BatchNorm2d(8), Same(8, 3, 3)

    def forward(self, z: Tensor) -> Tensor:
        x = self.rb3(self.rb2(self.rb1(self.ln1(z).view(-1, 16, 4, 4))))
        return torch.tanh(self.conv1(torch.relu(self.bn(x))))


class BehindBlock(nn.Module):
    """Normalised behind its convolutions; `final` bends the sum."""

    def __init__(self, width: int, final: bool) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.final = final

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(x, scale_factor=2)
        x = x + self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(x) if self.final else x


class Behind(nn.Module):
    def __init__(self, final: bool = True) -> None:
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(NOISE, 16 * WIDTH), nn.BatchNorm1d(16 * WIDTH), nn.ReLU())
        self.res1, self.res2, self.res3 = (BehindBlock(WIDTH, final) for _ in range(3))
        self.to_image = nn.Conv2d(WIDTH, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.to_image(torch.relu(self.res3(self.res2(self.res1(self.fc(z).view(-1, WIDTH, 4, 4)))))))


class BareBlock(nn.Module):
    """Without normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(inputs, outputs, 3, padding=1), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.interpolate(torch.relu(x), scale_factor=2))
        return self.conv2(torch.relu(h)) + F.interpolate(self.skip(x), scale_factor=2)


class Bare(nn.Module):
    """From a transposed convolution, in grey."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.ConvTranspose2d(NOISE, 16, 4)
        self.up1, self.up2, self.up3 = BareBlock(16, 12), BareBlock(12, 8), BareBlock(8, 8)
        self.end = nn.Conv2d(8, 1, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        return torch.tanh(self.end(torch.relu(self.up3(self.up2(self.up1(self.start(z[:, :, None, None])))))))


class LateBlock(nn.Module):
    """Enlarges before its second convolution; its shortcut is normalised."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(inputs)
        self.conv1, self.conv2 = nn.Conv2d(inputs, inputs, 3, padding=1), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.proj = nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(torch.relu(self.norm1(x)))
        h = self.conv2(F.interpolate(torch.relu(self.norm2(h)), scale_factor=2))
        return h + self.proj(F.interpolate(x, scale_factor=2))


class Late(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(NOISE, 16 * 16)
        self.layers = nn.ModuleList([LateBlock(16, 12), LateBlock(12, 12), LateBlock(12, 8)])
        self.norm, self.conv = nn.BatchNorm2d(8), nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.fc(z).view(-1, 16, 4, 4)
        for layer in self.layers:
            x = layer(x)
        return torch.tanh(self.conv(torch.relu(self.norm(x))))


class BarWrapped(nn.Module):
    """Spectral normalisation as a widely copied wrapper has it: it iterates whenever it draws."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        weight = module.weight
        del module._parameters["weight"]
        module.register_parameter("weight_u", nn.Parameter(F.normalize(torch.randn(weight.shape[0]), dim=0), requires_grad=False))
        module.register_parameter(
            "weight_v", nn.Parameter(F.normalize(torch.randn(weight[0].numel()), dim=0), requires_grad=False)
        )
        module.register_parameter("weight_bar", nn.Parameter(weight.data))

    def forward(self, x: Tensor) -> Tensor:
        u, v, matrix = self.module.weight_u, self.module.weight_v, self.module.weight_bar.flatten(1)
        v.data = F.normalize(matrix.t() @ u.data, dim=0)
        u.data = F.normalize(matrix @ v.data, dim=0)
        self.module.weight = self.module.weight_bar / (u @ matrix @ v)
        return self.module(x)


class OwnConv(nn.Conv2d):
    """A convolution with a spectral normalisation of its own, which leaves its state alone when it does not train."""

    def __init__(self, *shape: int) -> None:
        super().__init__(*shape)
        self.register_buffer("sn_u", torch.randn(1, self.weight.shape[0]))
        self.register_buffer("sn_sigma", torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        matrix = self.weight.flatten(1)
        v = F.normalize(self.sn_u @ matrix)
        u = F.normalize(v @ matrix.t())
        sigma = (u @ matrix @ v.t()).squeeze()
        if self.training:
            with torch.no_grad():
                self.sn_u[:], self.sn_sigma[:] = u, sigma
        return F.conv2d(x, self.weight / sigma, self.bias, 1, self.padding)


def own(layer: nn.Conv2d) -> OwnConv:
    """The layer with a spectral normalisation of its own."""
    return OwnConv(layer.in_channels, layer.out_channels, layer.kernel_size[0], 1, layer.padding[0])
