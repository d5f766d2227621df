"""A generator as one ONNX file from latents to images, including the adapter."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from gan.errors import UserError
from gan.formats.program import input_names, quiet, trace
from gan.model import Model

OPSET = 20
DEFAULTS = {"psi": np.array(1.0, np.float32), "label": np.array(-1, np.int64)}


def to_onnx(model: Model, metadata: Mapping[str, str]) -> bytes:
    """Serialise the drawing part of a model as ONNX.

    Input `z` (batch, z_dim) float32, output `image` (batch, 3, R, R) float32 in [-1, 1]; any batch size. If the generator truncates there
    is an input `psi` (float32), if it has classes `label` (int64; -1: z selects the class); both are scalars that may be omitted, because
    the file holds defaults. The same model and metadata give the same bytes with the same versions of torch and onnxscript.

    Parameters
    ----------
    model : on the CPU.
    metadata : goes into the file's `metadata_props`.

    Raises
    ------
    UserError
        A package for ONNX is not installed, or an imported graph cannot be joined with the adapter.
    """
    need_onnx()
    if model.generator.files():
        from gan.formats.onnx_merge import merged  # here: it needs to_proto

        proto = merged(model)
    else:
        proto = to_proto(trace(model), input_names(model), ["image"])
    proto.graph.name = "generator"
    proto.producer_name = "tastemaker"
    proto.producer_version = metadata.get("version", "")
    proto.doc_string = metadata.get("description", "")
    for key, value in metadata.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = key, value
    return bytes(proto.SerializeToString(deterministic=True))


def need_onnx() -> None:
    """Check that the packages for ONNX are installed.

    Raises
    ------
    UserError
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"ONNX needs the package {error.name}: pip install onnx onnxscript onnxruntime"
        ) from None


def to_proto(program: Any, inputs: list[str], outputs: list[str]) -> Any:
    """Convert a traced program to an ONNX `ModelProto` of opset 20, with defaults for scalars and without the exporter's notes."""
    import onnx

    with quiet(), torch.no_grad():
        made: Any = torch.onnx.export(
            program,
            (),
            dynamo=True,
            opset_version=OPSET,
            input_names=inputs,
            output_names=outputs,
            verbose=False,
        )
    proto = made.model_proto
    _strip(proto)
    for name in inputs:
        if name in DEFAULTS:  # an initializer with an input's name is its default
            proto.graph.initializer.append(onnx.numpy_helper.from_array(DEFAULTS[name], name))
    for value in (*proto.graph.input, *proto.graph.output):
        sides = value.type.tensor_type.shape.dim
        if value.name not in DEFAULTS and sides and sides[0].dim_param:
            sides[0].dim_param = "batch"
    return proto


def _strip(proto: Any) -> None:
    """Remove the exporter's notes: stack traces with local paths, and names of modules."""
    proto.graph.doc_string = ""
    del proto.metadata_props[:]
    del proto.graph.metadata_props[:]
    parts = (
        proto.graph.node,
        proto.graph.initializer,
        proto.graph.input,
        proto.graph.output,
        proto.graph.value_info,
    )
    for part in parts:
        for entry in part:
            entry.doc_string = ""
            del entry.metadata_props[:]


def run_onnx(data: bytes, z: np.ndarray, output: str = "image", **more: np.ndarray) -> np.ndarray:
    """Images (N, 3, R, R) float32 that onnxruntime draws from latents (N, z_dim) float32, on the CPU; `more` : psi and label.

    Raises
    ------
    UserError
        onnxruntime is not installed.
    """
    need_onnx()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    side = session.get_inputs()[0].shape[0]
    batch = (
        side if isinstance(side, int) else max(1, len(z))
    )  # an imported graph may only accept one batch size
    rows = np.concatenate([z, z[:1].repeat(-len(z) % batch, axis=0)])
    parts = [session.run([output], {"z": rows[i : i + batch], **more})[0] for i in range(0, len(rows), batch)]
    images: np.ndarray = np.concatenate(parts)[: len(z)]
    return images
