"""Ways to damage an ONNX file: fields of its protocol buffers at any depth, operators, shapes, constants."""

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .mutate import SIZES, damaged

_OPERATORS = (
    "Relu",
    "Tanh",
    "Transpose",
    "Reshape",
    "Resize",
    "Upsample",
    "Pad",
    "Conv",
    "ConvTranspose",
    "MatMul",
    "Gemm",
    "Tile",
    "Expand",
    "DepthToSpace",
    "SpaceToDepth",
    "Concat",
    "Split",
    "Gather",
    "GatherND",
    "ScatterND",
    "OneHot",
    "Range",
    "CumSum",
    "Einsum",
    "If",
    "Cast",
    "Softmax",
    "Compress",
    "InstanceNormalization",
    "BatchNormalization",
    "GridSample",
    "TopK",
    "NonZero",
    "Shape",
    "ConstantOfShape",
    "Constant",
    "Identity",
    "Slice",
    "MaxPool",
    "AveragePool",
    "RoiAlign",
    "LSTM",
    "NonMaxSuppression",
    "EyeLike",
    "Trilu",
    "Unique",
    "Squeeze",
    "Unsqueeze",
    "DFT",
    "Col2Im",
    "QuantizeLinear",
    "DequantizeLinear",
    "STFT",
    "Bernoulli",
    "StringNormalizer",
    "SequenceConstruct",
    "Optional",
    "Flatten",
    "Mod",
    "BitShift",
)
_ATTRIBUTES = (
    "group",
    "axis",
    "kernel_shape",
    "output_shape",
    "output_padding",
    "dilations",
    "auto_pad",
    "to",
    "blocksize",
    "perm",
    "alpha",
    "strides",
    "pads",
    "axes",
    "equation",
    "value",
    "mode",
)


def _fields(message: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is not None and depth < 8:
            for inner in value if isinstance(value, list) or hasattr(value, "add") else (value,):
                yield from _fields(inner, depth + 1)


def regraphed(data: bytes, chance: Random) -> bytes:
    """An ONNX file with fields of any depth changed, operators exchanged, shapes and constants replaced."""
    model = onnx.load_from_string(data)
    graph = model.graph
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        node = chance.choice(graph.node) if graph.node else onnx.NodeProto()
        match chance.randrange(9):
            case 0:
                node.op_type = chance.choice(_OPERATORS)
            case 1:
                values = chance.choice(
                    (
                        chance.choice(SIZES),
                        [chance.choice(SIZES) for _ in range(chance.choice((1, 2, 4)))],
                        "x",
                        0.5,
                    )
                )
                node.attribute.append(helper.make_attribute(chance.choice(_ATTRIBUTES), values))
            case 2:
                whole = [t for t in graph.initializer if t.data_type == 7]
                if whole:
                    tensor = chance.choice(whole)
                    try:
                        numbers = numpy_helper.to_array(tensor).copy()
                    except (ValueError, TypeError):
                        continue
                    if numbers.size:
                        numbers.reshape(-1)[chance.randrange(numbers.size)] = chance.choice((-1, *SIZES))
                        tensor.CopyFrom(numpy_helper.from_array(numbers, tensor.name))
            case 3 if node.input:
                known = [name for one in graph.node for name in (*one.input, *one.output)]
                node.input[chance.randrange(len(node.input))] = chance.choice([*known, ""])
            case 4:
                small = np.array([chance.choice(SIZES[:11])] * chance.choice((0, 1, 4)), np.int64)
                graph.initializer.append(
                    numpy_helper.from_array(
                        small, chance.choice((*(t.name for t in graph.initializer), "z", "new"))
                    )
                )
            case _:
                _change_field(*chance.choice(list(_fields(model))), chance)
    return bytes(model.SerializeToString())


def _change_field(message: Any, field: Any, chance: Random) -> None:
    value = getattr(message, field.name)
    listed = hasattr(value, "append") or hasattr(value, "add")
    if chance.random() < 0.15:
        message.ClearField(field.name)
    elif listed and chance.random() < 0.4 and len(value):
        place = chance.randrange(len(value))
        if chance.random() < 0.5:
            del value[place]
        else:
            value.extend([value[place]] * chance.choice((1, 2, 40)))
    elif field.message_type is None:
        old = value[0] if listed and len(value) else None if listed else value
        new = _other_value(old, chance)
        try:
            if not listed:
                setattr(message, field.name, new)
            elif len(value):
                value[chance.randrange(len(value))] = new
        except (TypeError, ValueError):  # out of the field's range
            message.ClearField(field.name)


def _other_value(old: Any, chance: Random) -> Any:
    if isinstance(old, float):
        return chance.choice((0.0, -1.0, 1e30, float("nan"), float("inf")))
    if isinstance(old, int):
        return chance.choice((-1, *SIZES, old + 1))
    if isinstance(old, str):
        return chance.choice(("", "z", "image", "../../x", old + "x", "é" * 50, *_OPERATORS))
    return damaged(old, chance, [old or b"\0"]) if old else b"\0" * 8
