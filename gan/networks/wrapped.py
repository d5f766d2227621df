"""Any PyTorch generator behind our interface: a module from latents to images about which nothing else is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from numbers import Integral
from typing import Literal

import torch
from torch import Tensor, nn

from gan.errors import UserError, reason
from gan.networks.base import LatentGenerator

Values = Literal["signed", "unit"]
_PROBES = 16  # latents that a module is tested with
_SLACK = 0.5  # how far beyond their range images may reach, since few generators clamp


@dataclass(frozen=True)
class WrappedConfig:
    """How a module is called."""

    z_dim: int
    resolution: int
    values: Values  # images in -1..1 ("signed"), or in 0..1 ("unit")
    z_shape: Literal["flat", "map"]  # latents as (N, z_dim), or (N, z_dim, 1, 1)
    embed_dim: int


class WrappedGenerator(LatentGenerator):
    """Calls a module that is not ours. No bundle can hold one: its code is not stored with weights.

    Parameters
    ----------
    module : see `gan.wrap`.
    mapping : its result is that of `embed`: (N, z_dim) -> (N, embed_dim); None: the latents themselves.
    """

    kind = "wrapped"
    config: WrappedConfig

    def __init__(self, config: WrappedConfig, module: nn.Module, mapping: nn.Module | None = None) -> None:
        super().__init__()
        self.config, self.module = config, module
        self.mapping = mapping

    @property
    def embed_dim(self) -> int:
        return self.config.embed_dim

    def embed(self, z: Tensor) -> Tensor:
        return z if self.mapping is None else self.mapping(z.to(_dtype(self.module))).float()

    def forward(self, z: Tensor, psi: float = 1.0) -> Tensor:
        images = _run(self.module, z, self.config.z_shape).float()
        images = images * 2.0 - 1.0 if self.config.values == "unit" else images
        return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images


def wrapped(
    module: nn.Module, z_dim: int, values: Values | None = None, mapping: nn.Module | None = None
) -> WrappedGenerator:
    """Test a module, and wrap it if it draws images. See `gan.wrap` for the arguments and errors."""
    if not isinstance(module, nn.Module):
        raise UserError(f"a generator is a torch.nn.Module, not {type(module).__name__}")
    if isinstance(z_dim, bool) or not isinstance(z_dim, Integral) or z_dim < 1:
        raise UserError(f"z_dim is the width of a latent, a whole number from 1, not {z_dim!r}")
    z_dim = int(z_dim)  # also of numpy
    if values not in (None, "signed", "unit"):
        raise UserError(f'values are "signed" or "unit", not {values!r}')
    module.eval()
    z = torch.randn(_PROBES, z_dim, generator=torch.Generator().manual_seed(0)).to(_device(module))
    with torch.no_grad():
        z_shape, images = _first_run(module, z)
        side = _side(images)
        alone = torch.cat([_run(module, part, z_shape) for part in z.flip(0).split(_PROBES // 2)]).flip(0)
        if not torch.allclose(alone.float(), images.float(), rtol=0.0, atol=0.02):
            raise UserError("the module draws other images of the same latents: fix its noise, or its batch normalisation")
        embed_dim = z_dim if mapping is None else _embed_dim(mapping.eval(), z.to(_dtype(module)))
    config = WrappedConfig(z_dim, side, values or _values(images), z_shape, embed_dim)
    return WrappedGenerator(config, module, mapping)


def _first_run(module: nn.Module, z: Tensor) -> tuple[Literal["flat", "map"], Tensor]:
    shapes: tuple[Literal["flat", "map"], ...] = ("flat", "map")
    errors = []
    for shape in shapes:
        try:
            return shape, _run(module, z, shape)
        except UserError:
            raise
        except Exception as error:  # whatever a foreign module raises for a shape that it does not accept
            errors.append(reason(error))
    width = z.shape[1]
    raise UserError(f"the module takes neither latents (N, {width}) nor (N, {width}, 1, 1): {errors[0]:.200}")


def _run(module: nn.Module, z: Tensor, shape: Literal["flat", "map"]) -> Tensor:
    z = z.to(_dtype(module))
    given = module(z[:, :, None, None] if shape == "map" else z)
    if isinstance(given, tuple | list) and given:  # some return their styles beside the images
        given = given[0]
    if not isinstance(given, Tensor):
        raise UserError(f"the module gives {type(given).__name__}, not a tensor of images")
    return given


def _side(images: Tensor) -> int:
    shape = tuple(images.shape)
    if len(shape) != 4 or shape[0] != _PROBES or shape[1] not in {1, 3} or shape[2] < 4:
        raise UserError(f"of {_PROBES} latents the module makes a tensor {shape}, not images ({_PROBES}, 1 or 3, R, R)")
    if shape[2] != shape[3]:
        raise UserError(f"the module's images are {shape[3]} x {shape[2]} pixels: only square ones can be tuned")
    if not torch.isfinite(images).all():
        raise UserError("the module's images hold values that are not finite numbers")
    if float(images.float().std(dim=0).max()) < 1e-4:
        raise UserError("the module draws the same image of every latent")
    return int(shape[2])


def _values(images: Tensor) -> Values:
    """The range of values, judged from images."""
    low, high = float(images.min()), float(images.max())
    if low >= -0.02 and high <= 1.0 + _SLACK:
        return "unit"
    if low >= -1.0 - _SLACK and high <= 1.0 + _SLACK:
        return "signed"
    hint = 'rescale them in the module, or pass values="signed" or "unit" if what lies beyond is to be cut'
    raise UserError(f"the module's images reach from {low:.3g} to {high:.3g}, neither -1..1 nor 0..1: {hint}")


def _embed_dim(mapping: nn.Module, z: Tensor) -> int:
    try:
        w = mapping(z)
    except Exception as error:  # as above
        raise UserError(f"the mapping does not take latents {tuple(z.shape)}: {reason(error):.200}") from None
    if not isinstance(w, Tensor) or w.ndim != 2 or len(w) != len(z):
        raise UserError("the mapping makes no tensor (N, width) of latents (N, z_dim)")
    return int(w.shape[1])


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    return (tensor for tensor in chain(module.parameters(), module.buffers()) if tensor.is_floating_point())


def _dtype(module: nn.Module) -> torch.dtype:
    first = next(_tensors(module), None)
    return torch.float32 if first is None else first.dtype


def _device(module: nn.Module) -> torch.device:
    first = next(_tensors(module), None)
    return torch.device("cpu") if first is None else first.device
