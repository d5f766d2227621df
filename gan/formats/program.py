"""Traces the computation of a model into the graph of the ONNX and `.pt2` files."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from gan.errors import UserError
from gan.model import Model

_SURE = 8.0  # a class coordinate larger than any draw from N(0, I)


class Drawing(nn.Module):
    """z (N, z_dim) ~ N(0, I), then psi if the model truncates and label if it has classes -> images (N, 3, R, R) in [-1, 1]."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.generator = model.generator
        self.adapter = model.adapter
        self.inputs = input_names(model)

    def forward(self, z: Tensor, *more: Tensor) -> Tensor:
        given = dict(zip(self.inputs[1:], more, strict=True))
        if self.adapter is not None:
            z = self.adapter(z)
        if "label" in given:
            z = with_label(z, given["label"], self.generator.classes)
        images: Tensor = self.generator(z, given["psi"]) if "psi" in given else self.generator(z)
        return images.clamp(-1.0, 1.0)


def input_names(model: Model) -> list[str]:
    """Names of the graph's inputs: "z"; "psi" if the generator truncates; "label" if a class can be chosen."""
    generator = model.generator
    return ["z", *(["psi"] if generator.truncates else []), *(["label"] if generator.classes else [])]


def with_label(z: Tensor, label: Tensor, classes: int) -> Tensor:
    """Latents (N, z_dim) whose last `classes` coordinates select `label` (int64, zero-dimensional); unchanged if it is negative."""
    numbers = torch.arange(classes, device=z.device)
    said = torch.where(numbers == label, _SURE, -_SURE).to(z.dtype).expand(z.shape[0], classes)
    own = z[:, -classes:]
    return torch.cat([z[:, :-classes], torch.where(label < 0, own, said)], dim=1)


def trace(model: Model) -> Any:
    """Trace a model into a `torch.export.ExportedProgram` for any batch size; its inputs are `input_names(model)`.

    psi is a float32 and label an int64 tensor, both zero-dimensional; label -1 lets z select the class.

    Parameters
    ----------
    model : on the CPU.

    Raises
    ------
    UserError
        Its generator runs an imported graph, which torch cannot trace.
    """
    if model.generator.files():
        raise UserError(
            f"{model.name} runs an ONNX graph, which torch cannot trace; export it as onnx or as a bundle"
        )
    return trace_module(Drawing(model).eval(), model.z_dim, input_names(model)[1:])


def trace_module(module: nn.Module, z_dim: int, more: list[str]) -> Any:
    """Trace a module of latents (N, z_dim), for any N, and of the scalars `more`, each "psi" or "label"."""
    scalars = {"psi": torch.tensor(1.0), "label": torch.tensor(-1)}
    # A batch of two different rows: torch would treat a size of 1 as a constant.
    example = torch.zeros(2, z_dim) + torch.linspace(-1, 1, z_dim)
    example[1] *= -0.5
    dynamic: tuple[Any, ...] = ({0: torch.export.Dim("batch", min=1)},)
    with quiet(), torch.no_grad():
        if more:
            dynamic = (*dynamic, (None,) * len(more))
        return torch.export.export(
            module, (example, *(scalars[name] for name in more)), dynamic_shapes=dynamic
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the exporters' own warnings and logs (deprecations, a missing torchvision), which users cannot act on."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for kind in (FutureWarning, DeprecationWarning, UserWarning):
                warnings.simplefilter("ignore", kind)
            yield
    finally:
        logger.setLevel(level)
