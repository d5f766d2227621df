"""A generator as one ONNX file: latents in, images out, everything that tuning learnt folded in."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan.errors import UserError
from gan.model import Model

OPSET = 20


class _Drawing(nn.Module):
    """What the file computes: z (N, z_dim) -> images (N, 3, R, R) in [-1, 1]."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.generator = model.generator
        self.adapter = model.adapter

    def forward(self, z: Tensor) -> Tensor:
        if self.adapter is not None:
            z = self.adapter(z)
        images: Tensor = self.generator(z)
        return images.clamp(-1.0, 1.0)


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns and logs about its own insides (deprecations in it, torchvision not being there); no one here can act on it."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)


def to_onnx(model: Model, metadata: Mapping[str, str]) -> bytes:
    """The drawing part of a model as a serialised ONNX file.

    Input `z` (batch, z_dim) float32, output `image` (batch, 3, R, R) float32 in [-1, 1]; any batch. The same model and metadata give
    the same bytes under the same versions of torch and onnxscript.

    Parameters
    ----------
    model : on the CPU.
    metadata : goes into the file's `metadata_props`.

    Raises
    ------
    UserError
        The packages that write ONNX are not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(f"export needs the package {error.name}: pip install onnx onnxscript onnxruntime") from None
    drawing = _Drawing(model).eval()
    example = torch.zeros(2, model.z_dim) + torch.linspace(-1, 1, model.z_dim)
    with _quiet(), torch.no_grad():
        program: Any = torch.onnx.export(
            drawing,
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["z"],
            output_names=["image"],
            dynamic_shapes={"z": {0: torch.export.Dim("batch", min=1)}},
            verbose=False,
        )
    proto = program.model_proto
    _strip(proto)
    proto.producer_name = "tastemaker"
    proto.producer_version = metadata.get("version", "")
    proto.doc_string = metadata.get("description", "")
    for key, value in metadata.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
    return bytes(proto.SerializeToString(deterministic=True))


def _strip(proto: Any) -> None:
    """Take out the exporter's notes: stack traces with the paths of this machine, and names of modules."""
    proto.graph.name = "generator"
    proto.graph.doc_string = ""
    del proto.metadata_props[:]
    del proto.graph.metadata_props[:]
    parts = (proto.graph.node, proto.graph.initializer, proto.graph.input, proto.graph.output, proto.graph.value_info)
    for part in parts:
        for entry in part:
            entry.doc_string = ""
            del entry.metadata_props[:]


def run_onnx(data: bytes, z: np.ndarray) -> np.ndarray:
    """Images (N, 3, R, R) float32 that onnxruntime draws from latents (N, z_dim) float32, on the CPU.

    Raises
    ------
    UserError
        onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UserError("export needs the package onnxruntime: pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    images: np.ndarray = session.run(["image"], {"z": z})[0]
    return images
