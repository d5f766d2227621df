"""Entry point of importing: recognises a file and has it read by the right module. Programs are run only with consent (`script_file`)."""

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
        """Whether this is a file of the family, damaged or not. Fast: loads no tensors."""
        ...

    def read(self, source: Source, choices: Mapping[str, str]) -> Imported:
        """Read the generator. Raises `values.Malformed` (with a clause about "it") or `UserError`; keeps no reference to `source`."""
        ...


# Files of exports in formats other than a bundle, the preferred one first.
_EXPORTED = ("generator.onnx", "generator.safetensors", "generator.pth", "generator.pt2")
_TRUST = "trust_program"  # as in script_file, which imports torch
_ADAPTER = "adapter.onnx"  # beside the weights of a tuned generator
# Modules of this package in the order in which they are tried. "layers" accepts any state_dict, so it is last.
_FAMILIES: tuple[str, ...] = ("stylegan", "rosinality", "lucidrains", "fastgan", "biggan", "onnx_file", "script_file", "layers")


def import_file(path: str | os.PathLike[str], choices: Mapping[str, str] | None = None) -> Imported:
    """Read a model from a file that another program wrote.

    Parameters
    ----------
    path : a checkpoint, a safetensors or ONNX file, a StyleGAN pickle, or a TorchScript or `.pt2` file; or a bundle (its folder, or one of
        its two files), or the folder of an export in another format.
    choices : answers to the questions of an earlier import of the same file: {question's key: option's value}. A file that is a program
        (TorchScript, `.pt2`) is only run with {"trust_program": "yes"}.

    Raises
    ------
    UserError
        The file cannot be imported, with the reason in one sentence, or a choice is not among the options. Nothing was written.
    """
    path = Path(path)
    choices = dict(choices or {})
    folder = path.parent if path.name in {bundle.CONFIG_NAME, bundle.WEIGHTS_NAME} else path
    if bundle.is_bundle(folder):
        model = bundle.load(folder)
        imported = Imported(model, f"a generator made by Tastemaker, {model.resolution} px")
        _check(imported, choices)
        return imported
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
    """The generator's file in a folder that `tastemaker export` wrote in a format other than a bundle; otherwise the path itself."""
    if path.is_dir():
        for name in _EXPORTED:
            if (path / name).is_file():
                return path / name
    return path


def _check(imported: Imported, choices: Mapping[str, str]) -> None:
    """Check that every choice answers a question, with one of its options."""
    known = {question.key: question for question in (*imported.questions, *imported.settled)}
    for key in choices:
        if key == _TRUST and key not in known:
            continue  # it is no program: consent that was not needed
        if key not in known:
            asked = f"there are: {', '.join(known)}" if known else "this file leaves nothing open"
            raise UserError(f"no question {key!r:.40} about this file; {asked}")
        known[key].answer(choices)


def _what_it_is(source: Source) -> str:
    """Why no family can read this file, as a clause."""
    if not source.head.strip(b"\0"):
        return "it is empty" if source.size == 0 else "there is nothing but zeros where it begins"
    if source.container == "text":
        start = source.head.lstrip().lower()
        if start.startswith((b"<!doctype html", b"<html")):
            return "it is a web page, not the file itself; download it again"
        if start.startswith(b"version https://git-lfs"):
            return "it is a pointer of Git LFS, not the file itself; `git lfs pull` fetches that"
    return {
        "image": "it is a picture",
        "text": "it is a text file",
        "zip": "it is a zip archive, but not of torch's making",
        "unknown": "it is no kind of file that holds a generator",
    }.get(source.container, "it holds no generator of a known architecture")
