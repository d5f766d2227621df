"""Messages between the window and the process that reads foreign generators, in addition to `studio.worker.messages`."""

from __future__ import annotations

from dataclasses import dataclass

from studio.worker.pixels import FrameRef

# -- window -> process -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Read a file that may hold a generator. Answered by `FileRead`, or `Failed`."""

    number: int  # repeated in the answers, of which only those to the latest matter
    file: str
    choices: tuple[tuple[str, str], ...] = ()  # answers to questions: key, value


@dataclass(frozen=True, slots=True)
class KeepFile:
    """Write the generator read last. Answered by `FileKept`, or `Failed`."""

    number: int
    folder: str  # the bundle to write


# -- process -> window -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question."""

    value: str
    label: str
    evidence: str  # why it is ranked there; may be ""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that cannot be read from the file."""

    key: str
    text: str
    options: tuple[Option, ...]
    value: str  # the answer in use
    settled: bool  # whether the file leaves hardly any doubt


@dataclass(frozen=True, slots=True)
class FileRead:
    """The generator in a file."""

    number: int
    what: str
    notes: tuple[str, ...]
    licence: str | None
    questions: tuple[Question, ...]
    preview: FrameRef  # images of seeds 0, 1, ...


@dataclass(frozen=True, slots=True)
class FileKept:
    """The bundle is complete on disk."""

    number: int
    folder: str


Command = ReadFile | KeepFile
Event = FileRead | FileKept
