"""StyleGAN3's generator, to run published weights (Karras et al. 2021, arXiv 2106.12423; our own code)."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from gan.networks.base import Whole
from gan.networks.style_based import StyleBased
from gan.networks.stylegan2_layers import Mapping, MappingConfig
from gan.networks.stylegan3_layers import FilterConfig, FilteredLayer, FourierFeatures, Signal, ToImage

_MOST_LAYERS = 32


def progression(
    resolution: int, layers: int = 14, base: int = 32768, widest: int = 512, image_channels: int = 3, critical: int = 2, margin: int = 10
) -> tuple[Signal, ...]:
    """The signals of a generator as the paper spaces them (section 3.2).

    Cutoffs and stopbands grow geometrically from the first layer to the last but `critical`.

    Parameters
    ----------
    resolution : of the images.
    layers : hidden ones.
    base, widest : a layer with the cutoff f has base / 2 / f channels, but no more than `widest`.
    image_channels : of the last signal.
    critical : number of last layers that are sampled as coarsely as can be.
    margin : samples around the image that every layer but the last two keeps.
    """
    signals = []
    for i in range(layers + 1):
        share = min(i / (layers - critical), 1.0)
        cutoff = 2.0 * (resolution / 4.0) ** share
        stop = 2.0**2.1 * (resolution / 2.0 * 2.0**0.3 / 2.0**2.1) ** share
        rate = 2 ** math.ceil(math.log2(min(2.0 * stop, resolution)))
        size = resolution if i >= layers - 1 else rate + 2 * margin
        channels = image_channels if i == layers else round(min(base / 2.0 / cutoff, widest))
        signals.append(Signal(channels, size, rate, cutoff, max(stop, rate / 2.0) - cutoff))
    return tuple(signals)


@dataclass(frozen=True)
class StyleGAN3Config:
    """Shape of a generator, and how it is run."""

    resolution: int = 256  # output width and height in pixels
    mapping: MappingConfig = field(default_factory=lambda: MappingConfig(layers=2))
    signals: tuple[Signal, ...] = field(default_factory=lambda: progression(256))  # of every layer; the first also enters it
    filters: FilterConfig = field(default_factory=FilterConfig)
    radial: Whole = 0  # how many of the first layers filter alike in all directions when they reduce
    output_scale: float = 0.25
    label: Whole | None = None  # None: the class is that of the largest of a latent's last coordinates
    truncation_cutoff: Whole | None = None  # number of layers that are truncated; None: all

    def __post_init__(self) -> None:
        if not 3 <= len(self.signals) <= _MOST_LAYERS:
            raise ValueError(f"{len(self.signals)} layers")
        *_, last, image = self.signals
        if {last.size, last.rate, image.size, image.rate} != {self.resolution}:
            raise ValueError(f"the last layers do not have the {self.resolution} samples of the image")
        if self.image_channels not in {1, 3}:
            raise ValueError(f"{self.image_channels} channels are no image")
        if self.mapping.noise_width == 0:
            raise ValueError("a generator needs latents")
        if self.label is not None and self.label >= self.mapping.classes:
            raise ValueError(f"label {self.label} of {self.mapping.classes} classes")
        if not 0.0 < abs(self.output_scale) < 1e9:
            raise ValueError(f"output_scale is {self.output_scale}")

    @property
    def image_channels(self) -> int:
        """1 is grey."""
        return self.signals[-1].channels

    @property
    def layers(self) -> int:
        """Number of styles: one for each signal, and one for what enters the first layer."""
        return len(self.signals) + 1

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the layers in the code that the weights come from."""
        return tuple(f"L{i}_{signal.size}_{signal.channels}" for i, signal in enumerate(self.signals))

    @property
    def variant(self) -> str:
        """The paper's name for it: StyleGAN3-T, -R, or neither."""
        hidden = len(self.signals) - 1
        if self.filters.kernel == 3 and not self.radial:
            return "StyleGAN3-T"
        return "StyleGAN3-R" if self.filters.kernel == 1 and 0 < self.radial <= hidden else "StyleGAN3"


class Synthesis(nn.Module):
    """Styles -> images."""

    def __init__(self, config: StyleGAN3Config) -> None:
        super().__init__()
        self.config = config
        width, first = config.mapping.outputs, config.signals[0]
        self.input = FourierFeatures(width, first)
        for i, (before, after, name) in enumerate(zip((first, *config.signals[:-1]), config.signals, config.names, strict=True)):
            if i == len(config.signals) - 1:
                layer: nn.Module = ToImage(width, before.channels, after.channels, config.filters.clamp)
            else:
                layer = FilteredLayer(width, before, after, config.filters, i < config.radial)
            self.add_module(name, layer)

    def forward(self, styles: list[Tensor]) -> Tensor:
        """Images (N, image_channels, R, R) from `config.layers` styles (N, W)."""
        x: Tensor = self.input(styles[0])
        for name, w in zip(self.config.names, styles[1:], strict=True):
            x = self.get_submodule(name)(x, w)
        return x * self.config.output_scale


class StyleGAN3(StyleBased):
    """The generator: `StyleBased` says what enters and what comes out."""

    kind: ClassVar[str] = "stylegan3"
    config: StyleGAN3Config

    def __init__(self, config: StyleGAN3Config | None = None) -> None:
        super().__init__()
        self.config = config or StyleGAN3Config()
        self.mapping = Mapping(self.config.mapping)
        self.synthesis = Synthesis(self.config)
        self.register_buffer("w_avg", torch.zeros(self.config.mapping.outputs))

    def original_state_dict(self) -> dict[str, Tensor]:
        """The weights under the names of NVIDIA's code; it loads them strictly."""
        tensors = dict(self.state_dict())
        tensors["mapping.w_avg"] = tensors.pop("w_avg")
        return tensors
