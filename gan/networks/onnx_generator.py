"""A generator that is an imported ONNX graph, run by onnxruntime, with the same latents and images as all others.

It is not differentiable; only the pathwise estimator would need that.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan.networks.base import LatentGenerator, Whole
from gan.networks.onnx_graph import Graph, parse

FILE = "original.onnx"  # beside the weights of a bundle
_TYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "float64": torch.float64,
    "int64": torch.int64,
    "int32": torch.int32,
}
_MOST = 64  # images per run
_WORK = 400_000_000  # bytes that a run may need, assuming 64 feature maps of full size


@dataclass(frozen=True)
class OnnxConfig:
    """How a graph's inputs and outputs are interpreted."""

    noise: int  # width of the graph's own latent
    resolution: int  # width and height of an image, in pixels
    z: str  # name of the input that takes latents
    z_shape: Literal["flat", "map"] = "flat"  # (N, noise) or (N, noise, 1, 1)
    z_type: Literal["float32", "float16", "float64"] = "float32"
    prior: Literal["normal", "uniform"] = "normal"  # N(0, 1) or U(-1, 1)
    image: str = "image"  # name of the output with images
    image_type: Literal["float32", "float16", "float64", "uint8"] = "float32"
    channels: int = 3  # of the output: 1 grey, 3 RGB, 4 RGB and alpha, which is dropped
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    values: Literal["signed", "unit", "bytes"] = "signed"  # [-1, 1], [0, 1] or [0, 255]
    psi: str | None = None  # name of the input for truncation
    psi_rank: Whole = 0  # its number of dimensions, each of length 1
    psi_type: Literal["float32", "float16", "float64"] = "float32"
    label: str | None = None  # name of the input for class labels
    label_form: Literal["index", "column", "onehot"] = "index"  # (N,), (N, 1) or (N, classes)
    label_type: Literal["int64", "int32", "float32"] = "int64"
    classes: Whole = 0  # number of labels
    fixed_label: Whole | None = None  # None: the last coordinates of a latent select the label
    batch: Whole = 0  # images per run, if the graph fixes it; 0: any

    def __post_init__(self) -> None:
        if (self.label is None) != (self.classes == 0):
            raise ValueError("a label input and its number of classes go together")
        if self.fixed_label is not None and self.fixed_label >= max(self.classes, 1):
            raise ValueError(f"label {self.fixed_label} is not one of {self.classes} classes")

    @property
    def z_dim(self) -> int:
        """Width of a latent."""
        return self.noise + (self.classes if self.fixed_label is None else 0)


class Before(nn.Module):
    """Latents (N, z_dim) -> the graph's latents and, if it has labels, labels."""

    def __init__(self, config: OnnxConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, z: Tensor) -> tuple[Tensor, ...]:
        config = self.config
        noise = z[:, : config.noise].float()
        if config.prior == "uniform":
            noise = torch.erf(noise * math.sqrt(0.5))  # 2 Phi(z) - 1
        noise = noise.to(_TYPES[config.z_type])
        noise = noise[:, :, None, None] if config.z_shape == "map" else noise
        return (noise,) if config.label is None else (noise, self._labels(z))

    def _labels(self, z: Tensor) -> Tensor:
        config = self.config
        if config.fixed_label is None:
            index = z[:, config.noise :].argmax(dim=1)
        else:
            index = torch.full((z.shape[0],), config.fixed_label, dtype=torch.int64, device=z.device)
        if config.label_form == "onehot":
            index = F.one_hot(index, config.classes)
        elif config.label_form == "column":
            index = index[:, None]
        return index.to(_TYPES[config.label_type])


class After(nn.Module):
    """Output of the graph -> images (N, 3, R, R) float32, nominally in [-1, 1]."""

    def __init__(self, config: OnnxConfig) -> None:
        super().__init__()
        self.config = config

    def forward(self, images: Tensor) -> Tensor:
        images = images.float()
        if self.config.layout == "NHWC":
            images = images.permute(0, 3, 1, 2)
        if self.config.values == "unit":
            images = images * 2.0 - 1.0
        elif self.config.values == "bytes":
            # Saving an image computes x * 127.5 + 128, truncated, which must give the same byte again.
            images = (images - 127.5) / 127.5
        return images.expand(-1, 3, -1, -1) if images.shape[1] == 1 else images[:, :3]


