"""Files that hold no generator for PyTorch are refused in one sentence that says what they are."""

import bz2
import gzip
import io
import lzma
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan.errors import UserError
from gan.formats.importing import import_file

WEIGHTS = {"fc.weight": np.ones((64, 8), np.float32), "fc.bias": np.zeros(64, np.float32)}


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def tarred(mode: str) -> bytes:
    def write(stream: io.BytesIO) -> None:
        with tarfile.open(fileobj=stream, mode=mode) as made:  # type: ignore[call-overload]
            entry = tarfile.TarInfo("generator.pth")
            entry.size = 3
            made.addfile(entry, io.BytesIO(b"abc"))

    return written(write)


def zipped(**parts: bytes) -> bytes:
    def write(stream: io.BytesIO) -> None:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
            for name, data in parts.items():
                made.writestr(name, data)

    return written(write)


MATLAB = b"MATLAB 5.0 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024".ljust(124) + struct.pack("<HH", 0x0100, 0x4D49)
FILES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "npy": ("generator.npy", lambda: written(lambda s: np.save(s, WEIGHTS["fc.weight"])), "single NumPy array"),
    "npz": ("generator.npz", lambda: written(lambda s: np.savez(s, **WEIGHTS)), "archive of NumPy arrays"),
    "npz, compressed": ("generator.npz", lambda: written(lambda s: np.savez_compressed(s, **WEIGHTS)), "archive of NumPy arrays"),
    "npz, called .pth": ("generator.pth", lambda: written(lambda s: np.savez(s, **WEIGHTS)), "archive of NumPy arrays"),
    "NumPy arrays in a pickle": ("generator.pkl", lambda: pickle.dumps(WEIGHTS), "NumPy arrays"),
    "tar": ("generator.tar", lambda: tarred("w"), "tar archive; unpack it"),
    "tar, as people call checkpoints": ("generator.pth.tar", lambda: tarred("w"), "tar archive; unpack it"),
    "tar.gz": ("generator.tar.gz", lambda: tarred("w:gz"), "compressed with gzip; unpack it"),
    "gzip": ("generator.pth.gz", lambda: gzip.compress(b"abc" * 999), "compressed with gzip"),
    "xz": ("generator.pth.xz", lambda: lzma.compress(b"abc" * 999), "compressed with xz"),
    "bzip2": ("generator.pth.bz2", lambda: bz2.compress(b"abc" * 999), "compressed with bzip2"),
    "zip of weights": ("generator.zip", lambda: zipped(**{"a/generator.pth": b"abc"}), "zip archive; unpack it"),
    "zip of something": ("generator.zip", lambda: zipped(**{"readme.txt": b"abc"}), "compressed or encrypted|not of torch's making"),
    "Keras h5": ("generator.h5", lambda: b"\x89HDF\r\n\x1a\n" + b"\0" * 600, r"HDF5 file \(Keras\)"),
    "Keras 3": ("generator.keras", lambda: zipped(**{"config.json": b"{}", "model.weights.h5": b"\0"}), "Keras model"),
    "MATLAB": ("generator.mat", lambda: MATLAB + b"\0" * 600, "MATLAB file"),
    "MATLAB 7.3": ("generator.mat", lambda: b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n" + b"\0" * 64, "MATLAB file"),
    "TensorFlow data": ("model.ckpt-100.data-00000-of-00001", lambda: bytes(range(256)) * 9, "part of a TensorFlow checkpoint"),
    "TensorFlow index": ("model.index", lambda: b"\0\0\2" * 50 + bytes.fromhex("57fb808b247547db"), "part of a TensorFlow checkpoint"),
    "TensorFlow meta": ("model.ckpt-100.meta", lambda: b"\x0a\x9f\x01\x0a" + b"x" * 99, "part of a TensorFlow checkpoint"),
    "TensorFlow checkpoint": ("checkpoint", lambda: b'model_checkpoint_path: "model.ckpt-100"\n', "part of a TensorFlow checkpoint"),
    "TensorFlow graph": ("saved_model.pb", lambda: b"\x08\x01\x12\xf0" + b"x" * 99, "TensorFlow graph"),
    "TensorFlow Lite": ("generator.tflite", lambda: b"\x1c\0\0\0TFL3" + b"\0" * 99, "TensorFlow Lite"),
    "Flax": ("generator.msgpack", lambda: b"\x82\xa6params" + b"\0" * 99, "JAX program"),
    "language model": ("model.gguf", lambda: b"GGUF\3\0\0\0" + b"\0" * 99, "language model"),
    "PDF": ("paper.pdf", lambda: b"%PDF-1.7\n" + bytes(range(128, 256)), "PDF document"),
    "program": ("generator", lambda: b"\x7fELF\2\1\1" + b"\0" * 99, "it is a program"),
}


@pytest.mark.parametrize("name", FILES)
def test_what_a_wrong_file_is(name: str, tmp_path: Path) -> None:
    called, make, words = FILES[name]
    (tmp_path / called).write_bytes(make())
    with pytest.raises(UserError, match=words) as refused:
        import_file(tmp_path / called)
    said = str(refused.value)
    assert said.startswith(f"{called} cannot be imported: it ") and "\n" not in said and len(said) < 300


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is empty"),
        (b"\0" * 99, "nothing but zeros"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
        (b"<!DOCTYPE html>", "web page"),
    ],
)
def test_a_name_does_not_hide_what_is_there(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "generator.ckpt").write_bytes(content)
    with pytest.raises(UserError, match=words):
        import_file(tmp_path / "generator.ckpt")


def test_a_folder_of_tensorflow_is_named(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\xf0")
    with pytest.raises(UserError, match="folder of a TensorFlow model"):
        import_file(tmp_path)
