"""Progress for commands: a line that is rewritten on a terminal, or an occasional line in a log."""

import codecs
import io
import os
import shutil
import sys
import time
from types import TracebackType
from typing import Self, TextIO

_TERMINAL_SECONDS = 0.1  # between two redraws: more often cannot be read, and a remote terminal is slow
_LOG_SECONDS = 60.0
_BAR = 24  # characters


def open_streams() -> None:
    """Replace missing standard output or error (`>&-`, a service, pythonw) by the null device, and let output take any text.

    The work is done when its result is printed: a name that the terminal's encoding lacks must not make it fail. Bytes of a file name that
    are no text are printed as they are, so that a script can use them; any other character is escaped, as on standard error.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    codecs.register_error("tastemaker", _encoded)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="tastemaker")


def _encoded(error: UnicodeError) -> tuple[str | bytes, int]:
    try:
        return codecs.lookup_error("surrogateescape")(error)
    except UnicodeError:
        return codecs.lookup_error("backslashreplace")(error)


def duration(seconds: float) -> str:
    """A duration in short form: "8 s", "12 min", "3 h 05 min"; "?" if it is negative, NaN or absurdly long."""
    if not 0 <= seconds < 1e8:
        return "?"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


class Progress:
    """A progress line on standard error. It may be called often; it limits the rate of its output itself.

    >>> with Progress() as progress:
    ...     progress(0.5, "drawing image 8 of 16")
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.on_terminal = self.stream.isatty() and os.environ.get("TERM") != "dumb"
        self.started = time.monotonic()
        self._shown = float("-inf") if self.on_terminal else self.started  # a short command leaves a log clean
        self._width = 0

    def __call__(self, fraction: float, text: str, seconds_left: float | None = None) -> None:
        """Show a fraction in [0, 1], a short text and, if known, the remaining time in seconds."""
        now = time.monotonic()
        finished = self.on_terminal and fraction >= 1.0
        if now - self._shown < (_TERMINAL_SECONDS if self.on_terminal else _LOG_SECONDS) and not finished:
            return
        self._shown = now
        fraction = min(max(fraction, 0.0), 1.0)
        left = "" if seconds_left is None else f", {duration(seconds_left)} left"
        if not self.on_terminal:
            self._write(f"{fraction:4.0%} {text}{left}\n")
            return
        done = round(fraction * _BAR)
        line = f"{fraction:4.0%} [{'#' * done}{'.' * (_BAR - done)}] {text}{left}"
        line = line[: shutil.get_terminal_size().columns - 1]  # a wrapped line cannot be overwritten
        self._write("\r" + line.ljust(self._width))
        self._width = len(line)

    def clear(self) -> None:
        """Erase the line, so that a result or an error starts on an empty one."""
        if self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
