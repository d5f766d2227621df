"""From a traced program to an ONNX `ModelProto`, which `onnx_export` writes and `onnx_merge` joins with an imported graph."""

from typing import Any

import numpy as np
import torch

from gan.errors import UserError
from gan.formats.program import quiet

OPSET = 20
DEFAULTS = {"psi": np.array(1.0, np.float32), "label": np.array(-1, np.int64)}


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
