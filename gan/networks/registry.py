"""All kinds of network that a bundle may hold, adapters included: their names, configurations and constructors.

To add a kind, write a module and add a line here. Fields of a configuration may be `int` (at least 1), `Whole` (at least 0), `float`,
`bool`, `str`, a `Literal` of strings, `X | None`, tuples of these, and dataclasses of these, also nested; `gan.networks.described` checks
all of them before anything is built.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from gan.networks.adapter import Choice, ChoiceConfig, Shift, ShiftConfig
from gan.networks.base import ImageDiscriminator, LatentGenerator, Whole
from gan.networks.biggan import BigganConfig, BigganGenerator
from gan.networks.conditional import ConditionalConfig, ConditionalGenerator
from gan.networks.discriminator import Discriminator, DiscriminatorConfig
from gan.networks.fastgan import FastganConfig, FastganGenerator
from gan.networks.generator import Generator, GeneratorConfig
from gan.networks.layered import DcganGenerator, LayeredConfig, MlpGenerator
from gan.networks.lightweight import LightweightConfig, LightweightGenerator
from gan.networks.lucidrains_stylegan2 import LucidStyleGAN2, LucidStyleGAN2Config
from gan.networks.onnx_generator import FILE, OnnxConfig, OnnxGenerator
from gan.networks.residual import ResidualConfig, ResidualGenerator
from gan.networks.stylegan2 import StyleGAN2, StyleGAN2Config
from gan.networks.stylegan2_discriminator import StyleGAN2Discriminator, StyleGAN2DiscriminatorConfig
from gan.networks.stylegan3 import StyleGAN3, StyleGAN3Config


class Kind(NamedTuple):
    """How networks of one kind are built."""

    config: type  # a frozen dataclass
    build: Callable[[Any], Any]  # configuration -> network, without weights
    files: tuple[
        str, ...
    ] = ()  # names of the files that `LatentGenerator.files` returns; never a name that an export itself uses


generators: dict[str, Kind] = {
    "compact": Kind(GeneratorConfig, Generator),
    "dcgan": Kind(LayeredConfig, DcganGenerator),
    "mlp": Kind(LayeredConfig, MlpGenerator),
    "conditional": Kind(ConditionalConfig, ConditionalGenerator),
    "resnet": Kind(ResidualConfig, ResidualGenerator),
    "biggan": Kind(BigganConfig, BigganGenerator),
    "fastgan": Kind(FastganConfig, FastganGenerator),
    "lightweight": Kind(LightweightConfig, LightweightGenerator),
    "stylegan2-lucidrains": Kind(LucidStyleGAN2Config, LucidStyleGAN2),
    "onnx": Kind(OnnxConfig, OnnxGenerator, (FILE,)),
    "stylegan2": Kind(StyleGAN2Config, StyleGAN2),
    "stylegan3": Kind(StyleGAN3Config, StyleGAN3),
}
discriminators: dict[str, Kind] = {
    "residual": Kind(DiscriminatorConfig, Discriminator),
    "stylegan2": Kind(StyleGAN2DiscriminatorConfig, StyleGAN2Discriminator),
}
adapters: dict[str, Kind] = {
    Shift.kind: Kind(ShiftConfig, Shift),
    Choice.kind: Kind(ChoiceConfig, Choice),
}
# by the part of a bundle that they are
parts: dict[str, dict[str, Kind]] = {"generator": generators, "adapter": adapters, "discriminator": discriminators}

__all__ = ["ImageDiscriminator", "Kind", "LatentGenerator", "Whole", "adapters", "discriminators", "generators", "parts"]
