"""One front door for foreign files: recognise, read, describe. Nothing in a file is ever executed."""

import os
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol

from gan.errors import UserError
from gan.formats import bundle
from gan.formats.importing.result import Imported
from gan.formats.importing.source import Source, open_source


class Family(Protocol):
    """A module of this package that reads one family of files."""

    def can_read(self, source: Source) -> bool:
        """Whether this is a file of the family, damaged or not; quick, and without loading tensors."""
        ...

    def read(self, source: Source, choices: Mapping[str, str]) -> Imported:
        """The generator. Raises `restricted.Malformed` (one clause about "it") or `UserError`; keeps nothing of `source`."""
        ...


# What exports in other formats than a bundle hold, the likeliest first.
_EXPORTED = ("generator.onnx", "generator.safetensors", "generator.pth", "generator.pt2")
_ADAPTER = "adapter.onnx"  # beside weights that were tuned
# Modules of this package, asked in this order; the first that can read a file does. "layers" takes any state_dict, so it is last.
_FAMILIES: tuple[str, ...] = ("stylegan", "rosinality", "lucidrains", "onnx_file", "script_file", "layers")


def import_file(path: str | os.PathLike[str], choices: Mapping[str, str] | None = None) -> Imported:
    """Make a model of a file that another program wrote.

    Parameters
    ----------
    path : a checkpoint, a safetensors or ONNX file, a StyleGAN pickle; or a bundle (its folder, or its `config.json`), or the folder of an
        export in another format.
    choices : answers to questions of an earlier import of the same file: {question's key: option's value}.

    Raises
    ------
    UserError
        In one sentence, why it is not a generator that can be imported. Nothing was executed and nothing written.
    """
    path = Path(path)
    choices = dict(choices or {})
    folder = path.parent if path.name in {bundle.CONFIG_NAME, bundle.WEIGHTS_NAME} else path
    if bundle.is_bundle(folder):
        model = bundle.load(folder)
        return Imported(model, f"a generator made by Tastemaker, {model.resolution} px")
    path = _inside(path)
    with open_source(path) as source:
        for name in _FAMILIES:
            family: Family = import_module(f"gan.formats.importing.{name}")  # type: ignore[assignment]
            if family.can_read(source):
                imported = family.read(source, choices)
                _check(imported, choices)
                if path.name in _EXPORTED and path.with_name(_ADAPTER).is_file():
                    imported.notes.append(
                        "What tuning learnt lies beside it, in adapter.onnx, and is no part of these weights: a bundle holds both."
                    )
                return imported
        raise UserError(f"{path.name} cannot be imported: {_what_it_is(source)}")


def _inside(path: Path) -> Path:
    """The generator's file in a folder that `tastemaker export` wrote in another format; else the path itself."""
    if path.is_dir():
        for name in _EXPORTED:
            if (path / name).is_file():
                return path / name
    return path


def _check(imported: Imported, choices: Mapping[str, str]) -> None:
    """Every choice must answer a question, with one of its options."""
    known = {question.key: question for question in (*imported.questions, *imported.settled)}
    for key in choices:
        if key not in known:
            asked = f"there are: {', '.join(known)}" if known else "this file leaves nothing open"
            raise UserError(f"no question {key!r:.40} about this file; {asked}")
        known[key].answer(choices)


def _what_it_is(source: Source) -> str:
    """Why no family reads this file, as a clause."""
    if not source.head.strip(b"\0"):
        return "it is empty" if source.size == 0 else "there is nothing but zeros where it begins"
    if source.container == "text":
        start = source.head.lstrip().lower()
        if start.startswith((b"<!doctype html", b"<html")):
            return "it is a web page, not the file itself; download it again"
        if start.startswith(b"version https://git-lfs"):
            return "it is a pointer of Git LFS, not the file itself; `git lfs pull` fetches that"
    return {
        "hdf5": "it is an HDF5 file (Keras); export its generator to ONNX and import that",
        "image": "it is a picture",
        "text": "it is a text file",
        "zip": "it is a zip archive, but not of torch's making",
        "unknown": "it is no kind of file that holds a generator",
    }.get(source.container, "it holds no generator of a known architecture")
