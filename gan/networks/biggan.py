"""The generators of BigGAN and BigGAN-deep (Brock et al. 2019, arXiv 1809.11096, appendix B), as BigGAN-PyTorch has them.

A class is a row of a learnt table. With a part of the latent it determines what every batch normalisation multiplies and adds. Attributes
have the names that the program uses in its files.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import LatentGenerator, Whole
from gan.networks.layers import enlarged_conv
from gan.networks.reparametrised import Form, Reparametrised
from gan.networks.residual import Map, Mapped

_LARGEST = 1024  # pixels
SQUEEZED = 4  # factor by which blocks of BigGAN-deep narrow their convolutions
KEYS, VALUES = 8, 2  # factors by which attention narrows its keys and its values
_EPSILON = 1e-5  # of batch normalisations

# Under which names the program keeps statistics: "stored_mean"; "bn.stored_mean" with a counter; or "bn.running_mean" of several devices.
Statistics = Literal["plain", "counted", "synchronised"]


@dataclass(frozen=True)
class BigganConfig:
    """Shape of a BigGAN generator. A latent is its noise, followed by one number per class."""

    z_dim: int
    resolution: int
    classes: int  # number of rows of its table
    shared: Whole  # width of a row; 0: every normalisation has a table of its own
    noise: int  # how much of a latent is noise
    hierarchical: bool  # whether parts of the noise enter the normalisations, too
    deep: bool  # blocks of four convolutions, of which every second one enlarges; otherwise of two, and all enlarge
    side: int  # pixels of the first feature map
    widths: tuple[int, ...]  # channels before the first block, and after each
    attention: tuple[bool, ...]  # whether it follows a block
    statistics: Statistics = "plain"
    form: Form | None = None  # how the original code keeps the weights of its layers
    adds_gain: bool = False  # whether normalisations add their factor instead, as synchronised ones do on a single device
    label: Whole | None = None  # None: the last coordinates of a latent select the class

    def __post_init__(self) -> None:
        blocks = len(self.attention)
        if min(self.noise, self.classes, self.side, *self.widths) < 1:
            raise ValueError(f"{self.noise} of noise, {self.classes} classes, and blocks of {min(self.widths)} channels")
        if len(self.widths) != blocks + 1 or (self.deep and blocks % 2):
            raise ValueError(f"{len(self.widths)} widths for {blocks} blocks")
        if self.resolution != self.side << self.doublings or self.resolution > _LARGEST:
            raise ValueError(f"{blocks} blocks do not give {self.resolution} px")
        if self.z_dim != self.noise + (self.classes if self.label is None else 0):
            raise ValueError(f"{self.z_dim} latents do not hold {self.noise} of noise and a class")
        if self.label is not None and self.label >= self.classes:
            raise ValueError(f"label {self.label} is not one of {self.classes} classes")
        if self.hierarchical and not self.deep and self.noise % (blocks + 1):
            raise ValueError(f"{self.noise} of noise do not make {blocks + 1} parts")
        if (self.hierarchical or self.deep) and not (self.shared and self.hierarchical):
            raise ValueError("noise enters the normalisations only beside a row of one table")
        for before, width, attends in zip(self.widths[:-1], self.widths[1:], self.attention, strict=True):
            if (self.deep and (width > before or before < SQUEEZED)) or (attends and width < KEYS):
                raise ValueError(f"a block from {before} to {width} channels")

    @property
    def doublings(self) -> int:
        """How often the size doubles."""
        return len(self.attention) // 2 if self.deep else len(self.attention)

    @property
    def part(self) -> int:
        """How much noise enters at one place."""
        return self.noise // (len(self.attention) + 1) if self.hierarchical and not self.deep else self.noise

    @property
    def stem_inputs(self) -> int:
        """Width of what the first layer takes."""
        return self.part + (self.shared if self.deep else 0)

    @property
    def conditions(self) -> int:
        """Width of what determines a normalisation."""
        return (self.shared or self.classes) + (self.part if self.hierarchical else 0)


class Table(nn.Module):
    """A row for each class."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(classes, width))
        if not self.weight.is_meta:
            nn.init.normal_(self.weight)

    def forward(self, said: Tensor) -> Tensor:
        """One-hot labels (N, classes) -> rows (N, width)."""
        return said @ self.weight

    def original(self, name: str) -> dict[str, Tensor]:
        """Its tensors under their original names; `name` : of the module."""
        return {f"{name}.weight": self.weight.detach()}


