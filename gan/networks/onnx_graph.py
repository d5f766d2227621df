"""Untrusted ONNX graphs: checked before they are run, and run within limits of memory and time.

A graph is data, not a program, but it may name files to read, operators that load code, endless loops and tensors of any size.
"""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from gan.networks.onnx_cost import subgraphs, work

LARGEST = 500_000_000  # bytes of a file; StyleGAN2 at 1024 px is 120 MB, and loading takes three times as much memory
MOST_NODES = 100_000  # with all functions inlined
MEMORY = 1_500_000_000  # bytes that all graphs of this process may use together
_SPARSE = "its weights are sparse, which a generator's are not; save them as ordinary tensors"
_TEXT = "its graph works with text, which a generator of images does not"
_OF_TEXT = {"RegexFullMatch", "TfIdfVectorizer", "LabelEncoder"}
PATIENCE = 120.0  # seconds per run
_OPEN = {"", "ai.onnx", "ai.onnx.ml", "com.microsoft"}  # operator sets built into onnxruntime
_FOREIGN = {"EPContext", "BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"}  # operators that name files, or loop
_ENDLESS = {"Loop", "Scan"}
_STRING = 8  # TensorProto.DataType; strings are outside the memory limit
_WIDEST_POOL = 64  # pixels; the time limit is only checked between operators
_RANDOM = {
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
    "Multinomial",
    "Bernoulli",
}


def parse(data: bytes) -> Any:
    """Parse an ONNX file into an `onnx.ModelProto` that reads no other file, needs no other code, and ends soon.

    Raises
    ------
    ValueError
        It is not one, or does one of these things; in one line for people.
    """
    try:
        import onnx
    except ImportError:
        raise ValueError("it needs the package onnx: pip install onnx") from None
    if len(data) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST // 1_000_000} MB")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception:  # protobuf's own kinds derive from Exception alone
        raise ValueError("it is not an ONNX file, or damaged") from None
    if not model.graph.node or not model.opset_import:
        raise ValueError("it is not an ONNX file: there is no graph in it")
    own = {(function.domain, function.name): function for function in model.functions}
    _check_graph(model.graph, own)
    for function in model.functions:
        for node in function.node:
            _check_node(node, own)
            for inner in subgraphs(node):
                _check_graph(inner, own)
    if _size(model.graph.node, own, {}, ()) > MOST_NODES:
        raise ValueError(f"its graph has more than {MOST_NODES:,} operators")
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, RuntimeError, ValueError) as error:
        raise ValueError(f"its graph is not valid ({str(error).strip().splitlines()[0][:160]})") from None
    work(model)
    return model


def _check_graph(graph: Any, own: Mapping[tuple[str, str], Any]) -> None:
    for tensor in graph.initializer:
        _check_tensor(tensor)
    if any(port.type.tensor_type.elem_type == _STRING for port in (*graph.input, *graph.output, *graph.value_info)):
        raise ValueError(_TEXT)
    if graph.sparse_initializer:
        raise ValueError(_SPARSE)
    for node in graph.node:
        _check_node(node, own)
        for inner in subgraphs(node):
            _check_graph(inner, own)


def _check_pool(node: Any, sides: Sequence[int]) -> None:
    if max(sides, default=0) > _WIDEST_POOL:
        raise ValueError(f"its operator {node.op_type:.40} looks at {max(sides)} pixels at once, which no generator needs")


def _check_tensor(tensor: Any) -> None:
    if tensor.data_type == _STRING:
        raise ValueError(_TEXT)
    if tensor.data_location or tensor.external_data:
        raise ValueError(
            "its weights lie in other files; save it as one file (onnx.save_model(..., save_as_external_data=False))"
        )
    elements = 1
    for side in tensor.dims:
        elements *= max(side, 0)
    if elements > 2 * tensor.ByteSize() + 16:  # no data type takes less than half a byte
        raise ValueError("it is damaged: its weights are shorter than it says")


