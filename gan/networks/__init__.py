"""Generators and discriminators: modules only, without training or files."""

from gan.networks.base import ImageDiscriminator, LatentGenerator
from gan.networks.discriminator import Discriminator, DiscriminatorConfig
from gan.networks.generator import Generator, GeneratorConfig
from gan.networks.latents import latents, to_uint8

__all__ = [
    "Discriminator",
    "DiscriminatorConfig",
    "Generator",
    "GeneratorConfig",
    "ImageDiscriminator",
    "LatentGenerator",
    "latents",
    "to_uint8",
]
