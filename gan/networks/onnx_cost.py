"""What an untrusted graph would cost, estimated from tensor shapes before it is run.

A run can be stopped only between two operators, so each of them has to end by itself. The memory limit bounds the size of their outputs,
but not how often they multiply.
"""

import math
import string
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MOST = 300_000_000_000  # multiplications for one image; StyleGAN2 at 1024 px takes some 75 billion
WIDEST = 31  # pixels of a convolution's kernel
_KEPT = 64  # numbers of a constant that may say how large something else is
_RENEWED = 17  # the version of the operators; their sizes are all followed from 13 on
_SLOW = ("RNN", "LSTM", "GRU", "NonMaxSuppression", "RoiAlign", "MaxRoiPool")  # take far longer than what they take and make is large
_MOST_PASSES = 8
Sides = Mapping[str, Sequence[int]]


def work(model: Any) -> int:
    """About how many multiplications one image takes.

    Parameters
    ----------
    model : a valid `onnx.ModelProto`; what it says of the sizes of its own intermediate values is not believed.

    Raises
    ------
    ValueError
        More than `MOST`, or it cannot be told; one line for people.
    """
    light = _without_weights(model)
    try:
        total = _of_graph(_inferred(light).graph, {})
    except _UnknownError:
        # Sizes that are computed are followed through newer operators only.
        total = _of_graph(_inferred(light, renewed=True).graph, {})
    if total > MOST:
        raise ValueError(f"it multiplies {total / 1e9:,.0f} billion times whenever it draws, which no generator needs")
    return total


class _UnknownError(ValueError):
    """How much an operator has to do cannot be told."""

    def __init__(self, node: Any) -> None:
        super().__init__(f"the sizes of what its operator {node.op_type:.40} multiplies cannot be told; export it with constant shapes")


def _inferred(light: Any, renewed: bool = False) -> Any:
    """The model with the sizes of all that can be told in it."""
    import onnx.inliner
    import onnx.shape_inference
    import onnx.version_converter

    try:
        if light.functions:
            light = onnx.inliner.inline_local_functions(light)
            _forget(light.graph)
        if renewed and all(one.version < _RENEWED for one in light.opset_import if one.domain in {"", "ai.onnx"}):
            light = onnx.version_converter.convert_version(light, _RENEWED)
        light = onnx.shape_inference.infer_shapes(light, data_prop=True)
        for _ in range(_MOST_PASSES):
            if not _straightened(light.graph):
                break
            light = onnx.shape_inference.infer_shapes(light, data_prop=True)
    except Exception:  # of protobuf's and onnx's own kinds; then only the sizes of weights are known
        pass
    return light


def _straightened(graph: Any) -> bool:
    """Take out every Reshape of a vector to one of its own length, through which onnx follows no values. Returns whether there was any."""
    vectors = {port.name: port.type.tensor_type.shape.dim[0].dim_value for port in graph.value_info if _is_vector(port)}
    results = {port.name for port in graph.output}
    same: dict[str, str] = {}
    for node in list(graph.node):
        if node.op_type == "Reshape" and not node.domain and node.output[0] not in results:
            length = vectors.get(node.input[0])
            if length is not None and length == vectors.get(node.output[0]):
                same[node.output[0]] = same.get(node.input[0], node.input[0])
                graph.node.remove(node)
    if same:
        _rename(graph, same)
    return bool(same)


def _is_vector(port: Any) -> bool:
    sides = port.type.tensor_type.shape.dim
    return len(sides) == 1 and bool(sides[0].HasField("dim_value"))


def _rename(graph: Any, same: Mapping[str, str]) -> None:
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name in same:
                node.input[place] = same[name]
        for inner in subgraphs(node):
            _rename(inner, same)