class Statistic(nn.Module):
    """The stored mean and variance of the channels, with which it normalises."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, eps=_EPSILON)

    def original(self, name: str, kept: Statistics) -> dict[str, Tensor]:
        """Its tensors under their original names; `name` : of the normalisation."""
        if kept == "plain":
            return {f"{name}.stored_mean": self.running_mean, f"{name}.stored_var": self.running_var}
        if kept == "counted":  # a sum over one batch is its mean
            found = {f"{name}.bn.stored_mean": self.running_mean, f"{name}.bn.stored_var": self.running_var}
            return {**found, f"{name}.bn.accumulation_counter": torch.ones(1)}
        found = {f"{name}.bn.running_mean": self.running_mean, f"{name}.bn.running_var": self.running_var}
        return {**found, f"{name}.bn.num_batches_tracked": torch.tensor(0)}


class _Conditioned(nn.Module):
    """A batch normalisation whose factor and summand come from the class and the noise."""

    def __init__(self, config: BigganConfig, channels: int) -> None:
        super().__init__()
        self.bn, self.adds_gain = Statistic(channels), config.adds_gain
        for name in ("gain", "bias"):
            shared = config.shared
            setattr(self, name, _linear(config, config.conditions, channels) if shared else Table(config.classes, channels))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        gain, bias = (_of(part, y)[:, :, None, None] for part in (self.gain, self.bias))
        return _scaled(self.bn(x), gain + 1.0, bias, self.adds_gain)


def _scaled(x: Tensor, gain: Tensor, bias: Tensor, adds: bool) -> Tensor:
    return x + gain + bias if adds else x * gain + bias


def _of(part: nn.Module | Tensor, y: Tensor) -> Tensor:
    """What a linear layer or a table gives."""
    if isinstance(part, Map):
        return F.linear(y, part.weight, part.bias)
    assert isinstance(part, Table)
    return part.forward(y)


def _linear(config: BigganConfig, inputs: int, outputs: int, bias: bool = False) -> Map:
    return Map(_mapped(config, inputs, outputs, 1, bias), linear=True)


def _conv(config: BigganConfig, inputs: int, outputs: int, kernel: int, bias: bool = True) -> Map:
    return Map(_mapped(config, inputs, outputs, kernel, bias))


def _mapped(config: BigganConfig, inputs: int, outputs: int, kernel: int, bias: bool) -> Mapped:
    how = None if config.form is None else Reparametrised(config.form, outputs)
    return Mapped("", inputs, outputs, bias, kernel, "", how)


class _Block(nn.Module):
    """A residual block (figure 15): (N, inputs, R, R) -> (N, outputs, 2 R, 2 R)."""

    def __init__(self, config: BigganConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        self.bn1, self.bn2 = _Conditioned(config, inputs), _Conditioned(config, outputs)
        self.conv1, self.conv2 = _conv(config, inputs, outputs, 3), _conv(config, outputs, outputs, 3)
        self.conv_sc = _conv(config, inputs, outputs, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = enlarged_conv(F.relu(self.bn1(x, y)), self.conv1.weight, self.conv1.bias)
        h = self.conv2(F.relu(self.bn2(h, y)))
        # A pointwise convolution may as well come before the pixels are repeated.
        return h + F.interpolate(self.conv_sc(x), scale_factor=2.0, mode="nearest")  # type: ignore[no-any-return]


class _DeepBlock(nn.Module):
    """A residual block of BigGAN-deep (figure 16), whose shortcut drops channels: (N, inputs, R, R) -> (N, outputs, R, R) or 2 R."""

    def __init__(self, config: BigganConfig, inputs: int, outputs: int, enlarges: bool) -> None:
        super().__init__()
        self.enlarges, self.outputs, middle = enlarges, outputs, inputs // SQUEEZED
        self.bn1 = _Conditioned(config, inputs)
        self.bn2, self.bn3, self.bn4 = (_Conditioned(config, middle) for _ in range(3))
        self.conv1, self.conv4 = _conv(config, inputs, middle, 1), _conv(config, middle, outputs, 1)
        self.conv2, self.conv3 = _conv(config, middle, middle, 3), _conv(config, middle, middle, 3)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        h = F.relu(self.bn2(self.conv1(F.relu(self.bn1(x, y))), y))
        x = x[:, : self.outputs]
        if self.enlarges:
            h, x = enlarged_conv(h, self.conv2.weight, self.conv2.bias), F.interpolate(x, scale_factor=2.0, mode="nearest")
        else:
            h = self.conv2(h)
        h = self.conv3(F.relu(self.bn3(h, y)))
        return self.conv4(F.relu(self.bn4(h, y))) + x  # type: ignore[no-any-return]


class _Attention(nn.Module):
    """Every pixel looks at all others, pooled two by two (Zhang et al. 2019, arXiv 1805.08318, as in its authors' program)."""

    def __init__(self, config: BigganConfig, channels: int) -> None:
        super().__init__()
        self.theta, self.phi = (_conv(config, channels, channels // KEYS, 1, bias=False) for _ in range(2))
        self.g = _conv(config, channels, channels // VALUES, 1, bias=False)
        self.o = _conv(config, channels // VALUES, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.tensor(0.0))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        query, key, value = self.theta(x).flatten(2), F.max_pool2d(self.phi(x), 2).flatten(2), F.max_pool2d(self.g(x), 2).flatten(2)
        weights = (query.transpose(1, 2) @ key).softmax(dim=2)  # (N, pixels, pooled pixels)
        seen = (value @ weights.transpose(1, 2)).reshape(x.shape[0], -1, x.shape[2], x.shape[3])
        return x + self.gamma * self.o(seen)


class Affine(nn.Module):
    """A batch normalisation with a factor and a summand per channel."""

    def __init__(self, channels: int, adds_gain: bool) -> None:
        super().__init__()
        self.bn, self.adds_gain = Statistic(channels), adds_gain
        self.gain, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return _scaled(self.bn(x), self.gain[:, None, None], self.bias[:, None, None], self.adds_gain)


class BigganNetwork(nn.Module):
    """Noise and one-hot labels -> what the last layer gives."""

    def __init__(self, config: BigganConfig) -> None:
        super().__init__()
        self.config = config
        if config.shared:
            self.shared = Table(config.classes, config.shared)
        self.linear = _linear(config, config.stem_inputs, config.widths[0] * config.side**2, bias=True)
        stages = []
        for i, (before, width) in enumerate(zip(config.widths[:-1], config.widths[1:], strict=True)):
            block = _DeepBlock(config, before, width, bool(i % 2)) if config.deep else _Block(config, before, width)
            stages.append(nn.ModuleList([block, *([_Attention(config, width)] if config.attention[i] else [])]))
        self.blocks = nn.ModuleList(stages)
        last = config.widths[-1]
        self.output_layer = nn.ModuleDict({"0": Affine(last, config.adds_gain), "2": _conv(config, last, 3, 3)})

    def forward(self, noise: Tensor, said: Tensor) -> Tensor:
        """(N, noise), (N, classes) -> (N, 3, R, R)."""
        config = self.config
        y = self.shared(said) if config.shared else said
        begin, each = noise, [y] * len(config.attention)
        if config.deep:
            begin = torch.cat([y, noise], dim=1)
            each = [begin] * len(each)
        elif config.hierarchical:
            begin, *parts = noise.split(config.part, dim=1)
            each = [torch.cat([y, part], dim=1) for part in parts]
        x = F.linear(begin, self.linear.weight, self.linear.bias).reshape(-1, config.widths[0], config.side, config.side)
        x = x.contiguous(memory_format=torch.channels_last)  # convolutions are faster so on a CPU
        for stage, condition in zip(self.blocks, each, strict=True):
            assert isinstance(stage, nn.ModuleList)
            for part in stage:
                x = part(x, condition)
        return self.output_layer["2"](F.relu(self.output_layer["0"](x)))  # type: ignore[no-any-return]


class BigganGenerator(LatentGenerator):
    """A BigGAN generator. A latent is the noise followed by one number per class; the largest selects the class."""

    kind = "biggan"
    config: BigganConfig

    def __init__(self, config: BigganConfig) -> None:
        super().__init__()
        self.config = config
        self.network = BigganNetwork(config)

    @property
    def classes(self) -> int:
        return self.config.classes if self.config.label is None else 0

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        config = self.config
        if config.label is None:
            chosen = z[:, config.noise :].argmax(dim=1, keepdim=True)
        else:
            chosen = torch.full_like(z[:, :1], config.label, dtype=torch.int64)
        said = (torch.arange(config.classes, device=z.device) == chosen).to(z.dtype)
        return torch.tanh(self.network(z[:, : config.noise], said))

    def original_state_dict(self) -> dict[str, Tensor] | None:
        named: dict[str, Tensor] = {}
        for name, part in self.network.named_modules():
            if isinstance(part, Map):
                weight = part.weight.detach()
                named |= {f"{name}.weight": weight} if self.config.form is None else part.kept.original(name, weight)
                named |= {} if part.bias is None else {f"{name}.bias": part.bias.detach()}
            elif isinstance(part, Table):
                named |= part.original(name)
            elif isinstance(part, Statistic):
                named |= part.original(name.removesuffix(".bn"), self.config.statistics)
            elif isinstance(part, Affine):
                named |= {f"{name}.gain": part.gain.detach(), f"{name}.bias": part.bias.detach()}
            elif isinstance(part, _Attention):
                named[f"{name}.gamma"] = part.gamma.detach()
        return named
