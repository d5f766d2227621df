"""Shared parts of all command-line parsers: error messages and argument types.

Nothing heavy is imported here, so that `--help` and errors in options appear at once.
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

FAILED = 2  # exit code after an error message
MOST_SEED = 2**32 - 1
BUNDLED = "dreamscapes"  # the default generator


class Parser(argparse.ArgumentParser):
    """An argument parser that reports errors in one line, without the usage, and accepts no abbreviated options."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **more})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in argparse, but each verb reports its own unknown arguments: the main parser would refer to the wrong help."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"tastemaker: {' '.join(message.split())} ({self.prog} --help tells more)\n")


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return an argument type: a whole number from `least` to `most`."""
    return lambda text: int(_number(text, int, least, most, f"a whole number from {least} to {most}"))


def decimal(least: float, most: float) -> Callable[[str], float]:
    """Return an argument type: a number from `least` to `most`."""
    return lambda text: float(_number(text, float, least, most, f"a number from {least:g} to {most:g}"))


def amount(text: str) -> float:
    """Argument type: a number above 0."""
    return float(_number(text, float, 1e-6, 1e9, "a number above 0"))


def seed(text: str) -> int:
    """Argument type: a seed, from 0 to `MOST_SEED`."""
    return int(_number(text, int, 0, MOST_SEED, f"a seed: a whole number from 0 to {MOST_SEED}"))


def _number(text: str, kind: type[int] | type[float], least: float, most: float, words: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = kind(least - 1)
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r:.60} is not {words}")
    return value


def place(text: str) -> Path:
    """Argument type: a path. An empty one is refused: it would mean the working folder, but stems from an unset variable in a script."""
    if not text:
        raise argparse.ArgumentTypeError("a path is missing")
    return Path(text)


def new_file(text: str) -> Path:
    """Argument type: the path of a file that is written at the end; checks beforehand whether it can be."""
    path = place(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is a folder")
    parent = next(folder for folder in path.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise argparse.ArgumentTypeError(f"{text} cannot be written: {parent} is no folder that may be written to")
    return path


def add_device(parser: argparse.ArgumentParser, default: str = "auto") -> None:
    """Add the option `--device`."""
    known = ", ".join(f"{name} (default)" if name == default else name for name in ("auto", "cpu", "cuda", "cuda:N"))
    parser.add_argument("--device", default=default, metavar="D", help=f"{known} or mps")