class OnnxGenerator(LatentGenerator):
    """Runs a graph between `Before` and `After`, on the CPU, in batches that fit the graph and memory."""

    kind = "onnx"
    config: OnnxConfig

    def __init__(self, config: OnnxConfig) -> None:
        super().__init__()
        self.config = config
        self.before, self.after = Before(config), After(config)
        self._graph: Graph | None = None

    @property
    def truncates(self) -> bool:  # type: ignore[override]
        """Whether the graph has an input for truncation."""
        return self.config.psi is not None

    @property
    def classes(self) -> int:
        """Number of labels that the last coordinates of a latent select from."""
        return self.config.classes if self.config.fixed_label is None else 0

    @property
    def graph(self) -> Graph:
        """The graph, once `attach` has been called; RuntimeError before."""
        if self._graph is None:
            raise RuntimeError("an ONNX generator draws nothing before its graph is attached")
        return self._graph

    def files(self) -> dict[str, bytes]:
        return {} if self._graph is None else {FILE: self._graph.data}

    def attach(self, files: dict[str, bytes]) -> None:
        _check_ports(parse(files[FILE]).graph, self.config)
        self._graph = Graph(files[FILE])

    @torch.no_grad()
    def forward(self, z: Tensor, psi: float | Tensor = 1.0) -> Tensor:
        given = [part.numpy() for part in self.before(z.detach().cpu())]
        config = self.config
        feeds = {}
        if config.psi is not None:
            scalar = np.array(float(psi), dtype=config.psi_type)
            feeds[config.psi] = scalar.reshape((1,) * config.psi_rank)
        batch = config.batch or max(1, min(_MOST, _WORK // (config.resolution**2 * 4 * 64)))
        parts = []
        for start in range(0, len(z), batch):
            rows = [part[start : start + batch] for part in given]
            count = len(rows[0])
            if config.batch and count < batch:  # the graph takes no smaller batch
                rows = [np.concatenate([part, part[:1].repeat(batch - count, axis=0)]) for part in rows]
            names = [config.z, *([config.label] if config.label is not None else [])]
            drawn = self.graph.run(config.image, {**dict(zip(names, rows, strict=True)), **feeds})
            parts.append(self.after(torch.from_numpy(drawn[:count])))
        size = (0, 3, config.resolution, config.resolution)
        return torch.cat(parts).to(z.device) if parts else torch.zeros(size, device=z.device)


# TensorProto.DataType of each data type.
_ELEMENTS = {"float32": 1, "uint8": 2, "int32": 6, "int64": 7, "float16": 10, "float64": 11}


def _check_ports(graph: Any, config: OnnxConfig) -> None:
    """Check that a graph has the inputs and outputs of a configuration, by name, type and number of dimensions.

    Raises
    ------
    ValueError
        It has not.
    """
    wanted: dict[str, tuple[str, int]] = {
        config.z: (config.z_type, 2 if config.z_shape == "flat" else 4)
    }
    if config.psi is not None:
        wanted[config.psi] = (config.psi_type, config.psi_rank)
    if config.label is not None:
        wanted[config.label] = (config.label_type, 1 if config.label_form == "index" else 2)
    held = {tensor.name for tensor in graph.initializer}
    inputs = {port.name: port.type.tensor_type for port in graph.input}
    if more := sorted(set(inputs) - set(wanted) - held):
        raise ValueError(f"its graph needs the input {more[0]:.40}, which nothing gives")
    for name, (kind, rank) in wanted.items():
        port = inputs.get(name)
        if port is None or port.elem_type != _ELEMENTS[kind] or len(port.shape.dim) != rank:
            raise ValueError(f"its graph has no input {name:.40} of {kind} and {rank} dimensions")
    width = inputs[config.z].shape.dim[1]
    if width.HasField("dim_value") and width.dim_value != config.noise:
        raise ValueError(f"its graph takes {width.dim_value} latents, not {config.noise}")
    drawn = next((port.type.tensor_type for port in graph.output if port.name == config.image), None)
    if drawn is None or drawn.elem_type != _ELEMENTS[config.image_type]:
        raise ValueError(f"its graph has no output {config.image:.40} of {config.image_type}")
