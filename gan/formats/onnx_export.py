"""A generator as one ONNX file from latents to images, including the adapter."""

from collections.abc import Mapping

import numpy as np
import torch

from gan.formats.onnx_merge import merged
from gan.formats.onnx_proto import need_onnx, to_proto
from gan.formats.program import input_names, trace
from gan.model import Model


def to_onnx(model: Model, metadata: Mapping[str, str]) -> bytes:
    """Serialise the drawing part of a model as ONNX.

    Input `z` (batch, z_dim) float32, output `image` (batch, 3, R, R) float32 in [-1, 1]; any batch size, unless an imported graph has a
    fixed one. A generator that truncates has an input `psi` (float32), and one with classes an input `label` (int64; -1: z selects the
    class); both are scalars with defaults and may be omitted. The same model and metadata give the same bytes with the same versions of
    torch and onnxscript.

    Parameters
    ----------
    model : on the CPU.
    metadata : written to the file's `metadata_props`.

    Raises
    ------
    UserError
        A package for ONNX is not installed, or an imported graph cannot be joined with the adapter.
    """
    need_onnx()
    if model.generator.files():
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
