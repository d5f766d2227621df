"""Plain chains of layers with a class label as a second input (Mirza and Osindero 2014, arXiv 1411.1784)."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from gan.networks.base import LATER, Whole
from gan.networks.layered import LayeredConfig, LayeredGenerator

# How the label's vector is combined with the noise: concatenated before or behind it, multiplied or added.
Joined = Literal["before", "behind", "times", "plus"]


@dataclass(frozen=True)
class Entrance:
    """The second of two first layers of the original code, one for the noise and one for the label; here they are one layer.

    That layer, on the diagonal of whose weight both are, has the names of the first.
    """

    name: str  # of the second layer
    norm_name: str  # of its normalisation; "" without one
    before: int  # outputs of the first layer


@dataclass(frozen=True)
class Condition:
    """How a label enters the first layer: as a row of a learnt table, or one-hot."""

    classes: int
    joined: Joined
    width: int  # of the label's vector
    name: str = ""  # of the table in the original code; "": one-hot
    label: Whole | None = None  # None: the last coordinates of a latent select the class
    entrance: Entrance | None = field(default=None, metadata={LATER: True})  # where the label has an entrance of its own

    def __post_init__(self) -> None:
        if not self.name and self.width != self.classes:
            raise ValueError(f"{self.classes} classes are not told apart by {self.width} numbers")
        if self.label is not None and self.label >= self.classes:
            raise ValueError(f"label {self.label} is not one of {self.classes} classes")


@dataclass(frozen=True)
class ConditionalConfig(LayeredConfig):
    """A chain of layers from a latent, which is the noise followed by one number per class, to an image."""

    condition: Condition = Condition(2, "behind", 2)

    def __post_init__(self) -> None:
        if self.noise < 1 or (self.beside == 0 and self.condition.width != self.noise):
            raise ValueError(f"{self.z_dim} latents do not hold a label and noise")
        if self.condition.entrance and (self.beside == 0 or self.condition.entrance.before >= self.layers[0].outputs):
            raise ValueError(f"the first layer has no {self.condition.entrance.before} outputs for one of two entrances")
        super().__post_init__()

    @property
    def noise(self) -> int:
        """How many coordinates of a latent are noise; they come first."""
        return self.z_dim - (self.condition.classes if self.condition.label is None else 0)

    @property
    def beside(self) -> int:
        """How many inputs the label adds to the first layer."""
        return self.condition.width if self.condition.joined in {"before", "behind"} else 0

    @property
    def entering(self) -> int:
        return self.noise + self.beside


class ConditionalGenerator(LayeredGenerator):
    """A chain of layers with a class label. A latent is the noise followed by one number per class; the largest selects the class."""

    kind = "conditional"
    config: ConditionalConfig
    table: Tensor

    def __init__(self, config: ConditionalConfig) -> None:
        super().__init__(config)
        if config.condition.name:
            self.table = nn.Parameter(torch.zeros(config.condition.classes, config.condition.width))

    @property
    def classes(self) -> int:
        return self.config.condition.classes if self.config.condition.label is None else 0

    def enter(self, z: Tensor) -> Tensor:
        condition, width = self.config.condition, self.config.noise
        noise = super().enter(z[:, :width])
        if condition.label is None:
            chosen = z[:, width:].argmax(dim=1, keepdim=True)
        else:
            chosen = torch.full_like(z[:, :1], condition.label, dtype=torch.int64)
        said = (torch.arange(condition.classes, device=z.device) == chosen).to(noise.dtype)
        if condition.name:
            said = said @ self.table
        if condition.joined == "times":
            return noise * said
        if condition.joined == "plus":
            return noise + said
        return torch.cat([said, noise] if condition.joined == "before" else [noise, said], dim=1)

    def original_state_dict(self) -> dict[str, Tensor] | None:
        weights = super().original_state_dict()
        if weights is not None and self.config.condition.entrance is not None:
            return {**weights, **self._two_entrances(self.config.condition.entrance)}
        if weights is None or not self.config.condition.name:
            return weights
        return {f"{self.config.condition.name}.weight": self.table.detach(), **weights}

    def _two_entrances(self, second: Entrance) -> dict[str, Tensor]:
        """The tensors of the two first layers of the original code, under their names there."""
        condition, block, outputs = self.config.condition, self.chain()[0], second.before
        inputs = condition.width if condition.joined == "before" else self.config.noise
        layer = block.layer
        found: dict[str, Tensor] = {}
        for name, value in block.original().items():
            module, _, leaf = name.rpartition(".")
            names = (name, f"{second.name if module == layer.name else second.norm_name}.{leaf}")
            if value.dim() > 1 and layer.op == "deconv":
                parts = value[:inputs, :outputs], value[inputs:, outputs:]
            elif value.dim() > 1:
                parts = value[:outputs, :inputs], value[outputs:, inputs:]
            else:  # a counter has no dimension, and is the same for both
                parts = (value[:outputs], value[outputs:]) if value.dim() else (value, value)
            found |= dict(zip(names, parts, strict=True))
        return found
