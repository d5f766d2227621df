"""The command `tastemaker`: a table of entry points, imported only when asked for.

The window must never load torch and a server must never load Qt, so nothing here imports either: a verb's module is imported once the
verb is known.
"""

import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NamedTuple

DISTRIBUTION = "tastemaker-studio"


class Verb(NamedTuple):
    """One line of the table."""

    entry: str  # "module:function"; the function takes the arguments and returns an exit code
    drops: int  # how many leading arguments are not passed on; a module that serves several verbs needs their names
    help: str  # one line


VERBS: dict[str, Verb] = {
    "sample": Verb("gan.cli:main", 0, "draw images from a generator"),
    "scenes": Verb("gan.cli:main", 0, "draw pictures of the bundled training data"),
    "train": Verb("gan.cli:main", 0, "train a generator from a folder of images"),
    "tune": Verb(
        "studio.worker.headless:main", 0, "teach a project's generator its ratings, without a window"
    ),
    "simulate": Verb("gan.cli:main", 0, "tune a generator with a rater written in Python"),
    "export": Verb("gan.cli:main", 0, "write a generator, or a project's tuned one, for other programs"),
    "benchmark": Verb(
        "gan.cli:main", 0, "measure learning, a taste, a round, speed, training or a generator"
    ),
    "import": Verb("gan.cli:main", 0, "make a bundle from another program's generator"),
    "doctor": Verb("studio.doctor:main", 1, "report what this machine has, in a form that can be pasted"),
}
STUDIO = Verb("studio.app:main", 0, "")
# The same verb on a project instead of a bundle, or measured through the window's worker: these need the studio's half.
EXPORT_PROJECT = Verb("studio.worker.headless:main", 0, "")
BENCHMARK_SPEED = Verb("studio.benchmark_speed:main", 2, "")


def usage() -> str:
    """The text of `tastemaker --help`."""
    width = max(map(len, VERBS))
    lines = [f"  {name:<{width}}  {verb.help}" for name, verb in VERBS.items()]
    return "\n".join(
        [
            "usage: tastemaker [--project DIR]   open the studio",
            "       tastemaker VERB [arguments]  one of the commands; VERB --help tells more",
            "",
            *lines,
            "",
            "  --project DIR  the project to open; without it the last one, or a new one",
            "  --version      print the version",
            "  -h, --help     print this",
        ]
    )


def route(arguments: Sequence[str]) -> Verb | None:
    """The entry point for these arguments, or None if the verb is unknown."""
    if not arguments or arguments[0].startswith("-"):
        return STUDIO
    name, rest = arguments[0], arguments[1:]
    if name == "export" and any(word == "--project" or word.startswith("--project=") for word in rest):
        return EXPORT_PROJECT
    if name == "benchmark" and rest[:1] == ["speed"]:
        return BENCHMARK_SPEED
    return VERBS.get(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb = route(words)
    if verb is not STUDIO or sys.stdout is None or sys.stderr is None:
        import_module("gan.terminal").open_streams()  # by name, as below
    try:
        code = _run(words, verb)
        sys.stdout.flush()
        return code
    except (OSError, KeyboardInterrupt) as error:
        if verb is STUDIO and getattr(error, "filename", "") is not None:
            raise
        # Ctrl+C; a file that cannot be written; or standard output has gone (a pager, head), or its disk is full.
        said: int = import_module("gan.cli").report(error)
        return said


def _run(arguments: list[str], verb: Verb | None) -> int:
    if arguments[:1] == ["help"] or (verb is STUDIO and {"-h", "--help"} & set(arguments)):
        print(usage())
        return 0
    if verb is STUDIO and "--version" in arguments:
        print(f"tastemaker {installed_version()}")
        return 0
    if verb is None:
        near = "".join(f"did you mean {name!r}? " for name in get_close_matches(arguments[0], VERBS, n=1))
        print(f"tastemaker: unknown command {arguments[0]!r} ({near}tastemaker --help lists them)", file=sys.stderr)
        return 2
    if verb is STUDIO and (problem := _qt_problem()):
        print(f"tastemaker: {problem}", file=sys.stderr)
        return 2
    module, _, function = verb.entry.partition(":")
    entry: Callable[[list[str]], int] = getattr(import_module(module), function)
    return entry(arguments[verb.drops :])


def _qt_problem() -> str | None:
    """Why Qt could not start, found out before it is asked, since it would end the process; None if nothing is known against it."""
    from studio import display, qt_libraries

    folder = qt_libraries.qt_folder()
    if display.no_display_reason() is not None:
        return None  # the studio says so itself, and without a display nothing else matters
    if folder is None:
        return "the window needs PySide6, which is not installed (tastemaker --help lists the commands that do without)"
    lacking = qt_libraries.missing(folder)
    return qt_libraries.advice(lacking) if lacking else None


def installed_version() -> str:
    """The version of the installed distribution, or of the checkout when it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        found: str = import_module(
            "gan"
        ).__version__  # by name: the window's half imports nothing of the library
        return found


if __name__ == "__main__":
    sys.exit(main())
