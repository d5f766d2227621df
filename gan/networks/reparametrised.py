"""Weights that the original code keeps in another form: with their spectral norm, or as direction and length.

A generator draws with the plain weight, which is computed once, on import. `Kept` holds what else the original code needs to take it back.
Spectral normalisation: Miyato et al. 2018, arXiv 1802.05957. Weight normalisation: Salimans and Kingma 2016, arXiv 1602.07868.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from gan.networks.base import Whole

# The names under which the tensors are kept, here for a weight called "weight":
#   spectral                  weight_orig, weight_u, weight_v                     torch.nn.utils.spectral_norm
#   spectral_left             weight_orig, weight_u                               the same before torch 1.1
#   spectral_parametrization  parametrizations.weight.original, ...weight.0._u, ...weight.0._v
#   spectral_bar              weight_bar, weight_u, weight_v                      a widely copied wrapper, which iterates as it draws
#   spectral_own              weight, sn_u, sn_sigma                              layers of their own, as in torch_mimicry
#   spectral_numbered         weight, u0, sv0                                     those of BigGAN-PyTorch
#   length                    weight_g, weight_v                                  torch.nn.utils.weight_norm
#   length_parametrization    parametrizations.weight.original0, ...original1
Form = Literal[
    "spectral", "spectral_left", "spectral_parametrization", "spectral_bar", "spectral_own", "spectral_numbered", "length",
    "length_parametrization",
]  # fmt: skip


@dataclass(frozen=True)
class Reparametrised:
    """How the original code keeps a weight."""

    form: Form
    rows: int  # size of dimension `along` of the weight
    along: Whole = 0  # the dimension that tells the rows of its matrix apart, or that has a length for each entry

    def __post_init__(self) -> None:
        if self.along > 1:
            raise ValueError(f"rows of a weight along its dimension {self.along}")


class Kept(nn.Module):
    """What the original code has beside a weight of `count` numbers: `u`, `v` and `sigma` of its matrix, or the lengths `g`."""

    u: Tensor
    v: Tensor
    sigma: Tensor
    g: Tensor

    def __init__(self, how: Reparametrised, count: int) -> None:
        super().__init__()
        self.how = how
        if how.form.startswith("length"):
            self.register_buffer("g", torch.ones(how.rows))
            return
        self.register_buffer("u", torch.ones(how.rows))
        self.register_buffer("sigma", torch.ones(1))
        if how.form not in {"spectral_left", "spectral_own", "spectral_numbered"}:
            self.register_buffer("v", torch.ones(count // how.rows))

    def original(self, name: str, weight: Tensor) -> dict[str, Tensor]:
        """The tensors of the module `name` in the original code, from the weight that it draws with."""
        form, prefix = self.how.form, f"{name}." if name else ""
        parametrised = f"{prefix}parametrizations.weight."
        if form.startswith("length"):
            shape = [self.how.rows if side == self.how.along else 1 for side in range(weight.dim())]
            g = self.g.reshape(shape)
            # Any direction of the right sense will do, except none at all.
            v = torch.where(g == 0.0, torch.ones_like(weight), weight * g.sign())
            names = ("weight_g", "weight_v") if form == "length" else ("original0", "original1")
            return dict(zip((f"{prefix if form == 'length' else parametrised}{one}" for one in names), (g, v), strict=True))
        whole = weight * self.sigma
        if form == "spectral_own":
            return {f"{prefix}weight": whole, f"{prefix}sn_u": self.u[None], f"{prefix}sn_sigma": self.sigma}
        if form == "spectral_numbered":
            return {f"{prefix}weight": whole, f"{prefix}u0": self.u[None], f"{prefix}sv0": self.sigma}
        if form == "spectral_parametrization":
            return {f"{parametrised}original": whole, f"{parametrised}0._u": self.u, f"{parametrised}0._v": self.v}
        named = {f"{prefix}weight_{'bar' if form == 'spectral_bar' else 'orig'}": whole, f"{prefix}weight_u": self.u}
        return named if form == "spectral_left" else {**named, f"{prefix}weight_v": self.v}