def _check_node(node: Any, own: Mapping[tuple[str, str], Any]) -> None:
    if not (isinstance(node.op_type, str) and isinstance(node.domain, str)):  # protobuf gives bytes for text that is none
        raise ValueError("it is not an ONNX file, or damaged")
    if node.domain not in _OPEN and (node.domain, node.op_type) not in own:
        raise ValueError(
            f"it needs the custom operator {node.domain}.{node.op_type}, which would be foreign code"[:200]
        )
    if node.op_type in _FOREIGN:
        raise ValueError(f"its operator {node.op_type} is not one of a generator's")
    if node.domain in ("", "ai.onnx"):
        if node.op_type in _ENDLESS:
            raise ValueError(f"its graph loops ({node.op_type}), which a generator's does not")
        if node.op_type in _RANDOM:
            raise ValueError(
                f"it draws random numbers of its own ({node.op_type}): the same latent would not be the same image. "
                "Export it with constant noise"
            )
    if node.op_type.startswith("String") or node.op_type in _OF_TEXT:
        raise ValueError(_TEXT)
    for attribute in node.attribute:
        if (attribute.strings and attribute.name != "activations") or (attribute.s and node.op_type == "Constant"):
            raise ValueError(_TEXT)
        if attribute.name == "to" and attribute.i == _STRING:
            raise ValueError(_TEXT)
        if attribute.name == "kernel_shape":
            _check_pool(node, attribute.ints)
        for tensor in (attribute.t, *attribute.tensors):
            _check_tensor(tensor)
        if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
            raise ValueError(_SPARSE)


def _size(
    nodes: Any, own: Mapping[tuple[str, str], Any], sizes: dict[tuple[str, str], int], inside: tuple[Any, ...]
) -> int:
    """Number of operators in these nodes with all functions inlined."""
    total = 0
    for node in nodes:
        key = (node.domain, node.op_type)
        total += 1 + sum(_size(graph.node, own, sizes, inside) for graph in subgraphs(node))
        if key in own:
            if key in inside or len(inside) > 100:
                raise ValueError("its functions call themselves")
            if key not in sizes:
                sizes[key] = _size(own[key].node, own, sizes, (*inside, key))
            total += sizes[key]
    return total


# --------------------------------------------------------------------------------------------------------------- running


class Graph:
    """A checked graph, ready to run on the CPU. Its session is created on first use, and again in a copy or another process."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._session: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.data, "_session": None}

    @property
    def session(self) -> Any:
        """The `onnxruntime.InferenceSession`.

        Raises
        ------
        ValueError
            onnxruntime is not installed or cannot run the graph.
        """
        if self._session is None:
            self._session = _make_session(self.data)
        return self._session

    def run(self, output: str, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
        """Run the graph and return one of its outputs.

        Raises
        ------
        ValueError
            It failed, needed too much memory, or took too long.
        """
        session = self.session
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        watch = threading.Timer(PATIENCE, lambda: setattr(options, "terminate", True))
        watch.daemon = True
        watch.start()
        try:
            result: np.ndarray = session.run([output], dict(feeds), options)[0]
        except ValueError:
            raise
        except Exception as error:  # onnxruntime's own kinds derive from Exception alone
            raise ValueError(f"its graph cannot be run: {_brief(error)}") from None
        finally:
            watch.cancel()
        return result


def _make_session(data: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise ValueError("it needs the package onnxruntime: pip install onnxruntime") from None
    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            data,
            options,
            providers=["CPUExecutionProvider"],
            # Constants are folded when the graph is run, under the memory limit, which does not apply here.
            disabled_optimizers=["ConstantFolding"],
        )
    except Exception as error:
        raise ValueError(f"onnxruntime cannot run its graph: {_brief(error)}") from None


_limited = threading.Lock()


def _limit_memory() -> None:
    """Give this process's graphs one memory arena of limited size; further calls have no effect."""
    import onnxruntime

    if not _limited.acquire(blocking=False):
        return
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg({"max_mem": MEMORY}))


def _brief(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if "bfc_arena" in text or "memory" in text.lower():
        return f"it asks for more than {MEMORY / 1e9:.1f} GB of memory"
    return text[:200]
