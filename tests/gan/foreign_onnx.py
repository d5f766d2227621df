"""ONNX generators as strangers write them: small graphs put together by hand."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE, NOISE = 8, 6


def generator(
    *,
    inputs: str = "flat",  # or "map": (N, 6, 1, 1)
    tail: Sequence[str] = ("Tanh",),  # operators behind the last convolution
    layout: str = "NCHW",
    channels: int = 3,
    batch: int | str = "N",
    opset: int = 17,
    elem: str = "float32",
    z: str = "z",
    image: str = "image",
    scale: float = 1.0,  # of the images
    offset: float = 0.0,
    as_bytes: bool = False,
    psi: str | None = None,
    label: str | None = None,  # "index", "column" or "onehot"
    classes: int = 4,
    seed: int = 0,
) -> bytes:
    """A linear layer to 2 x 2 x 8, two ConvTranspose to 8 x 8, and what is asked for around them."""
    random = np.random.default_rng(seed)
    real = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "float64": TensorProto.DOUBLE}[elem]
    weights: list[Any] = []
    nodes: list[Any] = []

    def held(name: str, values: np.ndarray) -> str:
        weights.append(numpy_helper.from_array(values, name))
        return name

    def draw(name: str, *shape: int) -> str:
        return held(name, (random.standard_normal(shape) * shape[0] ** -0.5).astype(elem))

    def node(kind: str, given: list[str], **attributes: Any) -> str:
        out = f"{kind}_{len(nodes)}"
        nodes.append(helper.make_node(kind, given, [out], **attributes))
        return out

    ports = [
        helper.make_tensor_value_info(z, real, [batch, NOISE] if inputs == "flat" else [batch, NOISE, 1, 1])
    ]
    x = z if inputs == "flat" else node("Reshape", [z, held("flat", np.array([-1, NOISE], np.int64))])
    if psi is not None:
        ports.append(helper.make_tensor_value_info(psi, real, [1]))
        x = node("Mul", [x, psi])
    x = node("MatMul", [x, draw("dense", NOISE, 32)])
    if label is not None:
        form = {"index": [batch], "column": [batch, 1], "onehot": [batch, classes]}[label]
        kind = real if label == "onehot" else TensorProto.INT64
        ports.append(helper.make_tensor_value_info("label", kind, form))
        table = draw("table", classes, 32)
        if label == "onehot":
            said = node("MatMul", ["label", table])
        elif label == "column":
            said = node("Gather", [table, node("Reshape", ["label", held("one", np.array([-1], np.int64))])])
        else:
            said = node("Gather", [table, "label"])
        x = node("Add", [x, said])
    x = node("Relu", [node("Reshape", [x, held("map", np.array([-1, 8, 2, 2], np.int64))])])
    x = node("ConvTranspose", [x, draw("up0", 8, 8, 4, 4)], strides=[2, 2], pads=[1, 1, 1, 1])
    x = node("Relu", [x])
    x = node("ConvTranspose", [x, draw("up1", 8, channels, 4, 4)], strides=[2, 2], pads=[1, 1, 1, 1])
    for kind in tail:
        x = node(kind, [x])
    if scale != 1.0 or offset != 0.0:
        x = node("Mul", [x, held("scale", np.array(scale, elem))])
        x = node("Add", [x, held("offset", np.array(offset, elem))])
    if layout == "NHWC":
        x = node("Transpose", [x], perm=[0, 2, 3, 1])
    given = real
    if as_bytes:
        x, given = node("Cast", [x], to=TensorProto.UINT8), TensorProto.UINT8
    nodes.append(helper.make_node("Identity", [x], [image]))
    sides = [batch, channels, SIDE, SIDE] if layout == "NCHW" else [batch, SIDE, SIDE, channels]
    graph = helper.make_graph(
        nodes, "main_graph", ports, [helper.make_tensor_value_info(image, given, sides)], weights
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="stranger")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