def _without_weights(model: Any) -> Any:
    """The model with large constants as inputs, for a batch of one."""
    import onnx

    light = onnx.ModelProto(ir_version=max(model.ir_version, 4), opset_import=model.opset_import, functions=model.functions)
    graph = light.graph
    graph.name = "light"
    given = {port.name for port in model.graph.initializer}
    graph.input.extend(port for port in model.graph.input if port.name not in given)
    for port in graph.input:
        sides = port.type.tensor_type.shape.dim
        if sides and not sides[0].HasField("dim_value"):
            sides[0].dim_value = 1
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _KEPT:
            graph.initializer.append(tensor)
        else:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    graph.node.extend(model.graph.node)
    graph.output.extend(model.graph.output)
    _forget(graph)
    return light


def _forget(graph: Any) -> None:
    """Take out what it says of the sizes of what it makes."""
    del graph.value_info[:]
    for port in graph.output:
        port.type.tensor_type.ClearField("shape")
    for node in graph.node:
        for inner in subgraphs(node):
            _forget(inner)


def _of_graph(graph: Any, around: Sides) -> int:
    sides = dict(around)
    for tensor in graph.initializer:
        sides[tensor.name] = tuple(tensor.dims)
    for port in (*graph.input, *graph.output, *graph.value_info):
        dims = port.type.tensor_type.shape.dim
        if port.type.tensor_type.HasField("shape") and all(side.HasField("dim_value") for side in dims):
            sides[port.name] = tuple(side.dim_value for side in dims)
    total = 0
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    sides[node.output[0]] = tuple(attribute.t.dims)
        total += _of_node(node, sides)
        total += sum(_of_graph(inner, sides) for inner in subgraphs(node))
    return total


def _of_node(node: Any, sides: Sides) -> int:
    """Multiplications of one operator; those that go through their numbers once are free."""
    kind = node.op_type
    if any(word in kind for word in _SLOW):
        raise ValueError(f"its operator {kind:.40} is not one of a generator's")
    attributes = {one.name: one for one in node.attribute}
    given = [sides.get(name) for name in node.input]
    made = sides.get(node.output[0]) if node.output else None
    if "Conv" in kind:
        # Quantised ones have scales between their two inputs; what is not known here is looked up by rank.
        weights = next((one for one in given[1:] if one is not None and len(one) > 2), None)
        kernel = weights[2:] if weights is not None else tuple(attributes["kernel_shape"].ints) if "kernel_shape" in attributes else None
        if kernel is None:
            raise _UnknownError(node)
        if max(kernel, default=0) > WIDEST:
            raise ValueError(f"its operator {kind:.40} looks at {max(kernel)} pixels at once, which no generator needs")
        walked = (given[0] if "Transpose" in kind else made) if weights is not None else None
        return math.prod(walked) * math.prod(weights[1:]) if walked is not None and weights is not None else 0
    if kind == "Einsum":
        many = _of_einsum(attributes["equation"].s.decode("ascii", "replace"), given)
        if many is None:
            raise _UnknownError(node)
        return many
    if "MatMul" in kind or kind in {"Gemm", "FusedGemm"}:
        first = given[0] if given else None
        if made is not None and first:
            turned = "transA" in attributes and attributes["transA"].i
            return math.prod(made) * (first[0] if turned else first[-1])
        raise _UnknownError(node)
    return 0


def _of_einsum(equation: str, given: Sequence[Sequence[int] | None]) -> int | None:
    sizes: dict[str, int] = {}
    rest = 1
    for term, sides in zip(equation.partition("->")[0].split(","), given, strict=False):
        letters = [letter for letter in term if letter in string.ascii_letters]
        if sides is None:
            return None
        before = term.partition("...")[0]
        head = sum(letter in string.ascii_letters for letter in before) if "..." in term else len(letters)
        tail = len(letters) - head
        for letter, side in zip(letters[:head], sides, strict=False):
            sizes[letter] = max(sizes.get(letter, 1), side)
        for letter, side in zip(letters[head:], sides[len(sides) - tail :], strict=False):
            sizes[letter] = max(sizes.get(letter, 1), side)
        rest = max(rest, math.prod(sides[head : len(sides) - tail]))
    return rest * math.prod(sizes.values())


def subgraphs(node: Any) -> Iterator[Any]:
    """Graphs inside a node: the branches of an If, the body of a Loop."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
