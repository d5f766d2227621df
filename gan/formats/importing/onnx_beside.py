"""Loads weights that an ONNX file stores in other files (external data) into the model itself.

torch's exporter stores them so by default. A graph may name any file of the machine; here only files in its own folder that look like
weights are read, and only as many bytes as the tensors have.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from gan.errors import reason
from gan.formats.importing.values import Malformed
from gan.networks.onnx_cost import subgraphs
from gan.networks.onnx_graph import LARGEST

_ENDINGS = (".data", "_data", ".bin", ".weights", ".raw")


def with_weights(data: bytes, path: Path) -> bytes:
    """The bytes of an ONNX file with all weights inside; `data` itself if no weights are outside, or if it is no ONNX file.

    Parameters
    ----------
    data : contents of the file.
    path : its path; the weights must be in the same folder.

    Raises
    ------
    Malformed
        A file of weights is missing, unreadable, too short, not in the same folder, or does not look like weights by its name; or the whole
            is damaged or too large.
    """
    try:
        import onnx

        model = onnx.ModelProto()
        model.ParseFromString(data)
    except Exception:  # protobuf has its own exceptions; `onnx_graph.parse` reports what is wrong
        return data
    outside = [tensor for tensor in _tensors(model) if tensor.data_location == onnx.TensorProto.EXTERNAL]
    if not outside:
        return data
    total = len(data) + sum(_bytes(tensor) for tensor in outside)
    if total > LARGEST:
        raise Malformed(f"it is larger than {LARGEST // 1_000_000} MB with its weights")
    opened: dict[str, BinaryIO] = {}
    try:
        for tensor in outside:
            _take(tensor, path, opened)
    finally:
        for file in opened.values():
            file.close()
    return bytes(model.SerializeToString())


def _take(tensor: Any, path: Path, opened: dict[str, BinaryIO]) -> None:
    said = {entry.key: entry.value for entry in tensor.external_data}
    name = said.get("location", "")
    offset, length = (_number(said.get(key, "0")) for key in ("offset", "length"))
    wanted = _bytes(tensor)
    if length and length != wanted:
        raise Malformed("it is damaged: its weights are not as long as it says")
    if name not in opened:
        opened[name] = _open(name, path)
    file = opened[name]
    file.seek(offset)
    values = file.read(wanted)
    if len(values) != wanted:
        raise Malformed(f"its weights in {name:.80} are cut short, or of another file")
    tensor.raw_data = values
    tensor.ClearField("external_data")
    tensor.ClearField("data_location")


def _open(name: str, path: Path) -> BinaryIO:
    if not name or Path(name).name != name or any(letter in name for letter in "/\\:\0"):
        raise Malformed("its weights lie in other files, outside its own folder, where nothing is read")
    if not (name.startswith(path.stem) or name.endswith(_ENDINGS)):
        raise Malformed(f"its weights lie in a file that is none of weights by its name ({name:.80})")
    beside = path.with_name(name)
    if beside.is_symlink() or not beside.is_file():
        raise Malformed(
            f"its weights lie in another file, {name:.80}, which is not beside it: put both into one folder"
        )
    try:
        return beside.open("rb")
    except OSError as error:
        raise Malformed(f"its weights in {name:.80} cannot be read ({reason(error)})") from error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Malformed("it is damaged: it does not say where its weights begin")
    return int(text)


def _bytes(tensor: Any) -> int:
    """Size of a tensor's values in bytes."""
    import onnx

    try:
        size = int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    except (KeyError, TypeError, ValueError):
        raise Malformed("it is damaged: it holds numbers of an unknown type") from None
    for side in tensor.dims:
        size *= max(side, 0)
    return size


def _tensors(model: Any) -> Iterator[Any]:
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)


def _of_graph(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
        for graph in subgraphs(node):
            yield from _of_graph(graph)
