"""ONNX files whose weights lie in another file: taken in from the same folder, and from nowhere else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import foreign_onnx
import numpy as np
import onnx
import pytest

import gan
from gan.errors import UserError
from gan.formats import bundle
from gan.formats.importing import import_file


def split(folder: Path, location: str | None = "foreign.onnx.data") -> Path:
    """A generator with its weights in one other file, or (None) each in a file of its own."""
    model = onnx.load_from_string(foreign_onnx.generator())
    path = folder / "foreign.onnx"
    onnx.save_model(
        model, path, save_as_external_data=True, all_tensors_to_one_file=location is not None, location=location, size_threshold=0
    )  # fmt: skip
    return path


@pytest.mark.parametrize("location", ["foreign.onnx.data", "weights.bin"])
def test_weights_beside_it_are_taken_in(location: str, tmp_path: Path) -> None:
    path = split(tmp_path, location)
    model = import_file(path).model
    (tmp_path / "whole.onnx").write_bytes(foreign_onnx.generator())
    whole = import_file(tmp_path / "whole.onnx").model
    np.testing.assert_array_equal(model.sample(range(4)), whole.sample(range(4)))
    bundle.save(model, tmp_path / "kept")
    path.unlink()
    (tmp_path / location).unlink()
    np.testing.assert_array_equal(gan.load(tmp_path / "kept").sample(range(4)), whole.sample(range(4)))


def rewritten(change: Callable[[Any], None]) -> Callable[[Path], None]:
    """Change what the first tensor says of where it lies."""

    def rewrite(path: Path) -> None:
        model = onnx.load(path, load_external_data=False)
        tensor = next(one for one in model.graph.initializer if one.external_data)
        change(tensor)
        path.write_bytes(model.SerializeToString())

    return rewrite


def said(key: str, value: str) -> Callable[[Path], None]:
    def change(tensor: Any) -> None:
        next(entry for entry in tensor.external_data if entry.key == key).value = value

    return rewritten(change)


def linked(path: Path) -> None:
    data = path.with_name("foreign.onnx.data")
    data.symlink_to(data.rename(path.parent.parent / "elsewhere"))


def cut(path: Path) -> None:
    data = path.with_name("foreign.onnx.data")
    data.write_bytes(data.read_bytes()[:-100])


def wide(tensor: Any) -> None:
    tensor.dims[:] = [1 << 20, 1 << 20]


def typeless(tensor: Any) -> None:
    tensor.data_type = 99


WRONG: dict[str, tuple[Callable[[Path], Any], str]] = {
    "missing": (lambda path: path.with_name("foreign.onnx.data").unlink(), "put both into one folder"),
    "cut": (cut, "cut short"),
    "a link": (linked, "not beside it"),
    "above": (said("location", "../elsewhere"), "outside its own folder"),
    "absolute": (said("location", "/etc/hostname"), "outside its own folder"),
    "on another drive": (said("location", "C:weights.bin"), "outside its own folder"),
    "nowhere": (said("location", ""), "outside its own folder"),
    "no weights": (said("location", "id_rsa"), "none of weights by its name"),
    "offset": (said("offset", "-5"), "where its weights begin"),
    "length": (said("length", "3"), "not as long as it says"),
    "huge": (rewritten(wide), "larger than 500 MB"),
    "of no type": (rewritten(typeless), "unknown type"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    path = split(tmp_path / "own")
    (tmp_path / "own" / "id_rsa").write_bytes(b"secret" * 1000)
    change, words = WRONG[name]
    change(path)
    with pytest.raises(UserError, match=words) as told:
        import_file(path)
    assert "\n" not in str(told.value)


def test_a_file_a_tensor_as_older_tools_write_them(tmp_path: Path) -> None:
    # Their files are named as the tensors are, which says nothing of what is in them.
    with pytest.raises(UserError, match="none of weights by its name"):
        import_file(split(tmp_path, None))
