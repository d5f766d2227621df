"""Messages between the window and the process that reads foreign generators, besides `studio.worker.messages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.worker.events import FrameRef

# -- window -> process -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReadFile:
    """Read a file that may hold a generator. Answered by `FileRead`, or `Failed`."""

    number: int  # answers carry it: only the newest one's matter
    file: str
    choices: tuple[tuple[str, str], ...] = ()  # answers to questions: key, value


@dataclass(frozen=True, slots=True)
class KeepFile:
    """Write the generator that was read last. Answered by `FileKept`, or `Failed`."""

    number: int
    folder: str  # the bundle to write


# -- process -> window -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question."""

    value: str
    label: str
    evidence: str  # why it is ranked where it is; may be ""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that the file does not say."""

    key: str
    text: str
    options: tuple[Option, ...]
    value: str  # what was taken
    settled: bool  # the file all but answers it


@dataclass(frozen=True, slots=True)
class FileRead:
    """What is in a file."""

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
